"""Reads the lines of ``samples.jsonl`` and collects every defect that stands in the way of using them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from comic_eval.benchmark.checks import check_sample
from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.format import MAX_LINE_BYTES, SAMPLES, parse_line
from comic_eval.benchmark.info import INFO, BenchmarkInfo
from comic_eval.benchmark.paths import file_problem, path_problem
from comic_eval.files import sha256_of
from comic_eval.types import Sample


def scan(folder: Path, info: BenchmarkInfo | None) -> tuple[list[tuple[int, Sample]], list[Defect], str]:
    """Reads all samples with their line numbers, the defects that stand in the way of using them, and the sha256.

    Args:
        info: the contents of ``benchmark.json``; None leaves out what is compared with it.
    """
    samples: list[tuple[int, Sample]] = []
    defects: list[Defect] = []
    seen: dict[str, int] = {}
    images: dict[str, str | None] = {}
    number = 0
    try:
        for number, line in numbered_lines(folder / SAMPLES):
            sample = parse_line(line, number)
            if isinstance(sample, list):
                defects += sample
                continue
            defects += check_sample(sample, number)
            defects += _in_context(sample, number, folder, info, seen, images)
            samples.append((number, sample))
        sha256 = sha256_of(folder / SAMPLES)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        return samples, [*defects, Defect(file=SAMPLES, message=message, fix="restore or rebuild the file")], ""
    if not number:
        defects.append(Defect(file=SAMPLES, message="is empty", fix="write one sample a line"))
    if info is not None and info.samples_sha256 not in (None, sha256):
        message = "was changed: its sha256 is not the one in benchmark.json"
        fix = "restore the file (line endings count too), or correct samples_sha256 after a change you meant to make"
        defects.append(Defect(file=SAMPLES, message=message, fix=fix))
    return samples, defects, sha256


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines without their ends; of a longer line, the first `MAX_LINE_BYTES` and one more.

    Raises:
        OSError: the file cannot be read.
    """
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise OSError(errno.EINVAL, "is no regular file")
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            rest = line
            while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
                rest = file.readline(MAX_LINE_BYTES + 1)
            yield number, line.removesuffix(b"\n")


def _in_context(
    sample: Sample,
    line: int,
    folder: Path,
    info: BenchmarkInfo | None,
    seen: dict[str, int],
    images: dict[str, str | None],
) -> Iterator[Defect]:
    """Defects of a sample beside the others: its id, its split, and the image it names."""
    if sample.id in seen:
        message = f"{quoted(sample.id)} stands in line {seen[sample.id]} already"
        yield Defect(file=SAMPLES, line=line, field="id", message=message, fix="give every sample an id of its own")
    seen.setdefault(sample.id, line)
    if info is not None and sample.split not in info.splits:
        message = f"{quoted(sample.split)} is not among the splits of {INFO}: {', '.join(info.splits) or 'none'}"
        yield Defect(file=SAMPLES, line=line, field="split", message=message, fix=f"add it to {INFO}")
    if sample.image not in images:
        images[sample.image] = file_problem(folder, sample.image)
    problem = images[sample.image]
    # A path that is wrong by its text alone was reported by check_sample.
    if problem is not None and path_problem(sample.image) is None:
        message = f"{quoted(sample.image)} {problem}"
        yield Defect(file=SAMPLES, line=line, field="image", message=message, fix="put the file there")
