"""What models really write, case by case; each line of the corpus says what must be read, or why nothing may be."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from comic_eval.answers import extract_choice, extract_number, extract_open
from comic_eval.types import Extraction

HERE = Path(__file__).parent


def cases(kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / f"corpus_{kind}.jsonl").read_text("utf-8").splitlines()]


def named(case: dict[str, Any]) -> str:
    return f"{case['family']}: {case['note']}"


def expected(case: dict[str, Any]) -> Extraction:
    return Extraction(value=case.get("value"), reason=case.get("reason"))


@pytest.mark.parametrize("case", cases("choice"), ids=named)
def test_choice(case: dict[str, Any]) -> None:
    assert extract_choice(case["text"], case["choices"], case["language"]) == expected(case)


@pytest.mark.parametrize("case", cases("number"), ids=named)
def test_number(case: dict[str, Any]) -> None:
    assert extract_number(case["text"], case["language"]) == expected(case)


@pytest.mark.parametrize("case", cases("open"), ids=named)
def test_open(case: dict[str, Any]) -> None:
    assert extract_open(case["text"]) == expected(case)


def test_the_corpus_is_large_bilingual_and_knows_every_reason() -> None:
    everything = [case for kind in ("choice", "number", "open") for case in cases(kind)]
    assert len(everything) >= 300
    assert Counter(case["language"] for case in everything)["fr"] >= 60
    reasons = {case["reason"] for case in everything if "reason" in case}
    assert reasons == {"empty", "refusal", "ambiguous", "no_answer", "out_of_range", "truncated"}
    texts = Counter(
        (case["text"], tuple(case.get("choices", ())), kind)
        for kind in ("choice", "number", "open")
        for case in cases(kind)
    )
    assert max(texts.values()) == 1, "a case stands in the corpus twice"
