"""Opens a run folder: makes it, or checks that it holds the very run that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from comic_eval.errors import RunFolderError
from comic_eval.run import manifest as manifests
from comic_eval.run.batch_book import BatchBook
from comic_eval.run.files import is_safe_name, safe_name
from comic_eval.run.journal import read_journal
from comic_eval.run.manifest import Manifest, read_manifest, write_manifest
from comic_eval.run.record import Key, Outcome, Record
from comic_eval.run.spec import differences

JOURNAL = "journal.jsonl"
SUMMARY = "summary.json"


def run_folder(runs_dir: Path, name: str) -> Path:
    """The folder of the run called ``name``.

    Raises:
        RunFolderError: the name cannot be a folder's.
    """
    if not is_safe_name(name):
        raise RunFolderError(
            f"run name {name!r}: use up to 120 letters, digits, dots, hyphens and underscores, beginning with a letter "
            f"or digit; for instance --name {safe_name(name)}"
        )
    return runs_dir / name


def make_folder(folder: Path) -> None:
    """Makes the folder, or accepts an existing one that holds a run or nothing yet.

    Raises:
        RunFolderError: it cannot be made, is no folder, or holds something else.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RunFolderError(
            f"{folder}: is no folder, so no run can be kept there. Move it away or give another --name"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Hidden files are our lock and the leavings of an interrupted write.
        foreign = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise RunFolderError(
            f"{folder}: cannot be used ({error.strerror}). Choose a folder that can be written with --runs-dir"
        ) from error
    if foreign and manifests.FILE_NAME not in foreign:
        raise RunFolderError(
            f"{folder}: holds {foreign[0]!r} but no {manifests.FILE_NAME}, so it is not the folder of a run. "
            "Move it away or give another --name"
        )


def enter(folder: Path, wanted: Manifest) -> Manifest:
    """Writes the manifest of a new run, or adds this start to that of an old one. Call under the lock.

    A run in which every request failed gives its name to a corrected call; its journal is kept as
    ``journal.jsonl.superseded``.

    Raises:
        RunFolderError: the folder holds a run of another specification, of other samples or prompts, or scored by
            other code.
    """
    path = folder / manifests.FILE_NAME
    if path.exists() and not _untouched(folder):
        found = read_manifest(folder)
        try:
            _check_same(folder, found, wanted)
        except RunFolderError:
            if not _nothing_won(folder):
                raise
            # Before the manifest: after a crash in between the folder holds a run without any line, free to be taken.
            _set_aside(folder / JOURNAL)
            entered = wanted
        else:
            entered = found.model_copy(
                update={"starts": (*found.starts, *wanted.starts), "prices": wanted.prices, "warnings": wanted.warnings}
            )
    else:
        entered = wanted
    try:
        write_manifest(folder, entered)
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror}). Free space or choose another folder with --runs-dir"
        ) from error
    return entered


def _untouched(folder: Path) -> bool:
    """Whether no sample was ever finished: then a corrected call may take the name over, since nothing is lost."""
    journal = folder / JOURNAL
    return not journal.exists() or journal.stat().st_size == 0


def _nothing_won(folder: Path) -> bool:
    """Whether a run has only failures to lose, and no batch at the provider that may still bring answers."""
    return not BatchBook(folder).open and not any(record.answered for record in read_journal(folder / JOURNAL))


def _set_aside(journal: Path) -> None:
    """Renames a journal; one that was set aside before stays."""
    aside = journal.with_name(f"{journal.name}.superseded")
    number = 1
    while aside.exists():
        number += 1
        aside = journal.with_name(f"{journal.name}.superseded-{number}")
    try:
        journal.rename(aside)
    except OSError as error:
        raise RunFolderError(
            f"{journal}: cannot be renamed ({error.strerror}). Give another --name or choose another folder with "
            "--runs-dir"
        ) from error


def _check_same(folder: Path, found: Manifest, wanted: Manifest) -> None:
    way_out = (
        "Give another --name (answers that were got before come from the response cache), or repeat the call as it was"
    )
    changed = differences(found.spec, wanted.spec)
    if changed:
        raise RunFolderError(f"{folder}: this run was made with another specification. {'; '.join(changed)}. {way_out}")
    for what, field in (("samples", "sample_ids_sha256"), ("prompts", "prompts_sha256"), ("pictures", "images")):
        if getattr(found, field) != getattr(wanted, field):
            versions = [m.starts[-1].environment.packages.get("comic-eval", "?") for m in (found, wanted)]
            raise RunFolderError(
                f"{folder}: this run was made with other {what} ({field} in {manifests.FILE_NAME} differs): by "
                f"comic-eval {versions[0]}, this is {versions[1]}, or plugins have changed. Give another --name, or "
                "use the version that began the run"
            )
    if found.scoring_sha256 not in (None, wanted.scoring_sha256):
        raise RunFolderError(
            f"{folder}: this run's answers were scored by another version of the code (scoring_sha256 in "
            f"{manifests.FILE_NAME} differs), and one run must not mix two. To score all of them anew without a "
            f"request: --model replay:{folder} --name NEW. Or repeat the call with another --name: it takes the "
            "answers from the response cache and asks what is missing. Or use the version that began the run"
        )


def read_outcomes(folder: Path, run: str, planned: Mapping[Key, str] | None = None) -> dict[Key, Outcome]:
    """The last outcome of every sample in the journal, checked to belong to this run.

    Args:
        run: the short digest of the run's specification.
        planned: key -> right answer, of every sample of the run; None checks the digest alone.

    Raises:
        RunFolderError: the journal is damaged, or is another run's.
    """
    path = folder / JOURNAL
    outcomes: dict[Key, Outcome] = {}
    for number, record in enumerate(read_journal(path), 1):
        if record.run != run or (planned is not None and planned.get(record.key) != record.answer):
            raise RunFolderError(
                f"{path}, line {number}: answers {record.sample_id!r} of run {record.run}, but this is run {run}. "
                "The journal is another run's: put it back where it belongs, or give another --name"
            )
        outcomes[record.key] = record.outcome()
    return outcomes


def read_records(folder: Path) -> list[Record]:
    """The last record of every sample of a run, in the order of the journal.

    Raises:
        RunFolderError: the journal is damaged.
    """
    records: dict[Key, Record] = {}
    for record in read_journal(folder / JOURNAL):
        records[record.key] = record
    return list(records.values())
