"""The messages of the Gemini API as far as the mock knows them, read as protobuf's JSON is read.

Every field has two spellings (``inlineData``, ``inline_data``), bytes come in either base64 alphabet, and an unknown
name is an error. `parse` returns plain dicts with camelCase names and bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

# Kind of each field: a scalar, JSON of any shape, the name of another message, or "[...]" of one of them.
MESSAGES: dict[str, dict[str, str]] = {
    "Request": {
        "contents": "[Content]",
        "systemInstruction": "Content",
        "tools": "[Tool]",
        "toolConfig": "json",
        "safetySettings": "[json]",
        "generationConfig": "GenerationConfig",
        "cachedContent": "string",
        "serviceTier": "string",
        "store": "bool",
    },
    "Content": {"role": "string", "parts": "[Part]"},
    "Part": {
        "text": "string",
        "inlineData": "Blob",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "thought": "bool",
        "thoughtSignature": "bytes",
    },
    "Blob": {"mimeType": "string", "data": "bytes"},
    "FunctionCall": {"id": "string", "name": "string", "args": "struct"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "struct",
        "parts": "[FunctionResponsePart]",
        "willContinue": "bool",
        "scheduling": "string",
    },
    "FunctionResponsePart": {"inlineData": "FunctionResponseBlob"},
    "FunctionResponseBlob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
    "Tool": {"functionDeclarations": "[FunctionDeclaration]"},
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "parameters": "json",
        "parametersJsonSchema": "struct",
        "response": "json",
        "responseJsonSchema": "json",
        "behavior": "string",
    },
    "GenerationConfig": {
        "temperature": "number",
        "topP": "number",
        "topK": "int",
        "candidateCount": "int",
        "maxOutputTokens": "int",
        "stopSequences": "[string]",
        "seed": "int",
        "responseMimeType": "string",
        "responseSchema": "json",
        "responseJsonSchema": "json",
        "presencePenalty": "number",
        "frequencyPenalty": "number",
        "responseLogprobs": "bool",
        "logprobs": "int",
        "thinkingConfig": "ThinkingConfig",
        "mediaResolution": "string",
    },
    "ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int", "thinkingLevel": "string"},
}
_PYTHON = {"string": str, "bool": bool, "struct": dict, "number": (int, float), "int": int}
_CAMEL = re.compile(r"_([a-z])")


class ApiError(Exception):
    """An error answer as Google's APIs write it: ``{"error": {"code", "message", "status", "details"}}``."""

    STATUS = {  # noqa: RUF012
        400: "INVALID_ARGUMENT",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }

    def __init__(self, code: int, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        error: dict[str, Any] = {"code": code, "message": message, "status": self.STATUS.get(code, "UNKNOWN")}
        self.body = {"error": error | ({"details": details} if details else {})}


def parse(value: Any, kind: str, at: str = "") -> Any:
    """A JSON value as the message or scalar that it must be.

    Raises:
        ApiError: an unknown name or a wrong type, in Google's words.
    """
    if kind.startswith("["):
        if not isinstance(value, list):
            raise _invalid(at, kind, value)
        return [parse(v, kind[1:-1], f"{at}[{i}]") for i, v in enumerate(value)]
    if kind == "json":
        return value
    if kind == "bytes":
        return _bytes(value, at)
    if kind in MESSAGES:
        if not isinstance(value, dict):
            raise _invalid(at, kind, value)
        found = {}
        for name, inner in value.items():
            camel = _CAMEL.sub(lambda m: m[1].upper(), name)
            if camel not in MESSAGES[kind]:
                raise ApiError(400, f'Invalid JSON payload received. Unknown name "{name}" at \'{at}\': Cannot find '
                                    "field.")  # fmt: skip
            found[camel] = parse(inner, MESSAGES[kind][camel], f"{at}.{camel}".lstrip("."))
        return found
    if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise _invalid(at, kind, value)
    return value


def _invalid(at: str, kind: str, value: Any) -> ApiError:
    return ApiError(400, f"Invalid value at '{at}' (TYPE_{kind.upper()}), {value!r:.60}")


def _bytes(value: Any, at: str) -> bytes:
    try:
        text = value.translate(str.maketrans("-_", "+/")).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, binascii.Error):
        raise ApiError(400, f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed") from None
