"""What makes two requests the same to the cache."""

from support.adapters import conversation_request, question, request

from comic_eval.contracts import AdapterInfo
from comic_eval.run.cache import cache_key, keepable
from comic_eval.types import Conversation, Generation, Message, Request, ToolCall, ToolSpec

INFO = AdapterInfo(id="test:m")
LOOK = ToolSpec(name="look", description="Looks.", parameters={"type": "object"})


def key(one: Request) -> str:
    return cache_key(INFO, {}, one, 0)


def called(**call: str) -> Request:
    made = ToolCall.model_validate({"id": "c1", "name": "look", "arguments": "{}", **call})
    messages = (*request("x").conversation.messages, Message(role="assistant", content=(), tool_calls=(made,)))
    return conversation_request([]).model_copy(update={"conversation": Conversation(messages=messages)})


def test_schema_tools_and_the_providers_own_state_count() -> None:
    plain = request("x")
    different = [
        plain,
        plain.model_copy(update={"response_schema": {"type": "object"}}),
        plain.model_copy(update={"response_schema": {"type": "array"}}),
        plain.model_copy(update={"tools": (LOOK,)}),
        called(),
        called(opaque="c2lnbmVk"),
        called(arguments="{"),
    ]
    assert len({key(r) for r in different}) == len(different)
    assert key(called()) == key(called())


def test_a_turn_of_calls_alone_is_kept() -> None:
    call = ToolCall(id="c1", name="look", arguments="{}")
    assert keepable(Generation(text="", tool_calls=(call,), finish_reason="tool_calls"))
    assert not keepable(Generation(text=" "))
    assert not keepable(Generation(text="x", finish_reason="content_filter"))


def test_a_sample_counts_where_answers_are_drawn_by_chance() -> None:
    def keys(info: AdapterInfo = INFO, **params: float | None) -> set[str]:
        return {cache_key(info, {}, request("x", of=question(i), **params), 0) for i in ("s1", "s2")}

    assert len(keys(temperature=0.0)) == 1
    assert len(keys(temperature=0.7)) == 2
    assert len(keys(temperature=None)) == 2
    assert len(keys(AdapterInfo(id="test:m", always_samples=True), temperature=0.0)) == 2


def test_the_model_that_a_server_has_loaded_counts() -> None:
    assert len({cache_key(INFO, {}, request("x"), 0, served) for served in (None, "a", "b")}) == 3
