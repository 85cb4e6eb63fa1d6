"""``comic-eval paper`` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from comic_eval.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("number", range(3, 9))
def test_every_table_prints(number: int) -> None:
    done = call("paper", "table", number)
    assert done.returncode == 0, done.stderr
    assert f"Table {number} of the paper" in done.stdout
    assert f"quoted from arXiv:2511.06490v1, Table {number}" in done.stdout
    assert "nothing was measured here" in done.stdout


def test_what_is_odd_about_the_numbers_is_said() -> None:
    three, five = (call("paper", "table", n).stdout for n in (3, 5))
    assert "76.80¹" in three
    assert "fits 125 test questions" in three
    assert "Gemini wrote that task's questions" in three
    assert "47.02¹" in five
    assert "+7.77 z 1.1" in five
    assert "The paper prints RARL's gain on Depth Comparison as +7.28" in five


def test_a_run_on_the_sample_benchmark_is_marked_as_another(tmp_path: Path) -> None:
    done = call("run", "--model", "random", "--limit", "14", "--name", "mine", "--runs-dir", tmp_path, "--quiet")
    assert done.returncode == 0, done.stderr
    beside = call("paper", "table", "3", "--run", "mine=GPT-5-mini-2025-08-07", "--runs-dir", tmp_path, "--json")
    assert beside.returncode == 0, beside.stderr
    lines = {line["name"]: line for line in json.loads(beside.stdout)["lines"]}
    mini = lines["GPT-5-mini-2025-08-07"]
    assert mini["run"] == "mine"
    assert {cell["standing"] for cell in mini["cells"]} == {"other benchmark"}
    text = call("paper", "table", "3", "mine", "--runs-dir", tmp_path)
    assert "baseline:random (page)" in text.stdout
    assert "pepper-carrot is another benchmark than AI4VA-FG" in text.stdout
    markdown = call("paper", "table", "3", "mine", "--runs-dir", tmp_path, "--markdown")
    assert markdown.stdout.startswith("### Table 3 of the paper")
    for arguments, words in (
        (("--run", "mine=Nobody"), "has no row 'Nobody'"),
        (("--run", "mine"), "say RUN=ROW"),
        (("nobody",), "no run 'nobody'"),
    ):
        wrong = call("paper", "table", "3", *arguments, "--runs-dir", tmp_path)
        assert wrong.returncode == 2
        assert words in wrong.stderr


def test_figure_7() -> None:
    done = call("paper", "figure", "7")
    assert done.returncode == 0
    assert "The paper contradicts itself" in done.stdout
    assert json.loads(call("paper", "figure", "7", "--json").stdout)["number"] == 7
    assert call("paper", "table", "2").returncode == 2
    assert call("paper", "figure", "3").returncode == 2
