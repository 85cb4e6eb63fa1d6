"""What batches of different providers have in common: files of JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from comic_eval.errors import RequestError
from comic_eval.types import Request

from ._answers import bad_response, decode

# OpenAI's limits of a batch's file; Google's is larger, but a file is built in memory.
MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000


def first_file(
    requests: Sequence[tuple[str, Request]],
    line: Callable[[str, Request], bytes],
    *,
    most_requests: int = MOST_REQUESTS,
    most_bytes: int = MOST_BYTES,
) -> tuple[bytes, int]:
    """As many requests from the front as one file may hold, at least one; returns the file and their number.

    Raises:
        RequestError: there is no request, or one with tools, or two of one id.
    """
    lines: list[bytes] = []
    size = 0
    seen: set[str] = set()
    for custom_id, request in requests[:most_requests]:
        if request.tools:
            raise RequestError(f"{custom_id}: a batch is one turn, so its requests have no tools", cause="bad_request")
        if custom_id in seen:
            raise RequestError(f"two requests of a batch have the id {custom_id!r}", cause="bad_request")
        text = line(custom_id, request) + b"\n"
        if lines and size + len(text) > most_bytes:
            break
        seen.add(custom_id)
        lines.append(text)
        size += len(text)
    if not lines:
        raise RequestError("a batch needs a request", cause="bad_request")
    return b"".join(lines), len(lines)


def result_lines(raw: bytes, id_field: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and content of each line of a file of results.

    Raises:
        RequestError: a line that is no object, or has no id.
    """
    for line in raw.splitlines():
        if line.strip():
            data = decode(line)
            custom_id = data.get(id_field)
            if not isinstance(custom_id, str):
                bad_response(f"a line of results has no {id_field}")
            yield custom_id, data
