"""Loads a benchmark: a folder with ``benchmark.json``, ``samples.jsonl`` and images."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import comic_eval
from comic_eval.benchmark.defects import quoted, refuse
from comic_eval.benchmark.digest import benchmark_digest, revision
from comic_eval.benchmark.format import parse_line
from comic_eval.benchmark.info import INFO, read_info
from comic_eval.benchmark.paths import inside
from comic_eval.benchmark.scan import numbered_lines, scan
from comic_eval.benchmark.task_checks import check_kind, task_kinds
from comic_eval.errors import BenchmarkError
from comic_eval.types import Question, Sample

BUNDLED = Path(comic_eval.__file__).parent / "data"


@dataclass(frozen=True)
class Benchmark:
    """A loaded benchmark.

    Attributes:
        folder: where it lies.
        splits: name -> number of samples, over all languages.
        digest: sha256 (hex) over name, version and samples; see `comic_eval.benchmark.digest`.
        revision: ``version+digest`` in short, for manifests and tables.
        targets: whether its samples name target regions.
        metadata: further keys of ``benchmark.json``.
        samples: all samples in the file's order.
    """

    folder: Path
    name: str
    version: str
    license: str
    description: str
    splits: dict[str, int]
    digest: str
    revision: str
    targets: bool
    samples: tuple[Sample, ...] = field(repr=False)
    metadata: dict[str, Any] = field(repr=False)

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The names of its tasks, sorted."""
        return tuple(sorted({s.task for s in self.samples}))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Its languages, sorted."""
        return tuple(sorted({s.language for s in self.samples}))

    def select(
        self, split: str = "test", tasks: Sequence[str] | None = None, language: str = "en"
    ) -> tuple[Sample, ...]:
        """The samples of one split in one language, in the file's order; languages are never pooled.

        Args:
            tasks: names of tasks; None for all.

        Raises:
            BenchmarkError: it has no such split, task or language, or no sample that is all of it.
        """
        self._known("split", split, tuple(self.splits))
        self._known("language", language, self.languages)
        for task in tasks or ():
            self._known("task", task, self.tasks)
        chosen = tuple(
            s
            for s in self.samples
            if s.split == split and s.language == language and (tasks is None or s.task in tasks)
        )
        if not chosen:
            wanted = "" if tasks is None else f" for the tasks {', '.join(tasks)}"
            raise BenchmarkError(
                f"benchmark {self.name!r} has no sample in split {split!r} and language {language!r}{wanted}; "
                "`comic-eval data stats` shows what it holds"
            )
        return chosen

    def image_path(self, item: Sample | Question) -> Path:
        """The absolute path of a sample's picture.

        Raises:
            BenchmarkError: it does not exist or lies outside the benchmark folder.
        """
        return inside(self.folder, item.image)

    def _known(self, what: str, name: str, names: Sequence[str]) -> None:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}? It" if close else "; it"
            raise BenchmarkError(
                f"benchmark {self.name!r} has no {what} {quoted(name)}{hint} has: {', '.join(names) or 'none'}"
            )


def bundled() -> list[str]:
    """The names of the benchmarks that come with the package, sorted."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{INFO}"))


def locate(name_or_folder: str | Path) -> Path:
    """The folder of a benchmark that is given by its bundled name or by its path.

    Raises:
        BenchmarkError: there is neither.
    """
    if str(name_or_folder) in bundled():
        return BUNDLED / name_or_folder
    folder = Path(name_or_folder)
    try:
        found = folder.is_dir()
    except (OSError, ValueError):  # too long a name, or a NUL in it
        found = False
    if not found:
        raise BenchmarkError(
            f"no benchmark {quoted(str(name_or_folder))}: no folder of that name, and not one of the bundled "
            f"benchmarks ({', '.join(bundled()) or 'none'})"
        )
    return folder.resolve()


def load_benchmark(name_or_folder: str | Path) -> Benchmark:
    """Loads a bundled benchmark by its name, or any benchmark folder.

    Every line is checked for its form, its answer, boxes and image path; ``comic-eval data validate`` does much more
    (decodes the images, compares digests, languages and splits).

    Raises:
        BenchmarkError: with every defect that stands in the way.
    """
    folder = locate(name_or_folder)
    info = read_info(folder)
    if isinstance(info, list):
        raise refuse(f"{folder} is no benchmark", info, "A benchmark needs benchmark.json, samples.jsonl and images.")
    samples, defects, samples_sha256 = scan(folder, info)
    kinds = task_kinds()
    defects += [defect for line, sample in samples for defect in check_kind(sample, line, kinds)]
    if defects:
        way_out = f"List everything with: comic-eval data validate {folder}"
        raise refuse(f"benchmark {info.name!r} ({folder}) cannot be used", defects, way_out)
    digest = benchmark_digest(info.name, info.version, samples_sha256)
    counts = dict.fromkeys(info.splits, 0)
    for _, sample in samples:
        counts[sample.split] += 1
    return Benchmark(
        folder=folder,
        name=info.name,
        version=info.version,
        license=info.license,
        description=info.description,
        splits=counts,
        digest=digest,
        revision=revision(info.version, digest),
        targets=info.targets,
        samples=tuple(sample for _, sample in samples),
        metadata=dict(info.model_extra or {}),
    )


def read_samples(path: str | Path) -> Iterator[Sample]:
    """The samples of a ``samples.jsonl``, one by one, with nothing checked but their form.

    Raises:
        BenchmarkError: at the first line that is no sample, or if the file cannot be read.
    """
    path = Path(path)
    try:
        for number, line in numbered_lines(path):
            sample = parse_line(line, number, path.name)
            if isinstance(sample, list):
                raise refuse(f"{path} cannot be read", sample, "Correct the line.")
            yield sample
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror} → name a samples.jsonl") from error
