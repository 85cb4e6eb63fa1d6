"""Several runs that belong together, one after the other with one model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from comic_eval.errors import RunFolderError, UserError
from comic_eval.experiments.shared_adapter import SharedAdapter
from comic_eval.files import write_atomic
from comic_eval.run.display import make_progress
from comic_eval.run.files import to_json
from comic_eval.run.folder import run_folder
from comic_eval.run.lock import RunLock
from comic_eval.run.manifest import FILE_NAME as MANIFEST
from comic_eval.run.prepare import Prepared
from comic_eval.run.progress import Display
from comic_eval.run.session import run_session
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import Frozen

DEFAULT_BUDGETS = (16384, 1024)

Announce = Callable[[str, int, int], None]


class SeriesEnd(NamedTuple):
    """How a series ended: the folders of the runs that began, and why it ended early (None if it did not)."""

    folders: tuple[Path, ...]
    stopped: str | None


class Carry(NamedTuple):
    """How the runs are carried out; as of `comic_eval.evaluate`. ``announce`` gets each run's name and number."""

    runs_dir: Path
    operation: Operation
    prices: Prices | None = None
    display: Display = "none"
    arguments: Mapping[str, Any] = {}
    stop: asyncio.Event | None = None
    announce: Announce = lambda name, number, total: None


async def run_series(folder: Path, runs: Sequence[Prepared], adapter: SharedAdapter, carry: Carry) -> SeriesEnd:
    """Carries the runs out; the same call goes on where it stopped.

    Raises:
        UserError: a folder cannot be used, the model cannot be started, or the server refuses every request.
    """
    make_series_folder(folder)
    stop = carry.stop or asyncio.Event()
    folders: list[Path] = []
    stopped = None
    with RunLock(folder):
        try:
            for number, prepared in enumerate(runs, 1):
                carry.announce(prepared.name, number, len(runs))
                session = await run_session(
                    prepared,
                    runs_dir=carry.runs_dir,
                    operation=carry.operation,
                    prices=carry.prices,
                    arguments=_arguments(carry, prepared),
                    progress=make_progress(carry.display),
                    stop=stop,
                )
                folders.append(session.folder)
                stopped = session.stopped
                if stop.is_set() and number < len(runs):
                    stopped = stopped or "interrupted; repeat the call to go on"
                if stopped:
                    break
        finally:
            await adapter.shut_down()
    left = len(runs) - len(folders)
    return SeriesEnd(tuple(folders), f"{stopped} ({left} runs not begun)" if stopped and left else stopped)


def _arguments(carry: Carry, prepared: Prepared) -> dict[str, Any]:
    """What the user passed, with the place of the benchmark, which views and further probes look for there."""
    benchmark = carry.arguments.get("benchmark") or str(prepared.benchmark.folder)
    return {**carry.arguments, "benchmark": benchmark}


def chosen_budgets(budgets: Sequence[int]) -> tuple[int, ...]:
    """Each budget once.

    Raises:
        UserError: there is none, or one of less than a token.
    """
    if not budgets or min(budgets) < 1:
        raise UserError("budgets: give one or more numbers of visual tokens, each 1 or more, such as 16384,1024")
    return tuple(dict.fromkeys(budgets))


def make_series_folder(folder: Path) -> None:
    """Makes the series' own folder, which holds its result and a lock.

    Raises:
        RunFolderError: it cannot be made, or is a single run's.
    """
    run_folder(folder.parent, folder.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"{folder}: cannot be used ({error.strerror}). Choose a folder that can be written with --runs-dir"
        ) from error
    if (folder / MANIFEST).exists():
        raise RunFolderError(f"{folder}: is the folder of a single run. Move it away, or give another --name")


def write_result(path: Path, result: Frozen) -> str | None:
    """Writes a series' result; returns what keeps it from being written."""
    try:
        write_atomic(path, to_json(result.model_dump(mode="json")))
    except OSError as error:
        return f"{path} cannot be written ({error.strerror}); every answer is safe in the journals"
    return None
