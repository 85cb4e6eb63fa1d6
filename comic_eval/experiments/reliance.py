"""Crop reliance (LFPC): does the model use what it sees in its crops?

For every sample whose episode took a crop, the assistant turns up to and including the first that got one are played
again as they are. The crops that those turns get, and all later ones, are the regions asked for (``predicted``), the
targets instead (``ground-truth``) or noise of the same size (``noise``); everything after the first crop is the model's
own new answer. The page is sent at each budget, crops are always cut from the full resolution. ``direct`` asks for the
answer without the tool.

Source: the probe of LFPC ("Crop-reliance", its Table 1 and section 9), with our reading of what is replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comic_eval.analysis.reliance import ARMS, Arm, Reliance, build_reliance
from comic_eval.contracts import Adapter
from comic_eval.errors import UserError
from comic_eval.experiments.earlier import Earlier, content_digest, open_zoom_run, prefix, replayed_turns
from comic_eval.experiments.series import DEFAULT_BUDGETS, Carry, chosen_budgets, run_series, write_result
from comic_eval.experiments.shared_adapter import SharedAdapter
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.prepare import Prepared, Probe, open_adapter, prepare
from comic_eval.run.spec import Replay, differences
from comic_eval.types import Frozen, Generation

FILE_NAME = "reliance.json"


class RelianceResult:
    """What a probe came to.

    Attributes:
        reliance: what ``reliance.json`` holds.
        warnings: where the model is asked in another way than in the run.
        exit_status: 0 complete, 3 complete with failed requests, 4 incomplete.
    """

    def __init__(self, reliance: Reliance, path: Path, warnings: Sequence[str], stopped: str | None) -> None:
        self.reliance = reliance
        self.path = path
        self.warnings = tuple(warnings)
        self.stopped = stopped
        self.exit_status = 4 if stopped or not reliance.complete else 3 if reliance.failed else 0


async def reliance_async(
    run: str,
    *,
    carry: Carry,
    budgets: Sequence[int] = DEFAULT_BUDGETS,
    model: str | Adapter | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    benchmark: str | Path | None = None,
) -> RelianceResult:
    """Probes the run called ``run``. Each arm and budget is a run of its own, ``RUN-reliance-ARM-BUDGET``.

    Args:
        budgets: visual tokens of the page.
        model: the run's model, by default under its own name; an adapter object must have the same id.
        adapter_settings: how it is reached now.
        benchmark: where the run's benchmark lies now.

    Raises:
        UserError: no such run, another model, no sample that can be probed, or whatever a run may raise.
    """
    sizes = chosen_budgets(budgets)
    earlier = open_zoom_run(carry.runs_dir, run, benchmark)
    spec = earlier.manifest.spec
    wanted = spec.model if model is None else model
    made = open_adapter(wanted, adapter_settings or {})
    if made.info.id != spec.model:
        raise UserError(f"{run} was made with {spec.model}: crop reliance needs the same model, not {made.info.id}")
    adapter = SharedAdapter(made)
    left_out = left_out_of(earlier)
    planned = [(arm, budget, plan_arm(earlier, adapter, arm, budget)) for budget in sizes for arm in ARMS]
    then, now = spec.model_settings, planned[0][2].spec.model_settings
    warnings = differences(_Settings(settings=then), _Settings(settings=now))
    folder = carry.runs_dir / f"{run}-reliance"
    end = await run_series(folder, [prepared for _, _, prepared in planned], adapter, carry)
    begun = [(arm, budget, path) for (arm, budget, _), path in zip(planned, end.folders, strict=False)]
    if any(_other_weights(earlier.manifest, read_manifest(path)) for path in end.folders):
        warnings.append(
            f"the server has loaded another model, or the same in another way, than when {run} was made: turns of one "
            "were played to another"
        )
    result = build_reliance(run, spec.model, earlier.records, begun, sizes, left_out, earlier.manifest)
    unwritten = write_result(folder / FILE_NAME, result)
    return RelianceResult(result, folder / FILE_NAME, warnings, end.stopped or unwritten)


def _other_weights(before: Manifest, now: Manifest) -> bool:
    """Whether the server of one run had loaded another model than that of the other, as far as it tells."""
    then, here = ({start.served for start in m.starts if start.served} for m in (before, now))
    return bool(then and here and then != here)


class _Settings(Frozen):
    settings: dict[str, Any]


def left_out_of(earlier: Earlier) -> dict[str, int]:
    """Number of samples that cannot be probed, by reason: ``no_answer``, ``no_target_region``, ``no_crop``."""
    counts: Counter[str] = Counter()
    for record in earlier.records:
        if record.trace is None:
            counts["no_answer"] += 1
        elif not record.trace.targets:
            counts["no_target_region"] += 1
        elif not replayed_turns(record.trace):
            counts["no_crop"] += 1
    return dict(counts)


def plan_arm(earlier: Earlier, adapter: Adapter, arm: Arm, budget: int) -> Prepared:
    """The run of one arm at one budget.

    Raises:
        UserError: no sample of the run can be probed.
    """
    spec = earlier.manifest.spec
    traces = {
        r.sample_id: r.trace for r in earlier.records if r.trace and r.trace.targets and replayed_turns(r.trace) > 0
    }
    if not traces:
        raise UserError(f"{earlier.folder.name}: no episode took a crop of a page with targets: nothing to probe")
    common: dict[str, Any] = {
        "model": adapter,
        "benchmark": earlier.benchmark,
        "split": spec.split,
        "tasks": spec.tasks,
        "view": "page",
        "budget": budget,
        "language": spec.language,
        "limit": None,
        "params": spec.params,
        "adapter_settings": {},
        "judge": earlier.judge,
        "seed": spec.seed,
        "name": f"{earlier.manifest.name}-reliance-{arm}-{budget}",
        "family": spec.family,
        "system": spec.system,
    }
    if arm == "direct":
        return prepare(**common, only=traces.keys())
    # The rule by which this model's pages are resized tells at which size each page will be sent.
    plain = prepare(**common, only=traces.keys(), zoom=earlier.zoom, coords=earlier.coords)
    prefixes: dict[str, tuple[Generation, ...]] = {
        key: prefix(trace, earlier.coords, plain.frames.resize(*trace.page_size, budget))
        for key, trace in traces.items()
    }
    replay = Replay(
        run=earlier.manifest.name,
        run_digest=earlier.manifest.spec_digest,
        content_sha256=content_digest(prefixes),
        source=arm,
    )
    return prepare(**common, zoom=earlier.zoom, coords=earlier.coords, probe=Probe(replay, prefixes=prefixes))
