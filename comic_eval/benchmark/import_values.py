"""Turns the values of a row into those of a `Sample`. Nothing is guessed: what is unclear is refused by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from comic_eval.benchmark.defects import quoted
from comic_eval.benchmark.import_mapping import BoxFormat
from comic_eval.types import CHOICE_LETTERS


class BadValue(ValueError):  # noqa: N818 - it is about a value, and says so
    """A value that cannot be used.

    Args:
        column: the column that holds it.
        message: what is wrong with it.
        fix: the way out.
    """

    def __init__(self, column: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.column, self.message, self.fix = column, message, fix


def text(value: Any, column: str) -> str | None:
    """A text, or a number or truth value as text; None where the cell is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    raise BadValue(column, f"{quoted(value)} is no text", "choose a column of texts")


def texts(value: Any, column: str, separator: str | None) -> list[str]:
    """A list of texts: a list, a text with a JSON list, or a text that ``separator`` splits."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        if separator is not None:
            value = value.split(separator)
        elif value.lstrip().startswith("["):
            value = _json(value, column)
        else:
            value = [value]
    if not isinstance(value, list | tuple):
        raise BadValue(column, f"{quoted(value)} is no list", "choose a column of lists, or state a separator")
    found = [text(item, column) for item in value]
    if None in found:
        raise BadValue(column, f"{quoted(value)} has an empty entry", "remove it")
    return [item for item in found if item is not None]


def spread_choices(values: Sequence[Any], columns: Sequence[str]) -> list[str]:
    """Choices that stand in one column each; empty cells are allowed at the end only."""
    found = [text(value, column) for value, column in zip(values, columns, strict=True)]
    while found and found[-1] is None:
        found.pop()
    for item, column in zip(found, columns, strict=False):
        if item is None:
            raise BadValue(column, "is empty, but a later choice is not", "move the choices together")
    return [item for item in found if item is not None]


def letter(value: str, choices: Sequence[str], kind: str, column: str) -> str:
    """The letter of the right choice.

    Args:
        kind: how ``value`` names it: ``letter``, ``index`` (from 0), ``index1`` (from 1) or ``text``.
    """
    letters = CHOICE_LETTERS[: len(choices)]
    if kind == "letter":
        if len(value) == 1 and value.upper() in letters:
            return value.upper()
    elif kind == "text":
        places = [i for i, choice in enumerate(choices) if choice == value]
        if len(places) == 1:
            return letters[places[0]]
    elif value.isdecimal() and value.isascii():
        place = int(value) - (kind == "index1")
        if 0 <= place < len(letters):
            return letters[place]
    message = f"{quoted(value)} is not among the {len(choices)} choices, read as {kind}"
    raise BadValue(column, message, "correct it, or state answers: letter, index, index1 or text")


def boxes(value: Any, column: str, form: BoxFormat, size: tuple[int, int]) -> list[list[float]]:
    """Boxes as ``[x1, y1, x2, y2]`` in page pixels, rounded to hundredths.

    Args:
        value: one box, a list of boxes, or either as JSON text; None or an empty list for no box.
        size: width and height of the page in pixels.
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = _json(value, column)
    if isinstance(value, list) and value and not isinstance(value[0], list):
        value = [value]
    if not isinstance(value, list):
        raise BadValue(column, f"{quoted(value)} is no box", "give [number, number, number, number] or a list of them")
    return [_box(item, column, form, size) for item in value]


def _box(value: Any, column: str, form: BoxFormat, size: tuple[int, int]) -> list[float]:
    numbers = isinstance(value, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    if not numbers or len(value) != 4:
        raise BadValue(column, f"{quoted(value)} is no box", "give four numbers")
    unit = {"pixels": (1.0, 1.0), "unit": size, "thousand": (size[0] / 1000, size[1] / 1000)}[form.scale]
    x, y, a, b = (v * unit[i % 2] for i, v in enumerate(value))
    corners = [x, y, x + a, y + b] if form.order == "xywh" else [x, y, a, b]
    return [round(v, 2) for v in corners]


def _json(value: str, column: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadValue(column, f"{quoted(value)} is no JSON", "write a JSON list") from error
