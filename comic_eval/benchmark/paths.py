"""Keeps every path that a benchmark names inside the benchmark's folder."""

from __future__ import annotations

from pathlib import Path

from comic_eval.benchmark.defects import quoted
from comic_eval.errors import BenchmarkError


def path_problem(relative: str) -> str | None:
    """Why ``relative`` cannot name a file of a benchmark, judged by its text alone; None if it can."""
    if not relative.isprintable():
        return "holds control characters"
    if "\\" in relative:
        return "holds a backslash; paths use / on every system"
    if relative.startswith("/") or relative[1:2] == ":":
        return "is absolute"
    if "://" in relative:
        return "is a URL"
    parts = relative.split("/")
    if ".." in parts:
        return "leaves the benchmark folder"
    if "" in parts or "." in parts:
        return "has an empty or '.' part"
    return None


def file_problem(folder: Path, relative: str) -> str | None:
    """Why ``relative`` names no readable regular file below ``folder``; None if it does. Links are followed."""
    if problem := path_problem(relative):
        return problem
    try:
        target = (folder / relative).resolve()
        if not target.is_relative_to(folder.resolve()):
            return "leaves the benchmark folder through a symbolic link"
        if not target.exists():
            return "does not exist"
        if not target.is_file():
            return "is no regular file"
    # A loop of links is a RuntimeError up to Python 3.12, an OSError after; a name can also be too long.
    except (OSError, RuntimeError) as error:
        return f"cannot be looked up ({type(error).__name__})"
    return None


def inside(folder: Path, relative: str) -> Path:
    """The path of ``relative`` below ``folder``.

    Raises:
        BenchmarkError: it names no regular file there.
    """
    if problem := file_problem(folder, relative):
        raise BenchmarkError(
            f"{folder}: image {quoted(relative)} {problem} → put the file into the benchmark folder and name it by "
            "its relative path"
        )
    return folder / relative
