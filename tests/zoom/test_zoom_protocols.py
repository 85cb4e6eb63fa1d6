"""Zoom episodes through the real adapters: each crop's bytes arrive at the server, in their place, at their size."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from support.adapters import question
from support.gemini_replies import GeminiReply
from support.mock_gemini import MockGemini
from support.mock_openai import MockOpenAI
from support.openai_replies import Reply

from comic_eval.contracts import RunContext
from comic_eval.plugins import create_adapter
from comic_eval.types import Box, Conversation, EncodedImage, ImagePart, Message, Request, TextPart
from comic_eval.zoom.coords import CoordSpec, family_of
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.episode import play
from comic_eval.zoom.measure import measure
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace

PAGE = (1000, 1400)
SENT = (500, 700)
T1, T2 = Box(x1=100, y1=140, x2=500, y2=420), Box(x1=600, y1=140, x2=1000, y2=420)
ANSWER = "<answer>B</answer>"
Call = tuple[str, dict[str, Any]]
Script = list[list[Call]]


class Arrived(NamedTuple):
    """What one request brought to the server: pictures as (digest, size, place), and the order of its turns."""

    pictures: list[tuple[str, tuple[int, int], str]]
    outline: tuple[str, ...]


def page() -> Image.Image:
    image = Image.radial_gradient("L").resize(PAGE).convert("RGB")
    image.paste((200, 10, 10), (100, 140, 500, 420))
    image.paste((10, 10, 200), (600, 140, 1000, 420))
    return image


def encode(image: Image.Image) -> EncodedImage:
    out = io.BytesIO()
    image.save(out, "PNG")
    return EncodedImage(data=out.getvalue(), media_type="image/png", size=image.size, source_size=image.size)


def same_size(width: int, height: int, budget: int) -> tuple[int, int]:
    return width, height


def openai_server(script: Script) -> MockOpenAI:
    def reply(seen: Any) -> Reply:
        if seen.index >= len(script):
            return Reply(ANSWER)
        calls = enumerate(script[seen.index])
        return Reply(tool_calls=tuple((f"t{seen.index}c{i}", n, json.dumps(a)) for i, (n, a) in calls))

    return MockOpenAI(reply=reply)


def gemini_server(script: Script) -> MockGemini:
    def reply(seen: Any) -> GeminiReply:
        return GeminiReply(calls=tuple(script[seen.index])) if seen.index < len(script) else GeminiReply(ANSWER)

    return MockGemini(reply=reply)


PROTOCOLS: dict[str, tuple[str, dict[str, Any], Callable[[Script], AbstractContextManager[Any]]]] = {
    "chat": ("openai:gpt-4o", {"api": "chat"}, openai_server),
    "responses": ("openai:gpt-4o", {"api": "responses"}, openai_server),
    "gemini": ("gemini:gemini-3.8-flash", {}, gemini_server),
    "gemini-2.5": ("gemini:gemini-2.5-flash", {}, gemini_server),
}


def arrived(seen: Any) -> Arrived:
    inner = getattr(seen, "seen", seen)
    return Arrived([(i.sha256, i.size, i.at) for i in inner.images], inner.outline)


def run(protocol: str, script: Script, folder: Path) -> tuple[Trace, list[EncodedImage], list[Arrived]]:
    """Plays one episode; returns its trace, the pictures as encoded (the page first), and what each request brought."""
    model, settings, serve = PROTOCOLS[protocol]
    limits = ZoomSettings()
    coords = family_of(model).coords
    assert coords is not None
    sent = [encode(page().resize(SENT))]

    def keep(image: Image.Image) -> EncodedImage:
        sent.append(encode(image))
        return sent[-1]

    async def episode(base_url: str) -> Trace:
        adapter = create_adapter(model, base_url=base_url, **settings)
        await adapter.start(RunContext(cache_dir=folder))
        try:
            start = (ImagePart(image=sent[0]), TextPart(text="Which?"))
            request = Request(
                conversation=Conversation(messages=(Message(role="user", content=start),)), question=question()
            )
            env = ZoomEnvironment(
                page(), coords=coords, resize=same_size, sent_size=SENT, settings=limits, targets=(T1, T2)
            )
            empty = Trace(page_size=PAGE, sent_size=SENT, targets=(T1, T2))
            return await play(request, env, adapter.generate, keep, limits, empty)
        finally:
            await adapter.close()

    with serve(script) as server:
        trace = asyncio.run(episode(server.base_url))
        return trace, sent, [arrived(r) for r in server.requests]


def zoom(protocol: str, box: Box, region: Box | None = None, **more: Any) -> Call:
    """A call for a page box, written as the protocol's model family writes boxes."""
    coords: CoordSpec | None = family_of(PROTOCOLS[protocol][0]).coords
    assert coords is not None
    whole = region or Box(x1=0, y1=0, x2=PAGE[0], y2=PAGE[1])
    return NAME, {"bbox_2d": [int(v) for v in coords.write(box, whole, SENT)], **more}


