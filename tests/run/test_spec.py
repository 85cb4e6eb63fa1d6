"""What makes a run the same run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.run.files import is_safe_name, safe_name
from comic_eval.run.spec import BenchmarkRef, Operation, Prices, RunSpec, differences
from comic_eval.types import SamplingParams

SPEC = RunSpec(
    model="openai:org/model:8b",
    model_settings={"base_url": "http://x/v1"},
    benchmark=BenchmarkRef(name="small", version="1", revision="1+abc", digest="abc"),
    split="test",
    tasks=("depth_comparison",),
    language="en",
    view="page",
    budget=1024,
    judge="reference-1",
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "openai:b"}, "model: 'openai:org/model:8b', now 'openai:b'"),
        ({"limit": 5}, "limit: None, now 5"),
        ({"params": SamplingParams(temperature=1.0)}, "params.temperature: 0.0, now 1.0"),
        ({"model_settings": {}}, "model_settings.base_url: 'http://x/v1', now 'not set'"),
        ({"seed": 1}, "seed: 0, now 1"),
    ],
)
def test_every_difference_is_named_with_both_values(change: dict[str, object], words: str) -> None:
    other = SPEC.model_copy(update=change)
    assert differences(SPEC, other) == [words]
    assert other.digest != SPEC.digest


def test_the_digest_is_that_of_the_values() -> None:
    assert RunSpec.model_validate_json(SPEC.model_dump_json()).digest == SPEC.digest
    assert differences(SPEC, RunSpec.model_validate_json(SPEC.model_dump_json())) == []


def test_operation_is_no_part_of_the_specification() -> None:
    assert not set(Operation.model_fields) & set(RunSpec.model_fields)


def test_default_names_are_readable_and_differ() -> None:
    name = SPEC.default_name()
    assert name.startswith("openai-org-model-8b-small-page-")
    assert SPEC.model_copy(update={"limit": 3}).default_name() != name


@given(st.text(max_size=200))
def test_safe_names_are_safe(text: str) -> None:
    name = safe_name(text)
    assert is_safe_name(name)
    assert "/" not in name
    assert not name.startswith(".")


@given(model=st.text(min_size=1, max_size=300))
def test_default_names_are_safe(model: str) -> None:
    assert is_safe_name(SPEC.model_copy(update={"model": model}).default_name()[:120])


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", ".cache", "-x", "x" * 121, "a b", "a\n", "é"])
def test_unsafe_names_are_seen(name: str) -> None:
    assert not is_safe_name(name)


def test_cached_tokens_have_their_own_price() -> None:
    usage = {"input_tokens": 1_000_000, "cached_tokens": 400_000, "output_tokens": 100_000}
    assert Prices(input=1, output=10).cost(usage) == pytest.approx(2.0)
    assert Prices(input=1, output=10, cached_input=0.1).cost(usage) == pytest.approx(0.6 + 0.04 + 1.0)
