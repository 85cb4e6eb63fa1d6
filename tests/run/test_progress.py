"""What a user sees while a run is under way."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.runs import make_pages

from comic_eval.run.display import make_progress
from comic_eval.run.progress import PlainProgress, Progress, compact, duration, status_line
from comic_eval.run.progress_live import LiveProgress, display
from comic_eval.run.record import Outcome
from comic_eval.run.spec import Prices
from comic_eval.run.tally import Tally, TaskTally


def outcome(task: str = "depth", status: Any = "scored", **fields: Any) -> Outcome:
    base: dict[str, Any] = {
        "task": task,
        "page": "p",
        "status": status,
        "score": 1.0 if status == "scored" else None,
        "reason": None,
        "cause": "rate_limit" if status == "failed" else None,
        "detail": {},
        "usage": {"input_tokens": 1000, "output_tokens": 50},
        "retries": 0,
        "cached": False,
        "latency_s": None,
    }
    return Outcome(**(base | fields))


def tally() -> Tally:
    found = Tally({"depth": TaskTally(4), "count\x1b[2J[red]": TaskTally(2)}, prices=Prices(input=1, output=2))
    found.add_earlier(outcome())
    found.add(outcome(score=0.0))
    found.add(outcome(status="failed", usage={}))
    found.add(outcome(status="unparsed", cached=True))
    found.count_retry()
    return found


def test_counts() -> None:
    found = tally()
    assert (found.planned, found.done, found.before, found.failed, found.cached) == (6, 4, 1, 1, 1)
    assert found.tasks["depth"].accuracy == 0.25
    assert (found.input_tokens, found.output_tokens) == (1000, 50)
    assert found.cost_usd == pytest.approx((1000 + 2 * 50) / 1e6)
    assert found.seconds_left is not None


def test_a_line_says_it_all() -> None:
    line = status_line(tally())
    for words in ("4/6 samples", "25.0% right", "1 unparsed", "1 failed (1 rate_limit)", "1 retries", "1 from cache"):
        assert words in line
    assert "1.0k tokens in, 50 out, $0.0011" in line
    assert "left" in line


def test_the_live_display_says_it_all_and_foreign_text_stays_text() -> None:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(display(tally()))
    text = capture.get()
    for words in ("depth", "4/4", "25.0%", "4/6", "1 failed: rate_limit", "$0.0011", "[red]"):
        assert words in text
    assert "\x1b" not in text


def test_a_run_that_has_not_begun_can_be_shown() -> None:
    empty = Tally({"depth": TaskTally(4)})
    assert "0/4" in status_line(empty)
    Console(file=io.StringIO()).print(display(empty))


def test_plain_lines() -> None:
    stream = io.StringIO()
    progress = make_progress("auto", stream)
    assert isinstance(progress, PlainProgress)
    progress.begin(tally())
    progress.warn("careful\x1b[2J")
    progress.end(tally())
    lines = stream.getvalue().splitlines()
    assert lines[0] == "going on: 1 of 6 samples were answered before"
    assert lines[1].startswith("warning: careful")
    assert "\x1b" not in stream.getvalue()
    assert "4/6" in lines[2]


def test_no_display() -> None:
    progress = make_progress("none")
    assert type(progress) is Progress
    progress.begin(tally())
    progress.update(tally())
    progress.warn("x")
    progress.end(tally())


def test_a_terminal_gets_the_live_display(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(make_progress("auto", Terminal()), LiveProgress)
    assert isinstance(make_progress("plain", Terminal()), PlainProgress)


def test_a_run_on_a_real_terminal(tmp_path: Path) -> None:
    folder = make_pages(tmp_path / "pages", 3).folder
    leader, follower = pty.openpty()
    script = "from comic_eval.cli import main; main()"
    arguments = ["run", "--model", "first", "--benchmark", str(folder), "--runs-dir", str(tmp_path / "runs")]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=follower,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    process.communicate()
    assert process.returncode == 0
    assert b"right so far" in seen
    assert b"6/6" in seen


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (999, "999"), (1234, "1.2k"), (5_600_000, "5.6M")])
def test_compact(count: int, text: str) -> None:
    assert compact(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (187, "3:07"), (3750, "1:02:30")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
