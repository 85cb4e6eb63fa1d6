"""Finds what a report is made of: the run's folder, its benchmark, and the last record of every sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from comic_eval.analysis.summary import Summary, load_summary
from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.errors import BenchmarkError, RunFolderError
from comic_eval.experiments.earlier import content_digest, crops_of
from comic_eval.run import manifest as manifests
from comic_eval.run.files import is_safe_name
from comic_eval.run.folder import JOURNAL, read_records
from comic_eval.run.journal import read_journal
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.record import Key, Record
from comic_eval.types import Box, Sample


@dataclass(frozen=True)
class Run:
    """A run that can be shown.

    Attributes:
        places: key -> number of the sample's page in the report, from 0: by task as the tables have it, then as in the
            benchmark.
        lines: key -> number of its last line in the journal, from 0.
        replayed_crops: sample id -> the boxes that were shown in the page's place, in a run of another run's crops;
            empty where that run cannot be found.
    """

    folder: Path
    manifest: Manifest
    summary: Summary
    benchmark: Benchmark
    samples: Mapping[str, Sample]
    places: Mapping[Key, int]
    lines: Mapping[Key, int]
    replayed_crops: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)

    def records(self) -> Iterator[Record]:
        """The last record of every sample, in the order of the journal; one at a time is in memory."""
        for number, record in enumerate(read_journal(self.folder / JOURNAL)):
            if self.lines.get(record.key) == number:
                yield record


def find_folder(run: str | Path, runs_dir: Path) -> Path:
    """The folder of a run that is given by its path or by its name below ``runs_dir``.

    Raises:
        RunFolderError: there is neither.
    """
    folder = Path(run)
    if (folder / manifests.FILE_NAME).is_file():
        return folder
    name = str(run)
    if is_safe_name(name) and (runs_dir / name / manifests.FILE_NAME).is_file():
        return runs_dir / name
    known = sorted(p.parent.name for p in runs_dir.glob(f"*/{manifests.FILE_NAME}"))[:20] if runs_dir.is_dir() else []
    there = f"there are: {', '.join(known)}" if known else "there are none"
    raise RunFolderError(
        f"no run {name[:200]!r}: not a folder with a {manifests.FILE_NAME}, and no run of that name below {runs_dir} "
        f"({there}). Give the folder of a run, or name the runs' folder with --runs-dir"
    )


def open_run(folder: Path, benchmark: str | Path | None = None) -> Run:
    """Reads a run as far as it has come.

    Args:
        folder: the run's.
        benchmark: name or folder of the benchmark, where it has moved since.

    Raises:
        RunFolderError: the run's files are damaged, or it has no finished sample yet.
        BenchmarkError: the benchmark cannot be found, or has changed since.
    """
    manifest = read_manifest(folder)
    summary = load_summary(folder)
    data = find_benchmark(manifest, benchmark)
    samples = {sample.id: sample for sample in data.samples}
    lines: dict[Key, int] = {}
    tasks: dict[Key, str] = {}
    for number, record in enumerate(read_journal(folder / JOURNAL)):
        if record.sample_id not in samples:
            raise RunFolderError(
                f"{folder / JOURNAL}, line {number + 1}: answers {record.sample_id!r}, which benchmark {data.name!r} "
                "does not hold; delete the line, or restore the file"
            )
        lines[record.key] = number
        tasks[record.key] = record.task
    if not lines:
        raise RunFolderError(f"{folder}: no sample of this run is finished yet, so there is nothing to show")
    in_file = {sample_id: place for place, sample_id in enumerate(samples)}
    in_table = {task: place for place, task in enumerate(manifest.tasks)}
    ordered = sorted(lines, key=lambda key: (in_table[tasks[key]], in_file[key.sample_id], key))
    places = {key: place for place, key in enumerate(ordered)}
    return Run(folder, manifest, summary, data, samples, places, lines, _replayed_crops(folder, manifest))


def _replayed_crops(folder: Path, manifest: Manifest) -> dict[str, tuple[Box, ...]]:
    """The crops that a run took from another one, if that still lies beside it as it was."""
    replay = manifest.spec.replay
    if replay is None or replay.source != "crops" or not is_safe_name(replay.run):
        return {}
    try:
        records = read_records(folder.parent / replay.run)
    except RunFolderError:
        return {}
    crops = {r.sample_id: boxes for r in records if r.repeat == 0 and r.trace and (boxes := crops_of(r.trace))}
    return crops if content_digest(crops) == replay.content_sha256 else {}


def find_benchmark(manifest: Manifest, given: str | Path | None = None) -> Benchmark:
    """The benchmark that a run asked: where it was then, or the bundled one of its name, or the one that is given.

    Raises:
        BenchmarkError: it is not to be found in the very state that the run asked.
    """
    wanted = manifest.spec.benchmark
    passed = manifest.starts[-1].arguments.get("benchmark")
    candidates = [given] if given is not None else [c for c in (passed, wanted.name) if isinstance(c, str)]
    found: list[str] = []
    for candidate in dict.fromkeys(candidates):
        try:
            benchmark = load_benchmark(candidate)
        except BenchmarkError as error:
            found.append(str(error))
            continue
        if benchmark.digest == wanted.digest:
            return benchmark
        found.append(f"{benchmark.folder} holds {benchmark.name!r} {benchmark.revision}")
    raise BenchmarkError(
        f"the run asked benchmark {wanted.name!r} {wanted.revision}, which is not to be found ({'; '.join(found)}). "
        "Name its folder with --benchmark"
    )
