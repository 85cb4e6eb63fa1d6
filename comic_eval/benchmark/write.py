"""Writes a benchmark folder."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from comic_eval.benchmark.card import CARD, with_front_matter
from comic_eval.benchmark.checks import check_sample
from comic_eval.benchmark.columns import MixedTypesError
from comic_eval.benchmark.defects import Defect, quoted, refuse
from comic_eval.benchmark.digest import benchmark_digest, bytes_sha256
from comic_eval.benchmark.format import SAMPLES, encode_line
from comic_eval.benchmark.info import INFO, BenchmarkInfo, read_info
from comic_eval.benchmark.load import Benchmark, load_benchmark
from comic_eval.benchmark.paths import path_problem
from comic_eval.benchmark.pictures import PictureError, look_at
from comic_eval.errors import BenchmarkError
from comic_eval.files import copy_atomic, write_atomic
from comic_eval.types import Sample


def write_benchmark(
    folder: str | Path,
    *,
    name: str,
    version: str,
    license: str,  # noqa: A002 - the key that the file uses
    description: str,
    samples: Iterable[Sample],
    images: Mapping[str, Path],
    metadata: Mapping[str, Any] | None = None,
    card: str,
    targets: bool = True,
) -> Benchmark:
    """Writes ``benchmark.json``, ``samples.jsonl``, the images and the data card ``README.md``, and loads the result.

    A new folder appears complete or not at all. An older state of the same benchmark is replaced file by file,
    ``benchmark.json`` last; if that is interrupted, loading says so, since the digest does not fit.

    Args:
        folder: is new, empty, an older state of this benchmark, or holds all the images in their places already.
        samples: those without ``image_size`` or ``image_sha256`` get them from their image.
        images: path in the benchmark -> the file to take the bytes from; it may be the one that stands there.
        metadata: further keys of ``benchmark.json``.
        card: the data card in Markdown; what `datasets` needs to load the folder is put in front of it.
        targets: False if the samples name no target regions.

    Raises:
        BenchmarkError: a sample has a defect, names an image that is not given, or the folder holds something else.
    """
    folder = Path(folder)
    missing = [f"{path} ({source})" for path, source in images.items() if path_problem(path) or not source.is_file()]
    if missing:
        raise BenchmarkError(f"images that are no files or have no valid name: {', '.join(missing[:20])}")
    _check_folder(folder, name, images)
    complete = _complete(tuple(samples), images)
    lines = b"".join(map(encode_line, complete))
    sha256 = bytes_sha256(lines)
    info = {
        "name": name,
        "version": version,
        "license": license,
        "description": description,
        "splits": dict(sorted(Counter(s.split for s in complete).items())),
        "targets": targets,
        "samples_sha256": sha256,
        "digest": benchmark_digest(name, version, sha256),
    }
    if clash := sorted({*BenchmarkInfo.model_fields, "licence"} & (metadata or {}).keys()):
        raise BenchmarkError(f"metadata keys that {INFO} uses itself: {', '.join(clash)} → rename them")
    try:
        readme = with_front_matter(card, complete)
    except MixedTypesError as error:
        raise BenchmarkError(f"metadata {error}: no Arrow column can hold that → use one type a key") from error
    texts = {
        CARD: readme.encode(),
        SAMPLES: lines,
        INFO: orjson.dumps(info | dict(metadata or {}), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
    }
    if folder.exists() and any(folder.iterdir()):
        _fill(folder, images, texts)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.tmp")
        try:
            partial.mkdir()
            _fill(partial, images, texts)
            partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return load_benchmark(folder)


def _fill(folder: Path, images: Mapping[str, Path], texts: Mapping[str, bytes]) -> None:
    for relative, source in images.items():
        copy_atomic(source, folder / relative)
    for relative, data in texts.items():
        write_atomic(folder / relative, data)


def _check_folder(folder: Path, name: str, images: Mapping[str, Path]) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise BenchmarkError(f"{folder} is a file → name a folder")
    if (folder / INFO).exists():
        info = read_info(folder)
        if isinstance(info, BenchmarkInfo) and info.name == name:
            return
        other = quoted(info.name) if isinstance(info, BenchmarkInfo) else f"an unreadable {INFO}"
        raise BenchmarkError(f"{folder} holds {other}, not the benchmark {quoted(name)} → name another folder")
    in_place = all((folder / p).exists() and (folder / p).samefile(source) for p, source in images.items())
    if not (images and in_place):
        raise BenchmarkError(f"{folder} is not empty and holds no benchmark → name a new or empty folder")


def _complete(samples: tuple[Sample, ...], images: Mapping[str, Path]) -> tuple[Sample, ...]:
    """The samples with image sizes and digests, checked."""
    if not samples:
        raise BenchmarkError("there is no sample to write → check the source")
    facts: dict[str, dict[str, Any]] = {}
    defects: list[Defect] = []
    complete: list[Sample] = []
    seen: set[str] = set()
    for line, sample in enumerate(samples, start=1):
        if sample.id in seen:
            message = f"{quoted(sample.id)} stands twice"
            defects.append(Defect(file=SAMPLES, line=line, field="id", message=message, fix="make the ids differ"))
        seen.add(sample.id)
        if sample.image not in images:
            message = f"{quoted(sample.image)} is not among the images given"
            defects.append(Defect(file=SAMPLES, line=line, field="image", message=message, fix="give the image"))
            continue
        if sample.image not in facts:
            facts[sample.image] = _describe(images[sample.image])
        missing = {k: v for k, v in facts[sample.image].items() if getattr(sample, k) is None}
        complete.append(sample.model_copy(update=missing))
        defects += check_sample(complete[-1], line)
    if defects:
        raise refuse("the benchmark was not written", defects, "Nothing was changed.")
    return tuple(complete)


def _describe(image: Path) -> dict[str, Any]:
    try:
        picture = look_at(image)
    except PictureError as error:
        raise BenchmarkError(f"image {image} {error} → replace or convert it") from error
    return {"image_size": picture.size, "image_sha256": picture.sha256}
