"""What a run will cost, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from comic_eval.costs.estimate import (
    OVERHEAD_TOKENS,
    PART_OVERHEAD_TOKENS,
    image_bound,
    likely_text_tokens,
    text_bound,
)
from comic_eval.costs.image_tokens import ImageTokenRule
from comic_eval.images.budget import PIXELS_PER_TOKEN
from comic_eval.run.spec import Prices
from comic_eval.types import Frozen, ToolSpec
from comic_eval.zoom.settings import ZoomSettings

# What a zoom sends back besides its picture, and what a turn costs in markers.
TURN_OVERHEAD_TOKENS = 256
# Shapes of crops among which the dearest is taken, since some rules count by shape.
CROP_SHAPES = (1, 2, 3, 4, 8)


class Ask(Frozen):
    """One request to come: its text, and the sizes of its pictures as they will be sent, in pixels."""

    text: str
    sizes: tuple[tuple[int, int], ...] = ()


class Forecast(Frozen):
    """The tokens and dollars of the requests to come.

    Attributes:
        image_token_rule: whose rule counts the pictures; None where none is published: then a token stands for 784
            pixels in the likely count and for 14 x 14 in the bound.
        image_tokens: of all pictures of first turns.
        text_tokens: of all texts of first turns, at four characters a token.
        requests_bound: requests if every zoom episode takes all its turns; without zooming the requests themselves.
        output_tokens_bound: if every answer is as long as ``max_tokens`` allows; None without that limit.
        cost_low: dollars for the first turns' input alone, nothing of it from a provider's cache.
        cost_high: dollars that nothing can exceed, where a limit on answers is set; the texts at one token a byte.
        prices: what that is reckoned with, and as of when; None where no price is known.
    """

    image_token_rule: str | None
    image_token_source: str | None
    image_tokens: int
    text_tokens: int
    requests_bound: int
    output_tokens_bound: int | None
    cost_low: float | None = None
    cost_high: float | None = None
    prices: Prices | None = None
    batch: bool = False
    zooming: bool = False


def forecast(
    asks: Sequence[Ask],
    rule: ImageTokenRule | None,
    prices: Prices | None,
    *,
    max_tokens: int | None,
    system: str | None = None,
    zoom: ZoomSettings | None = None,
    tool: ToolSpec | None = None,
    pixels_per_token: int = PIXELS_PER_TOKEN,
    batch: bool = False,
) -> Forecast:
    """Reckons what requests will cost.

    Args:
        asks: the requests to come, without the system prompt.
        rule: how the provider counts pictures.
        max_tokens: of one answer.
        zoom: limits of the episodes, and ``tool`` what they offer; None without zooming.
        pixels_per_token: by which the budget of their crops is counted in the model's family.
    """
    turns = zoom.max_turns if zoom else 1
    images = texts = most_input = 0
    fixed = OVERHEAD_TOKENS + 2 * PART_OVERHEAD_TOKENS + text_bound(system or "")
    fixed += text_bound(tool.model_dump_json()) if tool else 0
    crop = _dearest_crop(zoom, rule, pixels_per_token) if zoom else 0
    growth = (
        sum(min(turn, zoom.max_images) * crop + turn * TURN_OVERHEAD_TOKENS for turn in range(turns)) if zoom else 0
    )
    growth += sum(range(turns)) * (max_tokens or 0)
    for ask in asks:
        images += sum(rule.tokens(w, h) if rule else w * h // PIXELS_PER_TOKEN for w, h in ask.sizes)
        texts += likely_text_tokens(len(ask.text) + len(system or ""))
        first = fixed + text_bound(ask.text)
        first += sum(image_bound(w, h, rule) + PART_OVERHEAD_TOKENS for w, h in ask.sizes)
        most_input += turns * first + growth
    output = None if max_tokens is None else len(asks) * turns * max_tokens
    low = prices.cost({"input_tokens": images + texts}, batch=batch) if prices else None
    high = None
    if prices and output is not None:
        high = prices.cost({"input_tokens": most_input, "output_tokens": output}, batch=batch)
    return Forecast(
        image_token_rule=rule.name if rule else None,
        image_token_source=rule.source if rule else None,
        image_tokens=images,
        text_tokens=texts,
        requests_bound=len(asks) * turns,
        output_tokens_bound=output,
        cost_low=low,
        cost_high=high,
        prices=prices,
        batch=batch,
        zooming=zoom is not None,
    )


def _dearest_crop(zoom: ZoomSettings, rule: ImageTokenRule | None, pixels_per_token: int) -> int:
    pixels = zoom.crop_budget * pixels_per_token
    sides = [(math.isqrt(pixels * shape), math.isqrt(pixels // shape)) for shape in CROP_SHAPES]
    return max(image_bound(max(1, w), max(1, h), rule) for w, h in sides)
