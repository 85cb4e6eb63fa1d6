"""`Draft`: a question in the making. Task modules write drafts of one page; `assemble` turns them into samples."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from comic_eval.types import Composite, Frozen, Language, Mark, Region


class Draft(Frozen):
    """A `Sample` without id, split and answer letter.

    The drafts that a page gives in its two languages pair up by ``(task, page, key)``: they must agree in everything
    but text, and list their choices in the same order, so that one shuffle serves both.

    Where the choices are pictures (``composite``) or marks (``marks_are_choices``), the texts of ``correct`` and
    ``wrong`` merely name the places ("panel A", "panel B"). The assembly draws the letter of the right answer, puts the
    boxes into that order, letters the marks A, B, ... and lists the texts in alphabetical order.

    Attributes:
        task: name of the task plugin.
        page: the page's id.
        language: the language of the texts.
        key: identifies the question on its page in every language (``c4``, ``p3-c4-c7``); stable, and says nothing
            about the answer, because it becomes part of the sample's id.
        question: as in `Sample`.
        position: as in `Sample` (Panel Understanding only).
        correct: the text of the right choice, the number as a string, or the reference answer.
        wrong: the texts of the wrong choices; empty where there are no choices.
        facts: as in `Sample`.
        regions: as in `Sample`; targets in mark order.
        marks: as in `Sample`.
        composite: Panel Reordering only: the right candidate first, the wrong ones in the order of ``wrong``.
        marks_are_choices: Depth Comparison: ``marks`` holds the right one first, then one for each of ``wrong``.
        stratum: right letters are also balanced within the drafts of one stratum ("same", "different").
        guessable: answered right from its wording alone; kept out of the scored splits.
        metadata: kept with the sample. Must not tell more than a scorer or an analysis may know.
    """

    task: str = Field(min_length=1)
    page: str = Field(min_length=1)
    language: Language
    key: str = Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9-]*$")
    question: str = Field(min_length=1)
    position: str | None = None
    correct: str = Field(min_length=1)
    wrong: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    marks_are_choices: bool = False
    stratum: str = ""
    guessable: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _choices_are_distinct(self) -> Self:
        if len({self.correct, *self.wrong}) != 1 + len(self.wrong):
            raise ValueError(f"draft {self.page} {self.key}: two choices have the same text")
        if self.composite is not None and len(self.composite.candidates) != 1 + len(self.wrong):
            raise ValueError(f"draft {self.page} {self.key}: one candidate box a choice")
        if self.marks_are_choices and len(self.marks) != 1 + len(self.wrong):
            raise ValueError(f"draft {self.page} {self.key}: one mark a choice")
        return self

    @property
    def pair(self) -> tuple[str, str, str]:
        """What the drafts of one question in its languages have in common."""
        return self.task, self.page, self.key
