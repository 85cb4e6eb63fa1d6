"""Brings a data set with questions about pictures into a benchmark folder, as a mapping file says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import orjson

from comic_eval.benchmark.defects import Defect, quoted, refuse
from comic_eval.benchmark.import_images import ImageStore
from comic_eval.benchmark.import_mapping import ANYWHERE, ImportMapping, read_mapping
from comic_eval.benchmark.import_rows import RowReader
from comic_eval.benchmark.import_source import Source, open_source
from comic_eval.benchmark.load import Benchmark
from comic_eval.benchmark.paths import path_problem
from comic_eval.benchmark.set_checks import check_pages, check_pairs
from comic_eval.benchmark.task_checks import task_kinds
from comic_eval.benchmark.write import write_benchmark
from comic_eval.errors import BenchmarkError
from comic_eval.files import sha256_of, write_atomic
from comic_eval.types import Sample

SKIPPED = "skipped.jsonl"


def import_dataset(
    source: str | Path, out_folder: str | Path, mapping_file: str | Path, *, skip_bad: bool = False
) -> tuple[Benchmark, list[Defect]]:
    """Imports a data set.

    Args:
        source: a .parquet, .csv, .json or .jsonl file, a folder that `datasets` loads, or a data set of the Hub.
        out_folder: as in `write_benchmark`.
        mapping_file: YAML; see `comic_eval.benchmark.import_mapping`.
        skip_bad: leave rows with defects out, and list them in ``skipped.jsonl`` of the new folder.

    Returns:
        The benchmark, and the defects of the rows that were left out: ``line`` is the number of the row, from 1,
        ``field`` the column.

    Raises:
        BenchmarkError: with every defect, unless bad rows are skipped; or the source or the mapping cannot be used.
    """
    mapping = read_mapping(Path(mapping_file))
    opened = open_source(str(source), mapping)
    with tempfile.TemporaryDirectory(prefix="comic-eval-import-") as temporary:
        store = ImageStore(Path(temporary), _picture_root(opened, mapping))
        samples, defects, rows = _read(opened, mapping, store)
        if defects and not skip_bad:
            way_out = "Correct the data or the mapping, or leave such rows out with --skip-bad. Nothing was written."
            raise refuse(f"{opened.name} cannot be imported", defects, way_out)
        if not samples:
            raise refuse(f"{opened.name} has no row that can be imported", defects, "Nothing was written.")
        skipped = len({defect.line for defect in defects})
        used = {sample.image for sample in samples}
        imported = {
            "source": opened.name,
            "revision": mapping.revision,
            "rows": rows,
            "skipped_rows": skipped,
            "mapping_sha256": sha256_of(Path(mapping_file)),
        }
        benchmark = write_benchmark(
            out_folder,
            name=mapping.name,
            version=mapping.version,
            license=mapping.license,
            description=mapping.description,
            samples=samples,
            images={name: path for name, path in store.files.items() if name in used},
            metadata={"imported": imported},
            card=_card(opened, mapping, rows, skipped),
            targets=mapping.has_targets,
        )
    if defects:
        lines = b"".join(orjson.dumps(d.model_dump(), option=orjson.OPT_APPEND_NEWLINE) for d in defects)
        write_atomic(benchmark.folder / SKIPPED, lines)
    return benchmark, defects


def _read(source: Source, mapping: ImportMapping, store: ImageStore) -> tuple[list[Sample], list[Defect], int]:
    """The good samples, the defects of all other rows, and the number of rows."""
    reader = RowReader(mapping, task_kinds(), store)
    samples: list[tuple[int, Sample]] = []
    defects: list[Defect] = []
    ids: dict[str, int] = {}
    columns: set[str] = set()
    rows = 0
    for number, split, row in source.rows():
        rows += 1
        if isinstance(row, str):
            defects.append(Defect(file=source.name, line=number, counts="row", message=row, fix="correct the row"))
            continue
        if rows == 1:
            _check_mapping(mapping, split)
        columns.update(row)
        found = reader.read(row, number, split)
        if isinstance(found, list):
            defects += _by_column(found, source, mapping)
        elif found.id in ids:
            message = f"{quoted(found.id)} is the id of row {ids[found.id]} already"
            twice = Defect(file=source.name, line=number, field="id", message=message, fix="make the ids differ")
            defects += _by_column([twice], source, mapping)
        else:
            ids[found.id] = number
            samples.append((number, found))
    if rows and (missing := sorted(mapping.used_columns() - columns)):
        raise BenchmarkError(
            f"{source.name} has no column {', '.join(map(quoted, missing))}; it has: "
            f"{', '.join(map(quoted, sorted(columns)))} → correct the mapping"
        )
    while conflicts := [*check_pairs(samples), *check_pages(samples)]:
        defects += _by_column(conflicts, source, mapping)
        bad = {defect.line for defect in conflicts}
        samples = [(number, sample) for number, sample in samples if number not in bad]
    defects.sort(key=lambda d: (d.line or 0, d.field or ""))
    return [sample for _, sample in samples], defects, rows


def _by_column(defects: Iterable[Defect], source: Source, mapping: ImportMapping) -> list[Defect]:
    """The same defects with the data set's name and, where a field was read from a column, the column's."""
    renamed = []
    for defect in defects:
        field = (defect.field or "").partition("[")[0].partition(".")[0]
        column = mapping.column_of(field) or defect.field
        renamed.append(defect.model_copy(update={"file": source.name, "field": column, "counts": "row"}))
    return renamed


def _check_mapping(mapping: ImportMapping, split: str | None) -> None:
    for field in ANYWHERE:
        given = getattr(mapping.columns, field) or getattr(mapping.constants, field)
        if not given and not (field == "split" and split is not None):
            raise BenchmarkError(f"the mapping gives no {field} → add columns.{field} or constants.{field}")


def _picture_root(source: Source, mapping: ImportMapping) -> Path | None:
    if mapping.images is None or source.root is None:
        return source.root
    root = source.root / mapping.images
    if path_problem(mapping.images) or not root.is_dir():
        raise BenchmarkError(f"mapping: images: {root} is no folder below {source.root} → correct it")
    return root


def _card(source: Source, mapping: ImportMapping, rows: int, skipped: int) -> str:
    revision = f" at revision `{mapping.revision}`" if mapping.revision else ""
    lines = [
        f"# {mapping.name}",
        mapping.description,
        f"Licence: {mapping.license}.",
        f"Imported by `comic-eval data import` from `{source.name}`{revision}: {rows - skipped} of {rows} rows.",
    ]
    if not mapping.has_targets:
        lines.append("Its samples name no target regions, so oracle views of them are not to be had.")
    return "\n\n".join(lines) + "\n"
