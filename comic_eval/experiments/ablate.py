"""`ablate`: one model, the same samples, several views and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.analysis.ablation import BASELINE, Ablation, build_ablation
from comic_eval.benchmark import load_benchmark
from comic_eval.contracts import Adapter, Judge
from comic_eval.errors import UserError
from comic_eval.experiments.series import DEFAULT_BUDGETS, Announce, Carry, chosen_budgets, run_series, write_result
from comic_eval.experiments.shared_adapter import SharedAdapter
from comic_eval.images.views import VIEWS, get_view
from comic_eval.run.blocking import blocking
from comic_eval.run.files import digest, safe_name
from comic_eval.run.folder import run_folder
from comic_eval.run.prepare import Prepared, open_adapter, prepare
from comic_eval.run.progress import Display
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import Frozen, Language, SamplingParams
from comic_eval.zoom.crop import CropRules

FILE_NAME = "ablation.json"
DEFAULT_VIEWS = tuple(name for name in VIEWS if name not in ("page+noise", "page+other-panel"))


class Step(Frozen):
    """One run of the experiment: its folder's name and the budgets that it stands for."""

    run: str
    view: str
    budgets: tuple[int, ...]


@dataclass(frozen=True)
class Planned:
    """An experiment that is checked and planned; nothing is on disk yet and no request was sent."""

    name: str
    adapter: SharedAdapter
    runs: tuple[tuple[Step, Prepared], ...]


class AblateResult:
    """What an experiment came to.

    Attributes:
        ablation: scores and comparisons; what ``ablation.json`` holds.
        path: of that file.
        exit_status: 0 complete, 3 complete with failed requests, 4 incomplete.
        stopped: why it ended early; None if it did not.
    """

    def __init__(self, ablation: Ablation, path: Path, stopped: str | None) -> None:
        self.ablation = ablation
        self.path = path
        self.stopped = stopped
        self.exit_status = 4 if stopped else ablation.exit_status

    def __repr__(self) -> str:
        return f"AblateResult({str(self.path)!r}, {len(self.ablation.conditions)} runs, status {self.exit_status})"


async def ablate_async(
    *,
    model: str | Adapter,
    views: Sequence[str] = DEFAULT_VIEWS,
    budgets: Sequence[int] = DEFAULT_BUDGETS,
    benchmark: str | Path = "pepper-carrot",
    split: str = "test",
    tasks: Sequence[str] | None = None,
    language: Language = "en",
    limit: int | None = None,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    params: SamplingParams | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    judge: str | Judge = "reference",
    seed: int = 0,
    crop: CropRules | None = None,
    family: str | None = None,
    operation: Operation | None = None,
    prices: Prices | None = None,
    display: Display = "none",
    arguments: Mapping[str, Any] | None = None,
    stop: asyncio.Event | None = None,
    announce: Announce = lambda name, number, total: None,
) -> AblateResult:
    """Asks the same samples under every view and budget, one run after the other, and compares them with the page.

    Each view and budget is a run of its own, ``NAME-VIEW-BUDGET`` in ``runs_dir``, with everything that a run has; the
    same call goes on where it stopped. ``blind`` sends nothing, so one run of it stands for all budgets. The model is
    started once. Samples are chosen before views leave any out, so every view asks the same ones as far as it exists.

    Args:
        model: ``provider:name``, or an adapter object.
        views: names; ``page`` must be among them.
        budgets: visual tokens a picture.
        name: of the experiment; by default made of model, benchmark and a digest of everything but views and budgets.
        crop: how oracle crops are cut out.
        stop: ends the run when it is set; the runs that have not begun are left out.
        announce: called with each run's name, its number and the number of all, before it begins.

    The other arguments are those of `evaluate_async`.

    Raises:
        UserError: a mistake in the arguments, an unusable benchmark, a folder that is locked, foreign or another run's,
            a model that cannot be started, or a server that refuses every request.
    """
    planned = plan_ablation(
        model=model,
        views=views,
        budgets=budgets,
        benchmark=benchmark,
        split=split,
        tasks=tasks,
        language=language,
        limit=limit,
        name=name,
        params=params,
        adapter_settings=adapter_settings,
        judge=judge,
        seed=seed,
        crop=crop,
        family=family,
    )
    carry = Carry(
        runs_dir=Path(runs_dir),
        operation=operation or Operation(),
        prices=prices,
        display=display,
        arguments=arguments or {"ablation": planned.name},
        stop=stop,
        announce=announce,
    )
    folder = run_folder(carry.runs_dir, planned.name)
    end = await run_series(folder, [prepared for _, prepared in planned.runs], planned.adapter, carry)
    begun = [(path, step.budgets) for (step, _), path in zip(planned.runs, end.folders, strict=False)]
    ablation = build_ablation(planned.name, begun)
    unwritten = write_result(folder / FILE_NAME, ablation)
    return AblateResult(ablation, folder / FILE_NAME, end.stopped or unwritten)


