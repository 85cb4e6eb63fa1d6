"""Batches over the openai adapter: submitted, found again by another process, collected with every outcome."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.adapters import picture, request
from support.openai_batches import MockOpenAIBatches
from support.openai_faults import Fault
from support.openai_replies import Reply

from comic_eval.contracts import Adapter, BatchAdapter, RunContext
from comic_eval.errors import RequestError, RetryableError
from comic_eval.plugins import create_adapter
from comic_eval.types import Generation, Request, ToolSpec

batches = import_module("comic_eval.model_adapters._batches")


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_BASE_URL", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY"):
            patch.delenv(name, raising=False)
        yield


def work(server: Any, do: Callable[[Any], Awaitable[Any]], **settings: Any) -> Any:
    """Runs ``do`` with a fresh adapter, as a process of its own would."""
    made: Adapter = create_adapter("openai:gpt-4o", base_url=server.base_url, **settings)
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
    return {custom_id: outcome async for custom_id, outcome in adapter.collect(handle)}


def asks(count: int) -> list[tuple[str, Request]]:
    return [(f"s{i}", request(picture(str(i)), f"question {i}")) for i in range(count)]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_batch_from_submission_to_answers(api: str) -> None:
    with MockOpenAIBatches(reply=lambda seen: f"to {seen.text}") as server:
        sent = work(server, lambda a: a.submit(asks(3), label="run-1"), api=api)
        assert sent.accepted == 3
        states = [work(server, lambda a: a.poll(sent.handle), api=api) for _ in range(2)]
        assert [(s.state, s.ended) for s in states] == [("running", False), ("completed", True)]
        assert (states[1].total, states[1].finished) == (3, 3)
        found = work(server, lambda a: outcomes(a, sent.handle), api=api)
        assert server.requests[0].images[0].size == (120, 80)
    answers = {i: g.text for i, g in found.items() if isinstance(g, Generation)}
    assert answers == {f"s{i}": f"to question {i}" for i in range(3)}
    assert all(g.usage.input_tokens and g.finish_reason == "stop" for g in found.values())


def test_another_process_finds_it_by_its_label() -> None:
    with MockOpenAIBatches() as server:
        handles = [work(server, lambda a, x=x: a.submit(asks(1), label=x)).handle for x in ("a", "b", "a")]
        assert sorted(work(server, lambda a: a.find("a"))) == sorted([handles[0], handles[2]])
        assert work(server, lambda a: a.find("c")) == []


def test_every_kind_of_outcome() -> None:
    """An answer, a refused line, a failure of the server, a filtered answer, and what the day did not reach."""

    def fault(seen: Any) -> Any:
        return {"question 1": Fault("http", status=500), "question 3": Fault("timeout")}.get(seen.text)

    def reply(seen: Any) -> Any:
        return Reply("x", finish_reason="content_filter") if seen.text == "question 2" else "fine"

    lines = [*asks(4), ("bad", request("x", extra_body={"foo": 1}))]
    with MockOpenAIBatches(reply=reply, faults=fault, polls=1) as server:
        sent = work(server, lambda a: a.submit(lines, label="x"))
        assert work(server, lambda a: a.poll(sent.handle)).state == "expired"
        found = work(server, lambda a: outcomes(a, sent.handle))
    causes = {i: o.cause for i, o in found.items() if isinstance(o, RequestError)}
    assert causes == {"s1": "http_500", "s2": "content_filter", "s3": "batch_expired", "bad": "http_400"}
    assert {i for i, o in found.items() if isinstance(o, RetryableError)} == {"s1", "s3"}
    assert isinstance(found["s0"], Generation)


def test_failures_of_the_batch_itself() -> None:
    with MockOpenAIBatches(refuse="Enqueued token limit reached for gpt-4o.") as server:
        with pytest.raises(RetryableError) as refused:
            work(server, lambda a: a.submit(asks(1), label="x"))
        assert (refused.value.cause, refused.value.status) == ("rate_limit", 429)
        with pytest.raises(RequestError) as unknown:
            work(server, lambda a: a.poll("batch_none"))
        assert unknown.value.status == 404


def test_tools_and_repeated_ids_are_refused_before_anything_is_sent() -> None:
    tool = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
    with_tool = request("x").model_copy(update={"tools": (tool,)})
    with MockOpenAIBatches() as server:
        for lines in ([("a", with_tool)], [("a", request("x")), ("a", request("y"))], []):
            with pytest.raises(RequestError) as refused:
                work(server, lambda a, lines=lines: a.submit(lines, label="x"))
            assert refused.value.cause == "bad_request"
        assert server.batches == {}


def test_a_file_holds_what_fits() -> None:
    lines = [(str(i), request("x")) for i in range(5)]

    def line(custom_id: str, _: Request) -> bytes:
        return b"x" * 9

    assert batches.first_file(lines, line, most_bytes=35)[1] == 3
    assert batches.first_file(lines, line, most_requests=2)[1] == 2
    # One that is too large by itself is the provider's to refuse.
    assert batches.first_file(lines, line, most_bytes=1)[1] == 1
    assert batches.first_file(lines, line)[0].count(b"\n") == 5


def test_broken_results_are_an_error_not_a_loss() -> None:
    for raw in (b'{"custom_id": "a"}\n{"custom', b"{}", b"[1]"):
        with pytest.raises(RequestError, match=r"JSON|custom_id"):
            list(batches.result_lines(raw, "custom_id"))
