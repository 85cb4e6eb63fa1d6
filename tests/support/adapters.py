"""Requests and a way to send them, for the tests of model adapters."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from comic_eval.contracts import Adapter, RunContext
from comic_eval.errors import RequestError
from comic_eval.types import (
    Conversation,
    EncodedImage,
    Generation,
    ImagePart,
    Message,
    Part,
    Question,
    Request,
    Sample,
    SamplingParams,
    TextPart,
)


def picture(text: str = "", *, size: tuple[int, int] = (120, 80), kind: str = "PNG") -> EncodedImage:
    """A white picture with black text."""
    image = Image.new("RGB", size, "white")
    if text:
        ImageDraw.Draw(image).text((12, 12), text, fill="black", font_size=24)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    media_type: Any = {"PNG": "image/png", "JPEG": "image/jpeg"}[kind]
    return EncodedImage(data=buffer.getvalue(), media_type=media_type, size=size, source_size=size)


def question(sample_id: str = "s1", **fields: Any) -> Question:
    """A question with whatever fields a test cares about."""
    known = {"task": "action_recognition", "split": "test", "page": "p1", "image": "p1.png", "question": "What?"}
    return Question.model_validate({"id": sample_id, **known, **fields})


def train_sample(sample_id: str, **fields: Any) -> Sample:
    """A sample of the train split."""
    known = {"task": "action_recognition", "split": "train", "page": "p1", "image": "p1.png", "question": "What?"}
    return Sample.model_validate({"id": sample_id, **known, **fields})


def request(*parts: str | EncodedImage, of: Question | None = None, **params: Any) -> Request:
    """A request of one user message."""
    content = tuple(TextPart(text=p) if isinstance(p, str) else ImagePart(image=p) for p in parts or ("Hello?",))
    return conversation_request([("user", content)], of=of, **params)


def conversation_request(
    messages: Sequence[tuple[Any, tuple[Part, ...]]], of: Question | None = None, **params: Any
) -> Request:
    """A request of several messages, each a role and its parts."""
    conversation = Conversation(messages=tuple(Message(role=role, content=parts) for role, parts in messages))
    return Request(conversation=conversation, params=SamplingParams(**params), question=of or question())


def ask_all(
    adapter: Adapter, *requests: Request, train: Sequence[Sample] = (), seed: int = 0, folder: Path | None = None
) -> list[Generation | RequestError]:
    """Starts the adapter, sends the requests one after the other, closes it; failures are returned as they are."""

    async def run(cache_dir: Path) -> list[Generation | RequestError]:
        await adapter.start(RunContext(train_samples=tuple(train), seed=seed, cache_dir=cache_dir))
        answers: list[Generation | RequestError] = []
        try:
            for each in requests:
                try:
                    answers.append(await adapter.generate(each))
                except RequestError as error:
                    answers.append(error)
        finally:
            await adapter.close()
        return answers

    with tempfile.TemporaryDirectory() as temporary:
        return asyncio.run(run(folder or Path(temporary)))


def ask_each(adapter: Adapter, *requests: Request, **context: Any) -> list[Generation]:
    """Sends requests that must all succeed."""
    answers = []
    for answer in ask_all(adapter, *requests, **context):
        if isinstance(answer, RequestError):
            raise answer
        answers.append(answer)
    return answers


def ask(adapter: Adapter, one: Request | None = None, **context: Any) -> Generation:
    """Sends one request that must succeed."""
    return ask_each(adapter, one or request(), **context)[0]


def fail(adapter: Adapter, one: Request | None = None, **context: Any) -> RequestError:
    """Sends one request that must fail."""
    (answer,) = ask_all(adapter, one or request(), **context)
    assert isinstance(answer, RequestError), answer
    return answer
