"""How large a page is sent: the visual-token budget and the rule that turns it into pixels.

A budget of T visual tokens means at most T * 784 sent pixels for every model (a token of the Qwen2.5-VL family covers
28 x 28 pixels), so that budgets compare across families whose own accounting differs. Where a token covers 32 x 32
pixels (Qwen3-VL), it is T * 1024.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

from comic_eval.errors import UserError
from comic_eval.zoom.coords import Family

PIXELS_PER_TOKEN = 28 * 28
MIN_SIDE = 28
DEFAULT_BUDGET = 16384
SMALLEST_BUDGET = 1024
MAX_ASPECT = 200
# Tokens below which Qwen's processors enlarge a picture.
MIN_TOKENS = 4


class ResizeRule(Protocol):
    """Gives the size at which an image of ``width`` x ``height`` pixels is sent under a budget of visual tokens."""

    def __call__(self, width: int, height: int, budget: int) -> tuple[int, int]: ...


def plain_resize(width: int, height: int, budget: int) -> tuple[int, int]:
    """The largest size that keeps the aspect ratio, fits ``budget * 784`` pixels and never enlarges.

    No side falls below 28 pixels (or below the source's, where that is smaller). Only there, for strips thinner than
    1 : budget, does the aspect ratio give way, since the budget never does.

    Raises:
        UserError: the budget is less than one token.
    """
    if budget < 1:
        raise UserError(f"a budget of {budget} visual tokens shows nothing: give 1 or more")
    allowed = budget * PIXELS_PER_TOKEN
    if width * height <= allowed:
        return width, height
    # Exact in integers: floor(width * sqrt(allowed / (width * height))), so the product cannot exceed what is allowed.
    out = [
        max(math.isqrt(allowed * width // height), min(width, MIN_SIDE)),
        max(math.isqrt(allowed * height // width), min(height, MIN_SIDE)),
    ]
    # A side lifted to the minimum is paid by the longer one.
    longer = 0 if out[0] >= out[1] else 1
    out[longer] = min(out[longer], allowed // out[1 - longer])
    return out[0], out[1]


def smart_resize(width: int, height: int, budget: int, patch: Literal[28, 32] = 28) -> tuple[int, int]:
    """The size at which Qwen's processors of ``patch`` pixels a token send an image: both sides multiples of ``patch``.

    Follows the published ``smart_resize`` of Qwen2-VL (4 to ``budget`` tokens), and is idempotent. It departs where
    that breaks its own limits: a result that is longer than 200 : 1 or above the budget, as very long strips give, has
    its longer side cut; a picture longer than 200 : 1, which that refuses, is first made broader.

    Raises:
        UserError: the budget is less than one token.
    """
    if budget < 1:
        raise UserError(f"a budget of {budget} visual tokens shows nothing: give 1 or more")
    width, height = max(width, math.ceil(height / MAX_ASPECT)), max(height, math.ceil(width / MAX_ASPECT))
    area = patch * patch
    most, least = budget * area, min(MIN_TOKENS, budget) * area
    columns, rows = round(width / patch), round(height / patch)
    if columns * rows * area > most:
        shrink = math.sqrt((height * width) / most)
        columns, rows = (max(1, math.floor(side / shrink / patch)) for side in (width, height))
    elif columns * rows * area < least:
        grow = math.sqrt(least / (height * width))
        columns, rows = (math.ceil(side * grow / patch) for side in (width, height))
    shorter = min(columns, rows)
    longest = min(budget // shorter, MAX_ASPECT * shorter)
    return min(columns, longest) * patch, min(rows, longest) * patch


def smart_resize_28(width: int, height: int, budget: int) -> tuple[int, int]:
    """`smart_resize` of Qwen2-VL and Qwen2.5-VL."""
    return smart_resize(width, height, budget, 28)


def smart_resize_32(width: int, height: int, budget: int) -> tuple[int, int]:
    """`smart_resize` of Qwen3-VL."""
    return smart_resize(width, height, budget, 32)


def pixels_per_token(resize: ResizeRule) -> int:
    """Sent pixels that a visual token of the budget stands for under this rule."""
    return 32 * 32 if resize is smart_resize_32 else PIXELS_PER_TOKEN


def resize_rule_for(family: Family) -> ResizeRule:
    """The rule by which a model family's images are resized before they are sent."""
    return {28: smart_resize_28, 32: smart_resize_32, None: plain_resize}[family.patch]
