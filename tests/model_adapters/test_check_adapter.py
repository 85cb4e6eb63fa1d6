"""check_adapter: ours pass, and every kind of breach is found."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.mock_openai import MockOpenAI, RecordedRequest

from comic_eval.conformance_adapter import check_adapter, check_adapter_async, check_generation, sample_requests
from comic_eval.contracts import Adapter, AdapterInfo, RunContext
from comic_eval.errors import RequestError
from comic_eval.plugins import create_adapter, load
from comic_eval.types import Generation, Request, Usage

ScriptedAdapter = load("model_adapters", "scripted").ScriptedAdapter


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_openai(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown-anywhere")

    def reply(request: RecordedRequest) -> str:
        return f"{len(request.images)} {request.text}"

    with MockOpenAI(reply=reply, latency_s=0.01) as server:
        answers = check_adapter(lambda: create_adapter("openai:m", base_url=server.base_url, api=api), concurrency=8)
        assert 2 <= server.max_in_flight <= 8
    assert {a.text for a in answers} == {
        f"{len(r.conversation.images)} {r.conversation.messages[0].text}" for r in sample_requests()
    }


@pytest.mark.parametrize("name", ["random", "majority", "first", "longest", "geometry"])
def test_baselines(name: str) -> None:
    assert len(check_adapter(create_adapter(name))) == len(sample_requests())


def test_scripted(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("default: B")
    assert check_adapter(create_adapter(f"scripted:{tmp_path / 'script.yaml'}"))
    assert check_adapter(ScriptedAdapter(lambda r: r.question.id))


def test_local() -> None:
    requests = sample_requests()
    assert len(check_adapter(lambda: create_adapter("local", max_tokens=4), requests=requests)) == len(requests)


def test_inside_an_event_loop() -> None:
    assert asyncio.run(check_adapter_async(ScriptedAdapter("A")))


class Broken(ScriptedAdapter):  # type: ignore[misc, valid-type]
    """An adapter with one part replaced."""

    def __init__(self, reply: Any = "A", **info: Any) -> None:
        super().__init__(reply)
        self._info = AdapterInfo(**{"id": "broken:one", **info})


class StartsTwice(Broken):
    async def start(self, context: RunContext) -> None:
        self._info = self._info.model_copy(update={"note": "changed"})


class ClosesOnce(Broken):
    closed = False

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("already closed")
        self.closed = True


class SpoiltByCancelling(Broken):
    async def generate(self, request: Request) -> Generation:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            raise OSError("cancelled") from None
        return Generation(text="A")


def counting() -> Adapter:
    seen: list[str] = []

    def reply(request: Request) -> str:
        seen.append(request.question.id)
        return str(len(seen))

    return Broken(reply, deterministic=True)


def raising(error: Exception) -> Adapter:
    def reply(request: Request) -> str:
        raise error

    return Broken(reply)


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        (lambda: object(), "lacks info"),
        (lambda: Broken(id="nameless"), "not provider:name"),
        (lambda: Broken(settings={"api_key": "x"}), "named like a secret"),
        (lambda: Broken(settings={"headers": {"x": "Bearer abc"}}), "looks like a key"),
        (lambda: Broken(settings={"base_url": "http://me:pw@host/v1"}), "looks like a key"),
        (lambda: Broken(settings={"x": {"y": object()}}), "cannot be written"),
        (lambda: Broken(max_concurrency=0), "max_concurrency"),
        (lambda: Broken(note="two\nlines"), "one line"),
        (StartsTwice, "info changed"),
        (lambda: Broken(lambda r: None), "not a Generation"),
        (lambda: Broken(lambda r: "\ud800"), "no valid Unicode"),
        (lambda: Broken(lambda r: Generation(text="A", usage=Usage(input_tokens=-1))), "usage.input_tokens is -1"),
        (lambda: Broken(lambda r: Generation(text="A", usage=Usage(input_tokens=1, cached_tokens=2))), "exceeds"),
        (lambda: Broken(lambda r: Generation(text="A", latency_s=float("nan"))), "latency_s is nan"),
        (lambda: Broken(lambda r: Generation(text="A", retries=1)), "never retry"),
        (counting, "got another answer"),
        (lambda: raising(KeyError("x")), "raised KeyError"),
        (lambda: raising(RequestError("x", cause="Bad Thing")), "cause is 'Bad Thing'"),
        (lambda: raising(RequestError("key sk-abcdefgh123", cause="auth")), "looks like a key"),
        (lambda: raising(RequestError("gone", cause="auth")), "no request succeeded; the first failure: gone"),
        (SpoiltByCancelling, "cancelled generate"),
    ],
)
def test_breaches_are_found(adapter: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_adapter(adapter)


def test_close_must_take_a_second_call() -> None:
    with pytest.raises(RuntimeError, match="already closed"):
        check_adapter(ClosesOnce)


def test_a_generation_needs_text() -> None:
    with pytest.raises(AssertionError, match="not a Generation"):
        check_generation("A")
    with pytest.raises(AssertionError, match="text is None"):
        check_generation(Generation.model_construct(None, **{"text": None}))
