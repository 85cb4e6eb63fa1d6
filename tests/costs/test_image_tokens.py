"""How many tokens providers count for a picture: their own worked examples, and limits that hold for any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.costs.image_tokens import bound_without_rule, resolve
from comic_eval.costs.openai_images import PATCH_MODELS, TILE_MODELS, patches

SIDES = st.integers(1, 12_000)


def tokens(model: str, width: int, height: int, **settings: str) -> int:
    rule = resolve(model, settings)
    assert rule is not None
    return rule.tokens(width, height)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        # The examples of OpenAI's guide.
        ("openai:gpt-4o", (1024, 1024), 765),
        ("openai:gpt-4o-2024-08-06", (2048, 4096), 1105),
        ("openai:gpt-4.1-mini", (1024, 1024), 1659),
        ("openai:gpt-4.1-mini-2025-04-14", (1800, 2400), 2353),
        ("openai:gpt-4o-mini", (1024, 1024), 2833 + 4 * 5667),
        ("openai:o3", (512, 512), 75 + 150),
        ("openai:gpt-5", (1024, 1024), 70 + 4 * 140),
        # As measured by users of the API.
        ("openai:gpt-5-mini", (1280, 720), 1104),
        ("openai:gpt-5-nano", (4000, 1474), 2304),
        ("openai:gpt-5.5", (4032, 3024), 11868),
        # Google's own example has 6 tiles.
        ("gemini:gemini-2.5-flash", (960, 540), 6 * 258),
        ("gemini:gemini-2.5-pro", (384, 384), 258),
        ("gemini:gemini-3-flash-preview", (4000, 3000), 1120),
        ("vllm:Qwen/Qwen2.5-VL-7B-Instruct", (1988, 2800), 71 * 100),
        ("openai:Qwen/Qwen3-VL-8B-Instruct", (1024, 1024), 1024),
        ("openai:OpenGVLab/InternVL3-8B", (448, 448), 256),
        ("openai:OpenGVLab/InternVL3-8B", (896, 896), 5 * 256),
    ],
)
def test_worked_examples(model: str, size: tuple[int, int], expected: int) -> None:
    assert tokens(model, *size) == expected


def test_detail_and_resolution_change_the_count() -> None:
    assert tokens("openai:gpt-4o", 2000, 3000, image_detail="low") == 85
    assert tokens("openai:gpt-5.4", 3000, 3000) < tokens("openai:gpt-5.4", 3000, 3000, image_detail="original")
    assert tokens("gemini:gemini-3-pro-preview", 2000, 3000, media_resolution="low") == 280
    assert tokens("gemini:gemini-2.5-flash", 2000, 3000, media_resolution="medium") == 256


@pytest.mark.parametrize(
    "model", ["openai:gpt-5.1", "openai:gpt-6-luna", "gemini:gemini-4-argon", "openai:mistral-small", "local", "random"]
)
def test_what_is_not_published_is_unknown(model: str) -> None:
    assert resolve(model) is None


@given(SIDES, SIDES, st.sampled_from([1536, 2500, 10_000]), st.sampled_from([2048, 6000]))
def test_patches_keep_their_budget(width: int, height: int, budget: int, longest: int) -> None:
    assert 1 <= patches(width, height, budget, longest) <= budget


@given(SIDES, SIDES, st.sampled_from([*TILE_MODELS, *PATCH_MODELS]))
def test_every_picture_costs_something(width: int, height: int, name: str) -> None:
    assert tokens(f"openai:{name}", width, height) >= 1


@given(SIDES, SIDES)
def test_the_bound_holds_for_families_that_count_pixels(width: int, height: int) -> None:
    assert bound_without_rule(max(width, 64), max(height, 64)) >= tokens(
        "vllm:Qwen/Qwen2.5-VL-7B-Instruct", max(width, 64), max(height, 64)
    ) or max(width, height) > 50 * min(width, height)
