"""Tracked files hold no key and no path of somebody's machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from repo.tree import ROOT, tracked_files

TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".jsonl", ".txt", ".sh", ".cff", ".cfg", ".svg", ""}
LEAKS = {
    "a machine's path": re.compile(r"(?<![\w.:/\-])/(?:work|tmp|root|home|Users)/\w|[A-Z]:\\Users\\"),
    "a path outside the repository": re.compile(r"\.\./shared\b"),
    "an API key": re.compile(r"\b(?:sk-(?:proj-)?[A-Za-z0-9_-]{32,}|AIza[\w-]{30,}|hf_[A-Za-z]{30,}|gh[po]_\w{30,})"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
}


def leaks(text: str) -> list[str]:
    """What of `LEAKS` the text holds, with line numbers."""
    lines = text.splitlines()
    return [f"line {n}: {what}" for what, shape in LEAKS.items() for n, x in enumerate(lines, 1) if shape.search(x)]


@pytest.mark.parametrize(
    "path",
    [p for p in tracked_files() if p.suffix in TEXT],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_no_leak(path: Path) -> None:
    assert leaks(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "home/ann/runs",
        "'/" + "tmp/x'",
        "C:" + "\\Users\\ann",
        "sk-" + "a1" * 20,
        "-----BEGIN RSA" + " PRIVATE KEY",
    ],
)
def test_each_kind_of_leak_is_seen(text: str) -> None:
    assert leaks(text)


@pytest.mark.parametrize("text", ["https://example.org/home/page", "runs/tmp/x", "sk-short", "/workspace"])
def test_ordinary_text_passes(text: str) -> None:
    assert leaks(text) == []
