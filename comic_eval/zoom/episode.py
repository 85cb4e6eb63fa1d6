"""Evaluation's own loop around the zoom environment."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from PIL import Image

from comic_eval.types import Conversation, EncodedImage, Generation, Request
from comic_eval.zoom.dialects import assistant_turn, begin, parse, tool_turns
from comic_eval.zoom.environment import Observation, ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.trace import Stop, Trace, Turn

Ask = Callable[[Request], Awaitable[Generation]]
Encode = Callable[[Image.Image], EncodedImage]

_ANSWER = re.compile(r"<answer>.*?</answer>", re.DOTALL | re.IGNORECASE)


async def play(
    request: Request, environment: ZoomEnvironment, ask: Ask, encode: Encode, settings: ZoomSettings, trace: Trace
) -> Trace:
    """Lets a model zoom until it answers or a limit stops it.

    Args:
        request: page and question, without any word of the tool.
        environment: a fresh environment of this sample.
        ask: sends one request; the engine's, with its cache and retries.
        encode: turns a crop into the bytes that are sent.
        settings: the limits, the same as the environment's.
        trace: an empty trace that holds page size, sent size and targets.

    Raises:
        RequestError: a request failed for good; the sample is then a failed one, whatever turns it had.
    """
    dialect = settings.dialect
    tool = environment.spec
    conversation = begin(request.conversation, tool, dialect)
    tools = (tool,) if dialect == "native" else ()
    turns: list[Turn] = []
    stop: Stop = "max_turns"
    for number in range(settings.max_turns):
        reply = await ask(request.model_copy(update={"conversation": conversation, "tools": tools}))
        parsed = parse(reply, dialect)
        calling = bool(parsed.calls or parsed.malformed)
        turns.append(
            Turn(
                text=reply.text,
                reasoning=reply.reasoning,
                finish_reason=reply.finish_reason,
                usage=reply.usage,
                answered_early=calling and _ANSWER.search(reply.text) is not None,
            )
        )
        if not calling:
            stop = "length" if reply.finish_reason == "length" else "answered"
            break
        results: list[tuple[str | None, Observation]] = [
            (call.id, environment.zoom(call.name, call.arguments, turn=number)) for call in parsed.calls
        ]
        results += [(None, environment.malformed(text, turn=number)) for text in parsed.malformed]
        if settings.malformed == "stop" and parsed.malformed:
            stop = "malformed"
            break
        answers = [(i, o.text, encode(o.image) if o.image is not None else None) for i, o in results]
        conversation = Conversation(
            messages=(*conversation.messages, assistant_turn(reply, dialect), *tool_turns(answers, dialect))
        )
    return trace.model_copy(update={"turns": tuple(turns), "calls": tuple(environment.calls), "stop": stop})
