"""What each view is worth: the paper's Table 4 for one model, with paired tests (read from journals alone)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.paired import cluster_bootstrap_difference, holm, mcnemar_exact, smallest_significant
from comic_eval.analysis.summary import Bootstrap
from comic_eval.run.folder import read_records
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Frozen
from comic_eval.zoom.coords import family_named

BASELINE = "page"
ALPHA = 0.05


class Condition(Frozen):
    """One run of the experiment.

    Attributes:
        run: the name of its folder.
        budgets: the budgets that it stands for: several for ``blind``, which sends nothing.
        left_out: task -> reason -> number of samples that have no such view.
    """

    view: str
    budgets: tuple[int, ...]
    run: str
    planned: int
    done: int
    failed: int
    left_out: dict[str, dict[str, int]]

    @property
    def complete(self) -> bool:
        return self.done == self.planned


class Cell(Frozen):
    """The score of one task under one view and budget; whatever is not correct counts against it.

    Attributes:
        n: finished samples.
        accuracy: correct / n.
        images: mean number of pictures a sample.
        tokens: mean visual tokens a sample: sent pixels by the family's pixels a token.
        comparable: False where the judge's scores must not stand beside an LLM judge's.
    """

    task: str
    title: str
    kind: Literal["choice", "number", "open"]
    view: str
    budget: int
    n: int
    correct: int
    unparsed: int
    failed: int
    unscored: int
    accuracy: float | None
    images: float | None
    tokens: float | None
    chance: float | None
    comparable: bool


class Comparison(Frozen):
    """A view against the page at the same budget, over the samples that both runs finished.

    Attributes:
        n: pairs. Failed, unparsed and unscored answers are wrong ones here as everywhere.
        lost: right with the page, wrong with the view.
        gained: wrong with the page, right with the view.
        difference: accuracy with the view minus accuracy with the page, -1 to 1.
        ci95: of the difference; paired bootstrap clustered by page. None with fewer than two pages.
        p: exact two-sided McNemar test.
        p_holm: the same after Holm's correction over all comparisons of the experiment.
        smallest: the smallest difference that could have been significant with n pairs in this family, were all
            changes in one direction; None if none could.
    """

    task: str
    view: str
    budget: int
    n: int
    lost: int
    gained: int
    difference: float
    ci95: Interval | None
    p: float
    p_holm: float
    smallest: float | None


class Ablation(Frozen):
    """``ablation.json``: one model, the same samples, several views and budgets.

    ``pixels_per_token``: of the model's family, by which `Cell.tokens` are counted.
    """

    name: str
    model: str
    benchmark: str
    revision: str
    split: str
    language: str
    limit: int | None
    judge: str
    baseline: str = BASELINE
    alpha: float = ALPHA
    bootstrap: Bootstrap = Bootstrap()
    pixels_per_token: int
    reads_images: bool
    note: str | None
    conditions: tuple[Condition, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def complete(self) -> bool:
        return all(c.complete for c in self.conditions)

    @property
    def exit_status(self) -> int:
        """0 complete, 3 complete with failed requests, 4 incomplete."""
        if not self.complete:
            return 4
        return 3 if any(c.failed for c in self.conditions) else 0


@dataclass(frozen=True)
class _Run:
    view: str
    budgets: tuple[int, ...]
    manifest: Manifest
    records: Mapping[str, Record]


@dataclass(frozen=True)
class _Pairs:
    task: str
    view: str
    budget: int
    first: list[bool]
    second: list[bool]
    pages: list[str]


def build_ablation(name: str, runs: Sequence[tuple[Path, tuple[int, ...]]]) -> Ablation:
    """Reads the runs of an experiment and compares them.

    Args:
        name: of the experiment.
        runs: run folders, each with the budgets that it stands for, in the order of the tables.

    Raises:
        RunFolderError: a run folder cannot be read.
    """
    read = [_read(folder, budgets) for folder, budgets in runs]
    first = read[0].manifest
    return Ablation(
        name=name,
        model=first.spec.model,
        benchmark=first.spec.benchmark.name,
        revision=first.spec.benchmark.revision,
        split=first.spec.split,
        language=first.spec.language,
        limit=first.spec.limit,
        judge=first.spec.judge,
        pixels_per_token=family_named(first.spec.family).pixels_per_token,
        reads_images=first.adapter.reads_images,
        note=first.adapter.note,
        conditions=tuple(_condition(run) for run in read),
        cells=tuple(cell for run in read for budget in run.budgets for cell in _cells(run, budget)),
        comparisons=_compare(read),
    )


def _read(folder: Path, budgets: tuple[int, ...]) -> _Run:
    manifest = read_manifest(folder)
    return _Run(manifest.spec.view, budgets, manifest, {r.sample_id: r for r in read_records(folder)})


def _condition(run: _Run) -> Condition:
    return Condition(
        view=run.view,
        budgets=run.budgets,
        run=run.manifest.name,
        planned=run.manifest.planned,
        done=len(run.records),
        failed=sum(not r.answered for r in run.records.values()),
        left_out=run.manifest.left_out,
    )


def _cells(run: _Run, budget: int) -> list[Cell]:
    cells = []
    family = family_named(run.manifest.spec.family)
    for task, plan in run.manifest.tasks.items():
        records = [r for r in run.records.values() if r.task == task]
        count = Counter(r.status for r in records)
        correct = sum(map(_right, records))
        pixels = [sum(i.w * i.h for i in r.images) for r in records]
        cells.append(
            Cell(
                task=task,
                title=plan.title,
                kind=plan.kind,
                view=run.view,
                budget=budget,
                n=len(records),
                correct=correct,
                unparsed=count["unparsed"],
                failed=count["failed"],
                unscored=count["unscored"],
                accuracy=correct / len(records) if records else None,
                images=fmean(len(r.images) for r in records) if records else None,
                tokens=fmean(pixels) / family.pixels_per_token if records else None,
                chance=plan.chance,
                comparable=plan.kind != "open" or run.manifest.judge.comparable,
            )
        )
    return cells


def _right(record: Record) -> bool:
    return record.status == "scored" and record.score == 1.0


def _compare(runs: Sequence[_Run]) -> tuple[Comparison, ...]:
    found = []
    for baseline in runs:
        if baseline.view != BASELINE:
            continue
        for budget in baseline.budgets:
            for run in runs:
                if run.view != BASELINE and budget in run.budgets:
                    found += _pairs(baseline, run, budget)
    ps = [mcnemar_exact(*_changes(pairs)) for pairs in found]
    adjusted = holm(ps)
    # Holm's first step, the one that any test of the family may have to take.
    alpha = ALPHA / max(1, len(found))
    return tuple(_comparison(pairs, p, q, alpha) for pairs, p, q in zip(found, ps, adjusted, strict=True))


def _pairs(baseline: _Run, run: _Run, budget: int) -> list[_Pairs]:
    found = []
    for task in run.manifest.tasks:
        ids = sorted(i for i, r in run.records.items() if r.task == task and i in baseline.records)
        if ids:
            first = [_right(baseline.records[i]) for i in ids]
            second = [_right(run.records[i]) for i in ids]
            found.append(_Pairs(task, run.view, budget, first, second, [run.records[i].page for i in ids]))
    return found


def _changes(pairs: _Pairs) -> tuple[int, int]:
    """How many samples the view lost and gained."""
    both = list(zip(pairs.first, pairs.second, strict=True))
    return both.count((True, False)), both.count((False, True))


def _comparison(pairs: _Pairs, p: float, p_holm: float, alpha: float) -> Comparison:
    n = len(pairs.first)
    lost, gained = _changes(pairs)
    least = smallest_significant(n, alpha)
    return Comparison(
        task=pairs.task,
        view=pairs.view,
        budget=pairs.budget,
        n=n,
        lost=lost,
        gained=gained,
        difference=(gained - lost) / n,
        ci95=cluster_bootstrap_difference(pairs.first, pairs.second, pairs.pages),
        p=p,
        p_holm=p_holm,
        smallest=least / n if least is not None else None,
    )
