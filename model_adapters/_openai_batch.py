"""The Batch API: a file of requests, answered within a day at half the price."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from comic_eval.contracts import BatchStatus, Submitted
from comic_eval.errors import RequestError, RetryableError
from comic_eval.types import Generation, Request

from ._batches import first_file, result_lines
from ._http_errors import Redactor
from ._openai_errors import status_error
from ._openai_wire import Api

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

STATES: dict[str, Any] = {"completed": "completed", "expired": "expired", "cancelled": "cancelled", "failed": "failed"}


def request_line(custom_id: str, url: str, body: bytes) -> bytes:
    """One line of the file; the body is taken as it is, megabytes of pictures included."""
    head = orjson.dumps({"custom_id": custom_id, "method": "POST", "url": url})
    return head[:-1] + b',"body":' + body + b"}"


async def submit(
    client: AsyncOpenAI, api: Api, body: Callable[[Request], bytes], requests: Sequence[tuple[str, Request]], label: str
) -> Submitted:
    """See `comic_eval.contracts.BatchAdapter.submit`."""
    url: Any = f"/v1{api.PATH}"
    content, accepted = first_file(requests, lambda i, request: request_line(i, url, body(request)))
    uploaded = await client.files.create(file=(f"{label}.jsonl", content, "application/jsonl"), purpose="batch")
    batch = await client.batches.create(
        input_file_id=uploaded.id, endpoint=url, completion_window="24h", metadata={"label": label}
    )
    return Submitted(handle=batch.id, accepted=accepted)


async def find(client: AsyncOpenAI, label: str) -> list[str]:
    """See `comic_eval.contracts.BatchAdapter.find`."""
    return [b.id async for b in client.batches.list(limit=100) if (b.metadata or {}).get("label") == label]


def status_of(batch: Batch, redact: Redactor) -> BatchStatus:
    """A batch's state in our words."""
    counts = batch.request_counts
    problems = [e.message or e.code or "" for e in (batch.errors.data or [] if batch.errors else [])]
    return BatchStatus(
        state=STATES.get(batch.status, "running"),
        total=counts.total if counts else None,
        finished=counts.completed + counts.failed if counts else None,
        message=redact("; ".join(problems)) or None,
    )


def _outcome(line: dict[str, Any], api: Api, redact: Redactor) -> Generation | RequestError:
    response = line.get("response")
    if not isinstance(response, dict):
        error = line.get("error")
        error = error if isinstance(error, dict) else {}
        words = redact(str(error.get("message") or "the batch has no answer to this request"))
        return RetryableError(words, cause=str(error.get("code") or "batch_error"))
    body = orjson.dumps(response.get("body"))
    status = response.get("status_code")
    if status != 200:
        return status_error(status if isinstance(status, int) else 500, {}, body, redact)
    try:
        return api.read_answer(body, offered=False)
    except RequestError as error:
        error.args = (redact(str(error)),)
        return error


async def collect(
    client: AsyncOpenAI, handle: str, api: Api, redact: Redactor
) -> AsyncIterator[tuple[str, Generation | RequestError]]:
    """See `comic_eval.contracts.BatchAdapter.collect`: the answers' file, then the failures'."""
    batch = await client.batches.retrieve(handle)
    for file_id in (batch.output_file_id, batch.error_file_id):
        if file_id is None:
            continue
        content = await client.files.content(file_id)
        for custom_id, line in result_lines(content.content, "custom_id"):
            yield custom_id, _outcome(line, api, redact)
