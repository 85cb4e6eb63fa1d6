"""Killed, crowded out and out of space: a run loses nothing that was answered and asks nothing of it again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.mock_openai import MockOpenAI
from support.runs import make_pages

from comic_eval.analysis.summary import load_summary
from comic_eval.run.folder import JOURNAL, read_records

KEY = "sk-" + "test0secret0of0nobody" + "0123"
TESTS = Path(__file__).parents[1]
DRIVER = """
import json, resource, sys
from support.runs import FixedJudge, TableModel
from comic_eval import evaluate
from comic_eval.errors import UserError
from comic_eval.run.spec import Operation

arguments = json.loads(sys.argv[1])
limit = arguments.pop("file_size", None)
if limit is not None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
operation = Operation.model_validate(arguments.pop("operation", {}))
try:
    result = evaluate(judge=FixedJudge(), name="run", operation=operation, display="plain", **arguments)
except UserError as error:
    sys.exit(f"error: {error}")
if result.stopped:
    print(result.stopped)
raise SystemExit(result.exit_status)
"""


def start(arguments: dict[str, Any]) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(TESTS), "OPENAI_API_KEY": KEY}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(arguments)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(arguments: dict[str, Any]) -> tuple[int, str, str]:
    process = start(arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def call(pages: Path, runs: Path, server: MockOpenAI, **more: Any) -> dict[str, Any]:
    model = {"model": "openai:mock", "adapter_settings": {"base_url": server.base_url}}
    return model | {"benchmark": str(pages), "runs_dir": str(runs)} | more


def wait_for(condition: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("crash") / "pages", 20).folder


@pytest.mark.parametrize("cached", [True, False])
def test_kill_9_loses_only_what_is_in_flight_and_repeats_nothing(pages: Path, tmp_path: Path, cached: bool) -> None:
    operation = {"concurrency": 4, "use_cache": cached}
    with MockOpenAI("<answer>2</answer>", latency_s=0.05) as server:
        arguments = call(pages, tmp_path, server, operation=operation)
        journal = tmp_path / "run" / JOURNAL
        for enough in (5, 16):
            process = start(arguments)
            wait_for(lambda n=enough: journal.exists() and journal.read_bytes().count(b"\n") >= n, process)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        status, _, err = finish(arguments)
        sent = Counter(request.body_sha256 for request in server.requests)
    assert status == 0, err
    assert "going on" in err
    assert len(sent) == 40
    # At each of the two kills four workers could have a request in flight.
    assert sum(sent.values()) - 40 <= 2 * 4
    records = read_records(tmp_path / "run")
    assert len(records) == len(journal.read_bytes().splitlines()) == 40
    assert load_summary(tmp_path / "run").complete


def test_an_answer_that_reached_the_cache_but_not_the_journal_is_not_asked_again(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>2</answer>") as server:
        arguments = call(pages, tmp_path, server, limit=6)
        assert finish(arguments)[0] == 0
        journal = tmp_path / "run" / JOURNAL
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))
        assert finish(arguments)[0] == 0
        assert len(server.requests) == 6
    assert sum(r.cached for r in read_records(tmp_path / "run")) == 4


def test_a_second_process_is_refused_and_harms_nothing(pages: Path, tmp_path: Path) -> None:
    refused = threading.Event()

    async def reply(_: Any) -> str:
        while not refused.is_set():  # noqa: ASYNC110 - the server's loop runs in another thread than the test
            await asyncio.sleep(0.01)
        return "<answer>2</answer>"

    with MockOpenAI(reply) as server:
        arguments = call(pages, tmp_path, server, operation={"concurrency": 2}, limit=8)
        first = start(arguments)
        wait_for(lambda: server.requests, first)
        status, _, err = finish(arguments)
        refused.set()
        assert status == 1
        assert f"another process works on this run (process {first.pid}" in err
        out, err = first.communicate(timeout=60)
        assert first.returncode == 0, (out, err)
        assert len(server.requests) == 8


def test_a_full_disk_stops_the_run_and_keeps_every_line(pages: Path, tmp_path: Path) -> None:
    # A limit on file sizes stands in for a full disk: a write is cut short, the next one fails.
    arguments = {"model": "first", "benchmark": str(pages), "runs_dir": str(tmp_path)}
    status, out, err = finish(arguments | {"file_size": 9000})
    assert status == 4, err
    assert "the journal cannot be written: File too large" in out
    assert "goes on where it stopped" in out
    written = (tmp_path / "run" / JOURNAL).read_bytes()
    assert written.endswith(b"\n")
    before = len(written.splitlines())
    assert 0 < before < 40
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["done"] == before
    status, out, err = finish(arguments)
    assert status == 0, err
    assert (tmp_path / "run" / JOURNAL).read_bytes().startswith(written)
    assert len(read_records(tmp_path / "run")) == 40


def test_a_disk_without_room_for_a_manifest_is_the_users_matter(pages: Path, tmp_path: Path) -> None:
    arguments = {"model": "first", "benchmark": str(pages), "runs_dir": str(tmp_path), "file_size": 500}
    status, _, err = finish(arguments)
    assert status == 1
    assert "manifest.json: cannot be written (File too large)" in err
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_a_full_disk_under_the_cache_alone_goes_on_without_it(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>2</answer>") as server:
        arguments = call(pages, tmp_path, server, limit=8)
        # The cache's shared-memory file has 32 KiB, so it fails first; eight lines of journal need far less.
        status, _, err = finish(arguments | {"file_size": 20_000})
    assert status in (0, 1)
    if status == 0:
        assert "the response cache fails" in err
    else:
        assert "responses.sqlite" in err
        assert "--no-cache" in err


def test_no_key_reaches_a_file_or_the_terminal(pages: Path, tmp_path: Path) -> None:
    def echo(request: Any) -> str:
        return f"I was sent {request.headers['authorization'][:9]}... <answer>2</answer>"

    with MockOpenAI(echo, api_key=KEY, extra=("guided",)) as server:
        arguments = call(pages, tmp_path, server, limit=6)
        status, out, err = finish(arguments)
        assert status == 0, err
    with MockOpenAI(api_key="another") as server:
        arguments = call(pages, tmp_path / "refused", server, limit=6)
        status, out2, err2 = finish(arguments)
        assert status == 1
        assert "refuses every request" in err2
    texts = [out, err, out2, err2]
    texts += [p.read_bytes().decode("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file()]
    assert len(texts) > 8
    for text in texts:
        assert KEY not in text


def test_the_log_stays_small(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("Because of this and that. " * 10 + "<answer>2</answer>") as server:
        status, _, err = finish(call(pages, tmp_path, server))
    assert status == 0, err
    size = sum(p.stat().st_size for p in (tmp_path / "run").iterdir())
    assert size * 500 / 40 < 5e6
