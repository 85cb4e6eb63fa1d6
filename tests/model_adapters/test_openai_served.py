"""Which model a server has loaded: the openai adapter finds out where the server tells."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.adapters import ask, request
from support.mock_openai import MockOpenAI

from comic_eval.contracts import NamesItsModel, RunContext
from comic_eval.plugins import create_adapter

LLAMA = {"meta": {"n_params": 134_515_008, "size": 96_576_768, "n_vocab": 49_152}}
VLLM = {"root": "/models/step-100", "parent": None, "max_model_len": 8192, "permission": [{"id": "modelperm-1"}]}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def served(base_url: str, model: str = "openai:local", **settings: Any) -> str | None:
    async def start() -> str | None:
        adapter = create_adapter(model, base_url=base_url, **settings)
        assert isinstance(adapter, NamesItsModel)
        assert adapter.served is None
        await adapter.start(RunContext(cache_dir=Path()))
        try:
            return adapter.served
        finally:
            await adapter.close()

    return asyncio.run(start())


def of(card: dict[str, Any], models: tuple[str, ...] = (), name: str = "local") -> str | None:
    with MockOpenAI(card=card, models=models) as server:
        found = served(server.base_url, f"openai:{name}")
        assert not server.requests
        return found


def test_another_file_behind_the_same_url_and_name_is_another_model() -> None:
    larger = {"meta": {**LLAMA["meta"], "size": 144_811_456}}
    assert of(LLAMA) != of(larger)
    assert of(LLAMA) == of(LLAMA)
    assert of(VLLM) != of({**VLLM, "root": "/models/step-200"})
    assert None not in (of(LLAMA), of(VLLM))


def test_what_changes_with_every_start_does_not_count() -> None:
    assert of(VLLM) == of({**VLLM, "permission": [{"id": "modelperm-2", "created": 5}]})


def test_a_server_that_gives_but_a_name_tells_nothing() -> None:
    assert of({}) is None


def test_among_several_models_the_name_decides() -> None:
    assert of(LLAMA, ("one", "two"), "two") is not None
    assert of(LLAMA, ("one", "two"), "three") is None
    # llama.cpp answers to every name.
    assert of(LLAMA, ("one",), "three") is not None


def test_a_server_that_runs_vllm_already_tells_too() -> None:
    with MockOpenAI(card=VLLM) as server:
        assert served(server.base_url, "vllm:Qwen/Qwen2.5-VL-7B-Instruct") is not None


def test_a_server_without_such_a_page_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockOpenAI(api_key="sk-test-0000") as server:
        assert served(server.base_url) is None
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000")
        assert ask(create_adapter("openai:local", base_url=server.base_url), request("x")).text
        assert served(f"{server.root_url}/elsewhere") is None


def test_a_server_that_is_gone_fails_at_the_first_question_only() -> None:
    with MockOpenAI() as server:
        gone = server.base_url
    assert served(gone) is None
