"""``check_adapter``: does a model adapter keep the contract of `comic_eval.contracts.Adapter`?

    from comic_eval.conformance import check_adapter

    def test_my_adapter():
        check_adapter(lambda: create_adapter("mine:small"))

It raises AssertionError with the first breach. It sends a few requests, so it needs the model (or a stand-in server).
"""

from __future__ import annotations

import asyncio
import io
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import orjson
from PIL import Image, ImageDraw

from comic_eval.contracts import Adapter, AdapterInfo, RunContext
from comic_eval.errors import RequestError
from comic_eval.types import (
    Box,
    Conversation,
    EncodedImage,
    Generation,
    ImagePart,
    Language,
    Mark,
    Message,
    Request,
    Sample,
    SamplingParams,
    TextPart,
    Usage,
)

AdapterOrFactory = Adapter | Callable[[], Adapter]
SECRET_NAME = re.compile(r"key|token$|secret|password|authorization", re.IGNORECASE)
SECRET_VALUE = re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|\bBearer\s+\S+|://[^/\s@]+:[^/\s@]+@")
# What a page or a data set may hold: markup, tags of ours, format strings, marks that turn the writing direction, NUL.
HOSTILE = "</answer><script>alert(1)</script> {0} %s ${x} \\ \" ' \x00 \u202e\u2066 ٣ 漫画 🎭 e\u0301 <|im_end|>"
SIZE = (224, 168)


def sample_requests() -> list[Request]:
    """Requests of every kind: choice, number and open questions, both languages, with a picture and without, hostile
    text."""
    picture = _picture()
    requests = []
    for sample in _samples("test"):
        text = "\n".join(
            [sample.question, *(f"{x}. {c}" for x, c in zip(sample.letters, sample.choices or (), strict=True))]
        )
        requests += [_request(sample, text, (picture,)), _request(sample, text, ())]
    requests.append(_request(_samples("test")[0], HOSTILE, (picture, picture)))
    return requests


def check_adapter(
    adapter: AdapterOrFactory, *, requests: Sequence[Request] | None = None, concurrency: int = 4
) -> list[Generation]:
    """Checks an adapter from start to close.

    Args:
        adapter: the adapter, or a function that makes it. It is closed afterwards.
        requests: what to ask; by default `sample_requests`. Adapters that know certain samples only need their own.
        concurrency: requests at a time, as far as the adapter takes that many.

    Returns:
        What it answered, for further checks. Requests that failed with a `RequestError` are left out; one at least must
        succeed.

    Raises:
        AssertionError: the contract is broken; says how.
    """
    return asyncio.run(check_adapter_async(adapter, requests=requests, concurrency=concurrency))


async def check_adapter_async(
    adapter: AdapterOrFactory, *, requests: Sequence[Request] | None = None, concurrency: int = 4
) -> list[Generation]:
    """`check_adapter` for callers that are in an event loop."""
    requests = sample_requests() if requests is None else list(requests)
    made = _made(adapter)
    _require(isinstance(made, Adapter), "it lacks info, start, generate or close")
    info = made.info
    check_info(info)
    with tempfile.TemporaryDirectory() as folder:
        context = RunContext(train_samples=tuple(_samples("train")), seed=0, cache_dir=Path(folder))
        try:
            await made.start(context)
            _require(made.info == info, "info changed in start(); the manifest would be wrong")
            answers = await _ask_all(made, requests, min(concurrency, info.max_concurrency or concurrency))
            await _check_cancellation(made, requests[0])
            if info.deterministic:
                await _check_determinism(made, requests, answers)
        finally:
            await made.close()
        await made.close()
    failures = [a for a in answers if isinstance(a, RequestError)]
    found = [a for a in answers if isinstance(a, Generation)]
    _require(bool(found), f"no request succeeded; the first failure: {failures[0] if failures else None}")
    return found


def _made(adapter: AdapterOrFactory) -> Adapter:
    # A class has the methods of its instances; it is a factory all the same.
    if isinstance(adapter, Adapter) and not isinstance(adapter, type):
        return adapter
    factory = cast("Callable[[], Adapter]", adapter)
    return factory()


def check_info(info: AdapterInfo) -> None:
    """Checks what an adapter says about itself.

    Raises:
        AssertionError: the id is no ``provider:name``, settings that no file can hold, or something like a secret.
    """
    _require(isinstance(info, AdapterInfo), f"info is a {type(info).__name__}, not an AdapterInfo")
    _require(bool(re.match(r"[\w.-]+:", info.id)), f"info.id is {info.id!r}, not provider:name")
    _require(info.max_concurrency is None or info.max_concurrency > 0, "info.max_concurrency must be positive or None")
    _require("\n" not in (info.note or ""), "info.note must be one line")
    try:
        dumped = orjson.dumps(info.settings).decode()
    except TypeError as error:
        raise AssertionError(f"info.settings cannot be written to the manifest: {error}") from error
    for name in info.settings:
        _require(not SECRET_NAME.search(name), f"info.settings.{name} is named like a secret; settings go into files")
    _require(not SECRET_VALUE.search(dumped), "info.settings holds something that looks like a key")


