"""What ``comic-eval run`` says about costs, and its options for several answers, a system prompt, and batches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.mock_openai import MockOpenAI
from support.openai_batches import MockOpenAIBatches
from support.runs import make_pages

from comic_eval.cli import main


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("cost-cli") / "pages", 4).folder


def call(pages: Path, runs: Path, *arguments: object, model: str = "openai:gpt-5-mini") -> Result:
    common = ("--model", model, "--benchmark", pages, "--runs-dir", runs, "--name", "r")
    environ = {"OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": "", "COLUMNS": "100"}
    result = CliRunner().invoke(main, ["run", *map(str, (*common, *arguments))], env=environ)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_dry_run_tells_tokens_and_dollars_with_their_dates(pages: Path, tmp_path: Path) -> None:
    done = call(pages, tmp_path, "--dry-run", "--max-tokens", 1000)
    assert done.exit_code == 0, done.stderr
    # Each picture of 120 x 160 has 4 x 5 patches of 1.2 tokens.
    assert f"{8 * 24} image tokens by OpenAI's rule" in done.stdout
    assert "text tokens at four characters each" in done.stdout
    assert "at most 8,000 output tokens" in done.stdout
    assert "as of 2025-11-13, https://developers.openai.com/api/docs/pricing" in done.stdout
    found = json.loads(call(pages, tmp_path, "--dry-run", "--max-tokens", 1000, "--json").stdout)["forecast"]
    assert 0 < found["cost_low"] < 0.002 < 8000 * 2 / 1e6 < found["cost_high"] < 0.03
    batch = json.loads(call(pages, tmp_path, "--dry-run", "--max-tokens", 1000, "--json", "--batch").stdout)["forecast"]
    assert batch["cost_high"] == pytest.approx(found["cost_high"] / 2)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_bounds_the_turns_of_episodes(pages: Path, tmp_path: Path) -> None:
    plain = json.loads(call(pages, tmp_path, "--dry-run", "--json").stdout)["forecast"]
    zoomed = call(pages, tmp_path, "--dry-run", "--zoom", "--max-turns", 5)
    assert "in up to 40 turns" in zoomed.stdout
    found = json.loads(call(pages, tmp_path, "--dry-run", "--zoom", "--max-turns", 5, "--json").stdout)["forecast"]
    assert found["requests_bound"] == 5 * plain["requests_bound"] == 40
    assert found["cost_high"] > 5 * plain["cost_high"]


def test_an_unknown_price_is_said_and_a_file_states_it(pages: Path, tmp_path: Path) -> None:
    url = ("--base-url", "http://127.0.0.1:1/v1")
    assert "no price is known; state it with --price or --prices" in call(pages, tmp_path, "--dry-run", *url).stdout
    refused = call(pages, tmp_path, "--max-cost", 1, *url)
    assert refused.exit_code == 2
    assert "--price IN,OUT" in refused.stderr
    file = tmp_path / "mine.json"
    entry = {"model": "openai:gpt-5-mini", "input": 3, "output": 4, "as_of": "2026-11-01"}
    file.write_text(json.dumps({"prices": [entry]}))
    found = call(pages, tmp_path, "--dry-run", "--prices", file, *url)
    assert "at $3 in and $4 out a million tokens (as of 2026-11-01, your file)" in found.stdout


def test_a_limit_stops_with_4_and_a_higher_one_goes_on(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>C</answer>") as server:
        arguments = ("--base-url", server.base_url, "--price", "100,1000", "--max-tokens", 100)
        first = call(pages, tmp_path, *arguments, "--max-cost", 0.001)
        assert first.exit_code == 4
        assert "leaves no room" in first.stderr
        assert server.requests == []
        assert call(pages, tmp_path, *arguments, "--max-cost", 100).exit_code == 0


def test_repeats_and_a_system_prompt_from_a_file(pages: Path, tmp_path: Path) -> None:
    words = tmp_path / "system.txt"
    words.write_text("You read comics.\n")
    with MockOpenAI("<answer>C</answer>") as server:
        arguments = ("--base-url", server.base_url, "-n", 2, "--temperature", 0.5, "--system", f"@{words}")
        done = call(pages, tmp_path, *arguments, model="openai:m")
        assert done.exit_code == 0, done.stderr
        assert len(server.requests) == 16
        assert "2 answers a question, pass@1" in done.stdout
        spec = json.loads((tmp_path / "r" / "manifest.json").read_text())["spec"]
        assert (spec["system"], spec["repeats"]) == ("You read comics.", 2)
        missing = call(pages, tmp_path, "--system", "@nowhere.txt", "--base-url", server.base_url)
    assert missing.exit_code == 2
    assert "--system @nowhere.txt: cannot be read" in missing.stderr


def test_a_batch_in_one_call(pages: Path, tmp_path: Path) -> None:
    with MockOpenAIBatches("<answer>C</answer>") as server:
        done = call(pages, tmp_path, "--base-url", server.base_url, "--batch", "--batch-poll", 0.05, model="openai:m")
        assert done.exit_code == 0, done.stderr
        assert "8 requests submitted" in done.stderr
        assert len(server.batches) == 1
