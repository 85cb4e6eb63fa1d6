"""The line format of ``samples.jsonl``.

A line is a JSON object. Known keys are the fields of `Sample`; every other key is kept under ``metadata`` and written
back as a top-level key. A metadata key that bears a known name, or the name ``metadata``, is written inside an object
called ``metadata`` instead, so that reading what was written always gives the same sample.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import orjson
from pydantic import ValidationError

from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.errors import BenchmarkError
from comic_eval.types import Sample

SAMPLES = "samples.jsonl"
MAX_LINE_BYTES = 16 * 2**20
KNOWN = tuple(name for name in Sample.model_fields if name != "metadata")
_OPTIONAL = frozenset(name for name in KNOWN if not Sample.model_fields[name].is_required())
_RESERVED = frozenset(Sample.model_fields)
_FIXES = {
    "missing": "add the key",
    "string_type": "write a JSON string in quotes",
    "literal_error": "use one of the values named",
    "extra_forbidden": "remove the key",
}


def encode_line(sample: Sample) -> bytes:
    """The sample as one line of JSON with all known keys in a fixed order, newline included.

    Raises:
        BenchmarkError: the metadata holds something that JSON cannot carry.
    """
    dumped = sample.model_dump(exclude={"metadata"})
    nested = {k: v for k, v in sample.metadata.items() if k in _RESERVED}
    line = dumped | {k: v for k, v in sample.metadata.items() if k not in _RESERVED}
    if nested:
        line["metadata"] = nested
    if _has_nan(sample.metadata):  # orjson would write null
        raise BenchmarkError(f"sample {quoted(sample.id)}: NaN and Infinity are no JSON → use null or a string")
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise BenchmarkError(
            f"sample {quoted(sample.id)} cannot be written as JSON: {error} → use strings, finite numbers below 2^63, "
            "booleans, null, lists and objects"
        ) from error


def parse_line(line: bytes, number: int, file: str = SAMPLES) -> Sample | list[Defect]:
    """Reads one line; whatever is wrong with its form comes back as a list of defects."""

    def defect(message: str, fix: str, field: str | None = None) -> Defect:
        return Defect(file=file, line=number, field=field, message=message, fix=fix)

    if len(line) > MAX_LINE_BYTES:
        return [defect(f"is longer than {MAX_LINE_BYTES // 2**20} MiB", "keep such data in files of their own")]
    if not line.strip():
        return [defect("is blank", "remove the line")]
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return [defect(f"no JSON: {error.msg} (column {error.colno})", _json_fix(error.msg))]
    if not isinstance(value, dict):
        return [defect(f"is {_kind(value)}, not an object", "write one JSON object a line")]
    nested = value.get("metadata")
    if nested is not None and not isinstance(nested, dict):
        return [defect(f"is {_kind(nested)}, not an object", "write an object, or rename the key", "metadata")]
    extra = {k: v for k, v in value.items() if k not in _RESERVED}
    if twice := sorted(extra.keys() & (nested or {}).keys()):
        return [defect("stands in the line and in its metadata", "keep one of them", name) for name in twice]
    known = {k: v for k, v in value.items() if k in KNOWN and not (v is None and k in _OPTIONAL)}
    known["metadata"] = extra | (nested or {})
    try:
        # Strict JSON mode reads lists as tuples, but never "12" as a number or true as 1.
        return Sample.model_validate_json(orjson.dumps(known), strict=True)
    except ValidationError as error:
        return [defect(message, fix, field) for field, message, fix in issues(error)]
    except TypeError as error:
        return [defect(f"cannot be read: {error}", "flatten the nested values")]


def duplicate_keys(line: bytes) -> list[str]:
    """Keys that stand more than once in one object of a line that `parse_line` could read."""
    twice: list[str] = []

    def count(items: list[tuple[str, Any]]) -> None:
        twice.extend(key for key, n in Counter(key for key, _ in items).items() if n > 1)

    json.loads(line, object_pairs_hook=count)
    return twice


def _has_nan(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_nan, value))


def _json_fix(message: str) -> str:
    lowered = message.lower()
    if "bom" in lowered:
        return "save the file as UTF-8 without a byte order mark"
    if "utf-8" in lowered or "utf8" in lowered:
        return "save the file as UTF-8"
    return "write one JSON object a line; NaN and Infinity are no JSON"


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")


def issues(error: ValidationError) -> list[tuple[str | None, str, str]]:
    """Field, message and way out of everything that pydantic found wrong."""
    return [
        (_location(e["loc"]), _sentence(e["msg"], e["input"], e["type"]), _FIXES.get(e["type"], "correct the value"))
        for e in error.errors(include_url=False, include_context=False)
    ]


def _location(loc: tuple[int | str, ...]) -> str | None:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or None


def _sentence(message: str, value: object, kind: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    return "is missing" if kind == "missing" else f"{message}, not {quoted(value)}"
