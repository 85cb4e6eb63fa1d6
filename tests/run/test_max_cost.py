"""`--max-cost` over a real connection: never exceeded, resumable, and honest about what may have been charged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.mock_openai import MockOpenAI
from support.openai_faults import Fault
from support.openai_replies import Reply
from support.runs import TableModel, make_pages

from comic_eval import evaluate
from comic_eval.costs.ledger import FILE_NAME, read_ledger
from comic_eval.errors import UserError
from comic_eval.run.evaluate import RunResult
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import SamplingParams

PRICES = Prices(input=100.0, output=1000.0)
MAX_TOKENS = 200
# An answer of the server costs 0.2 dollars for its output and about 0.01 for its input.
LONGEST = Reply("<answer>C</answer>", reasoning_tokens=MAX_TOKENS - 1)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("cost") / "pages", 20).folder


def run(
    pages: Path, runs: Path, server: MockOpenAI, max_cost: float | None, *, zoom: bool = False, **operation: Any
) -> RunResult:
    return evaluate(
        model="openai:m",
        adapter_settings={"base_url": server.base_url},
        benchmark=pages,
        runs_dir=runs,
        name="r",
        params=SamplingParams(max_tokens=MAX_TOKENS),
        prices=PRICES,
        zoom=zoom,
        operation=Operation(max_cost_usd=max_cost, **operation),
    )


def charged(server: MockOpenAI) -> float:
    """What the provider would charge for every request that it answered, or began to answer."""
    tokens = sum(len(r.text.split()) + sum(i.tokens for i in r.images) for r in server.requests)
    return PRICES.cost({"input_tokens": tokens, "output_tokens": MAX_TOKENS * len(server.requests)})


@pytest.mark.parametrize("concurrency", [1, 32])
def test_the_limit_is_never_exceeded_and_a_higher_one_goes_on(pages: Path, tmp_path: Path, concurrency: int) -> None:
    with MockOpenAI(LONGEST, latency_s=0.01) as server:
        first = run(pages, tmp_path, server, 3.0, concurrency=concurrency, use_cache=False)
        assert first.exit_status == 4
        assert first.stopped is not None
        assert "the limit of $3.0000 leaves no room" in first.stopped
        assert "--max-cost" in first.stopped
        spent = charged(server)
        assert spent <= 3.0
        # It did not stop early either: another request would not have been sure to fit.
        assert spent > 2.0
        assert first.summary.usage.cost_usd == pytest.approx(spent)
        answered = len(server.requests)
        assert first.summary.done == answered
        assert read_ledger(tmp_path / "r" / FILE_NAME) == {}

        second = run(pages, tmp_path, server, 5.0, concurrency=concurrency, use_cache=False)
        assert second.exit_status == 4
        assert 3.0 < charged(server) <= 5.0
        last = run(pages, tmp_path, server, 100.0, concurrency=concurrency, use_cache=False)
        assert last.exit_status == 0
        # Nothing was asked twice.
        assert len(server.requests) == 40


def test_requests_that_broke_count_at_their_most(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(LONGEST, faults=lambda r: Fault("reset") if r.index % 2 else None) as server:
        done = run(pages, tmp_path, server, 3.0, concurrency=32, max_retries=3, use_cache=False)
        assert done.exit_status == 4
        assert charged(server) <= 3.0
        recorded = done.summary.usage.cost_usd or 0.0
        left = sum(read_ledger(tmp_path / "r" / FILE_NAME).values())
        assert left > 0
        assert recorded + left <= 3.0 + 1e-6


def test_episodes_stay_within_the_limit_turn_by_turn(pages: Path, tmp_path: Path) -> None:
    def reply(request: Any) -> Reply:
        if len(request.images) > 2:
            return LONGEST
        call = ("c", "image_zoom_in_tool", '{"bbox_2d": [0, 0, 500, 500]}')
        return Reply("", finish_reason="tool_calls", tool_calls=(call,), reasoning_tokens=MAX_TOKENS)

    arguments: dict[str, Any] = {"concurrency": 32, "zoom": True}
    with MockOpenAI(reply, latency_s=0.01) as server:
        first = run(pages, tmp_path, server, 5.0, **arguments)
        assert first.exit_status == 4
        assert charged(server) <= 5.0
        # Turns of episodes that were cut short are in the ledger, though not in the journal.
        left = sum(read_ledger(tmp_path / "r" / FILE_NAME).values())
        assert (first.summary.usage.cost_usd or 0.0) + left == pytest.approx(charged(server))
        last = run(pages, tmp_path, server, 100.0, **arguments)
        assert last.exit_status == 0
        # Their answers were kept, so no turn was asked twice.
        assert len(server.requests) == 40 * 3


def test_refused_requests_cost_nothing(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(LONGEST, faults=[Fault("rate_limit", retry_after=0.01)] * 30) as server:
        done = run(pages, tmp_path, server, 100.0, concurrency=4, max_retries=40)
        assert done.exit_status == 0
        assert read_ledger(tmp_path / "r" / FILE_NAME) == {}


def test_answers_from_the_cache_cost_nothing(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(LONGEST) as server:
        run(pages, tmp_path, server, None)
        asked = len(server.requests)
        again = evaluate(
            model="openai:m",
            adapter_settings={"base_url": server.base_url},
            benchmark=pages,
            runs_dir=tmp_path,
            name="again",
            params=SamplingParams(max_tokens=MAX_TOKENS),
            prices=PRICES,
            operation=Operation(max_cost_usd=1e-6),
        )
        assert again.exit_status == 0
        assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prices": None}, r"no price is known for test:table.*--price IN,OUT.*--prices FILE"),
        ({"prices": PRICES, "params": SamplingParams(max_tokens=None)}, "--max-tokens"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(
    pages: Path, tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        evaluate(
            model=TableModel(), benchmark=pages, runs_dir=tmp_path, operation=Operation(max_cost_usd=1.0), **arguments
        )
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_tells_prices_and_limit(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI(LONGEST) as server:
        run(pages, tmp_path, server, 100.0)
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["prices"]["input"] == 100.0
    assert manifest["starts"][0]["operation"]["max_cost_usd"] == 100.0
