"""The Batch API of the loopback OpenAI server: files, batches and their results, as strict as the rest of it."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
from aiohttp import web

from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_faults import json_response
from support.openai_protocol import check_chat, check_responses
from support.openai_replies import Reply, chat_body, responses_body
from support.openai_tools import ApiError

URLS = {"/v1/chat/completions": "chat", "/v1/responses": "responses"}


class MockOpenAIBatches(MockOpenAI):
    """`MockOpenAI` with /v1/files and /v1/batches.

    A batch runs for ``polls`` polls. ``reply`` answers each line; a line whose fault is ``http`` fails with its status,
    and one whose fault is ``timeout`` is left when the batch expires.

    Attributes:
        batches: by id, as the API shows them.
    """

    def __init__(self, *arguments: Any, polls: int = 2, refuse: str | None = None, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._polls = polls
        self._refuse = refuse
        self._files: dict[str, bytes] = {}
        self._left: dict[str, int] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def add_routes(self, app: web.Application) -> None:
        super().add_routes(app)
        app.router.add_post("/v1/files", self._guarded(self._upload))
        app.router.add_get("/v1/files/{id}/content", self._guarded(self._content))
        app.router.add_post("/v1/batches", self._guarded(self._create))
        app.router.add_get("/v1/batches", self._guarded(self._list))
        app.router.add_get("/v1/batches/{id}", self._guarded(self._retrieve))

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if not request.headers.get("Authorization", "").startswith("Bearer "):
                    raise ApiError(401, "You didn't provide an API key.")
                response: web.StreamResponse = await handler(request)
            except ApiError as error:
                self.outcomes[f"rejected: {error}"] += 1
                return json_response(error.body, error.status)
            return response

        return guarded

    def _keep(self, content: bytes) -> str:
        file_id = f"file-{secrets.token_hex(8)}"
        self._files[file_id] = content
        return file_id

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(upload, web.FileField):
            raise ApiError(400, "A file and its purpose are needed.")
        if not upload.filename.endswith(".jsonl"):
            raise ApiError(400, "Invalid file format for Batch API. Must be .jsonl")
        content = upload.file.read()
        fields = {"object": "file", "bytes": len(content), "created_at": 0, "filename": upload.filename}
        return json_response({"id": self._keep(content), "purpose": "batch", "status": "processed", **fields})

    async def _content(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self._files:
            raise ApiError(404, f"No such File object: {request.match_info['id']}")
        return web.Response(body=self._files[request.match_info["id"]], content_type="application/octet-stream")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self._refuse:
            raise ApiError(429, self._refuse, code="token_limit_exceeded")
        if body.get("completion_window") != "24h" or body.get("endpoint") not in URLS:
            raise ApiError(400, "Invalid completion_window or endpoint.")
        if body.get("input_file_id") not in self._files:
            raise ApiError(404, f"No such File object: {body.get('input_file_id')}")
        metadata = body.get("metadata") or {}
        if not all(isinstance(v, str) and len(v) <= 512 for v in metadata.values()):
            raise ApiError(400, "Invalid metadata.")
        batch: dict[str, Any] = {
            "id": f"batch_{secrets.token_hex(8)}",
            "object": "batch",
            "endpoint": body["endpoint"],
            "errors": None,
            "input_file_id": body["input_file_id"],
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": 0,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": metadata,
        }
        self.batches[batch["id"]] = batch
        self._left[batch["id"]] = self._polls
        return json_response(batch)

    async def _list(self, request: web.Request) -> web.Response:
        """Newest first, in pages of one, so that a client must page."""
        ids = list(reversed(self.batches))
        after = request.query.get("after")
        rest = ids[ids.index(after) + 1 :] if after else ids
        page = [self.batches[i] for i in rest[:1]]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return json_response({"object": "list", "data": page, "has_more": len(rest) > 1, **ends})

    async def _retrieve(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            raise ApiError(404, f"No batch found with id '{request.match_info['id']}'.")
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            self._left[batch["id"]] -= 1
            if self._left[batch["id"]] <= 0:
                self._finish(batch)
        return json_response(batch)

    def _finish(self, batch: dict[str, Any]) -> None:
        lines = [orjson.loads(line) for line in self._files[batch["input_file_id"]].splitlines()]
        ids = [line.get("custom_id") for line in lines]
        if len(set(ids)) != len(ids) or any(line.get("url") != batch["endpoint"] for line in lines):
            error = {"code": "invalid_request", "message": "Line 1: the url or custom_id is wrong.", "line": 1}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [error]}}
            return
        good: list[bytes] = []
        bad: list[bytes] = []
        # The order of results is not the order of requests.
        for line in reversed(lines):
            status, body = self._line(line["body"], URLS[line["url"]])
            result = {"id": f"batch_req_{secrets.token_hex(4)}", "custom_id": line["custom_id"], "error": None}
            if status is None:
                expired = {"code": "batch_expired", "message": "This request could not be executed in time."}
                bad.append(orjson.dumps(result | {"response": None, "error": expired}))
                batch["status"] = "expired"
                continue
            response = {"status_code": status, "request_id": secrets.token_hex(4), "body": body}
            (good if status == 200 else bad).append(orjson.dumps(result | {"response": response}))
        batch["request_counts"] = {"total": len(lines), "completed": len(good), "failed": len(bad)}
        batch["output_file_id"] = self._keep(b"\n".join(good)) if good else None
        batch["error_file_id"] = self._keep(b"\n".join(bad)) if bad else None
        if batch["status"] != "expired":
            batch["status"] = "completed"

    def _line(self, body: dict[str, Any], api: Any) -> tuple[int | None, Any]:
        check = check_chat if api == "chat" else check_responses
        try:
            seen = check(body, self._images, models=self._models, extra=self._extra)
        except ApiError as error:
            return error.status, error.body
        recorded = RecordedRequest(
            index=len(self._requests), api=api, headers={}, text=seen.text, images=seen.images,
            params={k: v for k, v in body.items() if k not in ("messages", "input")}, body_sha256="", n_bytes=0,
        )  # fmt: skip
        self._requests.append(recorded)
        fault = self._fault(recorded)
        if fault is not None and fault.kind == "timeout":
            return None, None
        if fault is not None:
            return fault.status, ApiError(fault.status, fault.message or "It failed.").body
        reply: Any = self._reply(recorded) if callable(self._reply) else self._reply
        reply = Reply(reply) if isinstance(reply, str) else reply
        make = chat_body if api == "chat" else responses_body
        return 200, make(reply, seen, body["model"])
