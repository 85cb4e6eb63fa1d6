"""The mock server itself: it must be as strict as the API that it stands for."""

import base64
import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from PIL import Image
from support.mock_openai import MockOpenAI
from support.openai_protocol import CHAT_FIELDS, RESPONSES_FIELDS


def picture(kind: str = "JPEG", size: tuple[int, int] = (56, 28)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def post(server: MockOpenAI, path: str, body: object, key: str | None = "k") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.base_url + path, raw, headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def chat(parts: list[dict[str, Any]], **fields: object) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}], **fields}


def image_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_fields_are_those_of_the_sdk() -> None:
    chat_keys = CompletionCreateParamsNonStreaming.__annotations__
    responses_keys = ResponseCreateParamsNonStreaming.__annotations__
    assert set(chat_keys) == CHAT_FIELDS
    assert set(responses_keys) == RESPONSES_FIELDS


def test_answers_and_records_a_chat_request() -> None:
    with MockOpenAI(reply=lambda r: f"<answer>{len(r.images)}</answer>") as server:
        url = "data:image/jpeg;base64," + picture()
        status, body = post(server, "/chat/completions", chat([image_part(url), {"type": "text", "text": "Hi you"}]))
        assert status == 200
        assert body["choices"][0]["message"]["content"] == "<answer>1</answer>"
        assert body["usage"]["prompt_tokens"] == 2 + 2
        (recorded,) = server.requests
        assert (recorded.text, recorded.images[0].size, recorded.outcome) == ("Hi you", (56, 28), "answered")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (chat([{"type": "text", "text": "x"}], foo=1), 400, "Unknown parameter: 'foo'"),
        (chat([{"type": "text", "text": "x"}], temperature=3), 400, "temperature"),
        (chat([{"type": "text", "text": "x"}], max_tokens=0), 400, "max_tokens"),
        (chat([{"type": "text", "txt": "x"}]), 400, "txt"),
        (chat([]), 400, "empty array"),
        (chat([image_part("http://example.org/a.png")]), 400, "download"),
        (chat([image_part("data:image/png;base64," + picture("JPEG"))]), 400, "declared"),
        (chat([image_part("data:image/png;base64,AAAA")]), 400, "unsupported image"),
        (chat([image_part("data:image/png;base64,@@@@")]), 400, "base64"),
        ({"model": "gpt-4o"}, 400, "messages"),
        ({"messages": []}, 400, "model"),
        (b"{", 400, "JSON"),
        ({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}, 400, "max_comple"),
        ({"model": "o3", "messages": [{"role": "user", "content": "x"}], "temperature": 0}, 400, "temperature"),
    ],
)
def test_rejects_what_the_api_rejects(body: object, status: int, words: str) -> None:
    with MockOpenAI() as server:
        found, answer = post(server, "/chat/completions", body)
        assert found == status
        assert words in answer["error"]["message"]
        assert server.requests == []


def test_needs_a_key_and_an_existing_model() -> None:
    with MockOpenAI(api_key="right", models=["a"]) as server:
        body = {"model": "b", "input": "x"}
        assert post(server, "/responses", body, key=None)[0] == 401
        assert post(server, "/responses", body, key="wrong")[0] == 401
        status, answer = post(server, "/responses", body, key="right")
        assert (status, answer["error"]["code"]) == (404, "model_not_found")
        assert post(server, "/responses", {**body, "model": "a"}, key="right")[1]["output"][0]["role"] == "assistant"


def test_responses_takes_its_own_parts_only() -> None:
    with MockOpenAI() as server:
        good = {"type": "input_image", "image_url": "data:image/png;base64," + picture("PNG")}
        body: dict[str, Any] = {"model": "m", "input": [{"role": "user", "content": [good]}]}
        assert post(server, "/responses", body)[0] == 200
        body["input"][0]["content"] = [{"type": "text", "text": "x"}]
        assert post(server, "/responses", body)[0] == 400
        assert post(server, "/responses", {"model": "m", "input": "x", "max_tokens": 5})[0] == 400


def test_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "support.mock_openai", "--reply", "from afar"]
    tests = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=tests, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["base_url"]
        body = json.dumps({"model": "m", "input": "x"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
        with urllib.request.urlopen(urllib.request.Request(url + "/responses", body, headers)) as answer:  # noqa: S310
            assert json.load(answer)["output"][0]["content"][0]["text"] == "from afar"
        with urllib.request.urlopen(url.removesuffix("v1") + "_stats") as answer:  # noqa: S310
            assert json.load(answer)["outcomes"] == {"answered": 1}
        process.terminate()
