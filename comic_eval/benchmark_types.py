"""What a benchmark holds: samples, the places and marks on their pages, and the questions that models are handed.

A `Box` is always in page pixels; other coordinate frames exist only where a model's answer is read.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

CHOICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# An A4 page scanned at 600 dpi has 35 million pixels; more than 50 million is a mistake or an attack.
MAX_PAGE_PIXELS = 50_000_000
Language = Literal["en", "fr"]
Role = Literal["panel", "character", "balloon"]


class Frozen(BaseModel):
    """Base of the value types: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(Frozen):
    """An axis-aligned rectangle in page pixels; x grows to the right, y downwards; x2 and y2 are exclusive.

    On disk it is the list ``[x1, y1, x2, y2]``. Coordinates are finite, ``x1 < x2`` and ``y1 < y2``.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) != 4:
                raise ValueError(f"a box has four numbers [x1, y1, x2, y2], not {len(value)}")
            return dict(zip(("x1", "y1", "x2", "y2"), value, strict=True))
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not all(map(math.isfinite, (self.x1, self.y1, self.x2, self.y2))):
            raise ValueError("box coordinates must be finite")
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError("a box needs x1 < x2 and y1 < y2")
        return self

    @model_serializer
    def as_list(self) -> list[int | float]:
        """``[x1, y1, x2, y2]``, whole numbers as ints so that files stay readable."""
        return [int(v) if v == int(v) else v for v in (self.x1, self.y1, self.x2, self.y2)]

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def intersection(self, other: Box) -> float:
        """The area of the overlap with ``other``, in square pixels."""
        w = min(self.x2, other.x2) - max(self.x1, other.x1)
        h = min(self.y2, other.y2) - max(self.y1, other.y1)
        return w * h if w > 0 and h > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        overlap = self.intersection(other)
        return overlap / (self.area + other.area - overlap)

    def within(self, width: float, height: float) -> bool:
        """Whether the box lies inside a page of ``width`` x ``height`` pixels."""
        return self.x1 >= 0 and self.y1 >= 0 and self.x2 <= width and self.y2 <= height


class Region(Frozen):
    """A labelled place on the page. ``target`` alone decides oracle crops, IoU and the expected number of zooms."""

    box: Box
    role: Role
    label: str | None = None
    target: bool = False


class Mark(Frozen):
    """A box with a letter or number that is drawn on the page when the question is rendered."""

    box: Box
    label: str


class Composite(Frozen):
    """How to lift panels out of a page (Panel Reordering): numbered empty slots, and candidates shown beside the page.

    ``slots`` are blanked and numbered 1, 2, ... in this order; ``candidates`` are cut from the untouched page and shown
    to its right as A, B, ... in this order. All candidates have one common shape. The page itself stays at (0, 0), so
    that boxes in page pixels remain valid in the composite image.
    """

    slots: tuple[Box, ...]
    candidates: tuple[Box, ...]


class Sample(Frozen):
    """One question about one page.

    Attributes:
        id: unique in the benchmark; bilingual samples end in ``-en`` / ``-fr`` and share a ``pair_id``.
        task: name of a task plugin, e.g. ``depth_comparison``.
        split: ``train``, ``val``, ``test``, or a set kept apart such as ``test_guessable``.
        page: the page's id; questions of one page are one cluster in every interval.
        image: path of the page's picture, relative to the benchmark folder, with ``/``.
        image_size: width and height of that picture in pixels.
        image_sha256: digest of the picture's bytes.
        question: the question itself, without choices, marks' explanation or answer format.
        position: Panel Understanding only: the phrase that locates the panel, kept apart because oracle views omit it.
        choices: the texts of the choices, lettered A, B, ... by place; None for counting and open questions.
        answer: a letter, a number as a string, or the reference text of an open question.
        facts: open questions: what a right answer must contain; alternatives inside a fact are separated by " / ".
        regions: labelled places, those with ``target`` being what the question is about.
        marks: what is drawn on the page.
        composite: Panel Reordering only.
        metadata: whatever else the file holds.
    """

    id: str = Field(min_length=1)
    task: str = Field(min_length=1)
    split: str = Field(min_length=1)
    page: str = Field(min_length=1)
    image: str = Field(min_length=1)
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None
    question: str = Field(min_length=1)
    position: str | None = None
    choices: tuple[str, ...] | None = None
    answer: str = Field(min_length=1)
    facts: tuple[str, ...] = ()
    language: Language = "en"
    pair_id: str | None = None
    regions: tuple[Region, ...] = ()
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    source: str | None = None
    license: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def letters(self) -> str:
        """The letters of the choices, ``"ABCD"`` for four; empty where there are none."""
        return CHOICE_LETTERS[: len(self.choices or ())]

    @property
    def targets(self) -> tuple[Box, ...]:
        """The target boxes, in mark order."""
        return tuple(r.box for r in self.regions if r.target)

    def to_question(self) -> Question:
        """What a model may know: the sample without answer, facts and regions (their number alone can tell)."""
        hidden = {"answer", "facts", "regions", "metadata"}
        return Question.model_validate({k: v for k, v in self if k not in hidden})


class Question(Frozen):
    """A `Sample` without anything that gives its answer away; what an adapter is handed. Fields as in `Sample`."""

    id: str
    task: str
    split: str
    page: str
    image: str
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None
    question: str
    position: str | None = None
    choices: tuple[str, ...] | None = None
    language: Language = "en"
    pair_id: str | None = None
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    source: str | None = None
    license: str | None = None

    @property
    def letters(self) -> str:
        return CHOICE_LETTERS[: len(self.choices or ())]
