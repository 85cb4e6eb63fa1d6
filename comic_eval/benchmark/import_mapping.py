"""The mapping file of ``comic-eval data import``: which column of a data set means what.

An example, for a data set with one row a question::

    name: my-comics
    version: "1.0"
    license: CC-BY-4.0
    description: Questions about my comics.
    columns:                    # field -> column
      id: qid
      page: page_name           # left out: pages are told apart by their picture
      image: image              # a `datasets` image, bytes, or a path below the source's folder
      question: question
      choices: [a, b, c, d]     # several columns, or one that holds a list
      answer: gold
      task: type
    constants: {split: test, language: en}
    values:                     # field -> value in the data set -> value here
      task: {action: action_recognition, depth: depth_comparison}
    answers: text               # letter, index (from 0), index1 (from 1), or text
    boxes: {order: xywh, scale: pixels}
    regions: [{column: panel_box, role: panel, target: true}]
    marks: [{column: character_boxes}]
    metadata: [episode]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from comic_eval.benchmark.defects import Defect, refuse
from comic_eval.benchmark.format import issues
from comic_eval.errors import BenchmarkError
from comic_eval.types import Frozen, Role

ANYWHERE = ("task", "split", "language")  # fields that a column or a constant must give


def _as_text(value: Any) -> Any:
    """YAML reads ``1`` and ``yes`` as what they are not in a data set's text column."""
    return str(value) if isinstance(value, bool | int | float) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Scalar = Annotated[str, BeforeValidator(_as_text)]
Values = dict[Scalar, Scalar]


class Columns(Frozen):
    """The column that each field of a `Sample` is read from; ``choices`` may be spread over several."""

    image: str
    question: str
    answer: str
    id: str | None = None
    page: str | None = None
    task: str | None = None
    split: str | None = None
    language: str | None = None
    pair_id: str | None = None
    position: str | None = None
    choices: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    facts: str | None = None
    source: str | None = None
    license: str | None = None


class Constants(Frozen):
    """Values that are the same in every row."""

    task: str | None = None
    split: str | None = None
    language: str | None = None
    source: str | None = None
    license: str | None = None


class BoxFormat(Frozen):
    """How boxes are written: corners or corner and size; in pixels, in 0–1 or in 0–1000 of width and height."""

    order: Literal["xyxy", "xywh"] = "xyxy"
    scale: Literal["pixels", "unit", "thousand"] = "pixels"


class RegionColumn(Frozen):
    """A column of one box, or of a list of boxes."""

    column: str
    role: Role
    target: bool = False


class MarkColumn(Frozen):
    """A column of one box, or of a list of boxes, that are marked A, B, ... by place over all such columns."""

    column: str


class ImportMapping(Frozen):
    """A checked mapping file.

    Attributes:
        values: field -> value in the data set -> value here; what is not named stays as it is.
        answers: how the right choice is named.
        separator: what stands between the choices (or facts) where one text column holds them all.
        images: folder of the pictures, relative to the source's folder, where the column holds paths.
        config: the configuration of a data set that `datasets` loads.
        revision: the revision of a data set of the Hub; pin it, so that the benchmark can be made again.
        metadata: columns that are kept as they are.
    """

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    license: str = Field(min_length=1)
    description: str = Field(min_length=1)
    columns: Columns
    constants: Constants = Constants()
    values: dict[Literal["task", "split", "language", "answer"], Values] = Field(default_factory=dict)
    answers: Literal["letter", "index", "index1", "text"] = "letter"
    separator: str | None = Field(default=None, min_length=1)
    boxes: BoxFormat = BoxFormat()
    regions: tuple[RegionColumn, ...] = ()
    marks: tuple[MarkColumn, ...] = ()
    images: str | None = None
    config: str | None = None
    revision: str | None = None
    metadata: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        for field in Constants.model_fields:
            if getattr(self.columns, field) is not None and getattr(self.constants, field) is not None:
                raise ValueError(f"{field} has both a column and a constant; keep one")
        return self

    @property
    def has_targets(self) -> bool:
        """Whether the data set says what its questions are about."""
        return any(region.target for region in self.regions)

    def translation(self, field: str) -> Values:
        """The words of the data set for a field, and ours."""
        return next((values for name, values in self.values.items() if name == field), {})

    def column_of(self, field: str) -> str | None:
        """The column, or columns, that a field of a sample is read from."""
        columns = self._columns().get(field, ())
        return ", ".join(columns) or None

    def used_columns(self) -> set[str]:
        """Every column that is named."""
        return {column for columns in self._columns().values() for column in columns}

    def _columns(self) -> dict[str, tuple[str, ...]]:
        single = self.columns.model_dump(exclude={"choices"}, exclude_none=True)
        return {field: (column,) for field, column in single.items()} | {
            "choices": self.columns.choices,
            "regions": tuple(region.column for region in self.regions),
            "marks": tuple(mark.column for mark in self.marks),
            "metadata": self.metadata,
        }


def read_mapping(path: Path) -> ImportMapping:
    """Reads and checks a mapping file.

    Raises:
        BenchmarkError: naming every field that is wrong.
    """
    try:
        value = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise BenchmarkError(f"mapping {path} cannot be read: {error.strerror} → name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"mapping {path} is no YAML: {error} → correct it") from error
    try:
        return ImportMapping.model_validate(value)
    except ValidationError as error:
        defects = [Defect(file=path.name, field=f, message=m, fix=fix) for f, m, fix in issues(error)]
        raise refuse(
            f"mapping {path} cannot be used", defects, "`comic-eval data import --help` shows an example."
        ) from error
