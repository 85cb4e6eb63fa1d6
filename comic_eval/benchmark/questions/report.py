"""What a generation came to: questions by filter, requests by step, failures by cause. Derived, can be rebuilt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from comic_eval.benchmark.questions.asking import STEPS
from comic_eval.benchmark.questions.filters import FILTERS, Filter
from comic_eval.benchmark.questions.job import Accepted, Outcome
from comic_eval.run.record import Record
from comic_eval.types import Frozen, Usage


class FilterCount(Frozen):
    """One filter: how many proposals reached it, and what it did. ``pass_rate`` is None where none reached it."""

    name: str
    meaning: str
    reached: int
    rejected: int
    pass_rate: float | None


class StepCount(Frozen):
    """Requests of one step: those answered (``unusable`` of them could not be read), and those failed for good."""

    answered: int
    unusable: int
    failed: int


class Report(Frozen):
    """Numbers of a generation over all its starts.

    Attributes:
        pages: pages that got or will get questions; ``pages_left_alone`` carry some already.
        panels: panels to work on; ``panels_without_position`` cannot be named without ambiguity and take no part.
        done, failed: panels that are finished, and those that something failed for (see ``failures``, by cause).
        unreadable: finished panels without questions because no reply of a step could be used, by step.
        proposed: questions that the model wrote, of which ``accepted`` passed all filters.
        guessable: accepted questions that were answered right blind; they get a split of their own.
        usage: tokens by model id as returned.
        complete: whether every panel was worked on.
    """

    generation: str
    complete: bool
    pages: int
    pages_left_alone: int
    panels: int
    panels_without_position: int
    done: int
    failed: int
    unreadable: dict[str, int]
    proposed: int
    accepted: int
    acceptance_rate: float | None
    guessable: int
    guessable_rate: float | None
    filters: tuple[FilterCount, ...]
    steps: dict[str, StepCount]
    failures: dict[str, int]
    usage: dict[str, Usage]

    @property
    def exit_status(self) -> int:
        return 4 if not self.complete else 3 if self.failed else 0


def make_report(
    generation: str,
    outcomes: Sequence[Outcome],
    records: Iterable[Record],
    *,
    final: Sequence[Accepted],
    repeated: int,
    pages: int,
    left_alone: int,
    panels: int,
    without_position: int,
) -> Report:
    """The report over the panels worked on so far.

    Args:
        records: the last journal line of every request.
        final: what was accepted in the end; ``repeated`` questions were dropped as duplicates on their page.
    """
    proposed = sum(o.proposed for o in outcomes)
    rejected = sum((o.rejected for o in outcomes), Counter[Filter]())
    rejected["duplicate_on_page"] += repeated
    failed = [o for o in outcomes if o.failure]
    guessable = sum(a.guessable for a in final)
    return Report(
        generation=generation,
        complete=len(outcomes) == panels,
        pages=pages,
        pages_left_alone=left_alone,
        panels=panels,
        panels_without_position=without_position,
        done=len(outcomes) - len(failed),
        failed=len(failed),
        unreadable=dict(Counter(o.unreadable for o in outcomes if o.unreadable)),
        proposed=proposed,
        accepted=len(final),
        acceptance_rate=len(final) / proposed if proposed else None,
        guessable=guessable,
        guessable_rate=guessable / len(final) if final else None,
        filters=tuple(_filter_counts(proposed, rejected)),
        failures=dict(Counter(o.failure.cause for o in failed if o.failure)),
        **_requests(records),
    )


def _filter_counts(reached: int, rejected: Counter[Filter]) -> Iterable[FilterCount]:
    for name, meaning in FILTERS.items():
        dropped = rejected[name]
        rate = (reached - dropped) / reached if reached else None
        yield FilterCount(name=name, meaning=meaning, reached=reached, rejected=dropped, pass_rate=rate)
        reached -= dropped


def _requests(records: Iterable[Record]) -> dict[str, Any]:
    answered, unusable, failed = Counter[str](), Counter[str](), Counter[str]()
    usage: dict[str, Usage] = {}
    for record in records:
        if record.error is not None:
            failed[record.view] += 1
            continue
        answered[record.view] += 1
        unusable[record.view] += record.status == "unparsed"
        if record.usage:
            model = record.model or "unknown"
            usage[model] = usage.get(model, Usage()) + Usage.model_validate(record.usage)
    steps = {s: StepCount(answered=answered[s], unusable=unusable[s], failed=failed[s]) for s in STEPS}
    return {"steps": steps, "usage": usage}
