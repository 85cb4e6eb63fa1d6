"""Answers kept by content: the same model, conversation and parameters cost nothing twice.

One SQLite file beside the runs, shared by all of them. Failures are never kept, nor are empty answers and answers that
a filter stopped, since asking again may do better.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from comic_eval.contracts import AdapterInfo
from comic_eval.errors import RunFolderError
from comic_eval.run.files import digest
from comic_eval.types import Generation, Request

FILE_NAME = "responses.sqlite"
_UNFINISHED = {"content_filter", "error"}


def cache_key(
    info: AdapterInfo, settings: dict[str, Any], request: Request, repeat: int, served: str | None = None
) -> str:
    """sha256 of everything that an answer depends on; images count by their digests.

    Where answers are drawn by chance, so is one for each sample: with one draw for all samples that share a prompt, as
    without the page many do, luck would decide them together.

    Args:
        served: which model the server has loaded, where it tells (`comic_eval.contracts.NamesItsModel`).
    """
    tools = [tool.model_dump(mode="json") for tool in request.tools]
    params = request.params.model_dump(mode="json")
    parts = [info.id, settings, request.conversation.outline(), params, tools, repeat]
    drawn = info.always_samples or request.params.temperature != 0
    optional = {
        "response_schema": request.response_schema,
        "served": served,
        "sample": request.question.id if drawn else None,
    }
    return digest([*parts, {name: value for name, value in optional.items() if value is not None}])


def keepable(generation: Generation) -> bool:
    """Whether an answer is worth keeping."""
    says_something = bool(generation.text.strip() or generation.tool_calls)
    return says_something and generation.finish_reason not in _UNFINISHED


class ResponseCache:
    """The cache file, open. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Opens or creates the cache.

        Raises:
            RunFolderError: the file cannot be opened, or is no cache.
        """
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
            # With a write-ahead log a killed process loses nothing that was stored, at no fsync an answer.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, generation BLOB)")
        except (sqlite3.Error, OSError) as error:
            raise RunFolderError(
                f"{self.path}: the response cache cannot be opened ({error}). Make the folder writable, delete the "
                "file if it is damaged (runs keep their answers), or give --no-cache"
            ) from error

    def get(self, key: str) -> Generation | None:
        """The answer kept under ``key``.

        Raises:
            sqlite3.Error: the file cannot be read any more.
        """
        row = self._db.execute("SELECT generation FROM responses WHERE key = ?", (key,)).fetchone()
        return None if row is None else Generation.model_validate_json(row[0])

    def put(self, key: str, generation: Generation) -> None:
        """Keeps an answer, if it is worth keeping.

        Raises:
            sqlite3.Error: it cannot be stored (disk full, ...).
        """
        if keepable(generation):
            blob = generation.model_dump_json().encode()
            self._db.execute("INSERT OR REPLACE INTO responses VALUES (?, ?)", (key, blob))

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # a failed checkpoint leaves the log to the next process
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
