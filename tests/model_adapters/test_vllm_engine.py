"""vLLM's engine in this process, with a stand-in for the package; and the check of our uses against a source."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.adapters import ask, fail, picture, request

from comic_eval.conformance import check_adapter
from comic_eval.errors import RequestError, RetryableError, UserError
from comic_eval.plugins import create_adapter
from comic_eval.types import Message, Request, TextPart, ToolSpec

TESTS = Path(__file__).parents[1]
STAND_IN = TESTS / "support" / "vllm_engine"
MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(STAND_IN))
    yield
    for name in [n for n in sys.modules if n.split(".")[0] == "vllm"]:
        del sys.modules[name]


def engine(name: str = MODEL, **settings: Any) -> Any:
    return create_adapter(f"vllm:{name}", mode="engine", **settings)


def last_engine() -> Any:
    return import_module("vllm.v1.engine.async_llm").ENGINES[-1]


def test_it_answers_what_it_is_shown() -> None:
    answer = ask(engine(), request(picture(size=(56, 56)), "Which?", temperature=0.5, extra_body={"top_k": 3}))
    assert answer.text == "base t=0.5 k=3: <user> <image> <image> <image> <image> Which?"
    assert answer.finish_reason == "stop"
    assert answer.model == MODEL
    usage = answer.usage
    assert (usage.input_tokens, usage.image_tokens, usage.cached_tokens, usage.output_tokens) == (6, 4, 2, 3)
    assert not last_engine().running


def test_settings_reach_the_engine() -> None:
    adapter = engine(tensor_parallel=2, data_parallel=3, image_tokens=1024, images_per_prompt=4, max_model_len=2048)
    ask(adapter)
    args = last_engine().engine_args
    assert (args.model, args.tensor_parallel_size, args.data_parallel_size) == (MODEL, 2, 3)
    assert args.limit_mm_per_prompt == {"image": 4, "video": 0}
    assert args.mm_processor_kwargs == {"size": {"shortest_edge": 4 * 784, "longest_edge": 1024 * 784}}
    assert args.generation_config == "vllm"
    assert not adapter.info.native_tools
    assert "tensor_parallel_size" not in adapter.info.settings


def test_a_lora_is_requested(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": MODEL, "r": 64}))
    assert ask(engine(str(tmp_path)), request("Hello?")).text.startswith("lora ")
    assert last_engine().engine_args.max_lora_rank == 64


TOOL = ToolSpec(name="zoom", description="", parameters={})


@pytest.mark.parametrize(
    ("asked", "cause", "retryable"),
    [
        (request("the engine dies"), "engine_dead", False),
        (request("a step fails"), "engine", True),
        (request("it says nothing"), "engine", True),
        (request("this is not allowed"), "bad_request", False),
        (request(picture(size=(2800, 2800))), "context_length", False),
        (request("Hello?", extra_body={"colour": 1}), "bad_request", False),
        (request("Hello?").model_copy(update={"tools": (TOOL,)}), "bad_request", False),
    ],
)
def test_failures_have_their_causes(asked: Request, cause: str, retryable: bool) -> None:
    error = fail(engine(), asked)
    assert error.cause == cause
    assert isinstance(error, RetryableError) == retryable


def test_a_picture_that_would_be_shrunk_is_refused() -> None:
    assert ask(engine(image_tokens=16), request(picture(size=(112, 112)))).usage.image_tokens == 16
    error = fail(engine(image_tokens=16), request(picture(size=(112, 140))))
    assert error.cause == "image_mismatch"
    assert "image_tokens" in str(error)


def test_turns_of_native_tools_are_refused() -> None:
    asked = request("Hello?")
    answer = Message(role="tool", content=(TextPart(text="x"),), tool_call_id="1")
    conversation = asked.conversation.model_copy(update={"messages": (*asked.conversation.messages, answer)})
    assert isinstance(fail(engine(), asked.model_copy(update={"conversation": conversation})), RequestError)


def test_a_model_that_cannot_be_loaded_is_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="not a valid model identifier"):
        ask(engine("org/missing"))


def test_conformance() -> None:
    check_adapter(engine)


# --- the check against vLLM's source ---------------------------------------------------------------------------------


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(TESTS / "vllm_source"))
    return import_module("check_vllm")


def uses(checker: Any, place: Path) -> Any:
    """What the check finds in the engine's module, against a source that lies in a folder."""
    source, report = checker.Source(place), checker.Report()
    file = import_module("comic_eval.model_adapters._vllm_engine").__file__
    tree = ast.parse(Path(str(file)).read_text(encoding="utf-8"))
    checker.check_calls(tree, checker.check_imports(tree, source, report), source, report)
    checker.check_attributes(tree, source, report)
    return report


def test_the_stand_in_offers_all_that_is_used(checker: Any) -> None:
    report = uses(checker, STAND_IN)
    assert report.wrong == []
    assert len(report.compared) > 30


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("sampling_params.py", "min_p:", "least_p:", "min_p"),
        ("v1/engine/async_llm.py", "lora_request: LoRA", "adapter: LoRA", "lora_request"),
        ("v1/engine/async_llm.py", "request_id: str,\n", "", "generate"),
        ("v1/engine/async_llm.py", "def shutdown", "def stop", "shutdown"),
        ("renderers/base.py", "def render_chat_async", "def render_async", "render_chat_async"),
        ("renderers/base.py", "def default_chat_tok_params", "def tok_params", "default_chat_tok_params"),
        ("renderers/params.py", "class ChatParams", "class Params", "ChatParams"),
        ("outputs.py", "finish_reason", "reason", "finish_reason"),
        ("inputs/engine.py", "mm_placeholders", "placeholders", "mm_placeholders"),
        ("exceptions.py", "VLLMClientError", "ClientError", "VLLMClientError"),
        ("lora/request.py", "lora_int_id", "lora_id", "lora_int_id"),
    ],
)
def test_a_change_in_vllm_is_found(checker: Any, tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    shutil.copytree(STAND_IN, tmp_path / "changed")
    path = tmp_path / "changed" / "vllm" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert any(words in line for line in uses(checker, tmp_path / "changed").wrong)
