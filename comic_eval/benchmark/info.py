"""``benchmark.json``: what a benchmark says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from comic_eval.benchmark.defects import Defect
from comic_eval.benchmark.format import issues

INFO = "benchmark.json"


class BenchmarkInfo(BaseModel):
    """The contents of ``benchmark.json``; keys that are not named here are kept as extra ones.

    Attributes:
        splits: name -> number of samples; None where the file tells no number (a plain list of names is read too).
        targets: False states that the samples name no target regions, so that oracle crops and zoom scores are not to
            be had (an imported data set may lack them).
        samples_sha256: sha256 of ``samples.jsonl``; where it is given, a changed file is refused.
        digest: see `comic_eval.benchmark.digest`; written for readers, computed anew on load.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1, max_length=200)
    version: str = Field(min_length=1, max_length=100)
    license: str = Field(validation_alias=AliasChoices("license", "licence"))
    description: str
    splits: dict[str, int | None]
    targets: bool = True
    samples_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    digest: str | None = None

    @field_validator("splits", mode="before")
    @classmethod
    def _names_only(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return dict.fromkeys(value)
        if isinstance(value, dict):
            return {k: v if isinstance(v, int) and not isinstance(v, bool) else None for k, v in value.items()}
        return value

    @field_validator("name", "version", "license", "splits")
    @classmethod
    def _printable(cls, value: str | dict[str, int | None]) -> str | dict[str, int | None]:
        if not all(map(str.isprintable, [value] if isinstance(value, str) else value)):
            raise ValueError("must not hold control characters")
        return value


def read_info(folder: Path) -> BenchmarkInfo | list[Defect]:
    """Reads ``benchmark.json``; whatever is wrong with it comes back as a list of defects."""
    path = folder / INFO
    try:
        text = path.read_bytes() if path.is_file() else None
    except OSError:
        text = None
    if text is None:
        message = "does not exist, or cannot be read"
        return [Defect(file=INFO, message=message, fix="make the folder with `comic-eval data build` or `data import`")]
    try:
        value = orjson.loads(text)
        return BenchmarkInfo.model_validate(value, strict=True)
    except orjson.JSONDecodeError as error:
        return [Defect(file=INFO, line=error.lineno, message=f"no JSON: {error.msg}", fix="correct the JSON")]
    except ValidationError as error:
        return [
            Defect(
                file=INFO, field=field, message=message, fix=fix or "write name, version, license, description, splits"
            )
            for field, message, fix in issues(error)
        ]
