"""The floor: a bare aiohttp client that posts recorded request bodies and reads the answers, and does nothing else.

``python floor.py URL FOLDER --concurrency 32 --total 1000``
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import aiohttp
import orjson


async def post_all(url: str, bodies: list[bytes], concurrency: int) -> None:
    """Posts every body once, ``concurrency`` at a time."""
    queue = iter(bodies)
    headers = {"content-type": "application/json", "authorization": "Bearer none"}
    connector = aiohttp.TCPConnector(limit=concurrency)

    async with aiohttp.ClientSession(connector=connector) as session:

        async def worker() -> None:
            for body in queue:
                async with session.post(url, data=body, headers=headers) as response:
                    answer = orjson.loads(await response.read())
                    if answer["choices"][0]["message"]["content"] != "<answer>A</answer>":
                        raise RuntimeError(f"unexpected answer: {answer}")

        await asyncio.gather(*(worker() for _ in range(concurrency)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--total", type=int, required=True)
    arguments = parser.parse_args()
    distinct = [p.read_bytes() for p in sorted(arguments.folder.glob("*.json"))]
    everything = [distinct[i % len(distinct)] for i in range(arguments.total)]
    asyncio.run(post_all(arguments.url, everything, arguments.concurrency))
