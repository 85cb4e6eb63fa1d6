"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place at the end, or vanishes if the block fails.

    The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Writes a file so that a reader, or a crash, meets the old bytes or the new ones, never a part.

    Args:
        lasting: waits until the bytes are on the disk; False is for what can be made again.

    Raises:
        OSError: the disk is full, the folder cannot be written, ...; the old file stands.
    """
    with replacing(path) as temporary, temporary.open("xb") as file:
        file.write(data)
        if lasting:
            file.flush()
            os.fsync(file.fileno())


def copy_atomic(source: Path, target: Path) -> None:
    """Copies bytes; nothing happens where ``target`` is that file, or holds the same bytes already."""
    if target.exists() and (target.samefile(source) or sha256_of(target) == sha256_of(source)):
        return
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
