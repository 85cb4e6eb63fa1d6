"""What makes two requests the same to the cache."""

from support.adapters import conversation_request, request

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
