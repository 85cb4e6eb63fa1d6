"""Every way in which the Gemini API can fail, on real sockets: each must become the right error with its cause."""

import socket
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import ask, ask_all, fail, request
from support.gemini_faults import GeminiFault
from support.mock_gemini import MockGemini

from comic_eval.contracts import Adapter
from comic_eval.errors import RequestError, RetryableError
from comic_eval.plugins import create_adapter

errors = import_module("comic_eval.model_adapters._gemini_errors")
http_errors = import_module("comic_eval.model_adapters._http_errors")
KEY = "AIzaSecretSecretSecret0123456789"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for name in ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)


def adapter(server: MockGemini, **settings: Any) -> Adapter:
    return create_adapter("gemini:gemini-2.5-flash", base_url=server.base_url, **settings)


@pytest.mark.parametrize(
    ("fault", "cause", "status", "retryable"),
    [
        (GeminiFault("rate_limit"), "rate_limit", 429, True),
        (GeminiFault("daily_quota", retry_delay="31s"), "quota", 429, False),
        (GeminiFault("http", status=500), "http_500", 500, True),
        (GeminiFault("http", status=503, message="The model is overloaded."), "http_503", 503, True),
        (GeminiFault("http", status=504), "http_504", 504, True),
        (GeminiFault("http", status=499), "http_499", 499, True),
        (GeminiFault("http", status=408), "timeout", 408, True),
        (GeminiFault("html", status=502, message="Bad gateway"), "http_502", 502, True),
        (GeminiFault("broken_error", status=500), "bad_response", None, True),
        (GeminiFault("http", status=307), "http_307", 307, False),
        (GeminiFault("bad_key"), "auth", 400, False),
        (GeminiFault("http", status=403), "auth", 403, False),
        (GeminiFault("http", status=400), "http_400", 400, False),
        (GeminiFault("http", status=404, message="models/x is not found for API version v1"), "model_not_found", 404,
         False),
        (GeminiFault("http", status=404, message="Requested entity was not found."), "http_404", 404, False),
        (GeminiFault("context_length"), "context_length", 400, False),
        (GeminiFault("prompt_blocked"), "content_filter", None, False),
        (GeminiFault("safety"), "content_filter", None, False),
        (GeminiFault("recitation"), "content_filter", None, False),
        (GeminiFault("timeout"), "timeout", None, True),
        (GeminiFault("drip", seconds=20), "timeout", None, True),
        (GeminiFault("disconnect"), "connection", None, True),
        (GeminiFault("reset"), "connection", None, True),
        (GeminiFault("malformed"), "bad_response", None, True),
        (GeminiFault("not_unicode"), "bad_response", None, True),
        (GeminiFault("empty_candidates"), "bad_response", None, True),
        (GeminiFault("no_content"), "bad_response", None, True),
        (GeminiFault("not_an_object"), "bad_response", None, False),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, GeminiFault) else "",
)  # fmt: skip
def test_fault(fault: GeminiFault, cause: str, status: int | None, retryable: bool) -> None:
    with MockGemini(faults=[fault]) as server:
        error = fail(adapter(server, timeout_s=0.5 if cause == "timeout" else 20))
        assert (error.cause, error.status) == (cause, status), error
        assert isinstance(error, RetryableError) is retryable
        assert str(error)
        # Retries are the engine's: one call is one request.
        assert len(server.requests) == 1


def test_a_filters_reason_is_named() -> None:
    with MockGemini(faults=["prompt_blocked", "recitation"]) as server:
        prompt, answer = ask_all(adapter(server), request(), request())
    assert "SAFETY: HARM_CATEGORY_DANGEROUS_CONTENT" in str(prompt)
    assert "RECITATION" in str(answer)


def test_a_cut_off_answer_is_an_answer() -> None:
    with MockGemini(reply="I think that", faults=["length"]) as server:
        answer = ask(adapter(server))
    assert (answer.text, answer.finish_reason) == ("I thin", "length")


def test_a_slow_answer_in_time_is_read_whole() -> None:
    with MockGemini(reply="slow but right " * 50, faults=[GeminiFault("drip", seconds=0.2)]) as server:
        assert ask(adapter(server)).text == "slow but right " * 50


def test_goes_on_after_every_fault() -> None:
    faults: list[Any] = ["reset", None, "malformed", None, "disconnect", None, "timeout", None]
    with MockGemini(faults=faults) as server:
        outcomes = ask_all(adapter(server, timeout_s=1), *[request()] * len(faults))
        assert [isinstance(o, RetryableError) for o in outcomes] == [f is not None for f in faults]
        assert server.outcomes["answered"] == 4
        assert len(server.requests) == len(faults)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fail(create_adapter("gemini:gemini-2.5-flash", base_url=f"http://127.0.0.1:{port}"))
    assert (error.cause, isinstance(error, RetryableError)) == ("connection", True)


def test_a_wrong_path_says_so() -> None:
    with MockGemini() as server:
        error = fail(create_adapter("gemini:gemini-2.5-flash", base_url=f"{server.base_url}/v1"))
    assert (error.cause, error.status) == ("http_404", 404)


def test_the_wait_that_the_server_asks_for() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    faults = [
        GeminiFault("rate_limit", retry_after=7),
        GeminiFault("rate_limit", retry_after=soon),
        GeminiFault("rate_limit", retry_delay="34.074824224s"),
        GeminiFault("rate_limit", retry_after=2, retry_delay="9s"),
        GeminiFault("http", status=503, retry_after=4),
        GeminiFault("rate_limit", retry_delay="soon"),
    ]
    with MockGemini(faults=faults) as server:
        found = ask_all(adapter(server), *[request()] * len(faults))
    waits = [e.retry_after for e in found if isinstance(e, RetryableError)]
    assert len(waits) == len(faults)
    assert waits[1] is not None
    assert 60 < waits[1] <= 90
    assert [waits[0], *waits[2:]] == [7.0, 34.074824224, 9.0, 4.0, None]


def test_no_key_in_a_message() -> None:
    faults = [GeminiFault("bad_key", message=f"API key {KEY} is bad, so is AIzaSomebodyElses0123")]
    with MockGemini(faults=faults) as server:
        error = fail(adapter(server))
    assert error.cause == "auth"
    assert "[key]" in str(error)
    assert "AIza" not in str(error)


def test_long_pages_of_errors_are_cut() -> None:
    with MockGemini(faults=[GeminiFault("html", status=500, message="x " * 5000)]) as server:
        assert len(str(fail(adapter(server)))) < 450


def test_a_redirect_is_not_followed() -> None:
    error = errors.status_error(308, {"location": "https://elsewhere"}, None, http_errors.Redactor([]))
    assert "https://elsewhere" in str(error)
    assert not isinstance(error, RetryableError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "details", "violations", "retryDelay", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from([301, 400, 403, 404, 418, 429, 500, 503]), JSON)
def test_any_error_body_becomes_an_error(status: int, body: Any) -> None:
    error = errors.status_error(status, {}, body, http_errors.Redactor([]))
    assert isinstance(error, RequestError)
    assert error.status == status
