"""Region sufficiency (ERGO): can a second, frozen model answer from the first model's crops alone?

The second model is shown what the first one's zooms showed (the executed regions, each once, in order), without the
page, and for comparison the page and the oracle crop of the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comic_eval.analysis.sufficiency import Sufficiency, build_sufficiency
from comic_eval.contracts import Adapter, Judge
from comic_eval.errors import UserError
from comic_eval.experiments.earlier import content_digest, crops_of, open_zoom_run
from comic_eval.experiments.series import Carry, run_series, write_result
from comic_eval.experiments.shared_adapter import SharedAdapter
from comic_eval.images.views import why_not
from comic_eval.run.files import safe_name
from comic_eval.run.prepare import Prepared, Probe, open_adapter, prepare
from comic_eval.run.spec import Replay
from comic_eval.types import SamplingParams

FILE_NAME = "sufficiency.json"
DEFAULT_BESIDE = ("page", "panel")


class SufficiencyResult:
    """What a test came to; ``sufficiency`` is what ``sufficiency.json`` holds.

    ``exit_status``: 0 complete, 3 complete with failed requests, 4 incomplete.
    """

    def __init__(self, sufficiency: Sufficiency, path: Path, stopped: str | None) -> None:
        self.sufficiency = sufficiency
        self.path = path
        self.stopped = stopped
        self.exit_status = 4 if stopped or not sufficiency.complete else 3 if sufficiency.failed else 0


async def sufficiency_async(
    run: str,
    *,
    model: str | Adapter,
    carry: Carry,
    beside: Sequence[str] = DEFAULT_BESIDE,
    budget: int | None = None,
    params: SamplingParams | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    benchmark: str | Path | None = None,
    judge: str | Judge | None = None,
) -> SufficiencyResult:
    """Shows the crops of the run called ``run`` to a second model. Each condition is a run of its own.

    Args:
        model: the second model.
        beside: views of the same samples that are asked too; those that no sample has are left out.
        budget: visual tokens a picture; by default that of the run.
        benchmark: where the run's benchmark lies now.

    Raises:
        UserError: no such run, no sample with a crop, or whatever a run may raise.
    """
    earlier = open_zoom_run(carry.runs_dir, run, benchmark)
    spec = earlier.manifest.spec
    crops = {r.sample_id: boxes for r in earlier.records if r.trace and (boxes := crops_of(r.trace))}
    if not crops:
        raise UserError(f"{run}: no episode took a crop, so there is nothing to show")
    adapter = SharedAdapter(open_adapter(model, adapter_settings or {}))
    name = f"{run}-sufficiency-{safe_name(adapter.info.id)[:50].strip('-.')}"
    common: dict[str, Any] = {
        "model": adapter,
        "benchmark": earlier.benchmark,
        "split": spec.split,
        "tasks": spec.tasks,
        "budget": budget or spec.budget,
        "language": spec.language,
        "limit": None,
        "params": params or SamplingParams(),
        "adapter_settings": {},
        "judge": judge or earlier.judge,
        "seed": spec.seed,
    }
    replay = Replay(
        run=earlier.manifest.name,
        run_digest=earlier.manifest.spec_digest,
        content_sha256=content_digest(crops),
        source="crops",
    )
    runs: list[tuple[str, Prepared]] = [
        ("crops", prepare(**common, view="page", name=f"{name}-crops", probe=Probe(replay, crops=crops)))
    ]
    samples = {s.id: s for s in earlier.benchmark.samples}
    runs += [
        (view, prepare(**common, view=view, name=f"{name}-{safe_name(view)}", only=crops.keys()))
        for view in beside
        if any(why_not(view, samples[key]) is None for key in crops)
    ]
    folder = carry.runs_dir / name
    end = await run_series(folder, [prepared for _, prepared in runs], adapter, carry)
    shown = [(view, path) for (view, _), path in zip(runs, end.folders, strict=False)]
    without = sum(r.sample_id not in crops for r in earlier.records)
    result = build_sufficiency(
        run, spec.model, adapter.info.id, shown, len(runs), without, budget or spec.budget, list(spec.tasks)
    )
    unwritten = write_result(folder / FILE_NAME, result)
    return SufficiencyResult(result, folder / FILE_NAME, end.stopped or unwritten)
