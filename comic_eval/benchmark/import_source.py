"""Reads the rows of a data set: a local file, a folder that `datasets` loads, or a data set of the Hub."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from comic_eval.benchmark.defects import quoted
from comic_eval.benchmark.import_mapping import ImportMapping
from comic_eval.errors import BenchmarkError

Row = dict[str, Any]
_EXTRA = "\0"  # the key of cells beyond the header; no header holds it
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
NEEDS_DATASETS = "needs the package `datasets` → pip install 'comic-eval[hub]'"


@dataclass(frozen=True)
class Source:
    """A data set that can be read row by row.

    Attributes:
        name: what messages call it.
        root: the folder that pictures given by path must lie in; None if there is none.
        rows: gives the number of each row (from 1), the split that the data set itself puts it in, and its values, or
            what is wrong with it where it cannot be read.
    """

    name: str
    root: Path | None
    rows: Callable[[], Iterator[tuple[int, str | None, Row | str]]]


def open_source(source: str, mapping: ImportMapping) -> Source:
    """Finds out what ``source`` is.

    Raises:
        BenchmarkError: it does not exist, is of an unknown kind, or needs a package that is missing.
    """
    path = Path(source)
    if path.is_dir():
        return _with_datasets(source, mapping, path)
    readers = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if path.is_file():
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise BenchmarkError(f"{path}: unknown kind of file → give {', '.join(readers)}, or a folder")
        return Source(path.name, path.parent, lambda: _numbered(reader(path)))
    if path.suffix.lower() in readers or not HUB_ID.fullmatch(source):
        raise BenchmarkError(f"{quoted(source)} is no file, no folder and no name of a data set on the Hub")
    return _with_datasets(source, mapping, None)


def _numbered(rows: Iterator[Row | str]) -> Iterator[tuple[int, None, Row | str]]:
    for number, row in enumerate(rows, start=1):
        yield number, None, row


def _jsonl(path: Path) -> Iterator[Row | str]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield _object(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                yield f"is no JSON: {error.msg}"


def _json(path: Path) -> Iterator[Row | str]:
    try:
        rows = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BenchmarkError(f"{path}:{error.lineno}: no JSON: {error.msg} → correct it") from error
    if not isinstance(rows, list):
        raise BenchmarkError(f"{path} holds no list → give a JSON list of objects")
    yield from map(_object, rows)


def _object(row: Any) -> Row | str:
    return row if isinstance(row, dict) else "is no object"


def _csv(path: Path) -> Iterator[Row | str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, restkey=_EXTRA):
                yield "has more cells than the header" if _EXTRA in row else {k: v or None for k, v in row.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchmarkError(f"{path} cannot be read: {error} → save it as CSV in UTF-8") from error


def _parquet(path: Path) -> Iterator[Row | str]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise BenchmarkError(f"{path}: a Parquet file {NEEDS_DATASETS}") from error
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise BenchmarkError(f"{path} cannot be read: {error} → give a Parquet file") from error


def _with_datasets(source: str, mapping: ImportMapping, folder: Path | None) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise BenchmarkError(f"{quoted(source)} {NEEDS_DATASETS}") from error
    try:
        loaded = datasets.load_dataset(source, mapping.config, revision=None if folder else mapping.revision)
    # `datasets` and the Hub's client raise several dozen kinds of errors for a data set that cannot be had.
    except Exception as error:
        raise BenchmarkError(
            f"{quoted(source)} cannot be loaded: {error} → check its name, config and files"
        ) from error
    tables = dict(loaded)

    def rows() -> Iterator[tuple[int, str | None, Row]]:
        number = 0
        for split, table in tables.items():
            for column, feature in table.features.items():
                if isinstance(feature, datasets.Image):
                    table = table.cast_column(column, datasets.Image(decode=False))
            for row in table:
                number += 1
                yield number, str(split), row

    root = folder if folder is not None else Path(datasets.config.HF_CACHE_HOME)
    return Source(folder.resolve().name if folder is not None else source, root, rows)
