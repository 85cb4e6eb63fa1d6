"""One panel to write questions about, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.build.positions import Position
from comic_eval.benchmark.questions.asking import Step
from comic_eval.benchmark.questions.filters import Filter
from comic_eval.benchmark.questions.proposal import Proposal
from comic_eval.run.record import Failure
from comic_eval.types import Language

TASK = "panel_understanding"


@dataclass(frozen=True)
class Job:
    """One panel to write questions about.

    Attributes:
        versions: its page in each language; questions are written in the first one's and translated into the others'.
        positions: the phrases that locate the panel; never empty.
    """

    versions: tuple[Page, ...]
    panel: Panel
    positions: tuple[Position, ...]

    @property
    def page(self) -> Page:
        return self.versions[0]

    @property
    def key(self) -> str:
        """Unique over pages and panels: neither id may hold a colon."""
        return f"{self.page.id}:{self.panel.id}"

    def phrases(self, language: Language) -> list[str]:
        return [position.text[language] for position in self.positions]

    def known(self) -> list[Proposal]:
        """The questions that the panel has already."""
        return [
            Proposal(question=q.question, answer=q.answer, facts=q.facts or (q.answer,))
            for q in self.page.questions
            if q.panel == self.panel.id
        ]


@dataclass(frozen=True)
class Accepted:
    """A question that passed, in every language of its page.

    Attributes:
        blind_right: language -> how many of the attempts without the picture were right.
        model: the id of the model that wrote it, as returned; ``date`` is the day.
    """

    texts: dict[Language, Proposal]
    blind_right: dict[Language, int]
    guessable: bool
    model: str
    date: str


@dataclass(frozen=True)
class Outcome:
    """What came of a panel: questions, ``unreadable`` (the step whose replies were of no use), or a ``failure``."""

    job: Job
    proposed: int = 0
    rejected: Counter[Filter] = field(default_factory=Counter)
    accepted: tuple[Accepted, ...] = ()
    unreadable: Step | None = None
    failure: Failure | None = None
