"""What a request will cost, before it is sent: a likely count of its tokens, and a bound that it cannot exceed."""

from __future__ import annotations

import json
import math

from comic_eval.costs.image_tokens import ImageTokenRule, bound_without_rule
from comic_eval.errors import UserError
from comic_eval.run.spec import Prices
from comic_eval.types import Frozen, Request

# Both OpenAI and Google speak of about four characters a token of English.
CHARACTERS_PER_TOKEN = 4
# Role markers, image markers and the like, of a whole request and of each message and picture in it.
OVERHEAD_TOKENS = 64
PART_OVERHEAD_TOKENS = 16


class Bound(Frozen):
    """The most tokens that one request can be charged for."""

    input_tokens: int
    output_tokens: int

    def cost(self, prices: Prices, *, batch: bool = False) -> float:
        """In dollars; nothing is taken to come from a cache."""
        return prices.cost({"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}, batch=batch)


def likely_text_tokens(characters: int) -> int:
    """Tokens of a text of so many characters, about."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def text_bound(text: str) -> int:
    """The most tokens that a text can have: the tokenizers in use never take more than one for a byte of UTF-8."""
    return len(text.encode("utf-8", "replace"))


def image_bound(width: int, height: int, rule: ImageTokenRule | None) -> int:
    """Tokens of a picture by the provider's rule, or by the densest patches known where there is none."""
    return rule.tokens(width, height) if rule else bound_without_rule(width, height)


def bound(request: Request, rule: ImageTokenRule | None) -> Bound:
    """The most that a request can be charged for.

    Raises:
        UserError: nothing limits its answer.
    """
    if request.params.max_tokens is None:
        raise UserError("a limit on cost needs a limit on every answer: give --max-tokens")
    messages = request.conversation.messages
    images = request.conversation.images
    tokens = OVERHEAD_TOKENS + PART_OVERHEAD_TOKENS * (len(messages) + len(images))
    tokens += sum(text_bound(m.text) for m in messages)
    tokens += sum(text_bound(f"{c.name}{c.arguments}{c.opaque or ''}") for m in messages for c in m.tool_calls)
    tokens += sum(image_bound(*image.size, rule) for image in images)
    tokens += sum(text_bound(tool.model_dump_json()) for tool in request.tools)
    if request.response_schema is not None:
        tokens += text_bound(json.dumps(request.response_schema))
    return Bound(input_tokens=tokens, output_tokens=request.params.max_tokens)
