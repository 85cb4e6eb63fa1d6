"""How many tokens a provider counts for a picture of a given size, by the rule that it publishes.

These are estimates for planning and limits; what a run really cost comes from the usage that the provider reports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from comic_eval.costs.openai_images import openai_rule
from comic_eval.images.budget import smart_resize
from comic_eval.zoom.coords import family_of

GEMINI_TILE_TOKENS = 258
GEMINI_SMALL = 384
GEMINI_2_LEVELS = {"low": 64, "medium": 256}
GEMINI_3_LEVELS = {None: 1120, "low": 280, "medium": 560, "high": 1120}
QWEN_MAX_TOKENS = 16384
INTERNVL_TILE = 448
INTERNVL_TILES = 12
INTERNVL_TILE_TOKENS = 256


@dataclass(frozen=True)
class ImageTokenRule:
    """A published rule: ``tokens(width, height)`` of one picture as it is sent, in pixels.

    Attributes:
        name: a few words for tables.
        source: where it is published, and when it was read.
    """

    name: str
    source: str
    tokens: Callable[[int, int], int]


def gemini_2(width: int, height: int) -> int:
    """Gemini 2.0 and 2.5: 258 tokens up to 384 x 384 pixels; else 258 a tile, of about two thirds of the short side.

    Source: Google, "Image understanding", https://ai.google.dev/gemini-api/docs/image-understanding, which calls the
    formula rough; its example, 960 x 540, has 6 tiles.
    """
    if max(width, height) <= GEMINI_SMALL:
        return GEMINI_TILE_TOKENS
    unit = max(1, math.floor(min(width, height) / 1.5))
    return GEMINI_TILE_TOKENS * math.ceil(width / unit) * math.ceil(height / unit)


def qwen(width: int, height: int, patch: int) -> int:
    """Qwen2-VL and 2.5-VL (28 pixels a token), Qwen3-VL (32): the area that the model's processor resizes to.

    Source: ``smart_resize`` and ``max_pixels`` of the processors of Qwen/Qwen2.5-VL-7B-Instruct and
    Qwen/Qwen3-VL-8B-Instruct: 16,384 tokens at most unless the server sets another limit.
    """
    columns, rows = smart_resize(width, height, QWEN_MAX_TOKENS, 32 if patch == 32 else 28)
    return columns * rows // (patch * patch)


def internvl(width: int, height: int) -> int:
    """InternVL 2 to 3.5: up to 12 tiles of 448 x 448 in the grid nearest the picture's shape, 256 tokens each.

    More than one tile bring a thumbnail of another 256.

    Source: ``dynamic_preprocess`` of the model cards (OpenGVLab/InternVL3-8B), ``max_num=12``, ``use_thumbnail=True``.
    """
    tiles = 1
    best = math.inf
    grids = [(c, r) for c in range(1, INTERNVL_TILES + 1) for r in range(1, INTERNVL_TILES // c + 1)]
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        difference = abs(width / height - columns / rows)
        larger = difference == best and width * height > 0.5 * INTERNVL_TILE**2 * columns * rows
        if difference < best or larger:
            best, tiles = difference, columns * rows
    return INTERNVL_TILE_TOKENS * (tiles + (tiles > 1))


def resolve(model: str, settings: Mapping[str, Any] | None = None) -> ImageTokenRule | None:
    """The rule of a model, or None where none is published.

    Args:
        model: ``provider:name``.
        settings: the adapter's; ``image_detail`` of openai and ``media_resolution`` of gemini change the count.
    """
    settings = settings or {}
    name = model.partition(":")[2].rpartition("/")[2].lower()
    if rule := openai_rule(name, settings.get("image_detail")):
        return ImageTokenRule(
            "OpenAI's", "https://developers.openai.com/api/docs/guides/images-vision, 2026-10-05", rule
        )
    if found := re.match(r"gemini-([23])(?:\.\d)?-", name):
        return _gemini(int(found[1]), settings.get("media_resolution"))
    family = family_of(model)
    if family.patch is not None:
        patch: int = family.patch
        return ImageTokenRule(
            f"{family.name}'s",
            "preprocessor_config.json of the model card",
            lambda width, height: qwen(width, height, patch),
        )
    if family.name == "internvl":
        return ImageTokenRule("InternVL's", "model card of OpenGVLab/InternVL3-8B", internvl)
    return None


def _gemini(generation: int, level: str | None) -> ImageTokenRule:
    """Google, "Media resolution", section "Token counts", https://ai.google.dev/gemini-api/docs/media-resolution."""
    source = "https://ai.google.dev/gemini-api/docs/media-resolution, 2026-07"
    if generation == 3:
        fixed = GEMINI_3_LEVELS.get(level, GEMINI_3_LEVELS[None])
        return ImageTokenRule("Gemini 3's", source, lambda width, height: fixed)
    if level in GEMINI_2_LEVELS:
        few = GEMINI_2_LEVELS[level]
        return ImageTokenRule("Gemini 2's", source, lambda width, height: few)
    return ImageTokenRule("Gemini 2's", "https://ai.google.dev/gemini-api/docs/image-understanding, 2026-09", gemini_2)


def bound_without_rule(width: int, height: int) -> int:
    """An upper bound for models without a published rule: one token for every 14 x 14 pixels."""
    return math.ceil(width / 14) * math.ceil(height / 14)
