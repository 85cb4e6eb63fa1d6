"""Batches over the gemini adapter: submitted, found again by another process, collected with every outcome."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.adapters import ask, conversation_request, picture, request
from support.gemini_batches import MockGeminiBatches
from support.gemini_faults import GeminiFault
from support.gemini_replies import GeminiReply

from comic_eval.contracts import Adapter, BatchAdapter, RunContext
from comic_eval.errors import RequestError, RetryableError
from comic_eval.plugins import create_adapter
from comic_eval.types import Generation, ImagePart, Request, TextPart

MODEL = "gemini-2.5-flash"


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
            patch.delenv(name, raising=False)
        yield


def work(server: Any, do: Callable[[Any], Awaitable[Any]]) -> Any:
    """Runs ``do`` with a fresh adapter, as a process of its own would."""
    made: Adapter = create_adapter(f"gemini:{MODEL}", base_url=server.base_url)
    assert isinstance(made, BatchAdapter)

    async def run() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            await made.start(RunContext(cache_dir=Path(folder)))
            try:
                return await do(made)
            finally:
                await made.close()

    return asyncio.run(run())


async def outcomes(adapter: Any, handle: str) -> dict[str, Generation | RequestError]:
    return {key: outcome async for key, outcome in adapter.collect(handle)}


def asks(count: int) -> list[tuple[str, Request]]:
    return [(f"s{i}", request(picture(str(i)), f"question {i}")) for i in range(count)]


def test_a_batch_from_submission_to_answers() -> None:
    with MockGeminiBatches(reply=lambda seen: f"to {seen.seen.text}") as server:
        sent = work(server, lambda a: a.submit(asks(3), label="run-1"))
        assert sent.accepted == 3
        states = [work(server, lambda a: a.poll(sent.handle)) for _ in range(3)]
        assert [s.state for s in states] == ["running", "completed", "completed"]
        found = work(server, lambda a: outcomes(a, sent.handle))
        assert [r.seen.images[0].size for r in server.requests] == [(120, 80)] * 3
    answers = {i: g.text for i, g in found.items() if isinstance(g, Generation)}
    assert answers == {f"s{i}": f"to question {i}" for i in range(3)}
    assert {g.usage.image_tokens for g in found.values()} == {258}


def test_a_line_says_what_a_request_says() -> None:
    """The file is written by us, a request by Google's client: the server must see the same."""
    one = conversation_request(
        [("system", (TextPart(text="Be brief."),)), ("user", (ImagePart(image=picture("x")), TextPart(text="Which?")))],
        seed=3,
        top_p=0.5,
        max_tokens=99,
        reasoning_effort="low",
        extra_body={"generationConfig": {"topK": 4}},
    ).model_copy(update={"response_schema": {"type": "object", "properties": {"a_b": {"type": "null"}}}})
    with MockGeminiBatches(polls=1) as server:
        ask(create_adapter(f"gemini:{MODEL}", base_url=server.base_url, media_resolution=None), one)
        sent = work(server, lambda a: a.submit([("a", one)], label="x"))
        work(server, lambda a: a.poll(sent.handle))
        direct, batched = (r.seen for r in server.requests)
    assert batched.config == direct.config
    assert (batched.text, batched.system, batched.images) == (direct.text, direct.system, direct.images)


def test_another_process_finds_it_by_its_label() -> None:
    with MockGeminiBatches() as server:
        handles = [work(server, lambda a, x=x: a.submit(asks(1), label=x)).handle for x in ("a", "b", "a")]
        assert work(server, lambda a: a.find("a")) == [handles[0], handles[2]]
        assert work(server, lambda a: a.find("c")) == []


def test_every_kind_of_outcome() -> None:
    def fault(seen: Any) -> Any:
        faults = {"question 1": GeminiFault("http", status=13), "question 3": GeminiFault("timeout"),
                  "question 4": GeminiFault("http", status=8)}  # fmt: skip
        return faults.get(seen.seen.text)

    def reply(seen: Any) -> Any:
        return GeminiReply(finish_reason="SAFETY") if seen.seen.text == "question 2" else "fine"

    lines = [*asks(5), ("bad", request("x", extra_body={"foo": 1}))]
    with MockGeminiBatches(reply=reply, faults=fault, polls=1, ends="EXPIRED") as server:
        sent = work(server, lambda a: a.submit(lines, label="x"))
        assert work(server, lambda a: a.poll(sent.handle)).state == "expired"
        found = work(server, lambda a: outcomes(a, sent.handle))
    causes = {i: o.cause for i, o in found.items() if isinstance(o, RequestError)}
    assert causes == {"s1": "http_500", "s2": "content_filter", "s4": "rate_limit", "bad": "http_400"}
    assert {i for i, o in found.items() if isinstance(o, RetryableError)} == {"s1", "s4"}
    assert isinstance(found["s0"], Generation)
    # What the day did not reach has no outcome.
    assert "s3" not in found


def test_a_failed_batch_has_nothing_to_collect() -> None:
    with MockGeminiBatches(polls=1, ends="FAILED") as server:
        sent = work(server, lambda a: a.submit(asks(1), label="x"))
        assert work(server, lambda a: a.poll(sent.handle)).state == "failed"
        assert work(server, lambda a: outcomes(a, sent.handle)) == {}


@pytest.mark.parametrize(("handle", "cause"), [("batches/none", "http_404"), ("batch_of_another", "bad_request")])
def test_an_unknown_batch(handle: str, cause: str) -> None:
    with MockGeminiBatches() as server, pytest.raises(RequestError) as unknown:
        work(server, lambda a: a.poll(handle))
    assert unknown.value.cause == cause
