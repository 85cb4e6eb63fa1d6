"""What the tests about the repository share: its root, and the files that git tracks."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN_FOLDERS = ("tasks", "judges", "model_adapters", "train")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Tracked files and new ones that are not ignored; in an unpacked archive, every file that is no build output."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        skipped = {".venv", "build", "dist", "runs"}
        paths = [p for p in ROOT.rglob("*") if not skipped & set(p.relative_to(ROOT).parts)]
    else:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return tuple(p for p in paths if p.is_file())


def python_files(*tops: str) -> list[Path]:
    """The tracked Python files below the top-level folders ``tops``."""
    return [p for p in tracked_files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in tops]
