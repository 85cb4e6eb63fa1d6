"""Writes a report: a folder that needs nothing but itself, put in place whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from comic_eval.errors import RunFolderError
from comic_eval.report.index_page import index_page
from comic_eval.report.pictures import PictureStore
from comic_eval.report.rows import Row, row_of
from comic_eval.report.sample_page import Place, sample_page
from comic_eval.report.shell import STYLE, asset
from comic_eval.report.source import Run, open_run
from comic_eval.report.told import tool_card
from comic_eval.run.files import to_json
from comic_eval.run.record import Record

FORMAT = 1
MARKER = "view.json"
INDEX = "index.html"
SAMPLES = "samples"
# Decoding and encoding release the interpreter's lock; two threads keep both going.
THREADS = 2
BATCH = 64

T = TypeVar("T")


def write_view(
    folder: Path,
    *,
    out: Path | None = None,
    benchmark: str | Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Writes the report of a run and returns the path of its index.

    Memory holds a few pictures and one short row a sample, however long the run is. An earlier report in the same place
    is replaced once the new one is whole.

    Args:
        folder: the run's.
        out: where the report goes; by default ``view`` in the run's folder.
        benchmark: name or folder of the run's benchmark, where it has moved since.
        progress: called now and then with the number of finished pages and of all.

    Raises:
        UserError: the run or its benchmark cannot be read, or ``out`` is something else or cannot be written.
    """
    out = out if out is not None else folder / "view"
    _check_place(out)
    run = open_run(folder, benchmark)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            _write(run, fresh, progress)
            _put_in_place(fresh, out, Path(temporary) / "old")
    except OSError as error:
        raise RunFolderError(
            f"{out}: the report cannot be written ({error.strerror or error}). Free space, or choose another folder "
            "with --out"
        ) from error
    return out / INDEX


def size_of(folder: Path) -> tuple[int, int]:
    """Number of files in a report, and their bytes together."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _check_place(out: Path) -> None:
    """Refuses to replace anything but a report."""
    taken = out.is_symlink() or (out.exists() and not out.is_dir())
    if taken or (out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file()):
        raise RunFolderError(
            f"{out}: exists and is no report of ours (it holds no {MARKER}). Move it away, or choose another folder "
            "with --out"
        )


def _put_in_place(fresh: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.replace(old)
    try:
        fresh.replace(out)
    except OSError:
        if old.exists():
            old.replace(out)
        raise


def _write(run: Run, fresh: Path, progress: Callable[[int, int], None]) -> None:
    store = PictureStore(run, fresh)
    samples = fresh / SAMPLES
    samples.mkdir()
    total = len(run.places)
    info = run.manifest.adapter
    tool = tool_card(run.manifest.spec)

    def write_one(record: Record) -> tuple[int, Row]:
        sample = run.samples[record.sample_id]
        place = Place(run.places[record.key], total)
        content = sample_page(
            record,
            sample,
            store.pictures(record, sample),
            place=place,
            title=run.manifest.tasks[record.task].title,
            benchmark=run.benchmark,
            reads_images=info.reads_images,
            tool=tool,
        )
        (samples / place.file).write_bytes(content)
        return place.number, row_of(record, sample)

    rows: dict[int, Row] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="report") as pool:
        for batch in _batches(run.records(), BATCH):
            rows.update(pool.map(write_one, batch))
            progress(len(rows), total)
    (fresh / INDEX).write_bytes(index_page(run, [rows[place] for place in sorted(rows)]))
    (fresh / STYLE).write_text(asset(STYLE), encoding="utf-8")
    marker = {"format": FORMAT, "run": run.manifest.name, "spec_digest": run.manifest.spec_digest, "samples": total}
    (fresh / MARKER).write_bytes(to_json(marker))


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
