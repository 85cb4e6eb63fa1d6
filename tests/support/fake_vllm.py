"""A stand-in for the ``vllm`` command: takes its flags strictly, is healthy after a while, and answers as a mock.

`install` writes it into a folder for PATH. The environment variable FAKE_VLLM says how it misbehaves: ``die`` (a
traceback at once) or ``slow`` (never healthy). A request that says "crash now" makes it crash. Each start leaves its
command line and its process id in the file that FAKE_VLLM_LOG names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def install(folder: Path) -> Path:
    """Writes the command; returns the file that its starts are appended to."""
    folder.mkdir()
    command = folder / "vllm"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(TESTS)!r})\n"
        "from support.fake_vllm import main\nmain()\n"
    )
    command.chmod(0o755)
    return folder / "starts.jsonl"


def parser() -> argparse.ArgumentParser:
    """The flags that the adapter may use, with the types that vLLM gives them."""
    flags = argparse.ArgumentParser(allow_abbrev=False)
    flags.add_argument("subcommand", choices=["serve"])
    flags.add_argument("model_tag")
    for name in ("host", "served-model-name", "revision", "dtype", "tool-call-parser", "chat-template"):
        flags.add_argument(f"--{name}")
    for name in ("port", "tensor-parallel-size", "data-parallel-size", "max-model-len", "seed", "max-loras"):
        flags.add_argument(f"--{name}", type=int)
    flags.add_argument("--max-lora-rank", type=int, choices=[1, 8, 16, 32, 64, 128, 256, 320, 512])
    flags.add_argument("--generation-config", choices=["vllm"])
    flags.add_argument("--gpu-memory-utilization", type=float)
    for name in ("limit-mm-per-prompt", "mm-processor-kwargs"):
        flags.add_argument(f"--{name}", type=json.loads)
    flags.add_argument("--lora-modules", type=json.loads, nargs="+")
    flags.add_argument("--enable-prefix-caching", action=argparse.BooleanOptionalAction)
    for name in ("enable-lora", "enforce-eager"):
        flags.add_argument(f"--{name}", action=argparse.BooleanOptionalAction)
    for name in ("enable-auto-tool-choice", "enable-prompt-tokens-details", "disable-uvicorn-access-log"):
        flags.add_argument(f"--{name}", action="store_true")
    return flags


async def serve(port: int, models: list[str]) -> None:
    """Answers ``/health`` itself and passes everything else on to a mock of the OpenAI protocol."""
    from support.mock_openai import MockOpenAI

    mock = MockOpenAI(
        "<answer>B</answer>",
        models=models,
        extra=("top_k", "min_p", "repetition_penalty"),
        api_key=os.environ.get("VLLM_API_KEY"),
    )
    runner = await mock.start()
    inner = int(mock.base_url.split(":")[2].split("/")[0])

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if b"crash now" in data:
                sys.stderr.write("EngineCore hit a fatal error: an illegal memory access\n")
                sys.stderr.flush()
                os._exit(1)
            target.write(data)
            await target.drain()
        target.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readline()
        if first.startswith(b"GET /health"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()
            return
        mock_reader, mock_writer = await asyncio.open_connection("127.0.0.1", inner)
        mock_writer.write(first)
        await asyncio.gather(pump(reader, mock_writer), pump(mock_reader, writer), return_exceptions=True)

    # Weights take a moment to load.
    await asyncio.sleep(0.3)
    server = await asyncio.start_server(handle, "127.0.0.1", port)
    async with server:
        await server.serve_forever()
    await runner.cleanup()


def main() -> None:
    """The command."""
    given = parser().parse_args()
    mode = os.environ.get("FAKE_VLLM", "")
    start = {"pid": os.getpid(), **vars(given)}
    with Path(os.environ["FAKE_VLLM_LOG"]).open("a") as log:
        log.write(json.dumps(start) + "\n")
    sys.stderr.write("INFO loading weights\n")
    if mode == "die":
        raise RuntimeError("No CUDA GPUs are available")
    if mode == "slow":
        signal.pause()
    names = [given.served_model_name, *(m["name"] for m in given.lora_modules or [])]
    asyncio.run(serve(given.port, names))
