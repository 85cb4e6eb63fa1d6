"""The Arrow type of every column of ``samples.jsonl``, so that `datasets` loads any of our benchmarks.

A JSON line may hold anything under a key of its own, an Arrow column holds one type: a key that is a number in one line
and a string in another cannot be loaded by `datasets`, and such a benchmark is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from comic_eval.types import Sample

# A scalar's name, a list of one type, or a struct of named types; "null" fits every other type.
ArrowType = str | list["ArrowType"] | dict[str, "ArrowType"]

_BOX: ArrowType = ["float64"]
KNOWN_COLUMNS: dict[str, ArrowType] = {
    "id": "string",
    "task": "string",
    "split": "string",
    "page": "string",
    "image": "string",
    "image_size": ["int64"],
    "image_sha256": "string",
    "question": "string",
    "position": "string",
    "choices": ["string"],
    "answer": "string",
    "facts": ["string"],
    "language": "string",
    "pair_id": "string",
    "regions": [{"box": _BOX, "role": "string", "label": "string", "target": "bool"}],
    "marks": [{"box": _BOX, "label": "string"}],
    "composite": {"slots": [_BOX], "candidates": [_BOX]},
    "source": "string",
    "license": "string",
}


class MixedTypesError(ValueError):
    """Values that no Arrow column can hold together. The message names where and what."""


def metadata_columns(samples: Iterable[Mapping[str, Any]]) -> dict[str, ArrowType]:
    """The types of the metadata keys over all samples.

    Args:
        samples: the metadata of every sample.

    Raises:
        MixedTypesError: a key holds values of different types.
    """
    types: dict[str, ArrowType] = {}
    for metadata in samples:
        for key, value in metadata.items():
            types[key] = _merge(types.get(key, "null"), _type_of(value, key), key)
    return types


def features_yaml(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """All columns in the form of a data card's ``dataset_info.features``.

    Raises:
        MixedTypesError: a metadata key holds values of different types.
    """
    metadata: list[Mapping[str, Any]] = []
    for sample in samples:
        nested = {k: v for k, v in sample.metadata.items() if k in Sample.model_fields}
        flat = {k: v for k, v in sample.metadata.items() if k not in nested}
        metadata.append(flat | ({"metadata": nested} if nested else {}))
    return _struct(KNOWN_COLUMNS | metadata_columns(metadata))


def _type_of(value: Any, place: str) -> ArrowType:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise MixedTypesError(f"{place} holds {value}, which does not fit 64 bits")
        return "int64"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, list | tuple):
        item: ArrowType = "null"
        for v in value:
            item = _merge(item, _type_of(v, place), place)
        return [item]
    if isinstance(value, Mapping):
        return {str(k): _type_of(v, f"{place}.{k}") for k, v in value.items()}
    if value is None:
        return "null"
    raise MixedTypesError(f"{place} holds a {type(value).__name__}, which is no JSON")


def _merge(a: ArrowType, b: ArrowType, place: str) -> ArrowType:
    if a == b or b == "null":
        return a
    if a == "null":
        return b
    if {str(a), str(b)} == {"int64", "float64"}:
        return "float64"
    if isinstance(a, list) and isinstance(b, list):
        return [_merge(a[0], b[0], place)]
    if isinstance(a, dict) and isinstance(b, dict):
        return {k: _merge(a.get(k, "null"), b.get(k, "null"), f"{place}.{k}") for k in a | b}
    raise MixedTypesError(f"{place} holds {_name(a)} in one place and {_name(b)} in another")


def _name(kind: ArrowType) -> str:
    if isinstance(kind, list):
        return "a list"
    return "an object" if isinstance(kind, dict) else kind


def _struct(fields: Mapping[str, ArrowType]) -> list[dict[str, Any]]:
    return [{"name": name, **_typed(kind)} for name, kind in fields.items()]


def _typed(kind: ArrowType) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"dtype": kind}
    if isinstance(kind, dict):
        return {"struct": _struct(kind)}
    item = kind[0]
    if isinstance(item, str):
        return {"list": item}
    return {"list": _struct(item) if isinstance(item, dict) else _typed(item)}
