"""How large a page is sent: the visual-token budget and the rule that turns it into pixels.

A budget of T visual tokens means at most T * 784 sent pixels for every model (a token of the Qwen2.5-VL family covers
28 x 28 pixels), so that budgets compare across families whose own accounting differs.
"""

from __future__ import annotations

import math
from typing import Protocol

from comic_eval.errors import UserError

PIXELS_PER_TOKEN = 28 * 28
MIN_SIDE = 28
DEFAULT_BUDGET = 16384
SMALLEST_BUDGET = 1024


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
