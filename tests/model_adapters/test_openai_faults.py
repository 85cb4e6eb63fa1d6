"""Every way in which a server can fail, on real sockets: each must become the right kind of error with its cause."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import ask, ask_all, fail, request
from support.mock_openai import MockOpenAI
from support.openai_faults import Fault

from comic_eval.contracts import Adapter
from comic_eval.errors import RetryableError
from comic_eval.plugins import create_adapter

APIS = ("chat", "responses")
errors = import_module("comic_eval.model_adapters._openai_errors")
http_errors = import_module("comic_eval.model_adapters._http_errors")
KEY = "sk-secret-key-0123456789"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def adapter(server: MockOpenAI, **settings: Any) -> Adapter:
    return create_adapter("openai:m", base_url=server.base_url, **settings)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fault", "cause", "status", "retryable"),
    [
        (Fault("rate_limit"), "rate_limit", 429, True),
        (Fault("quota"), "quota", 429, False),
        (Fault("http", status=500), "http_500", 500, True),
        (Fault("http", status=503), "http_503", 503, True),
        (Fault("html", status=502, message="Bad gateway"), "http_502", 502, True),
        (Fault("http", status=408), "timeout", 408, True),
        (Fault("http", status=401), "auth", 401, False),
        (Fault("http", status=403), "auth", 403, False),
        (Fault("http", status=400), "http_400", 400, False),
        (Fault("http", status=404, message="The model `m` does not exist"), "model_not_found", 404, False),
        (Fault("http", status=404, message="Not Found"), "http_404", 404, False),
        (Fault("http", status=422), "http_422", 422, False),
        (Fault("http", status=413, message="prompt is too long: 9000 tokens"), "context_length", 413, False),
        (Fault("context_length"), "context_length", 400, False),
        (Fault("content_policy"), "content_filter", 400, False),
        (Fault("content_filter"), "content_filter", None, False),
        (Fault("timeout"), "timeout", None, True),
        (Fault("drip", seconds=20), "timeout", None, True),
        (Fault("disconnect"), "connection", None, True),
        (Fault("reset"), "connection", None, True),
        (Fault("malformed"), "bad_response", None, True),
        (Fault("empty_choices"), "bad_response", None, True),
        (Fault("null_content"), "bad_response", None, True),
        (Fault("not_an_object"), "bad_response", None, False),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
def test_fault(api: str, fault: Fault, cause: str, status: int | None, retryable: bool) -> None:
    with MockOpenAI(faults=[fault]) as server:
        error = fail(adapter(server, api=api, timeout_s=0.5 if cause == "timeout" else 20))
        assert (error.cause, error.status) == (cause, status)
        assert isinstance(error, RetryableError) is retryable
        assert str(error)
        # Retries are the engine's: one call is one request.
        assert len(server.requests) == 1


@pytest.mark.parametrize("api", APIS)
def test_a_cut_off_answer_is_an_answer(api: str) -> None:
    with MockOpenAI(reply="I think that", faults=["length"]) as server:
        answer = ask(adapter(server, api=api))
    assert (answer.text, answer.finish_reason) == ("I thin", "length")


@pytest.mark.parametrize("api", APIS)
def test_a_slow_answer_in_time_is_read_whole(api: str) -> None:
    with MockOpenAI(reply="slow but right " * 50, faults=[Fault("drip", seconds=0.2)]) as server:
        assert ask(adapter(server, api=api)).text == "slow but right " * 50


def test_goes_on_after_every_fault() -> None:
    faults: list[Any] = ["reset", None, "malformed", None, "disconnect", None, "timeout", None]
    with MockOpenAI(faults=faults) as server:
        outcomes = ask_all(adapter(server, timeout_s=1), *[request()] * len(faults))
        assert [isinstance(o, RetryableError) for o in outcomes] == [f is not None for f in faults]
        assert server.outcomes["answered"] == 4


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fail(create_adapter("openai:m", base_url=f"http://127.0.0.1:{port}/v1"))
    assert (error.cause, isinstance(error, RetryableError)) == ("connection", True)


def test_a_wrong_path_says_so() -> None:
    with MockOpenAI() as server:
        error = fail(create_adapter("openai:m", base_url=server.base_url.removesuffix("/v1")))
    assert (error.cause, error.status) == ("http_404", 404)
    assert "ends in /v1" in str(error)


@pytest.mark.parametrize("retry_after", [2.5, "7", 0])
def test_retry_after_in_seconds(retry_after: float | str) -> None:
    with MockOpenAI(faults=[Fault("rate_limit", retry_after=retry_after)]) as server:
        error = fail(adapter(server))
    assert isinstance(error, RetryableError)
    assert error.retry_after == float(retry_after)


def test_retry_after_as_a_date_and_in_milliseconds() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    past = datetime.now(UTC) - timedelta(seconds=90)
    faults = [
        Fault("rate_limit", retry_after=soon),
        Fault("rate_limit", retry_after=past),
        Fault("rate_limit", retry_after=9, retry_after_ms=250),
        Fault("http", status=503, retry_after=4),
    ]
    with MockOpenAI(faults=faults) as server:
        found = ask_all(adapter(server), *[request()] * 4)
    waits = [e.retry_after for e in found if isinstance(e, RetryableError)]
    assert len(waits) == 4
    assert waits[0] is not None
    assert 60 < waits[0] <= 90
    assert waits[1:] == [0.0, 0.25, 4.0]


@given(st.text() | st.floats().map(str) | st.datetimes(timezones=st.just(UTC)).map(lambda d: format_datetime(d, True)))
def test_any_retry_after_is_a_sane_wait_or_none(value: str) -> None:
    wait = http_errors.retry_after({"retry-after": value}, now=0.0)
    assert wait is None or 0 <= wait < float("inf")


@pytest.mark.parametrize("message", [f"Incorrect API key provided: {KEY}.", f"Bearer {KEY}", "also sk-proj-other99999"])
def test_no_key_in_a_message(message: str) -> None:
    with MockOpenAI(faults=[Fault("http", status=401, message=message)]) as server:
        error = fail(adapter(server))
    assert "[key]" in str(error)
    assert "secret" not in str(error)
    assert "other9" not in str(error)


def test_no_custom_header_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: hush-hush-42\nX-Other: b")
    with MockOpenAI(faults=[Fault("http", status=400, message="bad header hush-hush-42")]) as server:
        assert "hush" not in str(fail(adapter(server)))


def test_long_pages_of_errors_are_cut() -> None:
    with MockOpenAI(faults=[Fault("html", status=500, message="x " * 5000)]) as server:
        assert len(str(fail(adapter(server)))) < 450


@pytest.mark.parametrize(("wanted", "status", "retryable"), [("true", 400, True), ("false", 503, False)])
def test_the_servers_own_word_on_retries(wanted: str, status: int, retryable: bool) -> None:
    error = errors.status_error(status, {"x-should-retry": wanted}, b"{}", http_errors.Redactor([]))
    assert isinstance(error, RetryableError) is retryable


def test_a_redirect_is_not_followed() -> None:
    error = errors.status_error(308, {"location": "https://elsewhere/v1"}, b"", http_errors.Redactor([]))
    assert "https://elsewhere/v1" in str(error)
    assert not isinstance(error, RetryableError)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens.",
        "request (12031 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "The decoder prompt (length 40000) is longer than the maximum model length of 32768.",
        "Input is too long for requested model.",
    ],
)
def test_context_length_in_the_words_of_other_servers(words: str) -> None:
    body = b'{"error": {"message": "' + words.encode() + b'", "type": "BadRequestError", "code": 400}}'
    assert errors.status_error(400, {}, body, http_errors.Redactor([])).cause == "context_length"
