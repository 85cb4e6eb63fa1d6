"""``gemini:MODEL``: Google's Gemini models through the Gemini API.

The key comes from the environment: GOOGLE_API_KEY, else GEMINI_API_KEY, as Google's own client has it, or the variable
that ``api_key_env`` names. GOOGLE_GEMINI_BASE_URL and the proxy variables are honoured. Needs
``pip install 'comic-eval[gemini]'``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from comic_eval.contracts import AdapterInfo, BatchStatus, RunContext, Submitted
from comic_eval.errors import PluginError, RequestError, RetryableError, UserError
from comic_eval.types import Frozen, Generation, Request

from ._family import family_of
from ._gemini_answer import read_answer
from ._gemini_errors import status_error
from ._gemini_models import ToolImages, tool_images_of
from ._http_errors import Redactor, connection_error
from ._settings import is_loopback, plain_url, read_settings

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from google.genai import Client

OFFICIAL_URL = "https://generativelanguage.googleapis.com"
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
# What a server that asks for no key is sent, since the client wants one.
NO_KEY = "none"


class GeminiSettings(Frozen):
    """Settings of `create`.

    Attributes:
        base_url: the server without the API's version; GOOGLE_GEMINI_BASE_URL or Google's own by default.
        api_version: first part of every path; ``v1beta`` has what is not yet stable.
        timeout_s: seconds that one request may take in all.
        max_concurrency: requests at a time that the server can take.
        media_resolution: tokens that a picture is given; None leaves the model's default.
        tool_images: where pictures of tool results go: into the ``function_response``, as models of generation 3 know
            it, or into the ``user`` turn behind it. ``auto`` goes by the model's name.
        api_key_env: name of the environment variable that holds the key.
        trust_env: False ignores proxy variables.
    """

    base_url: str | None = None
    api_version: str = Field(default="v1", pattern=r"^[a-z0-9]+$")
    timeout_s: float = Field(default=600.0, gt=0)
    max_concurrency: int | None = Field(default=None, gt=0)
    media_resolution: Literal["low", "medium", "high"] | None = None
    tool_images: Literal["auto", "function_response", "user"] = "auto"
    api_key_env: str | None = None
    trust_env: bool = True

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str | None) -> str | None:
        return plain_url(value)


class GeminiAdapter:
    """One model of the Gemini API."""

    def __init__(self, name: str, settings: GeminiSettings) -> None:
        self._name = name
        self._settings = settings
        self._base_url = settings.base_url or OFFICIAL_URL
        names = (settings.api_key_env,) if settings.api_key_env else KEYS
        self._key = next((key for n in names if (key := os.environ.get(n, "").strip())), "")
        if not (self._key.isascii() and self._key.isprintable()):
            raise UserError(f"the key in {' or '.join(names)} holds characters that no key has; copy it again")
        if not self._key:
            if urlsplit(self._base_url).hostname == urlsplit(OFFICIAL_URL).hostname:
                raise UserError(
                    f"gemini:{name} needs a key: set the environment variable {' or '.join(names)}, or name another "
                    "server with --base-url"
                )
            self._key = NO_KEY
        self._redact = Redactor([] if self._key == NO_KEY else [self._key])
        self._tool_images: ToolImages = tool_images_of(name) if settings.tool_images == "auto" else settings.tool_images
        self._client: Client | None = None
        self._session: ClientSession | None = None
        self._info = AdapterInfo(
            id=f"gemini:{name}",
            family=family_of(name),
            settings={
                "base_url": self._base_url,
                "api_version": settings.api_version,
                "media_resolution": settings.media_resolution,
                "tool_images": self._tool_images,
            },
            max_concurrency=settings.max_concurrency,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Makes the client; nothing is sent."""
        import aiohttp
        from google import genai
        from google.genai import types

        # No proxy could reach our own loopback interface.
        trust_env = self._settings.trust_env and not is_loopback(urlsplit(self._base_url).hostname or "")
        # The client would make one of its own, in a way that aiohttp warns about.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=trust_env)
        self._client = genai.Client(
            enterprise=False,
            api_key=self._key,
            http_options=types.HttpOptions(
                base_url=self._base_url,
                api_version=self._settings.api_version,
                timeout=max(1, round(self._settings.timeout_s * 1000)),
                # Without this the client repeats a request whose connection broke, after up to ten seconds.
                retry_options=types.HttpRetryOptions(attempts=1),
                # A redirect would turn POST into GET.
                async_client_args={"allow_redirects": False},
                aiohttp_client=self._session,
            ),
        )

    async def generate(self, request: Request) -> Generation:
        """Sends one request; see `comic_eval.contracts.Adapter`."""
        from . import _gemini_wire as wire

        client = self._started()
        contents = wire.contents(request.conversation, self._tool_images)
        config = wire.config(self._name, request, self._settings.media_resolution)
        started = time.perf_counter()
        with self._attributed():
            async with asyncio.timeout(self._settings.timeout_s):
                response = await client.aio.models.generate_content(model=self._name, contents=contents, config=config)
        latency = time.perf_counter() - started
        body = response.sdk_http_response.body if response.sdk_http_response else None
        try:
            earlier = sum(len(m.tool_calls) for m in request.conversation.messages)
            answer = read_answer((body or "").encode(), request.tools, earlier_calls=earlier)
        except RequestError as error:
            error.args = (self._redact(str(error)),)
            raise
        return answer.model_copy(update={"latency_s": latency})

    async def submit(self, requests: Sequence[tuple[str, Request]], *, label: str) -> Submitted:
        """Sends a batch; see `comic_eval.contracts.BatchAdapter`."""
        from . import _gemini_batch as batch

        def body(request: Request) -> dict[str, Any]:
            return batch.request_json(self._name, request, self._tool_images, self._settings.media_resolution)

        client = self._started()
        with self._attributed():
            return await batch.submit(client, self._name, body, requests, label)

    async def find(self, label: str) -> list[str]:
        """The batches under a label."""
        from . import _gemini_batch as batch

        client = self._started()
        with self._attributed():
            return await batch.find(client, label)

    async def poll(self, handle: str) -> BatchStatus:
        """How far a batch is."""
        from . import _gemini_batch as batch

        client = self._started()
        with self._attributed():
            return batch.status_of(await batch.retrieve(client, handle))

    async def collect(self, handle: str) -> AsyncIterator[tuple[str, Generation | RequestError]]:
        """The outcomes of a batch that has ended."""
        from . import _gemini_batch as batch

        client = self._started()
        with self._attributed():
            async for outcome in batch.collect(client, handle, self._redact):
                yield outcome

    def _started(self) -> Client:
        if self._client is None:
            raise RuntimeError("the adapter was used before start() or after close()")
        return self._client

    @contextmanager
    def _attributed(self) -> Iterator[None]:
        """Turns the client's exceptions into ours."""
        import aiohttp
        from google.genai import errors

        try:
            yield
        except errors.APIError as error:
            headers = getattr(error.response, "headers", None) or {}
            raise status_error(error.code, headers, error.details, self._redact) from None
        except (aiohttp.ClientError, OSError) as error:
            # OSError includes TimeoutError.
            raise connection_error(error, self._redact) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            # The client decodes texts and error answers before anyone can look at them.
            raise RetryableError(f"the answer cannot be decoded ({error})", cause="bad_response") from None

    async def close(self) -> None:
        """Closes the connections; a second call does nothing."""
        client, self._client = self._client, None
        session, self._session = self._session, None
        if client is not None:
            await client.aio.aclose()
            client.close()
        if session is not None:
            await session.close()


def create(name: str, **settings: Any) -> GeminiAdapter:
    """Makes the adapter of ``gemini:name``; see `GeminiSettings`.

    Raises:
        PluginError: no model name, a wrong setting, or the package is missing.
        UserError: Google's own service without a key.
    """
    if not name:
        raise PluginError("gemini: the model's name is missing; write gemini:MODEL, e.g. gemini:gemini-2.5-flash")
    if not re.fullmatch(r"[\w./-]+", name) or ".." in name:
        raise PluginError(f"gemini: {name!r} is no model's name; write gemini:MODEL, e.g. gemini:gemini-2.5-flash")
    if _missing("google.genai") or _missing("aiohttp"):
        raise PluginError("gemini: a package is missing; run: pip install 'comic-eval[gemini]'")
    if settings.get("base_url") is None:
        settings["base_url"] = os.environ.get("GOOGLE_GEMINI_BASE_URL") or None
    return GeminiAdapter(name, read_settings(GeminiSettings, "gemini", settings))


def _missing(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is None
    except ModuleNotFoundError:
        # `google` is a namespace that other packages may have made, or nobody.
        return True
