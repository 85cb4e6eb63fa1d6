"""Page annotations: what a person (or an importer) says about a comic page, before any question is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from comic_eval.types import Box, Frozen, Language


class Panel(Frozen):
    """A panel; ``order`` is its place in reading order, from 1."""

    id: str
    order: int = Field(ge=1)
    box: Box


class Character(Frozen):
    """One appearance of a character, its box clipped at the panel.

    ``identity`` None: cannot tell. ``also``: action labels that a fair reader could accept too; never wrong choices.
    ``depth``: rank in the panel, 1 = nearest, equal ranks = no clear difference, None = unknown.
    """

    id: str
    panel: str
    identity: str | None = None
    box: Box
    action: str | None = None
    also: tuple[str, ...] = ()
    depth: int | None = Field(default=None, ge=0)
    visible: Literal["full", "partial", "head"] | None = None


class Balloon(Frozen):
    """A balloon; ``order`` is its place in reading order over the page, ``panel`` None where it belongs to none."""

    id: str
    order: int | None = None
    panel: str | None = None
    box: Box
    text_box: Box | None = None
    text: str
    speaker: str | None = None
    kind: str | None = None


class OpenQuestion(Frozen):
    """An open question about one panel. ``guessable``: answered right from its wording alone, so kept apart.

    ``author`` says how it was written, e.g. ``AI-assisted`` or ``human``; None: not known. ``metadata`` says it for
    programs: of a question that a model wrote its ``model``, ``family``, ``date`` and ``prompts_sha256``.
    """

    panel: str
    question: str
    answer: str
    facts: tuple[str, ...] = ()
    guessable: bool = False
    author: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class Page(Frozen):
    """One page in one language. ``image`` is an absolute path, ``image_name`` the name it gets in the benchmark."""

    id: str
    language: Language = "en"
    book: str
    split: str
    image: Path
    image_name: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    panels: tuple[Panel, ...]
    characters: tuple[Character, ...] = ()
    balloons: tuple[Balloon, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    text_boxes: tuple[Box, ...] = ()
    source: str | None = None
    license: str | None = None
    attribution: str | None = None
