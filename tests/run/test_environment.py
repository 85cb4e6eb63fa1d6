"""What a manifest says about the machine and the checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import comic_eval
from comic_eval.run import environment as module
from comic_eval.run.environment import Commit, environment


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_versions_and_machine() -> None:
    found = environment()
    assert found.packages["comic-eval"] == comic_eval.__version__
    assert {"numpy", "pydantic", "pillow"} <= set(found.packages)
    assert found.hardware.cores >= 1
    assert found.python.startswith("3.")


def test_the_commit_and_whether_files_differ_from_it(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert module._commit(checkout) == Commit(id=head, dirty=False)
    (checkout / "file").write_text("2")
    assert module._commit(checkout) == Commit(id=head, dirty=True)


def test_an_installed_package_has_no_commit(tmp_path: Path) -> None:
    assert module._commit(tmp_path) is None


def test_reading_the_state_touches_no_index(checkout: Path) -> None:
    index = checkout / ".git" / "index"
    # A changed time stamp is what makes a plain `git status` write the index anew, under a lock.
    (checkout / "file").touch()
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    module._commit(checkout)
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
