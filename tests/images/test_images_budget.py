from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.errors import UserError
from comic_eval.images import plain_resize
from comic_eval.images.budget import MIN_SIDE, PIXELS_PER_TOKEN

sides = st.integers(1, 20_000)


@given(sides, sides, st.integers(1, 20_000))
def test_resize_never_exceeds_the_budget_nor_enlarges(width: int, height: int, budget: int) -> None:
    w, h = plain_resize(width, height, budget)
    assert w * h <= budget * PIXELS_PER_TOKEN
    assert 1 <= w <= width
    assert 1 <= h <= height
    assert w >= min(width, MIN_SIDE)
    assert h >= min(height, MIN_SIDE)


@given(sides, sides, st.integers(1, 20_000))
def test_an_image_within_the_budget_keeps_its_size(width: int, height: int, budget: int) -> None:
    if width * height <= budget * PIXELS_PER_TOKEN:
        assert plain_resize(width, height, budget) == (width, height)


@given(st.integers(200, 10_000), st.integers(200, 10_000), st.integers(256, 16_384))
def test_the_aspect_ratio_is_kept_and_the_budget_used(width: int, height: int, budget: int) -> None:
    w, h = plain_resize(width, height, budget)
    if (w, h) == (width, height):
        return
    # Each side is off by less than one pixel from the exact scale, so the budget is used up to two rows and columns.
    assert (w + 1) * (h + 1) > budget * PIXELS_PER_TOKEN
    assert abs(w / width - h / height) < max(1 / width, 1 / height)


def test_resizing_twice_changes_nothing() -> None:
    once = plain_resize(1240, 1751, 1024)
    assert once == (754, 1064)
    assert plain_resize(*once, 1024) == once


def test_a_budget_without_tokens_is_refused() -> None:
    with pytest.raises(UserError, match="1 or more"):
        plain_resize(100, 100, 0)