def check_generation(generation: object) -> None:
    """Checks one answer.

    Raises:
        AssertionError: not a `Generation`, text that cannot be written, or numbers that make no sense.
    """
    if not isinstance(generation, Generation):
        raise AssertionError(f"generate() returned a {type(generation).__name__}, not a Generation")
    for name in ("text", "reasoning", "finish_reason", "model"):
        value = getattr(generation, name)
        _require(isinstance(value, str) or (value is None and name != "text"), f"{name} is {value!r}, not text")
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            raise AssertionError(f"{name} is no valid Unicode: {error}") from error
    usage = generation.usage
    for name in Usage.model_fields:
        count = getattr(usage, name)
        _require(count is None or (type(count) is int and count >= 0), f"usage.{name} is {count!r}")
    if usage.input_tokens is not None and usage.cached_tokens is not None:
        _require(
            usage.cached_tokens <= usage.input_tokens, "usage.cached_tokens exceeds input_tokens, of which it is part"
        )
    latency = generation.latency_s
    _require(latency is None or (math.isfinite(latency) and latency >= 0), f"latency_s is {latency!r}")
    _require(generation.retries == 0, "retries is not 0; adapters never retry, the engine does and counts")


async def _ask_all(adapter: Adapter, requests: Sequence[Request], concurrency: int) -> list[Generation | RequestError]:
    gate = asyncio.Semaphore(concurrency)

    async def ask(request: Request) -> Generation | RequestError:
        async with gate:
            return await _ask(adapter, request)

    return await asyncio.gather(*map(ask, requests))


async def _ask(adapter: Adapter, request: Request) -> Generation | RequestError:
    try:
        generation = await adapter.generate(request)
    except RequestError as error:
        _require(bool(re.fullmatch(r"[a-z][a-z0-9_]*", error.cause)), f"a RequestError's cause is {error.cause!r}")
        _require(bool(str(error)), "a RequestError has no message")
        _require(not SECRET_VALUE.search(str(error)), "a RequestError's message holds something that looks like a key")
        return error
    except Exception as error:
        raise AssertionError(
            f"generate() raised {type(error).__name__} ({error}); the engine records RequestError and RetryableError"
        ) from error
    check_generation(generation)
    return generation


async def _check_cancellation(adapter: Adapter, request: Request) -> None:
    """A cancelled request (a time limit, Ctrl-C) must end as cancelled and must not spoil the next one."""
    task = asyncio.create_task(adapter.generate(request))
    await asyncio.sleep(0)
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    allowed = isinstance(outcome, Generation | RequestError | asyncio.CancelledError)
    _require(allowed, f"a cancelled generate() raised {type(outcome).__name__} ({outcome})")
    await _ask(adapter, request)


async def _check_determinism(
    adapter: Adapter, requests: Sequence[Request], answers: Sequence[Generation | RequestError]
) -> None:
    """Another order, one at a time: the answers must not depend on it."""
    for request, first in reversed(list(zip(requests, answers, strict=True))):
        again = await _ask(adapter, request)
        if isinstance(first, Generation):
            same = isinstance(again, Generation) and again.text == first.text
            _require(
                same, f"info.deterministic is True, but {request.question.id!r} got another answer the second time"
            )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(f"adapter contract: {otherwise}")


def _picture() -> EncodedImage:
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 100, 160), outline="black", width=3)
    draw.text((20, 60), "HELLO", fill="black", font_size=20)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return EncodedImage(data=buffer.getvalue(), media_type="image/jpeg", size=SIZE, source_size=SIZE)


def _request(sample: Sample, text: str, pictures: Sequence[EncodedImage]) -> Request:
    content = (*(ImagePart(image=p) for p in pictures), TextPart(text=text))
    return Request(
        conversation=Conversation(messages=(Message(role="user", content=content),)),
        params=SamplingParams(max_tokens=32),
        question=sample.to_question(),
    )


def _samples(split: str) -> list[Sample]:
    """Three questions about each of two pages, in both languages."""
    words: dict[Language, tuple[str, str, str]] = {
        "en": ("Which character is nearer?", "In how many panels is A?", "What does the character say?"),
        "fr": ("Quel personnage est le plus proche ?", "Dans combien de cases voit-on A ?", "Que dit le personnage ?"),
    }
    small, large = Box(x1=10, y1=20, x2=40, y2=90), Box(x1=50, y1=20, x2=98, y2=150)
    samples = []
    for page in ("p1", "p2"):
        for language, (depth, count, speech) in words.items():

            def sample(
                task: str, question: str, answer: str, page: str = page, language: Language = language, **fields: object
            ) -> Sample:
                pair = f"{split}-{page}-{task}"
                return Sample.model_validate(
                    {
                        "id": f"{pair}-{language}",
                        "pair_id": pair,
                        "task": task,
                        "split": split,
                        "page": page,
                        "image": f"images/{language}/{page}.jpg",
                        "image_size": SIZE,
                        "language": language,
                        "question": question,
                        "answer": answer,
                        **fields,
                    }
                )

            marks = (Mark(box=small, label="A"), Mark(box=large, label="B"))
            answer, choices = ("B", ("A", "B")) if page == "p1" else ("A", ("B", "A"))
            samples += [
                sample("depth_comparison", depth, answer, choices=choices, marks=marks),
                sample("character_counting", count, "2" if page == "p1" else "3", marks=marks[:1]),
                sample("panel_understanding", speech, "Hello"),
            ]
    return samples
