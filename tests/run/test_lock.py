"""One process at a time on a run folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from comic_eval.errors import RunFolderError
from comic_eval.run.lock import RunLock

HOLD = "import sys, time; from pathlib import Path; from comic_eval.run.lock import RunLock\n"
HOLD += "with RunLock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        try:
            with pytest.raises(RunFolderError, match=rf"process {process.pid} on .*--name"), RunLock(tmp_path):
                pass
        finally:
            process.kill()


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    with RunLock(tmp_path):
        pass


def test_the_same_process_cannot_take_it_twice(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(RunFolderError, match="another process"), RunLock(tmp_path):
        pass
    with RunLock(tmp_path):
        pass


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match="--runs-dir"), RunLock(tmp_path / "file" / "run"):
        pass
