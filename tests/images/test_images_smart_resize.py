"""The resize rule of Qwen's processors; the worked examples are those of the rule's published code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from comic_eval.errors import UserError
from comic_eval.images import plain_resize, resize_rule_for, smart_resize
from comic_eval.images.budget import MAX_ASPECT
from comic_eval.zoom.coords import family_of

sides = st.integers(1, 12_000)
budgets = st.integers(1, 20_000)
patches = st.sampled_from((28, 32))
Patch = Literal[28, 32]


@pytest.mark.parametrize(
    ("budget", "sent"), [(16384, (1988, 2800)), (1024, (756, 1036))], ids=["16384 tokens", "1024 tokens"]
)
def test_the_worked_examples(budget: int, sent: tuple[int, int]) -> None:
    assert smart_resize(2000, 2800, budget) == sent


def test_a_page_of_a_family_with_32_pixel_patches() -> None:
    assert smart_resize(2000, 2800, 16384, 32) == (1984, 2816)
    width, height = smart_resize(2000, 2800, 1024, 32)
    assert (width, height) == (864, 1184)
    assert width * height <= 1024 * 1024


@given(sides, sides, budgets, patches)
def test_the_limits_hold_for_every_picture(width: int, height: int, budget: int, patch: Patch) -> None:
    w, h = smart_resize(width, height, budget, patch)
    assert w % patch == h % patch == 0
    assert 1 <= (w // patch) * (h // patch) <= budget
    assert max(w, h) <= MAX_ASPECT * min(w, h)


@given(sides, sides, budgets, patches)
def test_resizing_twice_changes_nothing(width: int, height: int, budget: int, patch: Patch) -> None:
    once = smart_resize(width, height, budget, patch)
    assert smart_resize(*once, budget, patch) == once


@given(sides, sides, budgets, patches)
def test_nothing_is_enlarged_beyond_rounding_and_the_minimum(
    width: int, height: int, budget: int, patch: Patch
) -> None:
    assume(width * height >= 4 * patch * patch)
    assume(max(width, height) <= MAX_ASPECT * min(width, height))
    w, h = smart_resize(width, height, budget, patch)
    if w > 2 * patch and h > 2 * patch:
        assert w <= width + patch // 2
        assert h <= height + patch // 2


@pytest.fixture(scope="module")
def published() -> Callable[..., tuple[int, int]]:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    return smart_resize


@given(sides, sides, st.integers(4, 20_000), patches)
def test_it_agrees_with_the_rule_of_transformers(
    published: Callable[..., tuple[int, int]], width: int, height: int, budget: int, patch: Patch
) -> None:
    assume(max(width, height) <= MAX_ASPECT * min(width, height))
    h, w = published(height, width, patch, 4 * patch * patch, budget * patch * patch)
    assume(w * h <= budget * patch * patch)
    assume(max(w, h) <= MAX_ASPECT * min(w, h))
    assert smart_resize(width, height, budget, patch) == (w, h)


def test_strips_that_qwens_processor_refuses_are_made_broader() -> None:
    assert smart_resize(10, 5000, 16384) == (28, 5012)
    assert smart_resize(30, 6000, 16384) == (28, 5600)


def test_a_budget_without_tokens_is_refused() -> None:
    with pytest.raises(UserError, match="1 or more"):
        smart_resize(100, 100, 0)


def test_each_family_has_its_rule() -> None:
    def rule(model: str) -> tuple[int, int]:
        return resize_rule_for(family_of(model))(2000, 2800, 1024)

    assert rule("Qwen/Qwen2.5-VL-7B-Instruct") == (756, 1036)
    assert rule("Qwen/Qwen2-VL-2B-Instruct") == (756, 1036)
    assert rule("Qwen/Qwen3-VL-8B-Instruct") == (864, 1184)
    assert rule("openai:gpt-5-mini") == plain_resize(2000, 2800, 1024)
