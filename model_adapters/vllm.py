"""``vllm:MODEL``: vLLM, as a server that the adapter starts and ends, a server that runs already, or in this process.

    vllm:Qwen/Qwen2.5-VL-7B-Instruct                        starts `vllm serve` and ends it afterwards
    vllm:NAME with base_url=http://host:8000/v1             asks a server that runs already
    vllm:./checkpoint with mode=engine                      runs the engine in this process

MODEL is a hub id, a checkpoint's folder or a LoRA adapter's folder. Needs a GPU and ``pip install 'comic-eval[vllm]'``
in an environment of its own; to ask a server that runs already, ``comic-eval[openai]`` is enough.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from typing import Any

from comic_eval.contracts import Adapter, AdapterInfo, RunContext
from comic_eval.errors import PluginError, RequestError, RetryableError
from comic_eval.types import Generation, Request

from ._checkpoint import Checkpoint, find
from ._family import family_of
from ._settings import read_settings
from ._vllm_engine import EngineAdapter
from ._vllm_server import VllmServer
from ._vllm_settings import (
    LORA_NAME,
    VllmSettings,
    check_pictures,
    engine_arguments,
    has_native_tools,
    processor_kwargs,
    serve_arguments,
)
from .openai import OpenAIAdapter, OpenAISettings

INSTALL = "pip install 'comic-eval[vllm]' (needs a GPU, and an environment of its own)"
# A server that dies again and again is not mended by one more start.
MAX_STARTS = 3


class ServedAdapter:
    """A ``vllm serve`` of our own, asked over its OpenAI protocol."""

    def __init__(self, executable: str, checkpoint: Checkpoint, settings: VllmSettings, info: AdapterInfo) -> None:
        self._settings = settings
        self._info = info
        self._model = checkpoint.name if checkpoint.lora is None else LORA_NAME
        self._server = VllmServer(
            executable,
            lambda port: serve_arguments(checkpoint, settings, port),
            start_timeout_s=settings.start_timeout_s,
        )
        self._starting = asyncio.Lock()
        self._starts = 0
        self._client: OpenAIAdapter | None = None
        self._context: RunContext | None = None

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Starts the server and waits until it is healthy.

        Raises:
            UserError: it did not start; holds the end of its log.
        """
        self._context = context
        await self._connect()

    async def _connect(self) -> OpenAIAdapter:
        """The client of a running server; one that died is started again."""
        if self._context is None:
            raise RuntimeError("generate() was called before start() or after close()")
        async with self._starting:
            if self._client is None or not self._server.running:
                if self._starts == MAX_STARTS:
                    raise RequestError(f"vllm serve died {MAX_STARTS} times", cause="server_died")
                self._starts += 1
                await self._disconnect()
                settings = OpenAISettings(
                    base_url=await self._server.start(),
                    timeout_s=self._settings.timeout_s,
                    # Where it is set, the server that inherits it asks for it.
                    api_key_env="VLLM_API_KEY",
                    trust_env=False,
                )
                self._client = OpenAIAdapter(self._model, settings)
                await self._client.start(self._context)
            return self._client

    async def generate(self, request: Request) -> Generation:
        """Sends one request; see `comic_eval.contracts.Adapter`."""
        check_pictures(request, self._settings, self._info.family)
        client = await self._connect()
        try:
            return await client.generate(request)
        except RetryableError as error:
            if error.cause == "connection" and await self._server.died():
                tail = self._server.log_tail().strip().splitlines()[-1:]
                raise RetryableError(f"vllm serve died: {' '.join(tail)[:300]}", cause="server_died") from error
            raise

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Ends the server; a second call does nothing."""
        self._context = None
        await self._disconnect()
        await self._server.stop()


def create(name: str, **settings: Any) -> Adapter:
    """Makes the adapter of ``vllm:name``; see `VllmSettings`.

    Raises:
        PluginError: no model name, no such checkpoint, a wrong setting, or vLLM is not installed.
    """
    if not name:
        raise PluginError("vllm: the model is missing; write vllm:ORG/MODEL or vllm:FOLDER")
    chosen = read_settings(VllmSettings, "vllm", settings)
    if chosen.mode == "engine" and (chosen.base_url is not None or chosen.extra_args):
        raise PluginError("vllm: base_url and extra_args go with a server; leave them out or leave out mode=engine")
    if importlib.util.find_spec("openai") is None or importlib.util.find_spec("aiohttp") is None:
        raise PluginError("vllm: a package is missing; run: pip install 'comic-eval[openai]'")
    if chosen.base_url is not None:
        return _running_server(name, chosen)
    checkpoint = find(name, chosen.base_model)
    info = _info(checkpoint, chosen)
    if chosen.mode == "engine":
        if importlib.util.find_spec("vllm") is None:
            raise PluginError(f"vllm: vLLM is not installed; run: {INSTALL}")
        return EngineAdapter(checkpoint, chosen, info)
    executable = shutil.which("vllm")
    if executable is None:
        raise PluginError(
            f"vllm: there is no `vllm` command; run: {INSTALL}, or name a server that runs already with --base-url"
        )
    return ServedAdapter(executable, checkpoint, chosen, info)


def _running_server(name: str, settings: VllmSettings) -> OpenAIAdapter:
    family = family_of(name)
    wire = OpenAISettings(
        base_url=settings.base_url,
        timeout_s=settings.timeout_s,
        max_concurrency=settings.max_concurrency,
        api_key_env=settings.api_key_env,
    )
    info = AdapterInfo(
        id=f"vllm:{name}",
        family=family,
        settings={"base_url": settings.base_url, "mode": "serve"},
        max_concurrency=settings.max_concurrency,
        native_tools=has_native_tools(settings, family),
    )
    return OpenAIAdapter(name, wire, info=info)


def _info(checkpoint: Checkpoint, settings: VllmSettings) -> AdapterInfo:
    arguments = engine_arguments(checkpoint, settings)
    # Neither changes an answer, and a machine with more GPUs should find the same ones.
    unseen = {"model", "tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization", "mm_processor_kwargs"}
    return AdapterInfo(
        id=f"vllm:{checkpoint.name}",
        family=checkpoint.family,
        settings={
            "mode": settings.mode,
            "checkpoint_sha256": checkpoint.digest,
            "base_model": checkpoint.base if checkpoint.lora else None,
            **{key: value for key, value in arguments.items() if key not in unseen},
            "mm_processor_kwargs": processor_kwargs(settings, checkpoint.family),
            "tool_parser": settings.tool_parser,
            "chat_template": settings.chat_template,
            "extra_args": " ".join(settings.extra_args),
        },
        max_concurrency=settings.max_concurrency,
        native_tools=has_native_tools(settings, checkpoint.family),
    )
