"""Killed, refused, changed by hand: questions lose nothing that was answered and pay for nothing twice."""

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
from click.testing import CliRunner
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_faults import Fault
from support.question_writer import HOLDS, OTHER, PAGE, Writer, as_json, copy_pages, numbered, step_of

from comic_eval.benchmark.build import build_benchmark
from comic_eval.cli import main
from comic_eval.run.folder import JOURNAL, read_records

KEY = "sk-" + "test0secret0of0nobody" + "0123"
PANELS = 5
COMMAND = "from comic_eval.cli import main; main()"


def arguments(pages: Path, out: Path, server: MockOpenAI, *more: str) -> list[str]:
    options = ["--model", "openai:gpt-4o-mini", "--base-url", server.base_url, "--cache-dir", str(out.parent / "cache")]
    return ["data", "questions", str(pages), str(out), *options, "--blind-attempts", "1", "--max-retries", "0", *more]


def start(pages: Path, out: Path, server: MockOpenAI, *more: str, code: str = COMMAND) -> subprocess.Popen[str]:
    """The command in a process of its own, which can be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments(pages, out, server, *more)],
        env=os.environ | {"OPENAI_API_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(pages: Path, out: Path, server: MockOpenAI, *more: str) -> tuple[int, str, str]:
    """The command in this process: exit status, stdout, stderr."""
    done = CliRunner(env={"OPENAI_API_KEY": KEY}).invoke(main, arguments(pages, out, server, *more))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def finish(pages: Path, out: Path, server: MockOpenAI, *more: str, code: str = COMMAND) -> tuple[int, str, str]:
    process = start(pages, out, server, *more, code=code)
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def wait_for(condition: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def report(out: Path) -> Any:
    return json.loads((out / "generation" / "report.json").read_text())


@pytest.mark.parametrize("cached", [True, False])
def test_kill_9_loses_only_what_is_in_flight_and_repeats_nothing(tmp_path: Path, cached: bool) -> None:
    pages, out = copy_pages(tmp_path / "pages", (PAGE, OTHER)), tmp_path / "out"
    more = ["--concurrency", "3", *([] if cached else ["--no-cache"])]
    with MockOpenAI(Writer(), latency_s=0.03) as server:
        journal = out / "generation" / JOURNAL
        for enough in (4, 20, 41):
            process = start(pages, out, server, *more)
            wait_for(lambda n=enough: journal.exists() and journal.read_bytes().count(b"\n") >= n, process)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not (out / "manifest.json").exists()
        status, _, err = finish(pages, out, server, *more)
        assert status == 0, err
        assert "going on" in err
        asked = len(server.requests)
        # Each of the nine panels takes a caption, questions, a translation, and two guesses in each language.
        records = read_records(out / "generation")
        assert Counter(r.view for r in records) == {"caption": 9, "questions": 9, "translation": 9, "blind": 36}
        # At each of the three kills three workers could have a request in flight.
        assert asked <= len(records) + 3 * 3
        assert cached or asked >= len(records)
        assert len(records) == len(journal.read_bytes().splitlines()) == 63
        assert finish(pages, out, server, *more)[0] == 0
        assert len(server.requests) == asked
    assert report(out)["complete"]
    build_benchmark(out, tmp_path / "benchmark")


def test_a_killed_generation_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    pages = copy_pages(tmp_path / "pages")
    with MockOpenAI(Writer(), latency_s=0.02) as server:
        process = start(pages, tmp_path / "one", server, "--no-cache")
        journal = tmp_path / "one" / "generation" / JOURNAL
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 7, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert finish(pages, tmp_path / "one", server, "--no-cache")[0] == 0
        assert finish(pages, tmp_path / "two", server, "--no-cache")[0] == 0
    one, two = (
        {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file() and "generation" not in p.parts}
        for out in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert len(one) == 7


def test_another_folder_pays_nothing_twice_through_the_cache(english: Path, tmp_path: Path) -> None:
    with MockOpenAI(Writer()) as server:
        assert call(english, tmp_path / "one", server)[0] == 0
        asked = len(server.requests)
        assert call(english, tmp_path / "two", server)[0] == 0
        assert len(server.requests) == asked
        assert {r.cached for r in read_records(tmp_path / "two" / "generation")} == {True}


def test_ctrl_c_ends_it_cleanly_and_the_same_call_goes_on(english: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with MockOpenAI(Writer(), latency_s=0.1) as server:
        process = start(english, out, server, "--concurrency", "1")
        journal = out / "generation" / JOURNAL
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 3, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 4, err
        assert "interrupted; repeat the call to go on" in err
        assert "the pages are not written yet" in err
        assert not report(out)["complete"]
        assert finish(english, out, server)[0] == 0
        assert len(server.requests) <= 20 + 1


def test_failed_requests_are_recorded_and_asked_again(english: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    broken = True

    def fault(request: RecordedRequest) -> Any:
        return Fault("http", status=400) if broken and step_of(request) == "questions" and small(request) else None

    def small(request: RecordedRequest) -> bool:
        return request.images[0].size[0] < 400

    with MockOpenAI(Writer(), faults=fault) as server:
        status, stdout, err = call(english, out, server)
        assert status == 3, (stdout, err)
        first = report(out)
        assert (first["complete"], first["done"], first["failed"]) == (True, 2, 3)
        assert first["failures"] == {"http_400": 3}
        assert first["steps"]["questions"] == {"answered": 2, "unusable": 0, "failed": 3}
        assert "3 panels failed (3 x http_400); the same call asks them again" in err
        assert {q["panel"] for q in questions(out)} <= {"p1", "p2"}
        asked = len(server.requests)
        broken = False
        assert call(english, out, server)[0] == 0
        # Three lists of questions and two guesses for each: no caption, and nothing of the two finished panels.
        assert Counter(step_of(r) for r in server.requests[asked:]) == {"questions": 3, "blind": 6}
    assert (report(out)["failed"], report(out)["done"]) == (0, 5)


def questions(out: Path) -> Any:
    return json.loads((out / f"annotations/{PAGE}.json").read_text())["questions"]


def test_a_server_that_refuses_is_the_users_matter_and_a_corrected_call_goes_on(english: Path, tmp_path: Path) -> None:
    with MockOpenAI(Writer(), api_key="another") as server:
        status, _, err = call(english, tmp_path / "out", server)
    assert status == 2
    assert "the server refuses every request (HTTP 401, auth)" in err
    assert not (tmp_path / "out" / "manifest.json").exists()
    with MockOpenAI(Writer(), port=int(server.base_url.split(":")[2].split("/")[0])) as server:
        assert call(english, tmp_path / "out", server)[0] == 0


def test_a_server_that_is_gone_leaves_it_incomplete(english: Path, tmp_path: Path) -> None:
    with MockOpenAI() as server:
        pass
    status, _, err = call(english, tmp_path / "out", server)
    assert status == 4, err
    assert "no request gets through (connection)" in err


def test_a_full_disk_stops_it_and_keeps_every_answer(english: Path, tmp_path: Path) -> None:
    # A limit on file sizes stands in for a full disk.
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)); " + COMMAND
    journal = tmp_path / "out" / "generation" / JOURNAL
    with MockOpenAI(Writer()) as server:
        status, _, err = finish(english, tmp_path / "out", server, "--no-cache", code=limited)
        assert status == 4, err
        assert "the journal cannot be written: File too large" in err
        before = journal.read_bytes()
        assert 0 < before.count(b"\n") < 20
        assert before.endswith(b"\n")
        assert finish(english, tmp_path / "out", server, "--no-cache")[0] == 0
    assert journal.read_bytes().startswith(before)
    assert len(read_records(tmp_path / "out" / "generation")) == 20


def test_a_second_process_is_refused_and_harms_nothing(english: Path, tmp_path: Path) -> None:
    refused = threading.Event()
    writer = Writer()

    async def reply(request: RecordedRequest) -> Any:
        while not refused.is_set():  # noqa: ASYNC110 - the server's loop runs in another thread than the test
            await asyncio.sleep(0.01)
        return writer(request)

    with MockOpenAI(reply) as server:
        first = start(english, tmp_path / "out", server)
        wait_for(lambda: server.requests, first)
        status, _, err = finish(english, tmp_path / "out", server)
        refused.set()
        assert status == 2
        assert f"another process works on this run (process {first.pid}" in err
        assert "or choose another OUT folder" in err
        _, err = first.communicate(timeout=60)
        assert first.returncode == 0, err
        assert len(server.requests) == 20


def test_other_settings_are_refused(english: Path, tmp_path: Path) -> None:
    changes = {
        ("--questions", "2"): "panel_questions: 3, now 2",
        ("--temperature", "0.5"): "params.temperature: 0.0, now 0.5",
        ("--blind-model", "openai:gpt-4.1"): "blind_model: 'openai:gpt-4o-mini', now 'openai:gpt-4.1'",
        ("--padding", "0.1"): "crop.padding: 0.0, now 0.1",
        ("--attempts", "1"): "read_attempts: 3, now 1",
    }
    with MockOpenAI(Writer()) as server:
        assert call(english, tmp_path / "out", server)[0] == 0
        asked = len(server.requests)
        for more, named in changes.items():
            status, _, err = call(english, tmp_path / "out", server, *more)
            assert status == 2
            assert "were begun with other settings" in err
            assert named in err
        assert len(server.requests) == asked


def test_other_pages_are_refused(english: Path, tmp_path: Path) -> None:
    with MockOpenAI(Writer()) as server:
        assert call(english, tmp_path / "out", server)[0] == 0
        path = english / f"annotations/{PAGE}.json"
        labels = json.loads(path.read_text())
        labels["panels"][0]["box"][0] += 1
        path.write_text(json.dumps(labels))
        status, _, err = call(english, tmp_path / "out", server)
    assert status == 2
    assert "pages_digest" in err


def test_folders_that_cannot_be_used(english: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with MockOpenAI(Writer()) as server:
        for out, words in (
            (english, "is the pages folder itself"),
            ("taken", "is not empty"),
            ("file", "is no folder"),
        ):
            status, _, err = call(english, tmp_path / out, server)
            assert status == 2
            assert words in err
        assert not server.requests
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


def test_what_was_corrected_by_hand_is_not_overwritten(english: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = out / f"annotations/{PAGE}.json"
    broken = True

    def fault(request: RecordedRequest) -> Any:
        return (
            Fault("http", status=400)
            if broken and step_of(request) == "caption" and request.images[0].size[0] > 1000
            else None
        )

    numbers: dict[str, int] = {}

    def apart(request: RecordedRequest) -> str:
        return as_json(numbered(HOLDS, numbers.setdefault(request.images[0].sha256, len(numbers))))

    with MockOpenAI(Writer({"questions": apart}), faults=fault) as server:
        assert call(english, out, server)[0] == 3
        corrected = path.read_text().replace("What does the witch", "What does the young witch")
        path.write_text(corrected)
        # Nothing new: the correction stands.
        assert call(english, out, server)[0] == 3
        assert path.read_text() == corrected
        broken = False
        status, _, err = call(english, out, server)
        assert status == 2
        assert f"{path}: was changed since it was written" in err
        assert path.read_text() == corrected
        path.unlink()
        assert call(english, out, server)[0] == 0
    assert len(questions(out)) == PANELS


def test_a_damaged_picture_fails_its_panels_alone(tmp_path: Path) -> None:
    pages = copy_pages(tmp_path / "pages", (PAGE, OTHER), french=False)
    path = pages / f"images/en/{OTHER}.jpg"
    path.write_bytes(path.read_bytes()[:30_000])
    manifest = json.loads((pages / "manifest.json").read_text())
    for entry in manifest:
        del entry["sha256"]
    (pages / "manifest.json").write_text(json.dumps(manifest))
    with MockOpenAI(Writer()) as server:
        status, _, err = call(pages, tmp_path / "out", server)
    assert status == 3, err
    assert report(tmp_path / "out")["failures"].keys() == {"image_error"}
    assert questions(tmp_path / "out")


def test_no_key_reaches_a_file_or_the_terminal(english: Path, tmp_path: Path) -> None:
    def echo(request: RecordedRequest) -> str:
        if step_of(request) == "caption":
            return f"I was sent {request.headers['authorization'][:9]}..."
        return Writer()(request)

    with MockOpenAI(echo, api_key=KEY, extra=("guided",)) as server:
        status, stdout, err = call(english, tmp_path / "out", server, "--extra-body", json.dumps({"guided": "x"}))
        assert status == 0, err
    with MockOpenAI(echo, api_key="another") as server:
        _, stdout2, err2 = call(english, tmp_path / "refused", server)
    texts = [stdout, err, stdout2, err2]
    texts += [p.read_bytes().decode("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file()]
    assert all(KEY not in text for text in texts)
