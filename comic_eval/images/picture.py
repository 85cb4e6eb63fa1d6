"""What a view asks of the renderer: pictures in words, before a pixel is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from comic_eval.types import Box, Composite, Mark

ShownAs = Literal["page", "crop", "page+crop", "nothing"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a marked page, shown as a picture of its own.

    The renderer's `CropRules` say what is cut out for the box. It then grows as far as it must to hold the frames and
    labels of the marks inside it (those whose box has its centre in the cut), so that a question about "the character
    marked 1" can be answered from the crop: frames run just outside their boxes, labels stand beside them.

    Attributes:
        box: in page pixels.
        noise: seed of random pixels that replace the crop's, at the size at which the crop would be sent; None shows
            the crop.
    """

    box: Box
    noise: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to be drawn: a page of the benchmark with what is drawn on it, or a part of it.

    Attributes:
        image: path relative to the benchmark folder.
        marks: boxes with labels, drawn at the page's full resolution.
        composite: panels lifted out of the page, where the question has them.
        image_size: the size that the benchmark states, which the file must have.
        image_sha256: the digest that the benchmark states, which the file must have.
        cut: what is cut out of the marked page; None shows it whole.
    """

    image: str
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The pictures of one question, in order, and what they are in the words of `Task.prompt`."""

    shown: ShownAs
    pictures: tuple[Picture, ...]
