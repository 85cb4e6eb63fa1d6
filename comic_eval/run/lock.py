"""One process at a time on one run folder."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from comic_eval.errors import RunFolderError


class RunLock:
    """An exclusive lock on a run folder; the operating system frees it when its process dies, however it dies.

    Args:
        way_out: what a user who is refused can do instead of waiting.
    """

    def __init__(self, folder: Path, *, way_out: str = "give another --name") -> None:
        self._folder = folder
        self._way_out = way_out
        self._lock = FileLock(folder / ".lock", blocking=False, fallback_to_soft=False)
        # Beside the lock file, since taking a lock may empty it.
        self._owner = folder / ".lock.owner"

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except Timeout:
            raise RunFolderError(
                f"{self._folder}: another process works on this run ({self._owner_words()}). "
                f"Wait for it or end it, or {self._way_out}"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise RunFolderError(
                f"{self._folder}: cannot be locked ({error}). Choose a folder that can be written with --runs-dir"
            ) from error
        with contextlib.suppress(OSError):  # the owner's name is a courtesy to whoever is refused
            self._owner.write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._owner.unlink()
        self._lock.release()

    def _owner_words(self) -> str:
        try:
            return self._owner.read_text().strip()[:100] or "unknown process"
        except OSError:
            return "unknown process"
