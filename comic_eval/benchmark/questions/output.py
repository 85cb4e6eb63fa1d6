"""Writes the pages folder with the questions filled in, in the format that `data build` reads.

Everything else in the source's files stays as it is. A file that was written before is replaced only while it still
holds what was written: whoever corrected a question by hand keeps the correction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comic_eval.benchmark.questions.job import Accepted
from comic_eval.benchmark.questions.source import MAIN, SECOND, Files
from comic_eval.errors import RunFolderError
from comic_eval.files import copy_atomic, sha256_of, write_atomic
from comic_eval.run.files import to_json
from comic_eval.run.redact import printable
from comic_eval.types import Language


class Author:
    """Says in every question who wrote it: the model as returned, its family, the day, and the prompts."""

    def __init__(self, family: str | None, prompts_sha256: str) -> None:
        self._family = family or "unknown"
        self._prompts = prompts_sha256

    def fields(self, accepted: Accepted) -> dict[str, Any]:
        """``author`` in words, and ``metadata`` for programs (a judge of the same family is no fair judge)."""
        model = printable(accepted.model, 100)
        words = f"model {model} (family {self._family}), {accepted.date}, prompts {self._prompts[:12]}"
        metadata = {
            "model": model,
            "family": self._family,
            "date": accepted.date,
            "prompts_sha256": self._prompts,
        }
        return {"author": words, "metadata": metadata}


def with_questions(files: Files, accepted: Mapping[str, Sequence[tuple[str, Accepted]]], author: Author) -> Files:
    """The files with the questions appended to those that the pages have.

    Args:
        accepted: page id -> panel id and question, in reading order.
    """
    labels = dict(files.labels)
    for manifest, key in (SECOND, MAIN):
        for entry in files.labels.get(manifest, ()):
            language: Language = "fr" if manifest == SECOND[0] else entry.get("language", "en")
            added = [_question(panel, a, language, author) for panel, a in accepted.get(entry["page_id"], ())]
            if added:
                old = labels[entry[key]]
                labels[entry[key]] = {**old, "questions": [*old.get("questions", ()), *added]}
    return Files(labels, files.copies)


def _question(panel: str, accepted: Accepted, language: Language, author: Author) -> dict[str, Any]:
    text = accepted.texts[language]
    return {
        "panel": panel,
        "question": text.question,
        "answer": text.answer,
        "facts": list(text.facts),
        "guessable": accepted.guessable,
        **author.fields(accepted),
    }


def as_bytes(labels: Mapping[str, Any]) -> dict[str, bytes]:
    """The files with labels as they are written, in the same order."""
    return {path: (json.dumps(v, ensure_ascii=False, indent=1) + "\n").encode() for path, v in labels.items()}


def write_pages(out: Path, texts: Mapping[str, bytes], copies: Mapping[str, Path], ledger: Path) -> None:
    """Writes the files, each whole or not at all; the main manifest must be the last of ``texts``.

    Args:
        texts: relative path -> bytes, in the order of writing.
        copies: relative path -> the file to copy.
        ledger: the file that remembers the digests of everything that was ever written here.

    Raises:
        RunFolderError: a file was changed since it was written, or cannot be written.
    """
    try:
        written: dict[str, list[str]] = json.loads(ledger.read_bytes()) if ledger.exists() else {}
        pending = [path for path, data in texts.items() if _must_write(out / path, data, written.setdefault(path, []))]
        # Before the files: a process killed in between must know them as its own.
        write_atomic(ledger, to_json(written))
        for path, source in copies.items():
            copy_atomic(source, out / path)
        for path in pending:
            write_atomic(out / path, texts[path])
    except OSError as error:
        raise RunFolderError(
            f"{out}: cannot be written ({error.strerror or error}). Every answer is safe: free space, repeat the call"
        ) from error


def _must_write(target: Path, data: bytes, ours: list[str]) -> bool:
    """Whether a file is missing or out of date; ``ours``, the digests of what was written there, gets the new one.

    Raises:
        RunFolderError: it would overwrite somebody's changes.
    """
    digest = hashlib.sha256(data).hexdigest()
    current = sha256_of(target) if target.exists() else None
    if current is not None and current not in (digest, *ours):
        if ours[-1:] == [digest]:
            return False  # changed by hand, and there is nothing new to write
        raise RunFolderError(
            f"{target}: was changed since it was written, and the new questions would overwrite that. Keep the folder "
            "as it is, move this file away to have it written anew, or choose another OUT folder"
        )
    if ours[-1:] != [digest]:
        ours.append(digest)
    return current != digest
