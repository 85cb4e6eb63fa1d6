"""Resolves what the user asked for into a run that can start: benchmark, adapter, judge, plan, specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.contracts import Adapter, Judge, Task
from comic_eval.errors import PluginError, UserError
from comic_eval.images.renderer import Renderer
from comic_eval.images.views import get_view
from comic_eval.plugins import create_adapter, create_judge, get_task
from comic_eval.run.environment import environment
from comic_eval.run.levels import plan_tasks
from comic_eval.run.manifest import JudgePlan, Manifest, Start
from comic_eval.run.plan import Item, make_plan, prompts_hash, sample_ids_hash
from comic_eval.run.redact import redact_json
from comic_eval.run.spec import BenchmarkRef, Operation, Prices, RunSpec, model_settings
from comic_eval.types import Language, Sample, SamplingParams

# The order of the paper's tables; tasks that it does not know follow by name.
TASK_ORDER = (
    "panel_understanding",
    "action_recognition",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "character_identification",
    "character_counting",
)


@dataclass(frozen=True)
class Prepared:
    """A run that is checked and planned; nothing is on disk yet and no request was sent.

    ``params`` go to the model as they are; the specification holds them without keys.
    """

    spec: RunSpec
    name: str
    benchmark: Benchmark
    adapter: Adapter
    judge: Judge
    tasks: Mapping[str, Task]
    items: Sequence[Item]
    train: tuple[Sample, ...]
    params: SamplingParams


def prepare(
    *,
    model: str | Adapter,
    benchmark: str | Path,
    split: str,
    tasks: Sequence[str] | None,
    view: str,
    budget: int,
    language: Language,
    limit: int | None,
    params: SamplingParams,
    adapter_settings: Mapping[str, Any],
    judge: str | Judge,
    seed: int,
    name: str | None,
) -> Prepared:
    """Loads and checks everything that a run needs.

    Raises:
        UserError: something does not exist, does not fit, or takes no such setting.
    """
    get_view(view)
    if limit is not None and limit < 1:
        raise UserError(f"limit {limit}: give 1 or more, or none for all samples")
    if tasks is not None and not tasks:
        raise UserError("no task is named; leave tasks out to ask all of them")
    adapter = _adapter(model, adapter_settings)
    grader = create_judge(judge) if isinstance(judge, str) else judge
    data = load_benchmark(benchmark)
    samples = data.select(split=split, tasks=tasks, language=language)
    names = sorted({s.task for s in samples}, key=_task_place)
    plugins = {n: get_task(n) for n in names}
    items = make_plan(samples, view=view, budget=budget, limit=limit)
    info = adapter.info
    spec = RunSpec(
        model=info.id,
        model_settings=model_settings(info),
        benchmark=BenchmarkRef(name=data.name, version=data.version, revision=data.revision, digest=data.digest),
        split=split,
        tasks=tuple(names),
        language=language,
        view=view,
        budget=budget,
        limit=limit,
        params=params.model_copy(update={"extra_body": redact_json(params.extra_body)}),
        judge=grader.id,
        seed=seed,
    )
    return Prepared(
        spec=spec,
        name=name or spec.default_name(),
        benchmark=data,
        adapter=adapter,
        judge=grader,
        tasks=plugins,
        items=items,
        train=_train(data, language),
        params=params,
    )


def _adapter(model: str | Adapter, settings: Mapping[str, Any]) -> Adapter:
    if isinstance(model, str):
        return create_adapter(model, **settings)
    if settings:
        raise PluginError("adapter settings go with a model id; an adapter object has its own already")
    return model


def _task_place(name: str) -> tuple[int, str]:
    return (TASK_ORDER.index(name) if name in TASK_ORDER else len(TASK_ORDER)), name


def _train(data: Benchmark, language: Language) -> tuple[Sample, ...]:
    return tuple(s for s in data.samples if s.split == "train" and s.language == language)


def make_manifest(
    prepared: Prepared, *, operation: Operation, prices: Prices | None, arguments: Mapping[str, Any]
) -> Manifest:
    """The manifest of a run as this start would write it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    spec = prepared.spec
    start = Start(time=now, arguments=redact_json(dict(arguments)), operation=operation, environment=environment())
    info = prepared.adapter.info
    return Manifest(
        name=prepared.name,
        created=now,
        spec=spec,
        spec_digest=spec.digest,
        sample_ids_sha256=sample_ids_hash(prepared.items),
        prompts_sha256=prompts_hash(prepared.items, prepared.tasks),
        license=prepared.benchmark.license,
        images=Renderer(prepared.benchmark.folder, budget=spec.budget).settings,
        adapter=info.model_copy(update={"settings": spec.model_settings}),
        judge=JudgePlan(id=prepared.judge.id, comparable=prepared.judge.comparable),
        tasks=plan_tasks(prepared.items, prepared.tasks, prepared.train, spec.seed),
        prices=prices,
        starts=(start,),
    )
