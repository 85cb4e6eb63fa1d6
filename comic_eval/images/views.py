"""Views: what a model is shown of a page. Each is one small function in `VIEWS`.

A view says which pictures a question needs, in the order in which they are sent, and draws nothing itself, so that the
renderer can look into its caches before it touches a pixel. The budget holds for each picture: under 1,024 visual
tokens ``page+panel`` sends a page of at most 1,024 tokens and as many crops of at most 1,024 each, as a zoom episode
would; what was really sent stands in the journal.

=====================  =============================================================================================
page                   the whole page with its marks
panel                  the oracle crop: one picture a target region, in mark order; Counting: every panel of the page
character              one picture a marked character (Action Recognition and Character Identification)
page+panel             the page, then the oracle crop
noise                  random pixels in place of the oracle crop, as many pictures of the same sizes
other-panel            a wrong panel of the page, of similar size, in place of each oracle crop
page+noise             ``page+panel`` with the crop alone replaced by noise
page+other-panel       ``page+panel`` with the crop alone replaced by wrong panels
blind                  nothing
=====================  =============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from comic_eval.errors import UserError
from comic_eval.images.not_applicable import NotApplicableError, Reason
from comic_eval.images.oracle import characters, noise, other_panels, targets
from comic_eval.images.picture import Cut, Picture, ShownAs, View
from comic_eval.types import Question, Sample

__all__ = [
    "VIEWS",
    "Cut",
    "NotApplicableError",
    "Picture",
    "ShownAs",
    "View",
    "get_view",
    "needs_regions",
    "why_not",
]

_Crops = Callable[[Sample], tuple[Cut, ...]]


def page(question: Sample | Question) -> View:
    """The whole page with the question's marks or composite."""
    return View("page", (_picture(question),))


def blind(question: Sample | Question) -> View:
    """No picture: what the question's wording alone gives away."""
    return View("nothing", ())


def _picture(question: Sample | Question, cut: Cut | None = None) -> Picture:
    return Picture(
        image=question.image,
        marks=question.marks,
        composite=question.composite,
        image_size=question.image_size,
        image_sha256=question.image_sha256,
        cut=cut,
    )


def _of_crops(crops: _Crops, *, with_page: bool = False) -> Callable[[Sample | Question], View]:
    def view(question: Sample | Question) -> View:
        if not isinstance(question, Sample):
            raise TypeError("this view needs a Sample: a Question does not know its regions")
        pictures = tuple(_picture(question, cut) for cut in crops(question))
        return View("page+crop", (_picture(question), *pictures)) if with_page else View("crop", pictures)

    return view


_CROPS: Mapping[str, Callable[[Sample | Question], View]] = {
    "panel": _of_crops(targets),
    "character": _of_crops(characters),
    "page+panel": _of_crops(targets, with_page=True),
    "noise": _of_crops(noise),
    "other-panel": _of_crops(other_panels),
    "page+noise": _of_crops(noise, with_page=True),
    "page+other-panel": _of_crops(other_panels, with_page=True),
}
VIEWS: Mapping[str, Callable[[Sample | Question], View]] = {"page": page, **_CROPS, "blind": blind}


def get_view(name: str) -> Callable[[Sample | Question], View]:
    """The view called ``name``; it raises `NotApplicableError` for a sample that has no such view.

    Raises:
        UserError: there is no such view.
    """
    if name not in VIEWS:
        raise UserError(f"unknown view {name!r}; known: {', '.join(VIEWS)}")
    return VIEWS[name]


def needs_regions(name: str) -> bool:
    """Whether a view cuts crops, so that crop rules matter and not every sample has it."""
    return name in _CROPS


def why_not(name: str, sample: Sample) -> Reason | None:
    """Why a sample has no such view; None if it has.

    Raises:
        UserError: there is no such view.
    """
    try:
        get_view(name)(sample)
    except NotApplicableError as error:
        return error.reason
    return None
