"""An earlier run with zoom episodes, opened to be probed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.errors import BenchmarkError, RunFolderError
from comic_eval.run.files import digest
from comic_eval.run.folder import read_records, run_folder
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Box, Generation, ToolCall
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.trace import Trace, ZoomCall

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class Earlier:
    """A finished zoom run: manifest, last records and benchmark."""

    folder: Path
    manifest: Manifest
    records: tuple[Record, ...]
    benchmark: Benchmark
    zoom: ZoomSettings
    coords: CoordSpec

    @property
    def arguments(self) -> dict[str, Any]:
        """What its last start was called with."""
        return self.manifest.starts[-1].arguments

    @property
    def judge(self) -> str:
        """The name of its judge."""
        return str(self.arguments.get("judge") or self.manifest.judge.id)


def open_zoom_run(runs_dir: Path, name: str, benchmark: str | Path | None = None) -> Earlier:
    """Opens the run called ``name``; of several answers to a question the first counts.

    Args:
        benchmark: where its benchmark lies now; by default where it lay.

    Raises:
        RunFolderError: there is no such run, or it has no episodes of its own.
        BenchmarkError: the benchmark cannot be read, or is not the one that the run asked.
    """
    folder = run_folder(runs_dir, name)
    manifest = read_manifest(folder)
    spec = manifest.spec
    if spec.zoom is None or spec.coords is None or spec.replay is not None:
        raise RunFolderError(f"{folder}: has no zoom episodes of its own. Give a run that was made with --zoom")
    where = benchmark or str(manifest.starts[-1].arguments.get("benchmark") or spec.benchmark.name)
    data = load_benchmark(where)
    if data.digest != spec.benchmark.digest:
        raise BenchmarkError(
            f"{where}: is not the benchmark that {name} asked (revision {data.revision}, then "
            f"{spec.benchmark.revision}). Say where that lies with --benchmark"
        )
    records = tuple(r for r in read_records(folder) if r.repeat == 0)
    return Earlier(folder, manifest, records, data, spec.zoom, spec.coords)


def replayed_turns(trace: Trace) -> int:
    """How many assistant turns a probe plays as they are: up to and including the first that got a crop; 0 for none."""
    return next((call.turn + 1 for call in trace.calls if call.executed is not None), 0)


def prefix(trace: Trace, coords: CoordSpec, sent_size: tuple[int, int]) -> tuple[Generation, ...]:
    """The turns that a probe plays as they are, for a page that is sent at ``sent_size``.

    Families that write pixels of the sent picture would name other regions on a page of another size; there the numbers
    of calls on the page are rewritten. Nothing else is changed.
    """
    scale = (sent_size[0] / trace.sent_size[0], sent_size[1] / trace.sent_size[1])
    fixed = coords.scale is not None or coords.frame == "page" or scale == (1, 1)
    generations = []
    for number, turn in enumerate(trace.turns[: replayed_turns(trace)]):
        text, calls = turn.text, turn.tool_calls
        if not fixed:
            made = [c for c in trace.calls if c.turn == number and c.img_idx == 0 and c.values is not None]
            text, calls = _moved(text, calls, made, scale, coords)
        generations.append(
            Generation(text=text, reasoning=turn.reasoning, finish_reason=turn.finish_reason, tool_calls=calls)
        )
    return tuple(generations)


def _moved(
    text: str, calls: tuple[ToolCall, ...], made: Sequence[ZoomCall], scale: tuple[float, float], coords: CoordSpec
) -> tuple[str, tuple[ToolCall, ...]]:
    """The calls of one turn with the numbers that name the same regions on a page of another size."""
    new = {c.values: _scaled(c.values, scale, coords) for c in made if c.values is not None}
    moved = tuple(c.model_copy(update={"arguments": _rewritten(c.arguments, new)}) for c in calls)
    if calls:
        return text, moved
    pieces = text.split(_OPEN)
    for i, piece in enumerate(pieces[1:], 1):
        body, closed, rest = piece.partition(_CLOSE)
        pieces[i] = _rewritten(body, new) + closed + rest
    return _OPEN.join(pieces), calls


def _scaled(values: Sequence[float], scale: tuple[float, float], coords: CoordSpec) -> list[float]:
    factors = (*scale, *scale) if coords.order == "xyxy" else (scale[1], scale[0]) * 2
    numbers = [round(v * f, coords.decimals) for v, f in zip(values, factors, strict=True)]
    return [int(v) if v == int(v) else v for v in numbers]


def _rewritten(text: str, new: Mapping[tuple[float, float, float, float], list[float]]) -> str:
    """A call's JSON with its box replaced; the text itself where it holds no such box."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    arguments = data.get("arguments", data) if isinstance(data, dict) else None
    box = arguments.get("bbox_2d") if isinstance(arguments, dict) else None
    if not isinstance(box, list) or not isinstance(arguments, dict):
        return text
    flat = box[0] if len(box) == 1 and isinstance(box[0], list) else box
    found = next((v for k, v in new.items() if list(k) == flat), None)
    if found is None or arguments.get("img_idx", 0) != 0:
        return text
    arguments["bbox_2d"] = found
    return json.dumps(data, ensure_ascii=False)


def crops_of(trace: Trace) -> tuple[Box, ...]:
    """The regions that the model was shown, in order, each once."""
    return tuple(dict.fromkeys(c.executed for c in trace.calls if c.executed is not None))


def content_digest(content: Mapping[str, Sequence[Any]]) -> str:
    """sha256 over what a probe takes from each sample."""
    return digest({key: [item.model_dump(mode="json") for item in items] for key, items in content.items()})
