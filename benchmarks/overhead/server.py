"""A lean OpenAI-compatible server for measuring clients: parses the request, decodes its image, waits, answers A.

``python server.py --latency 0.2`` prints its port and serves until its standard input closes. ``/stats`` tells what
came in and when; ``/reset`` starts afresh; with ``--record FOLDER`` every distinct request body is kept there.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from aiohttp import web

PATH = "/v1/chat/completions"


@dataclass
class Stats:
    """What the server saw; times are seconds of the monotonic clock."""

    requests: int = 0
    body_bytes: int = 0
    image_bytes: int = 0
    first: float = 0.0
    last: float = 0.0


def image_bytes(body: dict[str, object]) -> int:
    """Decodes the images of a request; returns their size in bytes."""
    size = 0
    for message in body["messages"]:  # type: ignore[attr-defined]
        if isinstance(message["content"], str):
            continue
        for part in message["content"]:
            if part["type"] == "image_url":
                size += len(base64.b64decode(part["image_url"]["url"].partition(",")[2], validate=True))
    return size


class Server:
    """One process, one event loop. Every answer is ``<answer>A</answer>``."""

    def __init__(self, latency: float, record: Path | None) -> None:
        self.latency = latency
        self.record = record
        self.stats = Stats()

    async def complete(self, request: web.Request) -> web.Response:
        arrived = time.monotonic()
        raw = await request.read()
        body = orjson.loads(raw)
        stats = self.stats
        stats.first = stats.first or arrived
        stats.requests += 1
        stats.body_bytes += len(raw)
        stats.image_bytes += image_bytes(body)
        if self.record:
            (self.record / f"{hashlib.sha256(raw).hexdigest()}.json").write_bytes(raw)
        if self.latency:
            await asyncio.sleep(self.latency - min(self.latency, time.monotonic() - arrived))
        stats.last = time.monotonic()
        return web.Response(body=REPLY, content_type="application/json")

    async def report(self, _: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(asdict(self.stats)), content_type="application/json")

    async def reset(self, _: web.Request) -> web.Response:
        self.stats = Stats()
        return web.Response()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post(PATH, self.complete)
        app.router.add_get("/stats", self.report)
        app.router.add_post("/reset", self.reset)
        return app


REPLY = orjson.dumps(
    {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "mock",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "<answer>A</answer>"}}
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 5, "total_tokens": 1005},
    }
)


async def serve(latency: float, record: Path | None) -> None:
    runner = web.AppRunner(Server(latency, record).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--record", type=Path)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.latency, arguments.record))
