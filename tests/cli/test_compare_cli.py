"""``comic-eval compare`` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = ("random", "geometry", "majority")


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from comic_eval.cli import main; main()", *map(str, arguments)]
    environ = os.environ | {"OPENAI_API_KEY": "", "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=180)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "runs"
    for model in MODELS:
        done = call("run", "--model", model, "--name", model, "--runs-dir", folder, "--quiet")
        assert done.returncode == 0, done.stderr
    french = call("run", "--model", "random", "--language", "fr", "--name", "fr", "--runs-dir", folder, "--quiet")
    assert french.returncode == 0, french.stderr
    return folder


def test_two_baselines_on_the_sample_benchmark(runs: Path) -> None:
    done = call("compare", "random", "geometry", "--runs-dir", runs, "--disagreements", "2")
    assert done.returncode == 0, done.stderr
    assert "A  random: baseline:random" in done.stdout
    assert "geometry against random" in done.stdout
    assert "Depth Comparison: no difference that n=87 could show" in done.stdout
    assert "mean of 6 tasks" in done.stdout
    assert f"comic-eval view {runs / 'geometry'}" in done.stdout
    assert "Holm's correction over all 7 tests" in done.stdout
    again = call("compare", runs / "random", runs / "geometry", "--disagreements", "2")
    assert again.stdout == done.stdout


def test_json_and_books(runs: Path) -> None:
    done = call("compare", *MODELS, "--runs-dir", runs, "--by", "book", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["cluster"], found["clusters"]) == ("book", 4)
    assert [r["name"] for r in found["runs"]] == list(MODELS)
    assert len(found["differences"]) == 14
    assert all(1 <= s["rank95"][0] <= s["rank95"][1] <= 3 for s in found["scores"])
    by_pattern = call(
        "compare", *MODELS, "--runs-dir", runs, "--by", "book", "--book-pattern", r"_(?P<book>e\d+)p", "--json"
    )
    assert json.loads(by_pattern.stdout) == found


def test_languages(runs: Path) -> None:
    refused = call("compare", "random", "fr", "--runs-dir", runs)
    assert refused.returncode == 2
    assert "--pair language" in refused.stderr
    done = call("compare", "random", "fr", "--runs-dir", runs, "--pair", "language", "--tasks", "depth_comparison")
    assert done.returncode == 0, done.stderr
    assert "paired by pair_id, over languages" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("random",), "two or more runs"),
        (("random", "nobody"), "no run 'nobody'"),
        (("random", "random"), "compared with itself"),
        (("random", "geometry", "--across", "colour"), "choose among benchmark"),
        (("random", "geometry", "--tasks", "chess"), "task chess: not in all of these runs"),
        (("random", "geometry", "--book-pattern", "(?P<book>.)"), "go with --by book"),
        (("random", "geometry", "--by", "book", "--book-pattern", "x"), "has no group"),
    ],
)
def test_mistakes_are_told(runs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = call("compare", *arguments, "--runs-dir", runs)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
