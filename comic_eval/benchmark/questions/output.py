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

from comic_eval.benchmark.files import copy_atomically, sha256_of, write_atomically
from comic_eval.benchmark.questions.job import Accepted
from comic_eval.errors import RunFolderError
from comic_eval.run.files import to_json, write_atomic
from comic_eval.run.redact import printable
from comic_eval.types import Language

# Beside the pages: what a benchmark built from them must carry on.
COMPANIONS = ("LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "ATTRIBUTION.md", "agreement.json")
# Where each language's pages are listed, and under which key an entry names its texts.
MANIFESTS: dict[Language, tuple[str, str]] = {
    "en": ("manifest.json", "annotation"),
    "fr": ("fr/manifest.json", "texts"),
}


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


def with_questions(
    folder: Path, accepted: Mapping[str, Sequence[tuple[str, Accepted]]], author: Author
) -> tuple[dict[str, bytes], dict[str, Path]]:
    """The files of the new pages folder.

    Args:
        folder: the source, which `read_pages` found without defect.
        accepted: page id -> panel id and question, in the order in which they are appended.

    Returns:
        Relative path -> bytes of the JSON files, ``manifest.json`` last; and relative path -> source of the copies.
    """
    texts: dict[str, bytes] = {}
    copies = {name: folder / name for name in COMPANIONS if (folder / name).is_file()}
    for language in ("fr", "en"):
        manifest, key = MANIFESTS[language]
        if not (folder / manifest).is_file():
            continue
        entries = json.loads((folder / manifest).read_text(encoding="utf-8"))
        for entry in entries:
            labels = json.loads((folder / entry[key]).read_text(encoding="utf-8"))
            added = accepted.get(entry["page_id"], ())
            if added:
                labels["questions"] = [
                    *labels.get("questions", ()),
                    *(_question(panel, language, a, author) for panel, a in added),
                ]
            texts[entry[key]] = _json(labels)
            copies[entry["image"]] = folder / entry["image"]
        texts[manifest] = _json(entries)
    return texts, copies


def _question(panel: str, language: Language, accepted: Accepted, author: Author) -> dict[str, Any]:
    text = accepted.texts[language]
    return {
        "panel": panel,
        "question": text.question,
        "answer": text.answer,
        "facts": list(text.facts),
        "guessable": accepted.guessable,
        **author.fields(accepted),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def write_pages(out: Path, texts: Mapping[str, bytes], copies: Mapping[str, Path], ledger: Path) -> None:
    """Writes the files, each whole or not at all, ``manifest.json`` last.

    Args:
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
            copy_atomically(source, out / path)
        for path in pending:
            write_atomically(out / path, texts[path])
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
