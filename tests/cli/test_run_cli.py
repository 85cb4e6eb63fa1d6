"""``comic-eval run`` as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.mock_openai import MockOpenAI
from support.runs import make_pages

from comic_eval.cli import main
from comic_eval.run.folder import JOURNAL


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("cli") / "pages", 6).folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from comic_eval.cli import main; main()", "run", *map(str, arguments)]


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def call(*arguments: object, env: dict[str, str] | None = None) -> Done:
    """The command in this process."""
    environ = {"OPENAI_API_KEY": "", "COLUMNS": "100"} | (env or {})
    result = CliRunner().invoke(main, ["run", *map(str, arguments)], env=environ)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def call_process(*arguments: object) -> Done:
    """The command in a process of its own."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120)
    return Done(done.returncode, done.stdout, done.stderr)


def on(pages: Path, runs: Path, model: str = "first") -> tuple[object, ...]:
    return "--model", model, "--benchmark", pages, "--runs-dir", runs, "--name", "r"


def test_a_baseline_in_one_call(pages: Path, tmp_path: Path) -> None:
    done = call_process(*on(pages, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Action Recognition" in done.stdout
    assert str(tmp_path / "r" / JOURNAL) in done.stdout
    assert "12/12 samples" in done.stderr
    summary = json.loads((tmp_path / "r" / "summary.json").read_text())
    assert {name: task["n"] for name, task in summary["tasks"].items()} == {
        "action_recognition": 6,
        "character_counting": 6,
    }
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["starts"][0]["arguments"]["argv"][:3] == ["run", "--model", "first"]


def test_json_is_all_that_stands_on_stdout(pages: Path, tmp_path: Path) -> None:
    done = call(*on(pages, tmp_path), "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "r" / "summary.json").read_text())


def test_tasks_and_limit(pages: Path, tmp_path: Path) -> None:
    done = call(*on(pages, tmp_path), "--tasks", "action_recognition, character_counting", "--limit", 5, "--json")
    counts = [task["n"] for task in json.loads(done.stdout)["tasks"].values()]
    assert counts == [3, 2]


def test_a_dry_run_writes_and_sends_nothing(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI() as server:
        arguments = on(pages, tmp_path, "openai:m"), ("--base-url", server.base_url, "--dry-run")
        plain = call(*arguments[0], *arguments[1])
        found = call(*arguments[0], *arguments[1], "--json")
        assert not server.requests
    assert plain.returncode == found.returncode == 0, plain.stderr
    assert list(tmp_path.iterdir()) == []
    assert "12  requests with 12 images (6 different)" in plain.stdout
    plan = json.loads(found.stdout)
    assert plan["pixels"] == 12 * 120 * 160
    assert plan["image_tokens"] == 12 * 120 * 160 // 784


def test_a_dry_run_counts_what_is_answered(pages: Path, tmp_path: Path) -> None:
    assert call(*on(pages, tmp_path)).returncode == 0
    plan = json.loads(call(*on(pages, tmp_path), "--dry-run", "--json").stdout)
    assert (plan["answered"], plan["requests"]) == (12, 0)


def test_failed_requests_end_with_3_and_the_same_call_mends_them(pages: Path, tmp_path: Path) -> None:
    def fault(request: Any) -> Any:
        return "context_length" if broken and "page 1" in request.text else None

    broken = True
    with MockOpenAI("<answer>2</answer>", faults=fault) as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url)
        first = call(*arguments)
        assert first.returncode == 3, first.stderr
        assert "2 samples failed; the same call asks them again" in first.stderr
        assert "2 x context_length" in first.stderr
        assert "2 context_length" in first.stdout
        broken = False
        asked = len(server.requests)
        second = call(*arguments)
        assert second.returncode == 0, second.stderr
        assert len(server.requests) == asked + 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "opnai:gpt"), "did you mean 'openai'"),
        (("--model", "random", "--benchmark", "no-such"), "no benchmark"),
        (("--model", "random", "--base-url", "http://x"), "base_url"),
        (("--model", "random", "--split", "none"), "no split 'none'"),
        (("--model", "random", "--tasks", "depth"), "no task 'depth'"),
        (("--model", "random", "--tasks", ""), "no task is named"),
        (("--model", "random", "--limit", "0"), "--limit"),
        (("--model", "random", "--extra-body", "[1]"), "must be a JSON object"),
        (("--model", "random", "--price", "cheap"), "two or three numbers"),
        (("--model", "random", "-S", "novalue"), "KEY=VALUE"),
        (("--model", "random", "--name", "a/b"), "--name a-b"),
        (("--model", "random", "--beside", "gone"), "manifest.json"),
        (("--model", "random", "--resume"), "give its --name"),
        (("--model", "random", "--resume", "--name", "gone"), "no such run to go on with"),
        (("--model", "openai:gpt-4o"), "OPENAI_API_KEY"),
        ((), "--model"),
    ],
)
def test_mistakes_end_with_2_and_name_the_way_out(
    pages: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    defaults = [] if "--benchmark" in arguments else ["--benchmark", pages]
    done = call(*arguments, *defaults, "--runs-dir", tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_refused_key_ends_with_2(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(api_key="right") as server:
        done = call(
            *on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, env={"OPENAI_API_KEY": "wrong-key"}
        )
    assert done.returncode == 2
    assert "refuses every request" in done.stderr
    assert "wrong-key" not in done.stdout + done.stderr


def test_a_server_that_is_not_there_ends_with_4(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI() as server:
        url = server.base_url
    done = call(*on(pages, tmp_path, "openai:m"), "--base-url", url, "--max-retries", 0, "--concurrency", 2)
    assert done.returncode == 4, done.stderr
    assert "no request gets through (connection)" in done.stderr
    assert "INCOMPLETE" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_cleanly_with_4_and_the_same_call_goes_on(
    pages: Path, tmp_path: Path, number: signal.Signals
) -> None:
    answered = threading.Semaphore(5)

    async def reply(_: Any) -> str:
        while not answered.acquire(blocking=False):  # noqa: ASYNC110 - released by the test's own thread
            await asyncio.sleep(0.01)
        return "<answer>2</answer>"

    with MockOpenAI(reply) as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, "--concurrency", 2)
        process = subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        journal = tmp_path / "r" / JOURNAL
        pause = threading.Event()
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") == 5):
            pause.wait(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 4, err
        assert "interrupted; repeat the call to go on" in err
        assert "INCOMPLETE: 5 of 12" in err
        assert "Traceback" not in err
        assert "Action Recognition" in out
        answered.release(100)
        again = call(*arguments)
        assert again.returncode == 0, again.stderr
        assert len(server.requests) <= 12 + 2


def test_a_run_that_does_not_exist_is_told_those_that_do(pages: Path, tmp_path: Path) -> None:
    assert call(*on(pages, tmp_path)[:-1], "one").returncode == 0
    beside = call(*on(pages, tmp_path)[:-1], "two", "--beside", "oen")
    replay = call(*on(pages, tmp_path, f"replay:{tmp_path / 'oen'}")[:-1], "two")
    for done in (beside, replay):
        assert done.returncode == 2
        assert "there are: one" in done.stderr
        assert "oen" in done.stderr


def test_without_an_answer_no_scores_are_shown(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(faults=lambda _: "content_policy") as server:
        done = call(*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, "--max-retries", 0)
    assert done.returncode == 3, done.stderr
    assert "no answers, so no scores" in done.stdout
    assert "accuracy" not in done.stdout
    assert "0.0" not in done.stdout


def test_an_unknown_parameter_ends_with_2_and_names_it(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI() as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, "--concurrency", 2)
        done = call(*arguments, "--extra-body", '{"foo": 1}')
        assert done.returncode == 2, done.stdout
        assert "foo" in done.stderr
        assert "--extra-body" in done.stderr
        assert "accuracy" not in done.stdout
        assert len(server.requests) < 12
        assert call(*arguments).returncode == 0


def test_runs_can_be_shown_beside_each_other(pages: Path, tmp_path: Path) -> None:
    assert call(*on(pages, tmp_path)[:-1], "one").returncode == 0
    done = call(*on(pages, tmp_path, "random")[:-1], "two", "--beside", "one")
    assert done.returncode == 0, done.stderr
    assert "baseline:" in done.stdout
    assert "first" in done.stdout


def test_parameters_reach_the_server(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>2</answer>", extra=("top_k",)) as server:
        done = call(
            *on(pages, tmp_path, "openai:m"),
            *("--base-url", server.base_url, "--limit", 2, "--temperature", 0.3, "--top-p", 0.9),
            *("--max-tokens", 77, "--sampling-seed", 5, "--extra-body", '{"top_k": 4}', "--price", "1,2"),
        )
        assert done.returncode == 0, done.stderr
        params = server.requests[0].params
    assert (params["temperature"], params["top_p"], params["seed"], params["top_k"]) == (0.3, 0.9, 5, 4)
    assert 77 in (params.get("max_tokens"), params.get("max_completion_tokens"))
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["usage"]["cost_usd"] > 0
    assert "$" in done.stderr


def test_help_is_light_and_tells_the_exit_status() -> None:
    script = "import sys; from comic_eval.cli import main\ntry: main(['run', '--help'])\n"
    script += "finally: print([m for m in ('numpy', 'pydantic', 'PIL', 'rich', 'openai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")
    assert "Exit status" in done.stdout
