"""The journal: append-only JSON lines, one a finished sample.

A line is written by a single ``os.write`` on a descriptor opened for appending, so a killed process can leave at most
one torn line, the last. A torn line is cut off when the run goes on; its sample is asked again. Lines are on disk
after `Journal.sync`, which the engine calls every few seconds: a killed process loses nothing that was written, a
power cut the last seconds at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from comic_eval.errors import RunFolderError
from comic_eval.run.record import Record


def read_journal(path: Path) -> Iterator[Record]:
    """Yields the records of a journal in the order of writing; a torn last line is left out.

    Raises:
        RunFolderError: a complete line is no record; the message names the line.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        for number, line in enumerate(file, 1):
            record = _parse(line)
            if record is not None:
                yield record
            elif line.endswith(b"\n"):
                raise RunFolderError(
                    f"{path}, line {number}: not a journal record, so the file was damaged or is another program's. "
                    "Restore the file, or delete that line (its sample is then asked again), or give another --name"
                )


def _parse(line: bytes) -> Record | None:
    try:
        return Record.model_validate_json(line)
    except ValidationError:
        return None


class Journal:
    """A journal open for appending. Use as a context manager; one process at a time (see `RunLock`)."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file, and mends its end if a process was killed in the middle of a write.

        Raises:
            RunFolderError: the file cannot be opened for writing.
        """
        self._dirty = False
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = os.fstat(self._fd).st_size
            self._mend()
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be opened for writing ({error.strerror})") from error

    def _mend(self) -> None:
        """Ends the file on a line's end: completes a last line that lacks only its newline, cuts off a torn one."""
        start = size = self._size
        tail = b""
        while start > 0 and b"\n" not in tail:
            step = min(65536, start)
            start -= step
            tail = os.pread(self._fd, step, start) + tail
        last = tail[tail.rfind(b"\n") + 1 :]
        if not last:
            return
        if _parse(last) is not None:
            self._write(b"\n")
        else:
            self._size = size - len(last)
            os.ftruncate(self._fd, self._size)

    def append(self, record: Record) -> None:
        """Writes one line.

        Raises:
            OSError: the disk is full, ...; whatever part of the line was written is taken back.
        """
        self._write(record.line())

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                # The next write tells why this one was short (disk full, size limit).
                written += os.write(self._fd, line[written:])
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)
        self._dirty = True

    def sync(self) -> None:
        """Brings what was written to the disk. May block; safe to call from another thread."""
        if self._dirty:
            self._dirty = False
            try:
                os.fsync(self._fd)
            except OSError:
                self._dirty = True
                raise

    def close(self) -> None:
        try:
            self.sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
