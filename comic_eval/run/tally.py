"""Running counts of a run, for the progress display."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from comic_eval.run.record import Outcome
from comic_eval.run.spec import Prices


@dataclass(slots=True)
class TaskTally:
    """Counts of one task: samples planned, finished, right, without a readable answer, failed."""

    planned: int
    done: int = 0
    correct: int = 0
    unparsed: int = 0
    failed: int = 0

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.done if self.done else None


@dataclass(slots=True)
class Tally:
    """Counts of a run. ``before`` samples were finished by earlier starts; rate and time left count from this start.

    ``cost_usd`` is of this start and None where no price is known; so are ``input_tokens`` and ``output_tokens``.
    """

    tasks: dict[str, TaskTally]
    prices: Prices | None = None
    before: int = 0
    done: int = 0
    failed: int = 0
    retries: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    causes: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    @property
    def planned(self) -> int:
        return sum(t.planned for t in self.tasks.values())

    @property
    def rate(self) -> float:
        """Samples a second in this start."""
        return (self.done - self.before) / max(time.monotonic() - self.started, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        return (self.planned - self.done) / self.rate if self.done > self.before else None

    def add_earlier(self, outcome: Outcome) -> None:
        """Counts a sample that an earlier start finished."""
        self._count(outcome)
        self.before += 1

    def add(self, outcome: Outcome) -> None:
        """Counts a sample that was finished now."""
        self._count(outcome)
        self.cached += outcome.cached
        if not outcome.cached:
            self.input_tokens += outcome.usage.get("input_tokens", 0)
            self.output_tokens += outcome.usage.get("output_tokens", 0)
            if self.prices:
                self.cost_usd = (self.cost_usd or 0.0) + self.prices.cost(outcome.usage, batch=outcome.batch)

    def count_retry(self) -> None:
        self.retries += 1

    def _count(self, outcome: Outcome) -> None:
        self.done += 1
        task = self.tasks[outcome.task]
        task.done += 1
        task.correct += outcome.score == 1.0
        task.unparsed += outcome.status == "unparsed"
        if outcome.status == "failed":
            task.failed += 1
            self.failed += 1
            self.causes[outcome.cause or "unknown"] += 1
