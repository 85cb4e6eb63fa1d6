"""What a run may have been charged for but its journal does not tell: requests in flight, failures after sending.

A file of JSON lines beside the journal, ``{"id": ..., "usd": ...}``; of several lines with one id the last counts. A
line is written before a request is sent, so a killed process leaves the most that its requests can have cost.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from comic_eval.errors import RunFolderError

FILE_NAME = "spending.jsonl"


def read_ledger(path: Path) -> dict[str, float]:
    """Dollars by id; nothing where there is no ledger. A torn last line is a request that was never sent.

    Raises:
        RunFolderError: the file is damaged.
    """
    amounts: dict[str, float] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror})") from error
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = orjson.loads(line)
            amounts[str(entry["id"])] = max(0.0, float(entry["usd"]))
        except (ValueError, TypeError, KeyError) as error:
            raise RunFolderError(
                f"{path}, line {number}: is no entry of a ledger, so the file was damaged. Delete it only if you know "
                "that no more was spent than the journal tells"
            ) from error
    return {name: usd for name, usd in amounts.items() if usd}


class Ledger:
    """A ledger open for appending; one process at a time, under the run's lock. Use as a context manager.

    ``before`` is what earlier starts left in it.
    """

    def __init__(self, path: Path) -> None:
        """Opens or creates the file.

        Raises:
            RunFolderError: it cannot be opened, or is damaged.
        """
        self.before = read_ledger(path)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            data = path.read_bytes()
            os.ftruncate(self._fd, data.rfind(b"\n") + 1)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be opened for writing ({error.strerror})") from error
        self._start = os.fstat(self._fd).st_size

    def note(self, number: int, usd: float) -> None:
        """Writes that request ``number`` of this start stands at ``usd``.

        Raises:
            OSError: it cannot be written.
        """
        # Where this start's lines begin makes its ids differ from those of other starts.
        self.note_named(f"{self._start}-{number}", usd)

    def note_named(self, name: str, usd: float) -> None:
        """Writes that ``name``, which later starts know as well (a batch), stands at ``usd``.

        Raises:
            OSError: it cannot be written.
        """
        os.write(self._fd, orjson.dumps({"id": name, "usd": usd}) + b"\n")

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
