"""``comic-eval ablate`` as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.mock_openai import MockOpenAI
from support.panel_pages import PANELS, make_panel_pages

PAGES = 4
VIEWS = "page,panel,character,page+panel,noise,other-panel,blind"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_panel_pages(tmp_path_factory.mktemp("ablate") / "pages", PAGES).folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from comic_eval.cli import main; main()", "ablate", *map(str, arguments)]


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"OPENAI_API_KEY": "", "COLUMNS": "100"}
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environ, timeout=180)


def on(pages: Path, runs: Path, model: str = "first") -> tuple[object, ...]:
    return "--model", model, "--benchmark", pages, "--runs-dir", runs, "--name", "x"


def test_a_model_under_every_view_over_http(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>C</answer>") as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url)
        arguments += ("--budget", "16384,64", "--no-cache")
        done = call(*arguments)
        assert done.returncode == 0, done.stderr
        # 3 page questions, 2 with panels, 1 with a character; noise as panel; wrong panels for actions; blind once.
        per_budget = PAGES * (3 + 2 + 1 + 2 + 2 + 1)
        assert len(server.requests) == 2 * per_budget + 3 * PAGES
        sizes = {len(r.images) for r in server.requests}
        assert sizes == {0, 1, 2, len(PANELS), 1 + len(PANELS)}
        again = call(*arguments, "--quiet")
        assert again.returncode == 0
        assert again.stdout == done.stdout
        assert len(server.requests) == 2 * per_budget + 3 * PAGES
    assert "run 13 of 13: x-blind" in done.stderr
    assert done.stdout.count("visual tokens a picture") == 2
    assert "each has no target region" in done.stdout
    assert str(tmp_path / "x" / "ablation.json") in done.stdout
    found = json.loads((tmp_path / "x" / "ablation.json").read_text())
    small = [c for c in found["cells"] if c["budget"] == 64 and c["view"] != "blind"]
    assert small
    assert all(0 < c["tokens"] <= 64 * c["images"] for c in small)


def test_json_is_all_that_stands_on_stdout(pages: Path, tmp_path: Path) -> None:
    done = call(*on(pages, tmp_path), "--views", "page,panel,blind", "--budget", 1024, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads((tmp_path / "x" / "ablation.json").read_text())


def test_a_dry_run_writes_and_sends_nothing(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI() as server:
        done = call(*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, "--budget", 1024, "--dry-run")
        assert not server.requests
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    lines = {line.split()[-1]: line.split() for line in done.stdout.splitlines() if line.endswith(("1024", "blind"))}
    assert lines["x-page-1024"][0] == str(3 * PAGES)
    assert lines["x-panel-1024"][2] == str(PAGES * (1 + len(PANELS)))
    panel = PAGES * (1 + len(PANELS)) * 135 * 195 // 784
    assert lines["x-panel-1024"][4] == f"{panel:,}"
    assert lines["x-blind"][2] == "0"


def test_a_familys_own_rule_and_tokens(pages: Path, tmp_path: Path) -> None:
    arguments = (*on(pages, tmp_path, "openai:m"), "--views", "page,panel", "--budget", 64, "--family", "qwen3-vl")
    with MockOpenAI("<answer>C</answer>") as server:
        arguments += ("--base-url", server.base_url)
        dry = call(*arguments, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert "at 1024 pixels a token" in dry.stdout
        done = call(*arguments)
        assert done.returncode == 0, done.stderr
        sent = {image.size for request in server.requests for image in request.images}
    assert all(width % 32 == height % 32 == 0 and width * height <= 64 * 1024 for width, height in sent)
    assert "tokens: sent pixels / 1024" in done.stdout
    found = json.loads((tmp_path / "x" / "ablation.json").read_text())
    assert found["pixels_per_token"] == 1024
    page = [cell for cell in found["cells"] if cell["view"] == "page"]
    assert all(cell["tokens"] == int(cell["tokens"]) <= 64 for cell in page)
    wrong = call(*on(pages, tmp_path / "other"), "--family", "qwem")
    assert wrong.returncode == 2
    assert "qwen3-vl" in wrong.stderr


def test_failed_requests_end_with_3_and_the_same_call_mends_them(pages: Path, tmp_path: Path) -> None:
    def fault(request: Any) -> Any:
        return "context_length" if broken and len(request.images) == len(PANELS) else None

    broken = True
    with MockOpenAI("<answer>2</answer>", faults=fault) as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url)
        arguments += ("--views", "page,panel", "--budget", 1024)
        first = call(*arguments)
        assert first.returncode == 3, first.stderr
        assert f"{PAGES} failed" in first.stdout
        broken = False
        asked = len(server.requests)
        second = call(*arguments)
        assert second.returncode == 0, second.stderr
        assert len(server.requests) == asked + PAGES


def test_ctrl_c_ends_cleanly_with_4_and_the_same_call_goes_on(pages: Path, tmp_path: Path) -> None:
    allowed = threading.Semaphore(3 * PAGES + 2)

    async def reply(_: Any) -> str:
        while not allowed.acquire(blocking=False):  # noqa: ASYNC110 - released by the test's own thread
            await asyncio.sleep(0.01)
        return "<answer>2</answer>"

    with MockOpenAI(reply) as server:
        arguments = (*on(pages, tmp_path, "openai:m"), "--base-url", server.base_url, "--concurrency", 2)
        arguments += ("--views", "page,panel,blind", "--budget", 1024)
        process = subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        journal = tmp_path / "x-panel-1024" / "journal.jsonl"
        pause = threading.Event()
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") == 2):
            pause.wait(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 4, err
        assert "stopped: interrupted; repeat the call to go on (1 runs not begun)" in err
        assert "INCOMPLETE: run x-panel-1024 has 2 of 8 samples" in out
        assert "Traceback" not in err
        allowed.release(100)
        again = call(*arguments)
        assert again.returncode == 0, again.stderr
        # The page's answers came from the journal, the two in flight were asked twice.
        assert len(server.requests) <= 3 * PAGES + 2 * PAGES + 3 * PAGES + 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--views", "panel,blind"), "name page, with which all are compared"),
        (("--views", "page,crop"), "unknown view 'crop'; known: page, panel"),
        (("--views", ""), "name page"),
        (("--budget", "much"), "must be whole numbers, such as 16384,1024"),
        (("--budget", "16384,0"), "must be 1 or more"),
        (("--tasks", "dialog_reordering"), "no sample has a view 'panel'"),
        (("--crop-padding", "-1"), "--crop-padding"),
        (("--name", "a/b"), "run name 'a/b'"),
    ],
)
def test_mistakes_end_with_2_and_name_the_way_out(
    pages: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = call("--model", "first", "--benchmark", pages, "--runs-dir", tmp_path, *arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_crop_options_reach_the_crops(pages: Path, tmp_path: Path) -> None:
    arguments = (*on(pages, tmp_path), "--views", "page,panel", "--budget", 1024, "--quiet")
    assert call(*arguments, "--crop-padding", 0.25, "--crop-min-pixels", 50000).returncode == 0
    spec = json.loads((tmp_path / "x-panel-1024" / "manifest.json").read_text())["spec"]
    assert spec["crop"] == {"padding": 0.25, "min_side": 28, "max_aspect": 100.0, "min_pixels": 50000}
    done = call(*arguments)
    assert done.returncode == 2
    assert "crop.padding" in done.stderr


def test_a_run_under_a_crop_view_says_what_it_leaves_out(pages: Path, tmp_path: Path) -> None:
    words = ["run", "--model", "first", "--benchmark", pages, "--runs-dir", tmp_path, "--view", "panel", "--quiet"]
    script = [sys.executable, "-c", "from comic_eval.cli import main; main()", *map(str, words)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert f"no view panel: {PAGES} of dialog_reordering left out: each has no target region" in done.stderr
    plan = subprocess.run([*script, "--dry-run"], capture_output=True, text=True, timeout=120, env=os.environ)
    assert f"no view panel: {PAGES} of dialog_reordering left out" in plan.stdout
    alone = subprocess.run(
        [*script, "--tasks", "dialog_reordering"], capture_output=True, text=True, timeout=120, env=os.environ
    )
    assert alone.returncode == 2
    assert "no sample has a view 'panel'" in alone.stderr


def test_help_is_light() -> None:
    script = "import sys; from comic_eval.cli import main\ntry: main(['ablate', '--help'])\n"
    script += "finally: print([m for m in ('numpy', 'pydantic', 'PIL', 'rich', 'openai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")
    for name in VIEWS.split(","):
        assert name in done.stdout
