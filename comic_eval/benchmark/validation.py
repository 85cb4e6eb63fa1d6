"""Finds every defect of a benchmark folder; no defect hides another."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from comic_eval.benchmark.checks import boxes, outside
from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.digest import benchmark_digest
from comic_eval.benchmark.format import SAMPLES, duplicate_keys
from comic_eval.benchmark.info import INFO, read_info
from comic_eval.benchmark.load import locate
from comic_eval.benchmark.paths import file_problem
from comic_eval.benchmark.pictures import Picture, PictureError, look_at
from comic_eval.benchmark.scan import numbered_lines, scan
from comic_eval.benchmark.set_checks import Numbered, check_columns, check_counts, check_pages, check_pairs
from comic_eval.benchmark.task_checks import Kind, check_kind, check_targets, task_kinds
from comic_eval.types import Sample


def validate(name_or_folder: str | Path, *, tasks: Mapping[str, Kind] | None = None) -> list[Defect]:
    """All defects of a benchmark, by file and line; an empty list if there is none.

    Every picture is decoded, after the size in its header was found to be sane.

    Args:
        tasks: the known tasks and their kinds; by default those that are installed.

    Raises:
        BenchmarkError: there is no such folder.
    """
    folder = locate(name_or_folder)
    kinds = task_kinds() if tasks is None else tasks
    info = read_info(folder)
    defects: list[Defect] = []
    if isinstance(info, list):
        defects += info
        samples, found, _ = scan(folder, None)
    else:
        samples, found, samples_sha256 = scan(folder, info)
        defects += check_counts(samples, info)
        digest = benchmark_digest(info.name, info.version, samples_sha256)
        if info.digest not in (None, digest):
            fix = "rebuild the benchmark, or correct the value after a change you meant to make"
            defects.append(Defect(file=INFO, field="digest", message=f"should be {digest}", fix=fix))
    defects += found
    for line, sample in samples:
        defects += _check_task(sample, line, kinds)
        defects += check_kind(sample, line, kinds)
        if isinstance(info, list) or info.targets:
            defects += check_targets(sample, line)
    defects += check_pairs(samples)
    defects += check_pages(samples)
    defects += check_columns(samples)
    defects += _check_keys(folder, samples)
    defects += _check_pictures(folder, samples)
    rank = {INFO: 0, SAMPLES: 1}
    return sorted(set(defects), key=lambda d: (rank.get(d.file, 2), d.file, d.line or 0, d.field or "", d.message))


def _check_task(sample: Sample, line: int, kinds: Mapping[str, Kind]) -> Iterator[Defect]:
    if sample.task in kinds:
        return
    close = difflib.get_close_matches(sample.task, kinds, n=1)
    fix = f"write {close[0]!r}" if close else f"use one of {', '.join(sorted(kinds)) or 'none'}, or install its plugin"
    message = f"{quoted(sample.task)} is an unknown task"
    yield Defect(file=SAMPLES, line=line, field="task", message=message, fix=fix)


def _check_keys(folder: Path, samples: Numbered) -> Iterator[Defect]:
    wanted = {line for line, _ in samples}
    if not wanted:
        return
    for number, line in numbered_lines(folder / SAMPLES):
        if number in wanted:
            for key in duplicate_keys(line):
                message = "stands more than once in one object; readers disagree on which one counts"
                yield Defect(file=SAMPLES, line=number, field=key, message=message, fix="keep one")


def _check_pictures(folder: Path, samples: Numbered) -> Iterator[Defect]:
    pictures: dict[str, Picture | None] = {}
    for line, sample in samples:
        if sample.image not in pictures:
            # A path that names no file was reported with its line by scan().
            if file_problem(folder, sample.image) is not None:
                pictures[sample.image] = None
                continue
            try:
                pictures[sample.image] = look_at(folder / sample.image, decode=True)
            except PictureError as error:
                pictures[sample.image] = None
                message = f"{error} (first used in {SAMPLES}:{line})"
                yield Defect(file=sample.image, field="image", message=message, fix="replace or convert the picture")
        picture = pictures[sample.image]
        if picture is not None:
            yield from _compare(sample, line, picture)


def _compare(sample: Sample, line: int, picture: Picture) -> Iterator[Defect]:
    if sample.image_sha256 not in (None, picture.sha256):
        message = f"is not the sha256 of {quoted(sample.image)}, which is {picture.sha256}"
        fix = "restore the picture, or correct the value after a change you meant to make"
        yield Defect(file=SAMPLES, line=line, field="image_sha256", message=message, fix=fix)
    if sample.image_size not in (None, picture.size):
        message = f"is {list(sample.image_size or ())}, but {quoted(sample.image)} has {list(picture.size)}"
        yield Defect(file=SAMPLES, line=line, field="image_size", message=message, fix="correct it")
    if sample.image_size != picture.size:
        for field, box in boxes(sample):
            if problem := outside(box, *picture.size):
                yield Defect(file=SAMPLES, line=line, field=field, message=problem, fix="clip the box at the page")
