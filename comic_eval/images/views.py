"""Views: what a model is shown of a page. Each is one small function in `VIEWS`.

A view says which pictures a question needs, in the order in which they are sent, and draws nothing itself, so that the
renderer can look into its caches before it touches a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from comic_eval.errors import UserError
from comic_eval.types import Composite, Mark, Question, Sample

ShownAs = Literal["page", "crop", "page+crop", "nothing"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to be drawn: a page of the benchmark with what is drawn on it.

    Attributes:
        image: path relative to the benchmark folder.
        marks: boxes with labels, drawn at the page's full resolution.
        composite: panels lifted out of the page, where the question has them.
        image_size: the size that the benchmark states, which the file must have.
        image_sha256: the digest that the benchmark states, which the file must have.
    """

    image: str
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The pictures of one question, in order, and what they are in the words of `Task.prompt`."""

    shown: ShownAs
    pictures: tuple[Picture, ...]


def page(question: Sample | Question) -> View:
    """The whole page with the question's marks or composite."""
    picture = Picture(
        image=question.image,
        marks=question.marks,
        composite=question.composite,
        image_size=question.image_size,
        image_sha256=question.image_sha256,
    )
    return View("page", (picture,))


def blind(question: Sample | Question) -> View:
    """No picture: what the question's wording alone gives away."""
    return View("nothing", ())


VIEWS: Mapping[str, Callable[[Sample | Question], View]] = {"page": page, "blind": blind}


def get_view(name: str) -> Callable[[Sample | Question], View]:
    """The view called ``name``.

    Raises:
        UserError: there is no such view.
    """
    if name not in VIEWS:
        raise UserError(f"unknown view {name!r}; known: {', '.join(VIEWS)}")
    return VIEWS[name]
