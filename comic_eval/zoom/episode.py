"""Evaluation's own loop around the zoom environment."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

from PIL import Image

from comic_eval.types import Conversation, EncodedImage, Generation, Request
from comic_eval.zoom.dialects import ParsedTurn, assistant_turn, begin, parse, tool_turns
from comic_eval.zoom.environment import Observation, ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.trace import Stop, Trace, Turn

Ask = Callable[[Request], Awaitable[Generation]]
Encode = Callable[[Image.Image], EncodedImage]
Answer = tuple[str | None, str, EncodedImage | None]
Offload = Callable[[Callable[[], list[Answer]]], Awaitable[list[Answer]]]

_ANSWER = re.compile(r"<answer>.*?</answer>", re.DOTALL | re.IGNORECASE)


async def _here(work: Callable[[], list[Answer]]) -> list[Answer]:
    return work()


async def play(
    request: Request,
    environment: ZoomEnvironment,
    ask: Ask,
    encode: Encode,
    settings: ZoomSettings,
    trace: Trace,
    *,
    offload: Offload = _here,
) -> Trace:
    """Lets a model zoom until it answers or a limit stops it.

    Args:
        request: page and question, without any word of the tool.
        environment: a fresh environment of this sample.
        ask: sends one request; the engine's, with its cache and retries.
        encode: turns a crop into the bytes that are sent.
        settings: the limits, the same as the environment's.
        trace: an empty trace that holds page size, sent size and targets.
        offload: carries out the cutting and encoding of one turn's crops; by default here and now.

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
        calling = bool(parsed.attempts)
        turns.append(
            Turn(
                text=reply.text,
                reasoning=reply.reasoning,
                finish_reason=reply.finish_reason,
                usage=reply.usage,
                answered_early=calling and _ANSWER.search(reply.text) is not None,
                tool_calls=reply.tool_calls if dialect == "native" else (),
            )
        )
        if not calling:
            stop = "length" if reply.finish_reason == "length" else "answered"
            break
        stopping = settings.malformed == "stop" and parsed.malformed
        answers = await offload(partial(_answers, parsed, environment, number, None if stopping else encode))
        if stopping:
            stop = "malformed"
            break
        conversation = Conversation(
            messages=(*conversation.messages, assistant_turn(reply, dialect), *tool_turns(answers, dialect))
        )
    return trace.model_copy(update={"turns": tuple(turns), "calls": tuple(environment.calls), "stop": stop})


def _answers(parsed: ParsedTurn, environment: ZoomEnvironment, turn: int, encode: Encode | None) -> list[Answer]:
    """What the model gets for one turn's calls; without ``encode`` the calls are only recorded."""
    results: list[tuple[str | None, Observation]] = [
        (None, environment.malformed(attempt, turn=turn))
        if isinstance(attempt, str)
        else (attempt.id, environment.zoom(attempt.name, attempt.arguments, turn=turn))
        for attempt in parsed.attempts
    ]
    return [(i, o.text, encode(o.image) if encode and o.image is not None else None) for i, o in results]
