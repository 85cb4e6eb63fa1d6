"""The openai adapter against a strict server: what it sends, what it reads, what it refuses."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.adapters import ask, ask_all, conversation_request, fail, picture, request
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_replies import Reply

from comic_eval.contracts import Adapter, RunContext
from comic_eval.errors import PluginError, RequestError, RetryableError, UserError
from comic_eval.plugins import create_adapter
from comic_eval.types import ImagePart, Message, Request, TextPart, ToolCall, ToolSpec

APIS = ("chat", "responses")


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_BASE_URL", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY"):
            patch.delenv(name, raising=False)
        yield


def adapter(server: MockOpenAI, model: str = "gpt-4o", **settings: Any) -> Adapter:
    return create_adapter(f"openai:{model}", base_url=server.base_url, **settings)


@pytest.mark.parametrize("api", APIS)
def test_sends_pictures_and_text_in_order(api: str) -> None:
    page, crop = picture("page"), picture("crop", kind="JPEG", size=(56, 56))
    with MockOpenAI(reply="<answer>B</answer>") as server:
        answer = ask(adapter(server, api=api), request(page, "first", crop, "second"))
        (seen,) = server.requests
    assert answer.text == "<answer>B</answer>"
    assert (answer.finish_reason, answer.model, answer.retries) == ("stop", "gpt-4o", 0)
    assert answer.latency_s is not None
    assert seen.api == api
    assert seen.text == "first\nsecond"
    assert [(i.sha256, i.size, i.media_type) for i in seen.images] == [
        (page.sha256, (120, 80), "image/png"),
        (crop.sha256, (56, 56), "image/jpeg"),
    ]


@pytest.mark.parametrize("api", APIS)
def test_equal_requests_have_equal_bytes(api: str) -> None:
    with MockOpenAI() as server:
        ask_all(adapter(server, api=api), request(picture("a"), "x"), request(picture("a"), "x"))
        assert len({r.body_sha256 for r in server.requests}) == 1


@pytest.mark.parametrize("api", APIS)
def test_all_roles(api: str) -> None:
    turns: list[tuple[Any, Any]] = [
        ("system", (TextPart(text="Be brief."),)),
        ("user", (ImagePart(image=picture()), TextPart(text="Which?"))),
        ("assistant", (TextPart(text="A"),)),
        ("user", (TextPart(text="Sure?"),)),
    ]
    with MockOpenAI() as server:
        ask(adapter(server, api=api), conversation_request(turns))
        assert server.requests[0].text == "Be brief.\nWhich?\nA\nSure?"


@pytest.mark.parametrize("api", APIS)
def test_tool_calls_and_results_with_pictures(api: str) -> None:
    crop = picture("crop")
    calls = (ToolCall(id="c1", name="zoom", arguments="{"), ToolCall(id="c2", name="zoom", arguments="{}"))
    first = conversation_request([("user", (TextPart(text="Look."),))])
    turns = [
        *first.conversation.messages,
        Message(role="assistant", content=(), tool_calls=calls),
        Message(role="tool", tool_call_id="c1", content=(TextPart(text="no JSON"),)),
        Message(role="tool", tool_call_id="c2", content=(TextPart(text="the crop"), ImagePart(image=crop))),
    ]
    tools = (ToolSpec(name="zoom", description="Zooms.", parameters={"type": "object", "properties": {}}),)
    again = Request(
        conversation=first.conversation.model_copy(update={"messages": tuple(turns)}),
        question=first.question,
        tools=tools,
    )
    with MockOpenAI(reply=Reply(None, tool_calls=(("c3", "zoom", '{"bbox'),))) as server:
        answer = ask(adapter(server, api=api), again)
        assert [i.sha256 for i in server.requests[0].images] == [crop.sha256]
        assert answer.tool_calls == (ToolCall(id="c3", name="zoom", arguments='{"bbox'),)
        unasked = fail(adapter(server, api=api), first)
        assert unasked.cause == "bad_response"


@pytest.mark.parametrize(
    ("model", "api", "sent"),
    [
        ("qwen", "chat", {"max_tokens": 50, "temperature": 0.0, "seed": 3, "top_p": 0.9}),
        ("gpt-5-mini", "chat", {"max_completion_tokens": 50, "seed": 3, "top_p": 0.9}),
        ("qwen", "responses", {"max_output_tokens": 50, "temperature": 0.0, "top_p": 0.9, "store": False}),
        ("o4-mini", "responses", {"max_output_tokens": 50, "top_p": 0.9, "store": False}),
    ],
)
def test_parameters_by_server_and_model(model: str, api: str, sent: dict[str, Any]) -> None:
    top_p = 1.0 if model != "qwen" else 0.9
    with MockOpenAI() as server:
        made = adapter(server, model, api=api)
        ask(made, request(max_tokens=50, seed=3, top_p=top_p))
        assert server.requests[0].params == {"model": model, **sent, "top_p": top_p}
        omits = "temperature=0" in str(made.info.settings["never_sent"])
        assert omits == (model != "qwen")


def test_reasoning_effort_and_a_chosen_temperature_are_sent() -> None:
    with MockOpenAI() as server:
        ask(adapter(server, "gpt-5"), request(reasoning_effort="low"))
        ask(adapter(server, "gpt-5", api="responses"), request(reasoning_effort="high"))
        assert server.requests[0].params["reasoning_effort"] == "low"
        assert server.requests[1].params["reasoning"] == {"effort": "high"}
        refused = fail(adapter(server, "gpt-5"), request(temperature=0.7))
        assert (refused.cause, refused.status) == ("http_400", 400)


def test_extra_body_is_merged_at_the_top_level() -> None:
    with MockOpenAI(extra=["mm_processor_kwargs"]) as server:
        ask(adapter(server), request(extra_body={"mm_processor_kwargs": {"max_pixels": 784}, "max_tokens": 7}))
        assert server.requests[0].params["mm_processor_kwargs"] == {"max_pixels": 784}
        assert server.requests[0].params["max_tokens"] == 7
        unknown = fail(adapter(server), request(extra_body={"foo": 1}))
        assert "foo" in str(unknown)
        with pytest.raises(UserError, match="messages"):
            ask(adapter(server), request(extra_body={"messages": []}))


def test_image_detail() -> None:
    with MockOpenAI() as server:
        for api in APIS:
            ask(adapter(server, api=api, image_detail="high"), request(picture(), "x"))
        assert [r.images[0].detail for r in server.requests] == ["high", "high"]


@pytest.mark.parametrize("api", APIS)
def test_usage_and_reasoning(api: str) -> None:
    reply = Reply("B", reasoning="Look left.", reasoning_tokens=12, cached_tokens=1, model="gpt-4o-2026-01-01")
    with MockOpenAI(reply=reply) as server:
        answer = ask(adapter(server, api=api), request("one two three"))
        usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens) == (3, 13)
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.image_tokens) == (1, 12, None)
    assert (answer.reasoning, answer.model) == ("Look left.", "gpt-4o-2026-01-01")


@pytest.mark.parametrize("api", APIS)
def test_no_usage_is_unknown_not_zero(api: str) -> None:
    with MockOpenAI(reply=Reply("B", usage=False)) as server:
        assert ask(adapter(server, api=api)).usage.input_tokens is None


@pytest.mark.parametrize("api", APIS)
def test_a_refusal_is_an_answer(api: str) -> None:
    with MockOpenAI(reply=Reply(None, refusal="I can't help with that.")) as server:
        answer = ask(adapter(server, api=api))
    assert (answer.text, answer.finish_reason) == ("I can't help with that.", "refusal")


@pytest.mark.parametrize("api", APIS)
def test_an_answer_cut_off_in_its_reasoning_is_empty(api: str) -> None:
    with MockOpenAI(reply=Reply(None, finish_reason="length", reasoning="Hmm", reasoning_tokens=9)) as server:
        answer = ask(adapter(server, api=api))
    assert (answer.text, answer.finish_reason, answer.reasoning) == ("", "length", "Hmm")


def test_keys_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockOpenAI() as server:
        ask(adapter(server))
        monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one")
        monkeypatch.setenv("MY_KEY", "mine")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Team: comics")
        ask(adapter(server, organization="org-1", project="proj-1"))
        ask(adapter(server, api_key_env="MY_KEY"))
        sent = [r.headers for r in server.requests]
    assert [h["authorization"] for h in sent] == ["Bearer none", "Bearer sk-the-real-one", "Bearer mine"]
    assert sent[1]["x-team"] == "comics"
    assert (sent[1]["openai-organization"], sent[1]["openai-project"]) == ("org-1", "proj-1")


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        create_adapter("openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x1y2z3")
    info = create_adapter("openai:gpt-5-mini").info
    assert info.settings["base_url"] == "https://api.openai.com/v1"
    assert info.settings["max_tokens_sent_as"] == "max_completion_tokens"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\N{EN DASH}copied from a document")
    with pytest.raises(UserError, match="copy it again"):
        create_adapter("openai:gpt-5-mini")
    assert "sk-x1y2z3" not in info.model_dump_json()


def test_base_url_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockOpenAI() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url + "/")
        made = create_adapter("openai:m")
        ask(made)
        assert made.info.settings["base_url"] == server.base_url


def test_connections_do_not_limit_concurrency(tmp_path: Path) -> None:
    async def run(made: Adapter) -> None:
        await made.start(RunContext(cache_dir=tmp_path))
        await asyncio.gather(*(made.generate(request()) for _ in range(150)))
        await made.close()

    async def reply(seen: RecordedRequest) -> str:
        # Nobody is answered before all have arrived; a pool of fewer connections would never get there.
        while server.max_in_flight < 150:  # noqa: ASYNC110 - the server counts without an event
            await asyncio.sleep(0.01)
        return "A"

    with MockOpenAI(reply=reply) as server:
        asyncio.run(run(adapter(server, timeout_s=60)))
        assert server.outcomes["answered"] == 150


def test_proxies_are_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockOpenAI(reply="through the proxy") as server:
        monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
        far = create_adapter("openai:m", base_url="http://model.test/v1")
        assert ask(far).text == "through the proxy"
        assert server.requests[0].headers["host"] == "model.test"
        assert (
            fail(create_adapter("openai:m", base_url="http://model.invalid/v1", trust_env=False)).cause == "connection"
        )
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert ask(adapter(server)).text == "through the proxy"


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"base_url": "localhost:8000"}, "base_url: Value error, must look like http://"),
        ({"base_url": "http://user:pass@host/v1"}, "no credentials"),
        ({"base_url": "http://host/v1?key=1"}, "no credentials"),
        ({"base_url": "http://h/v1", "api": "completions"}, "api: Input should be 'chat' or 'responses'"),
        ({"base_url": "http://h/v1", "tiemout_s": 3}, "tiemout_s.*Its settings are: base_url, api, timeout_s"),
        ({"base_url": "http://h/v1", "timeout_s": 0}, "timeout_s"),
    ],
)
def test_wrong_settings_are_named(given_settings: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        create_adapter("openai:m", **given_settings)


def test_needs_a_model_name() -> None:
    with pytest.raises(PluginError, match="openai:MODEL"):
        create_adapter("openai", base_url="http://h/v1")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl"),
        ("qwen3-vl-8b", "qwen3-vl"),
        ("OpenGVLab/InternVL3-8B", "internvl"),
        ("o4-mini", "gpt"),
        ("gpt-4o-mini", "gpt"),
        ("zai-org/GLM-4.5V", "glm-v"),
        ("MiniCPM-V-4", "minicpm"),
        ("chatgpt4o", "gpt"),
        ("Qwen3-8B", "qwen3"),
        ("llava-hf/llava-1.5-7b", "llava"),
        ("something-new", None),
    ],
)
def test_family(model: str, family: str | None) -> None:
    assert create_adapter(f"openai:{model}", base_url="http://h/v1").info.family == family


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[MockOpenAI]:
    with MockOpenAI() as server:
        yield server


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_text_arrives_unchanged_and_takes_no_pictures_place(lasting_server: MockOpenAI, texts: list[str]) -> None:
    (answer,) = ask_all(adapter(lasting_server), request(picture(), *texts))
    if isinstance(answer, RequestError):
        # Lone surrogates are no Unicode, so no JSON can hold them.
        assert answer.cause == "bad_request"
        assert not isinstance(answer, RetryableError)
        assert any("\ud800" <= c <= "\udfff" for t in texts for c in t)
    else:
        seen = lasting_server.requests[-1]
        assert seen.text == "\n".join(texts)
        assert len(seen.images) == 1
