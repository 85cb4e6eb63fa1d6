"""Resolves what the user asked for: pages, panels to work on, models, specification. Nothing is written or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.build.pages import versions
from comic_eval.benchmark.build.positions import Layout
from comic_eval.benchmark.questions.job import TASK, Job
from comic_eval.benchmark.questions.prompts import prompts_sha256
from comic_eval.benchmark.questions.source import Source
from comic_eval.benchmark.questions.spec import GenerationSpec, pages_digest
from comic_eval.contracts import Adapter, AdapterInfo, Judge, Task
from comic_eval.errors import UserError
from comic_eval.plugins import create_adapter, create_judge, get_task
from comic_eval.run.redact import redact_json
from comic_eval.run.spec import model_settings
from comic_eval.types import Frozen, SamplingParams
from comic_eval.zoom.crop import CropRules

JUDGE = "reference"


class Settings(Frozen):
    """What a user may choose; see `GenerationSpec` for what each decides.

    ``limit`` is the number of pages to work on, from the first, and may grow from start to start. ``blind_temperature``
    is that of the attempts without the picture, since several attempts say more than one only if they can differ.
    """

    panel_questions: int = Field(default=3, gt=0, le=20)
    blind_attempts: int = Field(default=3, gt=0)
    read_attempts: int = Field(default=3, gt=0)
    all_pages: bool = False
    response_schema: bool = True
    limit: int | None = Field(default=None, gt=0)
    budget: int = Field(default=4096, gt=0)
    crop: CropRules = CropRules()
    params: SamplingParams = SamplingParams()
    blind_temperature: float | None = Field(default=1.0, ge=0)


@dataclass(frozen=True)
class Prepared:
    """A generation that can start.

    Attributes:
        jobs: the panels to work on, in the order of pages and panels.
        pages: number of pages to work on, each counted once for all its languages.
        left_alone: number of pages that carry questions already.
        without_position: number of panels that no phrase names without ambiguity.
    """

    source: Source
    spec: GenerationSpec
    writer: Adapter
    guesser: Adapter
    task: Task
    judge: Judge
    params: SamplingParams
    blind_params: SamplingParams
    jobs: tuple[Job, ...]
    pages: int
    left_alone: int
    without_position: int


def prepare(
    source: Source,
    settings: Settings,
    *,
    model: str | Adapter,
    blind_model: str | Adapter | None,
    adapter_settings: Mapping[str, Any],
    blind_settings: Mapping[str, Any],
) -> Prepared:
    """Makes the models and plans the panels.

    Raises:
        UserError: a model does not exist or cannot see, or there is nothing to do.
    """
    pages = source.pages
    writer = _adapter(model, adapter_settings)
    if blind_model is None and blind_settings:
        raise UserError("--blind-setting goes with --blind-model; without one the writing model answers blind too")
    guesser = writer if blind_model is None else _adapter(blind_model, blind_settings)
    _check_sees(writer.info)
    by_page = versions(pages)
    order = {page_id: place for place, page_id in enumerate(dict.fromkeys(page.id for page in pages))}
    by_page.sort(key=lambda group: order[group[0].id])
    bare = [group for group in by_page if settings.all_pages or not any(page.questions for page in group)]
    if not bare:
        raise UserError(
            f"{source.folder}: all {len(by_page)} pages carry questions, which are left alone. Give --all to add more"
        )
    chosen = bare[: settings.limit]
    jobs = [Job(tuple(group), p, Layout(group[0].panels).positions(p)) for group in chosen for p in _panels(group)]
    named = tuple(job for job in jobs if job.positions)
    judge = create_judge(JUDGE)
    blind_params = settings.params.model_copy(update={"temperature": settings.blind_temperature})
    spec = GenerationSpec(
        pages_digest=pages_digest(pages),
        model=writer.info.id,
        model_settings=model_settings(writer.info),
        family=writer.info.family,
        blind_model=guesser.info.id,
        blind_settings=model_settings(guesser.info),
        judge=judge.id,
        panel_questions=settings.panel_questions,
        blind_attempts=settings.blind_attempts,
        read_attempts=settings.read_attempts,
        all_pages=settings.all_pages,
        response_schema=settings.response_schema,
        budget=settings.budget,
        crop=settings.crop,
        params=_without_keys(settings.params),
        blind_params=_without_keys(blind_params),
        prompts_sha256=prompts_sha256(),
    )
    return Prepared(
        source=source,
        spec=spec,
        writer=writer,
        guesser=guesser,
        task=get_task(TASK),
        judge=judge,
        params=settings.params,
        blind_params=blind_params,
        jobs=named,
        pages=len(chosen),
        left_alone=len(by_page) - len(bare),
        without_position=len(jobs) - len(named),
    )


def _adapter(model: str | Adapter, settings: Mapping[str, Any]) -> Adapter:
    if isinstance(model, str):
        return create_adapter(model, **settings)
    if settings:
        raise UserError("adapter settings go with a model id; an adapter object has its own already")
    return model


def _check_sees(info: AdapterInfo) -> None:
    if not (info.needs_images and info.reads_images):
        raise UserError(f"{info.id} sees no pictures, so it cannot write questions about them: give a model that does")


def _panels(group: Sequence[Page]) -> list[Panel]:
    return sorted(group[0].panels, key=lambda panel: panel.order)


def _without_keys(params: SamplingParams) -> SamplingParams:
    return params.model_copy(update={"extra_body": redact_json(params.extra_body)})
