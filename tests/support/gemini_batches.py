"""The files and batches of the loopback Gemini API, as strict as the rest of it."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
from aiohttp import web

from support.gemini_replies import GeminiReply, body_of
from support.gemini_schema import ApiError
from support.mock_gemini import GeminiRequest, MockGemini
from support.openai_faults import json_response

VERSION = "{version:v1|v1beta}"


class MockGeminiBatches(MockGemini):
    """`MockGemini` with resumable uploads, ``:batchGenerateContent`` and downloads.

    A batch runs for ``polls`` polls. ``reply`` answers each line; a line whose fault is ``http`` fails with ``code`` of
    google.rpc, given as the fault's status, and one whose fault is ``timeout`` is left when the batch expires.

    Attributes:
        batches: by name, as the API shows them.
    """

    def __init__(self, *arguments: Any, polls: int = 2, ends: str = "SUCCEEDED", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._polls = polls
        self._ends = ends
        self._files: dict[str, bytes] = {}
        self._uploads: dict[str, tuple[int, bytes]] = {}
        self._inputs: dict[str, str] = {}
        self._left: dict[str, int] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def add_routes(self, app: web.Application) -> None:
        super().add_routes(app)
        app.router.add_post(f"/upload/{VERSION}/files", self._guarded(self._start_upload))
        app.router.add_post("/upload-session/{id}", self._guarded(self._upload))
        app.router.add_get(f"/{VERSION}/files/{{id}}:download", self._guarded(self._download))
        app.router.add_post(f"/{VERSION}/models/{{model}}:batchGenerateContent", self._guarded(self._create))
        app.router.add_get(f"/{VERSION}/batches", self._guarded(self._list))
        app.router.add_get(f"/{VERSION}/batches/{{id}}", self._guarded(self._get))

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if not request.headers.get("x-goog-api-key") and "upload-session" not in request.path:
                    raise ApiError(403, "Method doesn't allow unregistered callers.")
                response: web.StreamResponse = await handler(request)
            except ApiError as error:
                self.outcomes[f"rejected: {error}"] += 1
                return json_response(error.body, error.code)
            return response

        return guarded

    async def _start_upload(self, request: web.Request) -> web.Response:
        headers = request.headers
        if (headers.get("X-Goog-Upload-Protocol"), headers.get("X-Goog-Upload-Command")) != ("resumable", "start"):
            raise ApiError(400, "Invalid upload.")
        if headers.get("X-Goog-Upload-Header-Content-Type") != "application/jsonl":
            raise ApiError(400, "Unsupported MIME type.")
        session = secrets.token_hex(8)
        self._uploads[session] = (int(headers["X-Goog-Upload-Header-Content-Length"]), b"")
        url = f"{self.root_url}/upload-session/{session}"
        return web.json_response({}, headers={"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active"})

    async def _upload(self, request: web.Request) -> web.Response:
        size, content = self._uploads[request.match_info["id"]]
        if int(request.headers["X-Goog-Upload-Offset"]) != len(content):
            raise ApiError(400, "Invalid offset.")
        content += await request.read()
        self._uploads[request.match_info["id"]] = (size, content)
        if "finalize" not in request.headers["X-Goog-Upload-Command"]:
            return web.Response(headers={"X-Goog-Upload-Status": "active"})
        if len(content) != size:
            raise ApiError(400, "Size mismatch.")
        name = f"files/{secrets.token_hex(6)}"
        self._files[name] = content
        body = {"file": {"name": name, "mimeType": "application/jsonl", "sizeBytes": str(size), "state": "ACTIVE"}}
        return web.json_response(body, headers={"X-Goog-Upload-Status": "final"})

    async def _download(self, request: web.Request) -> web.Response:
        name = f"files/{request.match_info['id']}"
        if request.query.get("alt") != "media" or not name.startswith("files/results"):
            raise ApiError(400, "Only generated files can be downloaded.")
        return web.Response(body=self._files[name], content_type="application/jsonl")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        batch = body.get("batch", {})
        file_name = batch.get("inputConfig", {}).get("fileName")
        if file_name not in self._files:
            raise ApiError(404, f"File {file_name} not found.")
        name = f"batches/{secrets.token_hex(8)}"
        self.batches[name] = {
            "name": name,
            "metadata": {
                "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
                "name": name,
                "model": f"models/{request.match_info['model']}",
                "displayName": batch.get("displayName"),
                "state": "BATCH_STATE_PENDING",
                "createTime": "2026-11-20T07:00:00Z",
            },
        }
        self._inputs[name], self._left[name] = file_name, self._polls
        return json_response(self.batches[name])

    async def _list(self, request: web.Request) -> web.Response:
        """In pages of one, so that a client must page."""
        start = int(request.query.get("pageToken") or 0)
        operations = list(self.batches.values())
        token = {"nextPageToken": str(start + 1)} if start + 1 < len(operations) else {}
        return json_response({"operations": operations[start : start + 1], **token})

    async def _get(self, request: web.Request) -> web.Response:
        name = f"batches/{request.match_info['id']}"
        if name not in self.batches:
            raise ApiError(404, f"Batch {name} not found.")
        batch = self.batches[name]
        self._left[name] -= 1
        metadata = batch["metadata"]
        if self._left[name] == 0:
            metadata["state"] = f"BATCH_STATE_{self._ends}"
            if self._ends != "FAILED":
                self._finish(name, metadata)
        elif self._left[name] > 0:
            metadata["state"] = "BATCH_STATE_RUNNING"
        return json_response(batch)

    def _finish(self, name: str, metadata: dict[str, Any]) -> None:
        model = metadata["model"].removeprefix("models/")
        results = []
        for raw in self._files[self._inputs[name]].splitlines():
            line = orjson.loads(raw)
            result = self._line(line["request"], model)
            if result is not None:
                results.append(orjson.dumps({"key": line["key"], **result}))
        file_name = f"files/results{secrets.token_hex(6)}"
        self._files[file_name] = b"\n".join(results)
        metadata["output"] = {"responsesFile": file_name}

    def _line(self, body: dict[str, Any], model: str) -> dict[str, Any] | None:
        try:
            seen = self._checker.check(body, model)
        except ApiError as error:
            return {"error": {"code": 3, "message": str(error)}}
        recorded = GeminiRequest(
            index=len(self._requests), model=model, version="batch", headers={}, seen=seen, body=body
        )
        self._requests.append(recorded)
        fault = self._fault(recorded)
        if fault is not None:
            failed = {"error": {"code": fault.status, "message": fault.message or "It failed."}}
            return None if fault.kind == "timeout" else failed
        reply: Any = self._reply(recorded) if callable(self._reply) else self._reply
        reply = GeminiReply(reply) if isinstance(reply, str) else reply
        return {"response": body_of(reply, seen, model, self._checker)}
