"""An episode that is killed half-way goes on where it stopped: turns that were answered are not asked again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from support.zoom_pages import make_zoom_pages, zoomer

from comic_eval.run.folder import JOURNAL, read_records

DRIVER = """
import json, sys
from comic_eval import evaluate
from comic_eval.run.spec import Operation

arguments = json.loads(sys.argv[1])
operation = Operation(concurrency=2)
raise SystemExit(evaluate(zoom=True, name="run", operation=operation, **arguments).exit_status)
"""
PAGES, CALLS = 4, 4


def start(arguments: dict[str, Any]) -> subprocess.Popen[str]:
    env = os.environ | {"OPENAI_API_KEY": "nobody"}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(arguments)], env=env, stderr=subprocess.PIPE, text=True
    )


def test_kill_9_in_the_middle_of_episodes(tmp_path: Path) -> None:
    pages = make_zoom_pages(tmp_path / "pages", PAGES).folder
    with zoomer(calls=CALLS, latency_s=0.05) as server:
        arguments = {
            "model": "openai:mock",
            "adapter_settings": {"base_url": server.base_url},
            "benchmark": str(pages),
            "runs_dir": str(tmp_path / "runs"),
        }
        kills = 0
        # After five turns two episodes are half-way, after thirteen the other two: neither count ends an episode.
        for enough in (5, 13):
            process = start(arguments)
            deadline = time.monotonic() + 60
            while server.outcomes["answered"] < enough:
                assert time.monotonic() < deadline, "nothing happened"
                assert process.poll() is None, process.communicate()
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        lines = (tmp_path / "runs" / "run" / JOURNAL).read_bytes().count(b"\n")
        assert lines < PAGES
        process = start(arguments)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        asked = Counter(request.body_sha256 for request in server.requests)
    assert len(asked) == PAGES * (CALLS + 1)
    # A request that was under way when the process was killed has no answer here; there are two at a time.
    assert sum(asked.values()) - len(asked) <= 2 * kills
    records = read_records(tmp_path / "runs" / "run")
    assert [len(r.trace.turns) for r in records if r.trace] == [CALLS + 1] * PAGES
    assert all(r.score == 1.0 for r in records)
