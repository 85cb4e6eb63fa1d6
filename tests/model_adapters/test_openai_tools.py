"""Tools and answer schemas over both OpenAI APIs, against a server that refuses what the real one refuses."""

import json
from typing import Any

import pytest
from support.adapters import ask, ask_all, fail, picture, question
from support.mock_openai import MockOpenAI
from support.openai_replies import Reply

from comic_eval.contracts import Adapter
from comic_eval.plugins import create_adapter
from comic_eval.types import (
    Conversation,
    EncodedImage,
    ImagePart,
    Message,
    Part,
    Request,
    SamplingParams,
    TextPart,
    ToolCall,
    ToolSpec,
)

APIS = ("chat", "responses")
LOOK = ToolSpec(
    name="look",
    description="Looks closer.",
    parameters={"type": "object", "properties": {"at": {"type": "number"}}, "required": ["at"]},
)
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["correct", "incorrect"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def adapter(server: MockOpenAI, api: str, model: str = "m") -> Adapter:
    return create_adapter(f"openai:{model}", base_url=server.base_url, api=api)


def said(role: Any, *parts: str | EncodedImage, **fields: Any) -> Message:
    content: tuple[Part, ...] = tuple(TextPart(text=p) if isinstance(p, str) else ImagePart(image=p) for p in parts)
    return Message(role=role, content=content, **fields)


def talk(*messages: Message, tools: tuple[ToolSpec, ...] = (LOOK,), **fields: Any) -> Request:
    fields.setdefault("params", SamplingParams())
    return Request(conversation=Conversation(messages=messages), question=question(), tools=tools, **fields)


def called(*calls: ToolCall, text: str = "") -> Message:
    return said("assistant", text, tool_calls=calls)


CALLS = (ToolCall(id="c1", name="look", arguments='{"at": 1}'), ToolCall(id="c2", name="look", arguments='{"at": 2}'))


@pytest.mark.parametrize("api", APIS)
def test_calls_are_read_as_the_model_wrote_them(api: str) -> None:
    reply = Reply("", tool_calls=(("c1", "look", '{"at": 1}'), ("c2", "look", "{at: oops")))
    with MockOpenAI(reply=reply) as server:
        answer = ask(adapter(server, api), talk(said("user", "Where?")))
        tool = server.requests[0].params["tools"][0]
    assert answer.tool_calls == (CALLS[0], ToolCall(id="c2", name="look", arguments="{at: oops"))
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")
    assert (tool if api == "responses" else tool["function"])["parameters"] == LOOK.parameters


@pytest.mark.parametrize("api", APIS)
def test_text_beside_a_call_is_kept(api: str) -> None:
    with MockOpenAI(reply=Reply("Let me look.", tool_calls=(("c1", "look", '{"at": 1}'),))) as server:
        answer = ask(adapter(server, api), talk(said("user", "Where?")))
    assert (answer.text, answer.tool_calls) == ("Let me look.", CALLS[:1])


def test_an_id_that_a_server_leaves_empty_is_made_up() -> None:
    with MockOpenAI(reply=Reply(tool_calls=(("", "look", "{}"), ("", "look", "{}")))) as server:
        answer = ask(adapter(server, "chat"), talk(said("user", "Where?")))
    assert [c.id for c in answer.tool_calls] == ["call_0", "call_1"]


def test_pictures_of_results_arrive_where_the_protocol_allows_them() -> None:
    first, second, page = picture("1", size=(60, 40)), picture("2", size=(80, 50)), picture("page", size=(120, 90))
    request = talk(
        said("system", "You look at comics."),
        said("user", page, "Where?"),
        called(*CALLS),
        said("tool", "Image 1", first, tool_call_id="c1"),
        said("tool", "Image 2", second, tool_call_id="c2"),
    )
    with MockOpenAI() as server:
        for api in APIS:
            ask(adapter(server, api), request)
        chat, responses = server.requests
    calls = ["call:c1", "call:c2", "result:c1", "result:c2"]
    assert list(chat.outline) == ["system", "user", "assistant", *calls, "user"]
    assert [i.at for i in chat.images] == [
        "messages[1].content[0].image_url.url",
        "messages[5].content[0].image_url.url",
        "messages[5].content[1].image_url.url",
    ]
    # A turn without text is its calls alone.
    assert list(responses.outline) == ["system", "user", *calls]
    assert [i.at for i in responses.images] == [
        "input[1].content[0].image_url",
        "input[4].output[1].image_url",
        "input[5].output[1].image_url",
    ]
    for seen in (chat, responses):
        assert [i.sha256 for i in seen.images] == [page.sha256, first.sha256, second.sha256]
        assert [i.size for i in seen.images] == [(120, 90), (60, 40), (80, 50)]


def test_pictures_of_a_turn_come_before_the_next_turn() -> None:
    request = talk(
        said("user", "Where?"),
        called(CALLS[0]),
        said("tool", "Image 1", picture("1"), tool_call_id="c1"),
        called(CALLS[1]),
        said("tool", '{"error": "outside"}', tool_call_id="c2"),
    )
    with MockOpenAI() as server:
        ask(adapter(server, "chat"), request)
        outline = server.requests[0].outline
    assert list(outline) == [
        "user", "assistant", "call:c1", "result:c1", "user", "assistant", "call:c2", "result:c2"
    ]  # fmt: skip


def test_a_reasoning_models_thoughts_go_back_with_their_calls() -> None:
    reply = Reply("Hm.", encrypted="sealed", tool_calls=(("c1", "look", "{}"), ("c2", "look", "{}")))
    with MockOpenAI(reply=lambda seen: reply if seen.index == 0 else "Done.") as server:
        model = adapter(server, "responses", "gpt-5-mini")
        start = said("user", "Where?")
        (first,) = ask_all(model, talk(start))
        assert not isinstance(first, Exception)
        results = [said("tool", "ok", tool_call_id=c.id) for c in first.tool_calls]
        ask(model, talk(start, called(*first.tool_calls, text="Hm."), *results))
        assert server.requests[0].params["include"] == ["reasoning.encrypted_content"]
        outline = server.requests[1].outline
    assert list(outline) == [
        "user", "reasoning:rs_c1", "assistant", "call:c1", "reasoning:rs_c2", "call:c2", "result:c1", "result:c2",
    ]  # fmt: skip
    assert json.loads(first.tool_calls[0].opaque or "")[0]["encrypted_content"] == "sealed-c1"


@pytest.mark.parametrize("api", APIS)
def test_other_models_are_not_asked_for_thoughts(api: str) -> None:
    with MockOpenAI() as server:
        ask(adapter(server, api), talk(said("user", "Where?")))
        assert "include" not in server.requests[0].params


@pytest.mark.parametrize("api", APIS)
def test_an_answer_by_schema(api: str) -> None:
    with MockOpenAI(reply='{"verdict": "correct"}') as server:
        answer = ask(adapter(server, api), talk(said("user", "Right?"), tools=(), response_schema=SCHEMA))
        params = server.requests[0].params
    found = params["response_format"]["json_schema"] if api == "chat" else params["text"]["format"]
    assert (found["schema"], found["strict"]) == (SCHEMA, True)
    assert json.loads(answer.text) == {"verdict": "correct"}


@pytest.mark.parametrize("api", APIS)
def test_without_tools_and_schema_nothing_of_them_is_sent(api: str) -> None:
    with MockOpenAI() as server:
        ask(adapter(server, api), talk(said("user", "Hello"), tools=()))
        assert not {"tools", "response_format", "text", "include"} & server.requests[0].params.keys()


@pytest.mark.parametrize("api", APIS)
def test_extra_body_cannot_replace_what_the_request_sets(api: str) -> None:
    name = {"chat": "response_format", "responses": "text"}[api]
    params = SamplingParams(extra_body={name: {}})
    with MockOpenAI() as server, pytest.raises(Exception, match=f"extra_body may not set {name}"):
        ask(adapter(server, api), talk(said("user", "Right?"), tools=(), params=params, response_schema=SCHEMA))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("answered", [(), ("c1",), ("c1", "c2", "c9")])
def test_the_server_refuses_calls_and_results_that_do_not_match(api: str, answered: tuple[str, ...]) -> None:
    results = [said("tool", "ok", tool_call_id=i) for i in answered]
    with MockOpenAI() as server:
        error = fail(adapter(server, api), talk(said("user", "Where?"), called(*CALLS), *results))
        assert server.requests == []
    assert (error.cause, error.status) == ("http_400", 400)


def test_the_server_refuses_schemas_that_strict_output_cannot_follow() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    with MockOpenAI() as server:
        error = fail(adapter(server, "chat"), talk(said("user", "?"), tools=(), response_schema=loose))
    assert "additionalProperties" in str(error)
