"""Where a run is carried out: packages, Python, commit, machine. Part of every manifest."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import comic_eval
from comic_eval.types import Frozen

_COMMAND_TIMEOUT_S = 10.0


class Commit(Frozen):
    """The commit of the working tree that the code runs from, and whether files differ from it."""

    id: str
    dirty: bool


class Hardware(Frozen):
    """``memory_gib`` is the machine's; ``gpus`` is empty where none is seen."""

    cpu: str
    cores: int
    memory_gib: float | None = None
    gpus: tuple[str, ...] = ()


class Environment(Frozen):
    """``commit`` is None for an installed package, ``packages`` holds our own and its requirements."""

    python: str
    platform: str
    packages: dict[str, str]
    commit: Commit | None = None
    hardware: Hardware


def environment() -> Environment:
    """Looks at this process's packages and machine; takes some tens of milliseconds."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=_packages(),
        commit=_commit(Path(comic_eval.__file__).parent.parent),
        hardware=Hardware(cpu=_cpu(), cores=os.cpu_count() or 1, memory_gib=_memory_gib(), gpus=_gpus()),
    )


def _packages() -> dict[str, str]:
    """Versions of comic-eval and of whatever it requires (extras too) that is installed."""
    try:
        required = metadata.requires("comic-eval") or []
    except metadata.PackageNotFoundError:  # run from a bare checkout
        required = []
    names = {m.group() for r in required if (m := re.match(r"[A-Za-z0-9._-]+", r))}
    found = {"comic-eval": comic_eval.__version__}
    for name in sorted(names - {"comic-eval"}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _output(*command: str) -> str | None:
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            [program, *command[1:]], capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _commit(checkout: Path) -> Commit | None:
    if not (checkout / ".git").exists():
        return None
    # Without optional locks: reading the state of a checkout must never get in the way of a commit made meanwhile.
    git = ("git", "--no-optional-locks", "-C", str(checkout))
    commit = _output(*git, "rev-parse", "HEAD")
    status = _output(*git, "status", "--porcelain", "--untracked-files=no")
    return Commit(id=commit, dirty=bool(status)) if commit and status is not None else None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _gpus() -> tuple[str, ...]:
    listed = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return tuple(line.strip() for line in listed.splitlines()) if listed else ()
