"""Resolves what the user asked for into a run that can start: benchmark, adapter, judge, plan, specification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.contracts import Adapter, AdapterInfo, Judge, Task
from comic_eval.errors import PluginError, UserError
from comic_eval.images.renderer import DEFAULT_MEMORY_BYTES, Renderer
from comic_eval.images.views import get_view, needs_regions
from comic_eval.judging.guard import check_judge, judge_plan
from comic_eval.plugins import create_adapter, create_judge, get_task
from comic_eval.run.applicable import LeftOut, leave_out
from comic_eval.run.environment import environment
from comic_eval.run.extra_body import check_extra_body
from comic_eval.run.files import digest
from comic_eval.run.frames import Frames, resolve
from comic_eval.run.levels import plan_tasks
from comic_eval.run.manifest import Manifest, Start
from comic_eval.run.plan import CROPS, Item, make_plan, prompts_hash, sample_ids_hash, with_repeats
from comic_eval.run.redact import redact_json
from comic_eval.run.scoring import scoring_digest
from comic_eval.run.spec import BenchmarkRef, Operation, Prices, Replay, RunSpec, model_settings
from comic_eval.run.zooming import Zooming, tool_words
from comic_eval.types import Box, Generation, Language, Sample, SamplingParams
from comic_eval.zoom.coords import UNKNOWN, CoordSpec
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.settings import ZoomSettings

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
class Probe:
    """A run over the samples of an earlier one that takes something from it.

    Attributes:
        prefixes: sample id -> the earlier run's assistant turns, which are played as they are.
        crops: sample id -> the boxes that are shown instead of the page; with a source of ``crops`` only.
    """

    replay: Replay
    prefixes: Mapping[str, tuple[Generation, ...]] = field(default_factory=dict)
    crops: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)

    @property
    def samples(self) -> frozenset[str]:
        """Ids of the samples that are asked."""
        return frozenset(self.prefixes or self.crops)


@dataclass(frozen=True)
class Prepared:
    """A run that is checked and planned; nothing is on disk yet and no request was sent.

    ``params`` go to the model as they are; the specification holds them without keys. ``left_out`` counts the chosen
    samples that have no such view.
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
    left_out: LeftOut
    frames: Frames
    probe: Probe | None = None

    def renderer(self, cache_dir: Path | None = None, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> Renderer:
        """What draws this run's pictures."""
        return Renderer(
            self.benchmark.folder,
            budget=self.spec.budget,
            cache_dir=cache_dir,
            memory_bytes=memory_bytes,
            resize=self.frames.resize,
            crop=self.spec.crop,
        )

    @property
    def zooming(self) -> Zooming | None:
        """How its episodes are played; None in a run without zooming."""
        frames = self.frames
        if frames.zoom is None or frames.coords is None:
            return None
        if self.probe is None or self.probe.replay.source == "crops":
            return Zooming(frames.zoom, frames.coords, frames.resize)
        return Zooming(frames.zoom, frames.coords, frames.resize, self.probe.replay.source, self.probe.prefixes)


def prepare(
    *,
    model: str | Adapter,
    benchmark: str | Path | Benchmark,
    split: str,
    tasks: str | Sequence[str] | None,
    view: str,
    budget: int,
    language: Language,
    limit: int | None,
    params: SamplingParams,
    adapter_settings: Mapping[str, Any],
    judge: str | Judge,
    seed: int,
    name: str | None,
    crop: CropRules | None = None,
    zoom: bool | ZoomSettings = False,
    coords: str | CoordSpec | None = None,
    family: str | None = None,
    system: str | None = None,
    repeats: int = 1,
    only: Collection[str] | None = None,
    probe: Probe | None = None,
) -> Prepared:
    """Loads and checks everything that a run needs.

    Samples are chosen before those without such a view are left out, so that runs with one limit and different views
    ask the same samples as far as they can.

    Args:
        only: ids of the samples to ask; None for all.
        probe: what is taken from an earlier run; a ``crops`` probe stands in place of the view.

    The others are those of `comic_eval.evaluate`.

    Raises:
        UserError: something does not exist, does not fit, or takes no such setting, or no sample has such a view.
    """
    showing_crops = probe is not None and probe.replay.source == "crops"
    if not showing_crops:
        get_view(view)
    if limit is not None and limit < 1:
        raise UserError(f"limit {limit}: give 1 or more, or none for all samples")
    check_extra_body(params)
    if isinstance(tasks, str):
        tasks = [part.strip() for part in tasks.split(",") if part.strip()]
    if tasks is not None and not tasks:
        raise UserError("no task is named; leave tasks out to ask all of them")
    adapter = open_adapter(model, adapter_settings)
    grader = create_judge(judge) if isinstance(judge, str) else judge
    data = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    samples = data.select(split=split, tasks=tasks, language=language)
    wanted = probe.samples if probe else only
    if wanted is not None:
        samples = tuple(s for s in samples if s.id in wanted)
    plan = make_plan(samples, view=CROPS if showing_crops else view, budget=budget, limit=limit)
    items, left_out = (plan, {}) if showing_crops else leave_out(plan)
    asked = {item.sample.task for item in items}
    names = sorted({s.task for s in samples if s.task in asked or s.task not in left_out}, key=_task_place)
    plugins = {n: get_task(n) for n in names}
    info = adapter.info
    _check_repeats(repeats, params, info)
    check_judge(grader, info)
    frames = resolve(info, zoom=zoom, coords=coords, family=family, view=view, budget=budget)
    spec = RunSpec(
        model=info.id,
        model_settings=model_settings(info),
        benchmark=BenchmarkRef(name=data.name, version=data.version, revision=data.revision, digest=data.digest),
        split=split,
        tasks=tuple(names),
        language=language,
        view=CROPS if showing_crops else view,
        budget=budget,
        limit=limit,
        params=params.model_copy(update={"extra_body": redact_json(params.extra_body)}),
        judge=grader.id,
        seed=seed,
        crop=(crop or CropRules()) if needs_regions(view) and not showing_crops else None,
        family=frames.family.name if frames.family is not UNKNOWN else None,
        coords=frames.coords,
        zoom=frames.zoom,
        replay=probe.replay if probe else None,
        system=system or None,
        repeats=repeats,
    )
    return Prepared(
        spec=spec,
        name=name or spec.default_name(),
        benchmark=data,
        adapter=adapter,
        judge=grader,
        tasks=plugins,
        items=with_repeats(items, repeats),
        train=_train(data, language),
        params=params,
        left_out=left_out,
        frames=frames,
        probe=probe,
    )


def _check_repeats(repeats: int, params: SamplingParams, info: AdapterInfo) -> None:
    if repeats < 1:
        raise UserError(f"repeats {repeats}: give 1 or more answers a question")
    if repeats == 1:
        return
    if info.deterministic:
        raise UserError(f"repeats {repeats}: {info.id} always gives the same answer; ask it once")
    if params.temperature == 0:
        raise UserError(
            f"repeats {repeats}: at temperature 0 all answers to a question are the same but for noise. Give a "
            "--temperature above 0, or --default-temperature"
        )


def open_adapter(model: str | Adapter, settings: Mapping[str, Any]) -> Adapter:
    """The adapter of a model id with these settings, or the adapter object itself.

    Raises:
        PluginError: no such adapter or setting, or settings beside an adapter object.
    """
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
    once = [item for item in prepared.items if item.repeat == 0]
    return Manifest(
        name=prepared.name,
        created=now,
        spec=spec,
        spec_digest=spec.digest,
        sample_ids_sha256=sample_ids_hash(prepared.items),
        prompts_sha256=_prompts(prepared),
        scoring_sha256=scoring_digest(prepared.tasks),
        license=prepared.benchmark.license,
        images=prepared.renderer().settings,
        left_out=prepared.left_out,
        warnings=prepared.frames.warnings,
        adapter=info.model_copy(update={"settings": spec.model_settings}),
        judge=judge_plan(prepared.judge, info, [item.sample for item in once]),
        tasks=plan_tasks(once, prepared.tasks, prepared.train, spec.seed),
        prices=prices,
        starts=(start,),
    )


def _prompts(prepared: Prepared) -> str:
    """The digest of the prompts, with what episodes say of their tool."""
    prompts = prompts_hash(prepared.items, prepared.tasks)
    zooming = prepared.zooming
    return prompts if zooming is None else digest([prompts, tool_words(zooming.settings, zooming.coords)])
