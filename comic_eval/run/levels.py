"""What the planned samples give away without a look at the drawing: chance, and the geometry of the boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comic_eval.benchmark.geometry import GeometryBaseline
from comic_eval.contracts import Task
from comic_eval.run.manifest import TaskPlan
from comic_eval.run.plan import Item
from comic_eval.types import Extraction, Sample


def plan_tasks(
    items: Sequence[Item], tasks: Mapping[str, Task], train: Sequence[Sample], seed: int
) -> dict[str, TaskPlan]:
    """Counts and levels of each task over exactly the samples of a plan."""
    baseline = GeometryBaseline.fit(train, seed) if train else None
    plans: dict[str, TaskPlan] = {}
    for name, task in tasks.items():
        samples = [i.sample for i in items if i.sample.task == name]
        if not samples:
            continue
        plans[name] = TaskPlan(
            title=task.info.title,
            kind=task.info.kind,
            metric=task.info.metric,
            planned=len(samples),
            pages=len({s.page for s in samples}),
            chance=_chance(samples, task),
            geometry=_geometry(samples, task, baseline) if baseline else None,
        )
    return plans


def _chance(samples: Sequence[Sample], task: Task) -> float | None:
    levels = [task.chance(s) for s in samples]
    known = [level for level in levels if level is not None]
    return sum(known) / len(known) if len(known) == len(levels) else None


def _geometry(samples: Sequence[Sample], task: Task, baseline: GeometryBaseline) -> float | None:
    if task.info.kind == "open":
        return None
    answers = [baseline.answer(s.to_question()) for s in samples]
    if not any(answers):
        return None
    scores = [task.score(Extraction(value=a), s).value for a, s in zip(answers, samples, strict=True) if a]
    return sum(score or 0.0 for score in scores) / len(samples)
