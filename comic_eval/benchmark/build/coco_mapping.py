"""What the user says about a COCO-style file: which category and which attribute means what (`CocoMapping`).

A mapping file is YAML or JSON::

    categories:             # by name, or by id where the file has no list of categories
      Panel: panel
      Character: character
      Balloon: balloon
      Onomatopoeia: text    # lettering outside balloons
      Tree: ignore
    attributes:             # attributes that are not named here are not read
      Name: identity
      Action: action
      Interdepth: depth     # 0 is nearest; compared within one panel only
      Transcription: text
    language: fr
    book_pattern: '^(?P<book>.+)-\\d+$'
    default_split: test
    license: ...
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from comic_eval.errors import BenchmarkError
from comic_eval.types import Frozen, Language

CategoryRole = Literal["panel", "character", "balloon", "text", "ignore"]
AttributeRole = Literal["identity", "action", "also", "depth", "text", "order", "kind"]
SplitName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class CocoMapping(Frozen):
    """How to read a COCO-style file.

    Attributes:
        categories: category name (or id as text) -> what its boxes are. Every category that occurs must be named.
        attributes: attribute name -> which field it fills. ``depth`` counts from 0 = nearest; ``also`` is a list of
            further fair action labels; ``order`` is the place in reading order, of panels and of balloons; ``kind`` is
            that of a balloon (``sfx`` for sound effects).
        unknown_values: attribute values (in lower case) that mean "not known".
        language: of the lettering.
        split_pattern: regular expression with a group ``split``, searched in the image's file name.
        default_split: the split of pages that the pattern does not match, and of all without a pattern. ``test``, so
            that nothing gets into training by accident.
        book_pattern: regular expression with a group ``book``, searched in the file name without folder and ending;
            pages that it does not match are a book of their own.
        outside: what to do with a character of which less than half lies in any panel.
        source, license, attribution: of all pages.
    """

    categories: dict[str, CategoryRole] = Field(min_length=1)
    attributes: dict[str, AttributeRole] = Field(default_factory=dict)
    unknown_values: tuple[str, ...] = ("", "unknown", "none", "null", "n/a", "?")
    language: Language = "fr"
    split_pattern: str | None = None
    default_split: SplitName = "test"
    book_pattern: str = r"^(?P<book>.+?)[-_]p?\d+$"
    outside: Literal["error", "drop"] = "error"
    source: str | None = None
    license: str | None = None
    attribution: str | None = None

    @field_validator("categories", mode="before")
    @classmethod
    def _ids_as_text(cls, value: object) -> object:
        return {str(key): role for key, role in value.items()} if isinstance(value, dict) else value

    @field_validator("split_pattern", "book_pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is no regular expression ({error})") from error
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, group in (("split_pattern", "split"), ("book_pattern", "book")):
            pattern = getattr(self, field)
            if pattern is not None and group not in re.compile(pattern).groupindex:
                raise ValueError(f"{field} needs a group (?P<{group}>...)")
        if "panel" not in self.categories.values():
            raise ValueError("categories must map at least one category to panel")
        roles = list(self.attributes.values())
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"attributes map more than one attribute to {', '.join(twice)}; keep one")
        return self

    def attribute(self, role: AttributeRole) -> str | None:
        """The name of the attribute that fills ``role``."""
        return next((name for name, value in self.attributes.items() if value == role), None)


def read_mapping(path: Path) -> CocoMapping:
    """Reads a mapping file.

    Raises:
        BenchmarkError: the file cannot be read or says something that makes no sense; every wrong field is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        value = json.loads(text) if Path(path).suffix.lower() == ".json" else yaml.safe_load(text)
        return CocoMapping.model_validate(value)
    except FileNotFoundError as error:
        raise BenchmarkError(f"{path}: there is no such mapping file; give the path of a YAML or JSON file") from error
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, problem['loc'])) or 'mapping'}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False)
        ]
        raise BenchmarkError(
            f"{path}: the mapping cannot be used; correct these fields\n" + "\n".join(lines)
        ) from error
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise BenchmarkError(f"{path}: is no readable YAML or JSON ({error}); correct it at that place") from error
