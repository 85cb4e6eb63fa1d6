"""``vllm serve``: started, asked, mourned and ended, with a stand-in for the command."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import fake_vllm
from support.adapters import ask, ask_all, picture, request
from support.mock_openai import MockOpenAI

from comic_eval.conformance import check_adapter
from comic_eval.contracts import RunContext
from comic_eval.errors import PluginError, RequestError, RetryableError, UserError
from comic_eval.plugins import create_adapter
from comic_eval.types import ToolSpec

MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``vllm`` in PATH; the file of its starts."""
    log = fake_vllm.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_VLLM_LOG", str(log))
    for name in ("OPENAI_API_KEY", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return log


def read(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie counts as gone.
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_it_is_started_asked_and_ended(starts: Path) -> None:
    answer = ask(create_adapter(f"vllm:{MODEL}"), request(picture("a"), "Which?", temperature=0.0))
    assert answer.text == "<answer>B</answer>"
    assert answer.model == MODEL
    (start,) = read(starts)
    assert not alive(start["pid"])
    assert start["host"] == "127.0.0.1"
    assert start["model_tag"] == start["served_model_name"] == MODEL
    assert start["limit_mm_per_prompt"] == {"image": 13, "video": 0}
    assert start["mm_processor_kwargs"] == {"size": {"shortest_edge": 4 * 784, "longest_edge": 16384 * 784}}
    assert start["generation_config"] == "vllm"
    assert start["enable_prefix_caching"] is True


def test_settings_become_flags(starts: Path, tmp_path: Path) -> None:
    template = tmp_path / "template.jinja"
    template.write_text("{{ messages }}")
    ask(
        create_adapter(
            "vllm:Qwen/Qwen3-VL-8B-Instruct",
            revision="abc",
            dtype="bfloat16",
            tensor_parallel=2,
            data_parallel=4,
            max_model_len=65536,
            gpu_memory=0.8,
            prefix_caching=False,
            images_per_prompt=5,
            image_tokens=1024,
            chat_template=str(template),
            seed=3,
            extra_args=("--enforce-eager",),
        )
    )
    (start,) = read(starts)
    expected = {
        "revision": "abc",
        "dtype": "bfloat16",
        "tensor_parallel_size": 2,
        "data_parallel_size": 4,
        "max_model_len": 65536,
        "gpu_memory_utilization": 0.8,
        "enable_prefix_caching": False,
        "limit_mm_per_prompt": {"image": 5, "video": 0},
        "mm_processor_kwargs": {"size": {"shortest_edge": 4 * 1024, "longest_edge": 1024 * 1024}},
        "chat_template": str(template),
        "enable_auto_tool_choice": True,
        "tool_call_parser": "hermes",
        "seed": 3,
        "enforce_eager": True,
        "max_lora_rank": None,
    }
    assert {key: start[key] for key in expected} == expected


def test_a_lora_is_served_over_its_base(starts: Path, tmp_path: Path) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    (lora / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": MODEL, "r": 20}))
    (lora / "adapter_model.safetensors").write_bytes(b"weights")
    adapter = create_adapter(f"vllm:{lora}")
    assert ask(adapter).model == "lora"
    (start,) = read(starts)
    assert start["model_tag"] == MODEL
    assert start["lora_modules"] == [{"name": "lora", "path": str(lora)}]
    assert (start["enable_lora"], start["max_lora_rank"]) == (True, 32)
    assert adapter.info.family == "qwen2.5-vl"
    (lora / "adapter_model.safetensors").write_bytes(b"others")
    assert create_adapter(f"vllm:{lora}").info.settings != adapter.info.settings


def test_a_key_in_the_environment_is_the_servers_too(starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sesame-456")
    assert ask(create_adapter(f"vllm:{MODEL}")).text == "<answer>B</answer>"


def test_a_picture_that_would_be_shrunk_is_refused(starts: Path) -> None:
    small, large = request(picture(size=(112, 112))), request(picture(size=(112, 140)))
    fits, error = ask_all(create_adapter(f"vllm:{MODEL}", image_tokens=16), small, large)
    assert not isinstance(fits, RequestError)
    assert isinstance(error, RequestError)
    assert error.cause == "image_mismatch"


def test_a_server_that_dies_at_once_shows_its_log(starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "die")
    with pytest.raises(UserError, match="No CUDA GPUs are available") as caught:
        ask(create_adapter(f"vllm:{MODEL}"))
    assert "loading weights" in str(caught.value)


def test_flags_that_vllm_does_not_know_are_shown(starts: Path) -> None:
    with pytest.raises(UserError, match="--nonsense"):
        ask(create_adapter(f"vllm:{MODEL}", extra_args=("--nonsense",)))
    assert read(starts) == []


def test_a_server_that_never_gets_ready_is_given_up_and_ended(starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "slow")
    with pytest.raises(UserError, match="not ready within 1"):
        ask(create_adapter(f"vllm:{MODEL}", start_timeout_s=1.5))
    (start,) = read(starts)
    assert not alive(start["pid"])


def test_a_server_that_dies_on_the_way_is_started_again(starts: Path) -> None:
    asked = [request("Hello?"), request("crash now"), request("Hello?")]
    first, second, third = ask_all(create_adapter(f"vllm:{MODEL}"), *asked)
    assert isinstance(second, RetryableError)
    assert second.cause == "server_died"
    assert "illegal memory access" in str(second)
    assert not isinstance(first, RequestError)
    assert not isinstance(third, RequestError)
    assert len({start["pid"] for start in read(starts)}) == 2


def test_a_server_that_dies_again_and_again_is_given_up(starts: Path) -> None:
    *crashes, last = ask_all(create_adapter(f"vllm:{MODEL}"), *[request("crash now")] * 4)
    assert [c.cause for c in crashes if isinstance(c, RetryableError)] == ["server_died"] * 3
    assert isinstance(last, RequestError)
    assert not isinstance(last, RetryableError)
    assert "3 times" in str(last)


def test_it_does_not_outlive_its_parent(starts: Path) -> None:
    code = (
        "import asyncio, pathlib, sys, time\n"
        "from comic_eval.plugins import create_adapter\n"
        "from comic_eval.contracts import RunContext\n"
        "async def main():\n"
        f"    adapter = create_adapter('vllm:{MODEL}')\n"
        "    await adapter.start(RunContext(cache_dir=pathlib.Path('.')))\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    (start,) = read(starts)
    assert alive(start["pid"])
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while alive(start["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(start["pid"])


def test_a_start_that_is_cancelled_leaves_nothing(starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "slow")

    async def run() -> None:
        adapter = create_adapter(f"vllm:{MODEL}")
        task = asyncio.create_task(adapter.start(RunContext(cache_dir=Path())))
        while not read(starts):  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    (start,) = read(starts)
    assert not alive(start["pid"])


def test_conformance(starts: Path) -> None:
    check_adapter(lambda: create_adapter(f"vllm:{MODEL}"))


# --- a server that runs already --------------------------------------------------------------------------------------


def test_a_running_server_is_asked_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sesame-123")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-server")
    with MockOpenAI(api_key="sesame-123", models=["tuned"], extra=["top_k"]) as server:
        adapter = create_adapter("vllm:tuned", base_url=server.base_url)
        assert ask(adapter, request("Hello?", extra_body={"top_k": 1})).text == "<answer>A</answer>"
        check_adapter(lambda: create_adapter("vllm:tuned", base_url=server.base_url))
        assert "sesame" not in repr(adapter.info)
    assert adapter.info.id == "vllm:tuned"
    assert adapter.info.settings["base_url"] == server.base_url


def test_tools_travel_natively_where_the_template_knows_them() -> None:
    def native(name: str, **settings: Any) -> bool:
        return bool(create_adapter(f"vllm:{name}", base_url="http://127.0.0.1:9/v1", **settings).info.native_tools)

    assert native("Qwen/Qwen3-VL-8B-Instruct")
    assert not native(MODEL)
    assert native(MODEL, chat_template="tools.jinja")
    assert not native("Qwen/Qwen3-VL-8B-Instruct", tool_parser=None)
    assert native(MODEL, native_tools=True)
    tool = ToolSpec(name="zoom", description="", parameters={"type": "object"})
    with MockOpenAI() as server:
        asked = request("Hello?").model_copy(update={"tools": (tool,)})
        ask(create_adapter("vllm:Qwen3-VL", base_url=server.base_url), asked)
        assert server.requests[0].params["tools"][0]["function"]["name"] == "zoom"


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, settings, words in [
        ("", {}, "vllm:ORG/MODEL"),
        (MODEL, {}, "pip install 'comic-eval\\[vllm\\]'"),
        (MODEL, {"mode": "engine"}, "pip install 'comic-eval\\[vllm\\]'"),
        (MODEL, {"mode": "engine", "base_url": "http://127.0.0.1:9/v1"}, "base_url"),
        (MODEL, {"gpu_memory": 2}, "gpu_memory"),
        (MODEL, {"extra_args": ["--api-key=abc"]}, "VLLM_API_KEY"),
        (MODEL, {"base_url": "localhost:8000"}, "http://host:port"),
        (str(tmp_path / "nowhere"), {}, "no folder"),
    ]:
        with pytest.raises(PluginError, match=words):
            create_adapter(f"vllm:{name}", **settings)
