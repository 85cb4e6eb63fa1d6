"""Prices: dated, from the provider's own service, and the user's word first."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from comic_eval.contracts import AdapterInfo
from comic_eval.costs.prices import BUNDLED, find_prices, read_prices
from comic_eval.errors import UserError

OPENAI = {"base_url": "https://api.openai.com/v1"}


def info(model: str, **settings: str) -> AdapterInfo:
    return AdapterInfo(id=model, settings=dict(settings))


def test_every_bundled_price_says_when_and_where() -> None:
    table = read_prices(BUNDLED)
    assert len({e.model for e in table.prices}) == len(table.prices) > 20
    for entry in table.prices:
        assert date(2025, 1, 1) < entry.as_of < date(2026, 11, 21), entry.model
        assert entry.source is not None
        assert entry.source.startswith("https://"), entry.model
        assert entry.output >= entry.input >= (entry.cached_input or 0), entry.model


def test_a_snapshot_costs_what_its_model_costs() -> None:
    found = find_prices(info("openai:gpt-5-mini-2025-08-07", **OPENAI))
    assert found is not None
    assert (found.input, found.cached_input, found.output, found.as_of) == (0.25, 0.025, 2.0, "2025-11-13")
    assert found.cost({"input_tokens": 10**6, "output_tokens": 10**6}, batch=True) == pytest.approx(1.125)


@pytest.mark.parametrize(
    "unknown",
    [
        info("openai:gpt-5-mini", base_url="http://localhost:8000/v1"),
        info("openai:gpt-5-mini-custom", **OPENAI),
        info("openai:gpt-6-luna", **OPENAI),
        info("local"),
        info("transformers:./checkpoint"),
    ],
)
def test_no_price_is_guessed(unknown: AdapterInfo) -> None:
    assert find_prices(unknown) is None


def test_a_price_ends_when_its_provider_said_so() -> None:
    gemini = info("gemini:gemini-3.8-flash", base_url="https://generativelanguage.googleapis.com")
    assert find_prices(gemini, today=date(2026, 12, 31)) is not None
    assert find_prices(gemini, today=date(2027, 1, 1)) is None


def write(folder: Path, content: object) -> Path:
    path = folder / "prices.json"
    path.write_text(json.dumps(content) if not isinstance(content, str) else content)
    return path


def test_the_users_file_comes_first(tmp_path: Path) -> None:
    entry = {"model": "openai:gpt-5-mini", "input": 9, "output": 10, "as_of": "2026-11-01"}
    own = read_prices(write(tmp_path, {"prices": [entry, entry | {"model": "openai:mine", "batch": 1}]}))
    for model in (info("openai:gpt-5-mini", **OPENAI), info("openai:mine", base_url="http://localhost:1/v1")):
        found = find_prices(model, own)
        assert found is not None
        assert (found.input, found.as_of) == (9, "2026-11-01")
    other = find_prices(info("openai:gpt-4o", **OPENAI), own)
    assert other is not None
    assert other.input == 2.5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ([], "the file"),
        ({"prices": [{"model": "gpt-5", "input": 1, "output": 1, "as_of": "2026-01-01"}]}, "prices.0.model"),
        ({"prices": [{"model": "openai:x", "input": -1, "output": 1, "as_of": "2026-01-01"}]}, "prices.0.input"),
        ({"prices": [{"model": "openai:x", "input": 1, "output": 1}]}, "prices.0.as_of"),
        ({"prices": [{"model": "openai:x", "input": 1, "out": 1, "as_of": "2026-01-01"}]}, "prices.0.output"),
    ],
)
def test_mistakes_name_the_field(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_prices(write(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_prices(tmp_path / "none.json")