ablate = blocking(ablate_async)


def plan_ablation(
    *,
    model: str | Adapter,
    views: Sequence[str] = DEFAULT_VIEWS,
    budgets: Sequence[int] = DEFAULT_BUDGETS,
    name: str | None = None,
    params: SamplingParams | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    crop: CropRules | None = None,
    **common: Any,
) -> Planned:
    """Checks and plans every run before anything is sent, so that no mistake shows only after hours.

    The arguments are those of `ablate_async`.

    Raises:
        UserError: a mistake in the arguments, or a view that no sample has.
    """
    chosen = _chosen(views)
    sizes = chosen_budgets(budgets)
    adapter = SharedAdapter(open_adapter(model, adapter_settings or {}))
    given = common | {
        "model": adapter,
        "params": params or SamplingParams(),
        "adapter_settings": {},
        "crop": crop or CropRules(),
    }
    # Read once for all runs.
    given["benchmark"] = load_benchmark(given["benchmark"])
    if name is None:
        name = _default_name(prepare(**given, view=BASELINE, budget=1, name=None), given["crop"])
    run_folder(Path(), name)  # refuses what is no folder's name in the user's own words
    steps = plan_steps(name, chosen, sizes)
    for step in steps:
        run_folder(Path(), step.run)  # refuses a name that is too long or no folder's
    # Without pictures no budget counts; one for all keeps the run of an earlier call with other budgets.
    budget_of = {step.run: DEFAULT_BUDGETS[0] if step.view == "blind" else step.budgets[0] for step in steps}
    runs = [(step, prepare(**given, view=step.view, budget=budget_of[step.run], name=step.run)) for step in steps]
    return Planned(name, adapter, tuple(runs))


def plan_steps(name: str, views: Sequence[str], budgets: Sequence[int]) -> list[Step]:
    """The runs of an experiment, the page's first at each budget."""
    ordered = [BASELINE, *(view for view in views if view not in (BASELINE, "blind"))]
    steps = [
        Step(run=f"{name}-{safe_name(view)}-{budget}", view=view, budgets=(budget,))
        for budget in budgets
        for view in ordered
    ]
    if "blind" in views:
        steps.append(Step(run=f"{name}-blind", view="blind", budgets=tuple(budgets)))
    return steps


def _default_name(prepared: Prepared, crop: CropRules) -> str:
    """A readable name that no experiment with other samples or settings gets."""
    spec = prepared.spec
    parts = spec.model_dump(mode="json", exclude={"view", "budget", "crop"}) | {"crop": crop.model_dump()}
    model, benchmark = safe_name(spec.model)[:50].strip("-."), safe_name(spec.benchmark.name)[:30].strip("-.")
    return f"ablate-{model}-{benchmark}-{digest(parts)[:6]}"


def _chosen(views: Sequence[str]) -> tuple[str, ...]:
    for view in views:
        get_view(view)
    if BASELINE not in views or len(set(views)) < 2:
        others = ", ".join(view for view in VIEWS if view != BASELINE)
        raise UserError(
            f"views {', '.join(views) or 'none'}: name {BASELINE}, with which all are compared, and at least one "
            f"other ({others})"
        )
    return tuple(dict.fromkeys(views))
