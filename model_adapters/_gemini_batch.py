"""The Gemini API's batches: a file of requests, answered within a day at half the price.

Importing this module imports google-genai.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson
from google.genai import Client, types

from comic_eval.contracts import BatchStatus, Submitted
from comic_eval.errors import RequestError
from comic_eval.types import Generation, Request

from . import _gemini_wire as wire
from ._answers import bad_response
from ._batches import first_file, result_lines
from ._gemini_answer import read_answer
from ._gemini_errors import status_error
from ._gemini_models import ToolImages
from ._http_errors import Redactor

STATES: dict[str, Any] = {
    "JOB_STATE_SUCCEEDED": "completed",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "completed",
    "JOB_STATE_EXPIRED": "expired",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_FAILED": "failed",
}
# Results carry the codes of google.rpc; the HTTP statuses that each stands for.
HTTP_OF_RPC = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500,
    14: 503, 15: 500, 16: 401,
}  # fmt: skip
PLAIN = {"temperature", "top_p", "max_output_tokens", "seed", "thinking_config", "media_resolution"}


def request_json(model: str, request: Request, tool_images: ToolImages, media_resolution: str | None) -> dict[str, Any]:
    """A request as the REST API has it: in a file the client does not translate it."""
    config = wire.config(model, request, media_resolution)
    as_json: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_none": True}
    generation = config.model_dump(include=PLAIN, **as_json)
    if request.response_schema is not None:
        generation |= {"responseMimeType": "application/json", "responseJsonSchema": request.response_schema}
    body: dict[str, Any] = {
        "contents": [c.model_dump(**as_json) for c in wire.contents(request.conversation, tool_images)],
        "generationConfig": generation,
    }
    if isinstance(config.system_instruction, types.Content):
        body["systemInstruction"] = config.system_instruction.model_dump(**as_json)
    _merge(body, request.params.extra_body)
    return body


def _merge(body: dict[str, Any], extra: dict[str, Any]) -> None:
    for name, value in extra.items():
        if isinstance(value, dict) and isinstance(body.get(name), dict):
            _merge(body[name], value)
        else:
            body[name] = value


async def submit(
    client: Client,
    model: str,
    body: Callable[[Request], dict[str, Any]],
    requests: Sequence[tuple[str, Request]],
    label: str,
) -> Submitted:
    """See `comic_eval.contracts.BatchAdapter.submit`."""
    content, accepted = first_file(requests, lambda i, request: orjson.dumps({"key": i, "request": body(request)}))
    upload = types.UploadFileConfig(mime_type="application/jsonl", display_name=label)
    try:
        uploaded = await client.aio.files.upload(file=io.BytesIO(content), config=upload)
    except (KeyError, ValueError) as error:
        bad_response(f"the file was not uploaded ({error})", retry=True)
    if not uploaded.name:
        bad_response("the uploaded file has no name", retry=True)
    job = await client.aio.batches.create(
        model=model, src=uploaded.name, config=types.CreateBatchJobConfig(display_name=label)
    )
    if not job.name:
        bad_response("the batch has no name")
    return Submitted(handle=job.name, accepted=accepted)


async def find(client: Client, label: str) -> list[str]:
    """See `comic_eval.contracts.BatchAdapter.find`."""
    jobs = await client.aio.batches.list(config=types.ListBatchJobsConfig(page_size=100))
    return [job.name async for job in jobs if job.display_name == label and job.name]


async def retrieve(client: Client, handle: str) -> types.BatchJob:
    """The batch at Google."""
    if not handle.startswith("batches/"):
        raise RequestError(f"{handle!r} is no batch of the Gemini API", cause="bad_request")
    return await client.aio.batches.get(name=handle)


def status_of(job: types.BatchJob) -> BatchStatus:
    """A batch's state in our words; the client tells neither counts nor reasons."""
    return BatchStatus(state=STATES.get(job.state.value if job.state else "", "running"))


def _outcome(line: dict[str, Any], redact: Redactor) -> Generation | RequestError:
    error = line.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        status = HTTP_OF_RPC.get(code, code) if isinstance(code, int) else 500
        return status_error(status, {}, error, redact)
    try:
        return read_answer(orjson.dumps(line.get("response")))
    except RequestError as failure:
        failure.args = (redact(str(failure)),)
        return failure


async def collect(
    client: Client, handle: str, redact: Redactor
) -> AsyncIterator[tuple[str, Generation | RequestError]]:
    """See `comic_eval.contracts.BatchAdapter.collect`."""
    job = await retrieve(client, handle)
    if job.dest is None or job.dest.file_name is None:
        return
    for key, line in result_lines(await client.aio.files.download(file=job.dest.file_name), "key"):
        yield key, _outcome(line, redact)
