"""`evaluate`: the run as a Python call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comic_eval.analysis.summary import Summary
from comic_eval.contracts import Adapter, Judge
from comic_eval.costs.prices import PriceTable, find_prices
from comic_eval.run.blocking import blocking
from comic_eval.run.display import make_progress
from comic_eval.run.folder import read_records
from comic_eval.run.manifest import Manifest
from comic_eval.run.prepare import prepare
from comic_eval.run.progress import Display
from comic_eval.run.record import Record
from comic_eval.run.session import Session, run_session
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import Language, SamplingParams
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.settings import ZoomSettings

if TYPE_CHECKING:
    import pandas as pd


class RunResult:
    """What a run came to.

    Attributes:
        folder: the run folder, with ``manifest.json``, ``journal.jsonl`` and ``summary.json``.
        summary: scores, counts and usage.
        manifest: what was run, and where.
        exit_status: 0 complete, 3 complete with failed requests, 4 incomplete.
        stopped: why the run ended early; None if it did not.
    """

    def __init__(self, session: Session) -> None:
        self.folder = session.folder
        self.summary: Summary = session.summary
        self.manifest: Manifest = session.manifest
        self.exit_status = session.exit_status
        self.stopped = session.stopped

    @cached_property
    def records(self) -> list[Record]:
        """The finished samples, read from the journal when first asked for."""
        return read_records(self.folder)

    def to_pandas(self) -> pd.DataFrame:
        """One row a finished sample; see `Record` for the columns."""
        import pandas as pd

        return pd.DataFrame([record.row() for record in self.records])

    def __repr__(self) -> str:
        summary = self.summary
        return f"RunResult({str(self.folder)!r}, {summary.done}/{summary.planned} samples, status {self.exit_status})"


async def evaluate_async(
    *,
    model: str | Adapter,
    benchmark: str | Path = "pepper-carrot",
    split: str = "test",
    tasks: str | Sequence[str] | None = None,
    view: str = "page",
    budget: int = 16384,
    language: Language = "en",
    limit: int | None = None,
    concurrency: int = 8,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    params: SamplingParams | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    judge: str | Judge = "reference",
    seed: int = 0,
    operation: Operation | None = None,
    prices: Prices | PriceTable | None = None,
    crop: CropRules | None = None,
    zoom: bool | ZoomSettings = False,
    coords: str | CoordSpec | None = None,
    family: str | None = None,
    system: str | None = None,
    repeats: int = 1,
    display: Display = "none",
    arguments: Mapping[str, Any] | None = None,
    stop: asyncio.Event | None = None,
) -> RunResult:
    """Evaluates a model, or goes on with a run where it stopped.

    Args:
        model: ``provider:name``, or an adapter object.
        benchmark: a bundled benchmark's name, or a benchmark folder.
        split: one split of it.
        tasks: names, as a list or separated by commas; None for all.
        view: what the model is shown of a page: ``page``, ``panel``, ... (see `comic_eval.images.views`), or ``blind``
            for nothing. Samples that have no such view are left out; the manifest counts them.
        budget: visual tokens an image may cost; T tokens mean at most 784 T pixels (1,024 T in
            families whose tokens cover 32 x 32).
        limit: number of samples in total, spread evenly over the tasks; the same ones for every model.
        concurrency: samples in work at a time; short for ``operation=Operation(concurrency=...)``.
        name: of the run; by default made of model, benchmark, view and a digest of the specification.
        runs_dir: where run folders lie.
        params: decoding settings; by default temperature 0 and 2,048 tokens.
        adapter_settings: keyword arguments of the adapter, such as ``base_url``.
        judge: of open answers: a name or a judge object.
        seed: of everything random that is ours.
        operation: limits, retries, time limits, cache.
        prices: for the cost of the tokens, or a table of prices to look the model up in; by default what the bundled
            table knows of it.
        crop: how oracle crops are cut out, for views that have some.
        zoom: lets the model zoom. Of `ZoomSettings` only the fields that are set count as stated; the others are those
            that a local checkpoint was trained with, or the defaults, with native tool calls where the model has them.
        coords: how the model writes boxes, such as ``xyxy-1000`` (`comic_eval.run.frames.COORD_NAMES`); by default as
            its family does.
        family: the model's family, where its id does not tell (`comic_eval.run.frames.FAMILY_NAMES`); it decides how
            pictures are resized and, unless ``coords`` does, how boxes are read.
        system: a system prompt; None for none.
        repeats: answers a question; scores are means over them, and pass@k and the majority's vote are shown beside.
            A ``params.seed`` counts on from repeat to repeat.
        display: ``auto`` shows progress on stderr.
        arguments: recorded in the manifest as what the user passed; by default these arguments.
        stop: ends the run when it is set; samples in flight are dropped and asked by the next start.

    Returns:
        The result, also of a run that ended early (see its ``exit_status`` and ``stopped``).

    Raises:
        UserError: a mistake in the arguments, an unusable benchmark, a folder that is locked, foreign or another run's,
            a model that cannot be started, or a server that refuses every request.
    """
    passed = {
        "model": model if isinstance(model, str) else type(model).__name__,
        "benchmark": str(benchmark),
        "split": split,
        "tasks": tasks if tasks is None or isinstance(tasks, str) else list(tasks),
        "view": view,
        "budget": budget,
        "language": language,
        "limit": limit,
        "name": name,
        "runs_dir": str(runs_dir),
        "adapter_settings": {k: repr(v) if not isinstance(v, str) else v for k, v in (adapter_settings or {}).items()},
        "judge": judge if isinstance(judge, str) else type(judge).__name__,
        "seed": seed,
        "crop": crop.model_dump() if crop else None,
        "zoom": zoom.model_dump(exclude_unset=True) if isinstance(zoom, ZoomSettings) else zoom,
        "coords": coords.model_dump() if isinstance(coords, CoordSpec) else coords,
        "family": family,
        "system": system,
        "repeats": repeats,
    }
    prepared = prepare(
        model=model,
        benchmark=benchmark,
        split=split,
        tasks=tasks,
        view=view,
        budget=budget,
        language=language,
        limit=limit,
        params=params or SamplingParams(),
        adapter_settings=adapter_settings or {},
        judge=judge,
        seed=seed,
        name=name,
        crop=crop,
        zoom=zoom,
        coords=coords,
        family=family,
        system=system,
        repeats=repeats,
    )
    session = await run_session(
        prepared,
        runs_dir=Path(runs_dir),
        operation=operation or Operation(concurrency=concurrency),
        prices=prices if isinstance(prices, Prices) else find_prices(prepared.adapter.info, prices),
        arguments=arguments or passed,
        progress=make_progress(display),
        stop=stop or asyncio.Event(),
    )
    return RunResult(session)


evaluate = blocking(evaluate_async)
