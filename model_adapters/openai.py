"""``openai:MODEL``: OpenAI's service, and every server that speaks its protocol (vLLM, SGLang, llama.cpp, LM Studio).

The key comes from the environment variable OPENAI_API_KEY (or the one that ``api_key_env`` names); a server of one's
own needs none. OPENAI_BASE_URL, OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS (lines of ``Name: value``)
are honoured as OpenAI's client does, and so are the proxy variables. Needs ``pip install 'comic-eval[openai]'``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from comic_eval.contracts import AdapterInfo, BatchStatus, RunContext, Submitted
from comic_eval.errors import PluginError, RequestError, UserError
from comic_eval.types import Frozen, Generation, Request

from . import _openai_batch, _openai_chat, _openai_responses, _openai_served
from ._family import family_of
from ._http_errors import Redactor, connection_error
from ._openai_errors import status_error
from ._openai_wire import Api, Dialect
from ._settings import is_loopback, plain_url, read_settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OFFICIAL_URL = "https://api.openai.com/v1"
OFFICIAL_HOST = "api.openai.com"
# What a server that asks for no key is sent, since the protocol wants one.
NO_KEY = "none"
APIS: dict[str, Api] = {"chat": _openai_chat, "responses": _openai_responses}


class OpenAISettings(Frozen):
    """Settings of `create`.

    Attributes:
        base_url: the server, usually ending in ``/v1``; OPENAI_BASE_URL or OpenAI's own by default.
        api: ``chat`` (Chat Completions) or ``responses``.
        timeout_s: seconds that one request may take in all.
        max_concurrency: requests at a time that the server can take.
        image_detail: OpenAI's ``detail`` of every picture; None leaves the server's default.
        api_key_env: name of the environment variable that holds the key; None sends none.
        organization: sent as OpenAI-Organization. ``project``: sent as OpenAI-Project.
        trust_env: False ignores the proxy variables; for a server on this machine they are never used.
    """

    base_url: str | None = None
    api: Literal["chat", "responses"] = "chat"
    timeout_s: float = Field(default=600.0, gt=0)
    max_concurrency: int | None = Field(default=None, gt=0)
    image_detail: Literal["auto", "low", "high", "original"] | None = None
    api_key_env: str | None = "OPENAI_API_KEY"
    organization: str | None = None
    project: str | None = None
    trust_env: bool = True

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str | None) -> str | None:
        return plain_url(value)


class OpenAIAdapter:
    """One model of one server."""

    def __init__(self, name: str, settings: OpenAISettings, *, info: AdapterInfo | None = None) -> None:
        self._name = name
        self._settings = settings
        self._base_url = settings.base_url or OFFICIAL_URL
        host = urlsplit(self._base_url).hostname or ""
        self._dialect = Dialect.of(name, host, settings.image_detail)
        self._key = os.environ.get(settings.api_key_env or "", "").strip()
        if not self._key:
            if host == OFFICIAL_HOST:
                raise UserError(
                    f"openai:{name} needs a key: set the environment variable {settings.api_key_env}, or name a "
                    "server of your own with --base-url"
                )
            self._key = NO_KEY
        if not (self._key.isascii() and self._key.isprintable()):
            raise UserError(f"the key in {settings.api_key_env} holds characters that no key has; copy it again")
        custom = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
        secrets = [line.partition(":")[2].strip() for line in custom]
        self._redact = Redactor([*secrets, *([] if self._key == NO_KEY else [self._key])])
        self._api = APIS[settings.api]
        # No proxy could reach our own loopback interface.
        self._trust_env = settings.trust_env and not is_loopback(host)
        self._client: AsyncOpenAI | None = None
        self._own_server = host != OFFICIAL_HOST
        self._served: str | None = None
        self._info = info or AdapterInfo(
            id=f"openai:{name}",
            family=family_of(name),
            settings=self._recorded(),
            max_concurrency=settings.max_concurrency,
            always_samples=self._dialect.reasoning,
        )

    def _recorded(self) -> dict[str, str | int | float | bool | dict[str, object] | None]:
        chat = self._settings.api == "chat"
        omitted = ["temperature=0"] if self._dialect.reasoning else []
        return {
            "base_url": self._base_url,
            "api": self._settings.api,
            "image_detail": self._settings.image_detail,
            "max_tokens_sent_as": self._dialect.max_tokens_field if chat else "max_output_tokens",
            "never_sent": ", ".join(omitted if chat else [*omitted, "seed"]),
        }

    @property
    def info(self) -> AdapterInfo:
        return self._info

    @property
    def served(self) -> str | None:
        """Digest of the model that the server has loaded; None before `start`, and where the server does not tell."""
        return self._served

    async def start(self, context: RunContext) -> None:
        """Makes the client, and asks a server that is not OpenAI's which model it has loaded."""
        import httpx2
        import openai

        timeout = httpx2.Timeout(self._settings.timeout_s, connect=min(30.0, self._settings.timeout_s), pool=None)
        self._client = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=self._base_url,
            organization=self._settings.organization,
            project=self._settings.project,
            max_retries=0,
            timeout=timeout,
            # aiohttp as the transport takes two thirds of the default's CPU time. A redirect would turn POST into GET.
            http_client=openai.DefaultAioHttpClient(timeout=timeout, follow_redirects=False, trust_env=self._trust_env),
        )
        if self._own_server:
            self._served = await self._ask_served(self._client)

    async def _ask_served(self, client: AsyncOpenAI) -> str | None:
        import httpx2

        try:
            with self._attributed():
                async with asyncio.timeout(_openai_served.TIMEOUT_S):
                    response = await client.get(
                        "/models", cast_to=httpx2.Response, options={"security": {"bearer_auth": True}}
                    )
        except RequestError:
            # Many servers have no such page; one that is down says so at the first question.
            return None
        return _openai_served.identity(response.content, self._name)

    async def generate(self, request: Request) -> Generation:
        """Sends one request; see `comic_eval.contracts.Adapter`."""
        import httpx2

        client, body = self._started(), self._body(request)
        started = time.perf_counter()
        with self._attributed():
            # The client's own limits hold for each read: a server that drips would never run into them.
            async with asyncio.timeout(self._settings.timeout_s):
                response = await client.post(
                    self._api.PATH,
                    content=body,
                    cast_to=httpx2.Response,
                    # Without this an OPENAI_ADMIN_KEY in the environment would take the key's place.
                    options={"security": {"bearer_auth": True}},
                )
        try:
            generation = self._api.read_answer(response.content, offered=bool(request.tools))
        except RequestError as error:
            error.args = (self._redact(str(error)),)
            raise
        return generation.model_copy(update={"latency_s": time.perf_counter() - started})

    async def submit(self, requests: Sequence[tuple[str, Request]], *, label: str) -> Submitted:
        """Sends a batch; see `comic_eval.contracts.BatchAdapter`."""
        client = self._started()
        with self._attributed():
            return await _openai_batch.submit(client, self._api, self._body, requests, label)

    async def find(self, label: str) -> list[str]:
        """The batches under a label."""
        client = self._started()
        with self._attributed():
            return await _openai_batch.find(client, label)

    async def poll(self, handle: str) -> BatchStatus:
        """How far a batch is."""
        client = self._started()
        with self._attributed():
            return _openai_batch.status_of(await client.batches.retrieve(handle), self._redact)

    async def collect(self, handle: str) -> AsyncIterator[tuple[str, Generation | RequestError]]:
        """The outcomes of a batch that has ended."""
        client = self._started()
        with self._attributed():
            async for outcome in _openai_batch.collect(client, handle, self._api, self._redact):
                yield outcome

    def _started(self) -> AsyncOpenAI:
        if self._client is None:
            raise RuntimeError("the adapter was used before start() or after close()")
        return self._client

    def _body(self, request: Request) -> bytes:
        return self._api.request_body(self._name, request, self._dialect)

    @contextmanager
    def _attributed(self) -> Iterator[None]:
        """Turns the client's exceptions into ours."""
        import aiohttp
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            answer = error.response
            raise status_error(answer.status_code, answer.headers, answer.content, self._redact) from None
        except (openai.APIConnectionError, aiohttp.ClientError, httpx2.HTTPError, OSError) as error:
            # OSError includes TimeoutError; the transport lets some of aiohttp's own exceptions through.
            raise connection_error(error, self._redact) from None

    async def close(self) -> None:
        """Closes the connections; a second call does nothing."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def create(name: str, **settings: Any) -> OpenAIAdapter:
    """Makes the adapter of ``openai:name``; see `OpenAISettings`.

    Raises:
        PluginError: no model name, a wrong setting, or the package is missing.
        UserError: OpenAI's own service without a key.
    """
    if not name:
        raise PluginError("openai: the model's name is missing; write openai:MODEL, e.g. openai:gpt-5-mini")
    if importlib.util.find_spec("openai") is None or importlib.util.find_spec("aiohttp") is None:
        raise PluginError("openai: a package is missing; run: pip install 'comic-eval[openai]'")
    if settings.get("base_url") is None:
        settings["base_url"] = os.environ.get("OPENAI_BASE_URL") or None
    return OpenAIAdapter(name, read_settings(OpenAISettings, "openai", settings))
