"""Whatever JSON a server answers with, an adapter makes an answer or an attributed failure of it, never a crash."""

from importlib import import_module
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.errors import RequestError, RetryableError
from comic_eval.types import Generation, ToolSpec

chat = import_module("comic_eval.model_adapters._openai_chat")
responses = import_module("comic_eval.model_adapters._openai_responses")
gemini = import_module("comic_eval.model_adapters._gemini_answer")
LOOK = ToolSpec(name="look", description="Looks.", parameters={"type": "object"})

NAMES = {
    "chat": "choices message content finish_reason tool_calls function name arguments id usage prompt_tokens refusal "
    "reasoning prompt_tokens_details cached_tokens model",
    "responses": "status output type content text summary incomplete_details reason error code message usage call_id "
    "name arguments encrypted_content id",
    "gemini": "candidates content parts text thought functionCall name args id thoughtSignature finishReason "
    "finishMessage promptFeedback blockReason safetyRatings usageMetadata promptTokensDetails promptTokenCount "
    "modality tokenCount modelVersion",
}
WORDS = ["completed", "incomplete", "failed", "message", "function_call", "reasoning", "output_text", "stop", "STOP",
         "SAFETY", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL", "IMAGE", "look", "_-8=", "x"]  # fmt: skip


def bodies(api: str) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(NAMES[api].split())
    leaves = st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(WORDS)
    anything = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=4),
        max_leaves=15,
    )
    return st.dictionaries(names, anything, max_size=5)


def outcome(api: str, body: bytes, *, tools: bool) -> Generation | RequestError:
    try:
        if api == "gemini":
            return gemini.read_answer(body, (LOOK,) if tools else ())  # type: ignore[no-any-return]
        reader = chat if api == "chat" else responses
        return reader.read_answer(body, offered=tools)  # type: ignore[no-any-return]
    except RequestError as error:
        return error


@pytest.mark.parametrize("api", NAMES)
@given(st.data(), st.booleans())
def test_any_object_is_an_answer_or_a_failure(api: str, data: st.DataObject, tools: bool) -> None:
    found = outcome(api, orjson.dumps(data.draw(bodies(api))), tools=tools)
    if isinstance(found, Generation):
        assert tools or not found.tool_calls
    else:
        assert found.cause
        assert str(found)


# Answers that are nearly right, so that the search goes deeper than the first check.
NEARLY = {
    "chat": lambda x: {"choices": [{"message": x, "finish_reason": "stop"}], "usage": x},
    "responses": lambda x: {"status": "completed", "output": [x], "usage": x},
    "gemini": lambda x: {
        "candidates": [{"content": {"parts": [x]}, "finishReason": "STOP", "safetyRatings": x}],
        "usageMetadata": x,
    },
}


@pytest.mark.parametrize("api", NAMES)
@given(st.data(), st.booleans())
def test_any_part_is_an_answer_or_a_failure(api: str, data: st.DataObject, tools: bool) -> None:
    body = NEARLY[api](data.draw(bodies(api)))
    assert isinstance(outcome(api, orjson.dumps(body), tools=tools), Generation | RequestError)


@pytest.mark.parametrize("details", [None, 3, "x", [1], {}, {"reason": 5}, {"reason": "content_filter"}])
@pytest.mark.parametrize("status", ["incomplete", "failed", "completed", None, 3])
def test_any_state_of_a_response(status: Any, details: Any) -> None:
    body = {"status": status, "incomplete_details": details, "error": details, "output": []}
    found = outcome("responses", orjson.dumps(body), tools=False)
    assert isinstance(found, Generation | RequestError)


@pytest.mark.parametrize("reason", list(types.FinishReason))
def test_every_finish_reason_of_gemini_is_known(reason: types.FinishReason) -> None:
    with_text = orjson.dumps({"candidates": [{"content": {"parts": [{"text": "B"}]}, "finishReason": reason.value}]})
    without = orjson.dumps({"candidates": [{"finishReason": reason.value}]})
    answer, nothing = outcome("gemini", with_text, tools=False), outcome("gemini", without, tools=False)
    filtered = {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
                "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR"}  # fmt: skip
    if reason.value in filtered:
        assert [o.cause for o in (answer, nothing) if isinstance(o, RequestError)] == ["content_filter"] * 2
        assert not isinstance(nothing, RetryableError)
    elif reason.value in ("MISSING_THOUGHT_SIGNATURE", "PUP_LIMITED_DISABLED"):
        assert not isinstance(nothing, Generation | RetryableError)
    else:
        assert isinstance(answer, Generation)
        assert answer.text == "B"
        cut = reason.value in ("MAX_TOKENS", "CONTINUATION")
        assert isinstance(nothing, Generation if cut else RetryableError)
        assert (answer.finish_reason == "length") == cut
