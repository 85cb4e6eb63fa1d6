"""What loopback servers have in common: a server in a thread of its own, started and ended by `with`."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from aiohttp import web


class Loopback:
    """An aiohttp server on 127.0.0.1; a context manager. Subclasses add their routes."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def add_routes(self, app: web.Application) -> None:
        """Adds the server's handlers."""
        raise NotImplementedError

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        ready = threading.Event()
        failure: list[BaseException] = []

        async def serve() -> None:
            self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
            try:
                runner = await self.start()
            except OSError as error:
                failure.append(error)
                return
            finally:
                ready.set()
            await self._closing.wait()
            await runner.cleanup()

        name = type(self).__name__
        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name=name, daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._closing is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    async def start(self) -> web.AppRunner:
        """Serves in the running loop; the port is known afterwards."""
        app = web.Application(client_max_size=64 << 20)
        self.add_routes(app)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = runner.addresses[0][1]
        return runner