# Where the first crop and the second one must be found in the last request, one call a turn.
PLACES = {
    "chat": ("messages[3].content[0].image_url.url", "messages[6].content[0].image_url.url"),
    "responses": ("input[2].output[1].image_url", "input[4].output[1].image_url"),
    "gemini": ("contents[2].parts[0].functionResponse.parts[0]", "contents[4].parts[0].functionResponse.parts[0]"),
    "gemini-2.5": ("contents[2].parts[1]", "contents[4].parts[1]"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_crop_a_turn(protocol: str, tmp_path: Path) -> None:
    inner = Box(x1=200, y1=210, x2=400, y2=350)
    script = [[zoom(protocol, T1, label="A")], [zoom(protocol, inner, T1, img_idx=1)]]
    trace, sent, requests = run(protocol, script, tmp_path)
    assert (trace.stop, trace.answer_text) == ("answered", ANSWER)
    assert [c.requested for c in trace.calls] == [T1, inner]
    assert [c.img_idx for c in trace.calls] == [0, 1]
    # Request n brings the page and n crops: what was encoded, byte for byte, at the size that the trace tells.
    for number, request in enumerate(requests):
        assert [p[0] for p in request.pictures] == [i.sha256 for i in sent[: number + 1]]
        assert [p[1] for p in request.pictures] == [SENT, (400, 280), (200, 140)][: number + 1]
    assert [c.sent_size for c in trace.calls] == [(400, 280), (200, 140)]
    assert tuple(p[2] for p in requests[-1].pictures[1:]) == PLACES[protocol]
    with Image.open(io.BytesIO(sent[1].data)) as crop:
        assert crop.getpixel((5, 5)) == (200, 10, 10)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_two_crops_in_one_turn(protocol: str, tmp_path: Path) -> None:
    trace, sent, requests = run(protocol, [[zoom(protocol, T2), zoom(protocol, T1)]], tmp_path)
    assert measure(trace).ious == (1, 1)
    assert [p[0] for p in requests[1].pictures] == [i.sha256 for i in sent]
    outline = list(requests[1].outline)
    assert outline == {
        "chat": ["user", "assistant", "call:t0c0", "call:t0c1", "result:t0c0", "result:t0c1", "user"],
        "responses": ["user", "call:t0c0", "call:t0c1", "result:t0c0", "result:t0c1"],
        "gemini": ["user:image", "user:text", *[f"model:call:{NAME}"] * 2, *[f"user:result:{NAME}+1"] * 2],
        "gemini-2.5": ["user:image", "user:text", *[f"model:call:{NAME}"] * 2, *[f"user:result:{NAME}"] * 2,
                       "user:image", "user:image"],
    }[protocol]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_call_gets_words_and_no_picture(protocol: str, tmp_path: Path) -> None:
    script = [[(NAME, {"bbox_2d": [1, 2, 3]})], [zoom(protocol, T1)]]
    trace, sent, requests = run(protocol, script, tmp_path)
    assert [c.error for c in trace.calls] == ["bad_bbox", None]
    assert trace.stop == "answered"
    assert [len(r.pictures) for r in requests] == [1, 1, 2]
    assert requests[2].pictures[1][0] == sent[1].sha256
