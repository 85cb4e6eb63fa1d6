"""The loopback Gemini API itself: a lenient stand-in would let wrong requests pass."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import types
from support.adapters import ask_all, picture, request
from support.gemini_schema import MESSAGES
from support.mock_gemini import MockGemini

from comic_eval.plugins import create_adapter

# Messages of the API and the SDK's names for them; the SDK has fields for Google Cloud too, so ours are a part.
SDK = {
    "Content": types.Content,
    "Part": types.Part,
    "Blob": types.Blob,
    "FunctionCall": types.FunctionCall,
    "FunctionResponse": types.FunctionResponse,
    "FunctionResponsePart": types.FunctionResponsePart,
    "FunctionResponseBlob": types.FunctionResponseBlob,
    "Tool": types.Tool,
    "FunctionDeclaration": types.FunctionDeclaration,
    "GenerationConfig": types.GenerateContentConfig,
    "ThinkingConfig": types.ThinkingConfig,
}
IMAGE = base64.b64encode(picture().data).decode()
HELLO = {"role": "user", "parts": [{"text": "hello"}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {}}}]}


@pytest.fixture(scope="module")
def server() -> Iterator[MockGemini]:
    with MockGemini() as running:
        yield running


def post(server: MockGemini, body: Any, model: str = "gemini-2.5-flash", key: str = "k") -> tuple[int, dict[str, Any]]:
    sent = urllib.request.Request(  # noqa: S310 - a loopback address
        f"{server.base_url}/v1/models/{model}:generateContent",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "x-goog-api-key": key},
    )
    try:
        with urllib.request.urlopen(sent) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("name", SDK)
def test_every_field_exists_in_the_sdk(name: str) -> None:
    known = {field.alias or n for n, field in SDK[name].model_fields.items()}
    assert set(MESSAGES[name]) <= known


@pytest.mark.parametrize(
    "body",
    [
        {"contents": [HELLO]},
        {"contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": IMAGE}}]}]},
        {"contents": [HELLO, CALL, RESULT], "generation_config": {"top_p": 0.5}},
    ],
)
def test_good_requests_pass_in_both_spellings(server: MockGemini, body: dict[str, Any]) -> None:
    status, answer = post(server, body)
    assert status == 200
    assert answer["candidates"][0]["finishReason"] == "STOP"


def inline(mime: str, data: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": mime, "data": data}}]}]}


def configured(**config: Any) -> dict[str, Any]:
    return {"contents": [HELLO], "generationConfig": config}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "contents is not specified"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "parts": [{"text": "x", "inlineData": {}}]}]}, "oneof"),
        ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "empty text"),
        ({"contents": [{"role": "user", "parts": [{"txt": "x"}]}]}, 'Unknown name "txt"'),
        (inline("image/png", "####"), "Base64"),
        (inline("image/png", base64.b64encode(b"no picture").decode()), "process input image"),
        (inline("image/jpeg", IMAGE), "it is PNG"),
        (inline("image/tiff", IMAGE), "Unsupported MIME type"),
        (configured(temperature=2.5), "temperature"),
        (configured(maxOutputTokens="many"), "Invalid value"),
        (configured(seed=1 << 40), "seed"),
        (configured(responseJsonSchema={}), "response_mime_type"),
        (configured(thinkingConfig={"thinkingLevel": "LOW"}), "not supported for this model"),
        (configured(thinkingConfig={"thinkingBudget": 99999}), "thinking budget"),
        ({"contents": [HELLO, CALL]}, "last turn"),
        ({"contents": [HELLO, RESULT]}, "immediately after"),
        ({"contents": [HELLO, CALL, HELLO]}, "number of function response parts"),
        ({"contents": [HELLO], "tools": [{"functionDeclarations": [{"name": "a b", "description": "x"}]}]}, "function"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused(server: MockGemini, body: dict[str, Any], words: str) -> None:
    status, answer = post(server, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert words in answer["error"]["message"]


def test_new_models_want_the_signature_that_they_gave(server: MockGemini) -> None:
    assert "missing a thought_signature" in str(post(server, {"contents": [HELLO, CALL, RESULT]}, "gemini-3.8-flash"))
    forged = {"role": "model", "parts": [CALL["parts"][0] | {"thoughtSignature": "AAAA"}]}  # type: ignore[index]
    status, answer = post(server, {"contents": [HELLO, forged, RESULT]}, "gemini-3.8-flash")
    assert (status, answer["error"]["message"]) == (400, "Corrupted thought signature.")


def test_no_key_and_no_such_model(server: MockGemini) -> None:
    assert post(server, {"contents": [HELLO]}, key="")[0] == 403
    assert post(server, {"contents": [HELLO]}, model="palm-2")[0] == 404


def test_faults_come_in_order_of_arrival() -> None:
    with MockGemini(faults=["http", None, "safety"]) as server:
        adapter = create_adapter("gemini:gemini-2.5-flash", base_url=server.base_url)
        ask_all(adapter, *[request()] * 4)
        assert [r.outcome for r in server.requests] == ["http", "answered", "safety", "answered"]


def test_proxies_are_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockGemini(reply="through the proxy") as server:
        monkeypatch.setenv("HTTP_PROXY", server.base_url)
        far = create_adapter("gemini:gemini-2.5-flash", base_url="http://model.test")
        (answer,) = ask_all(far, request())
        assert not isinstance(answer, Exception)
        assert server.requests[0].headers["host"] == "model.test"
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        near = create_adapter("gemini:gemini-2.5-flash", base_url=server.base_url)
        assert not isinstance(ask_all(near, request())[0], Exception)
