"""How many tokens OpenAI counts for a picture: by tiles of 512 pixels, or by patches of 32.

Source: OpenAI, "Images and vision", sections "Model sizing behavior" and "Calculating costs",
https://developers.openai.com/api/docs/guides/images-vision, with the table of multipliers as of 2026-10-05. Models that
its tables do not name have no rule here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

TILE = 512
LONGEST_SIDE = 2048
SHORTEST_SIDE = 768
PATCH = 32
UNLIMITED = 2**62

# Base tokens and tokens a tile. Names are matched whole, after the date of a snapshot is taken off.
TILE_MODELS: dict[str, tuple[int, int]] = {
    "gpt-5": (70, 140),
    "gpt-5-chat-latest": (70, 140),
    "gpt-4o": (85, 170),
    "chatgpt-4o-latest": (85, 170),
    "gpt-4.1": (85, 170),
    "gpt-4o-mini": (2833, 5667),
    "o1": (75, 150),
    "o1-pro": (75, 150),
    "o3": (75, 150),
}


class PatchModel(NamedTuple):
    """A model's multiplier, and the most patches and the longest side in pixels that each level of detail may have."""

    multiplier: float
    high: tuple[int, int] = (1536, 2048)
    original: tuple[int, int] | None = None
    default: str = "high"


PATCH_MODELS: dict[str, PatchModel] = {
    "gpt-5.6-sol": PatchModel(1.2, (UNLIMITED, UNLIMITED), (UNLIMITED, UNLIMITED), "original"),
    "gpt-5.6-terra": PatchModel(1.2, (UNLIMITED, UNLIMITED), (UNLIMITED, UNLIMITED), "original"),
    "gpt-5.6-luna": PatchModel(1.2, (UNLIMITED, UNLIMITED), (UNLIMITED, UNLIMITED), "original"),
    "gpt-5.5": PatchModel(1.2, (2500, 2048), (10_000, 6000), "original"),
    "gpt-5.4": PatchModel(1.2, (2500, 2048), (10_000, 6000)),
    "gpt-5.4-mini": PatchModel(1.2),
    "gpt-5.4-nano": PatchModel(1.2),
    "gpt-5.2": PatchModel(1.2),
    "gpt-5-mini": PatchModel(1.2),
    "gpt-5-nano": PatchModel(1.5),
    "gpt-4.1-mini": PatchModel(1.62),
    "gpt-4.1-nano": PatchModel(2.46),
    "o4-mini": PatchModel(1.72),
}


def tile_tokens(width: int, height: int, base: int, tile: int) -> int:
    """Tokens by the tile rule: fitted into 2048 x 2048, then to a short side of 768, then ``tile`` for each 512 x 512.

    Pictures are never enlarged, as in OpenAI's own price calculator.
    """
    scale = min(Fraction(1), Fraction(LONGEST_SIDE, max(width, height)), Fraction(SHORTEST_SIDE, min(width, height)))
    return base + tile * math.ceil(width * scale / TILE) * math.ceil(height * scale / TILE)


def patches(width: int, height: int, budget: int, longest: int) -> int:
    """Patches of 32 x 32 that cover a picture after it was scaled down to ``budget`` patches and ``longest`` pixels."""
    if _cover(width, height) <= budget and max(width, height) <= longest:
        return _cover(width, height)
    scale = min(1.0, longest / max(width, height), math.sqrt(PATCH * PATCH * budget / (width * height)))
    if _cover(_scaled(width, scale), _scaled(height, scale)) > budget:
        columns, rows = width * scale / PATCH, height * scale / PATCH
        # A strip thinner than one patch keeps one.
        scale *= min(max(1, math.floor(columns)) / columns, max(1, math.floor(rows)) / rows)
    return min(budget, _cover(_scaled(width, scale), _scaled(height, scale)))


def _scaled(side: int, scale: float) -> int:
    return max(1, round(side * scale))


def _cover(width: int, height: int) -> int:
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)


def openai_rule(name: str, detail: str | None) -> Callable[[int, int], int] | None:
    """The rule of an OpenAI model, as a function of width and height in pixels; None where none is published.

    Args:
        name: the model's name, with or without the date of a snapshot.
        detail: OpenAI's ``detail`` of the pictures; None and ``auto`` stand for the model's default. ``low`` counts the
            base tokens in tile models; for patch models no count is published, so it is taken to be ``high``. GPT-5.6's
            limits of ``high`` are not published either; its pictures are counted as they are.
    """
    plain = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name)
    if plain in TILE_MODELS:
        base, tile = TILE_MODELS[plain]
        return (lambda width, height: base) if detail == "low" else lambda w, h: tile_tokens(w, h, base, tile)
    if plain not in PATCH_MODELS:
        return None
    model = PATCH_MODELS[plain]
    level = model.default if detail in (None, "auto") else detail
    limits = model.original if level == "original" and model.original else model.high
    return lambda width, height: math.ceil(patches(width, height, *limits) * model.multiplier)
