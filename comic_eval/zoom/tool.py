"""The zoom tool: its schema for each coordinate convention, and the reading of calls."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from comic_eval.types import Box, Frozen, ToolSpec
from comic_eval.zoom.coords import CoordSpec

NAME = "image_zoom_in_tool"


class ZoomArguments(Frozen):
    """A readable call: four numbers in the model's own convention, and which image they refer to (0 = the page)."""

    bbox_2d: tuple[float, float, float, float]
    label: str | None = None
    img_idx: int = 0


class CallError(ValueError):
    """A call that cannot be carried out; ``code`` is a stable word to count by, the message is for the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def tool_spec(coords: CoordSpec) -> ToolSpec:
    """The tool as it is offered to a model that writes boxes in ``coords``.

    The example is worked out for a box over the middle of the left half of a 1000 x 1400 image.
    """
    image = Box(x1=0, y1=0, x2=1000, y2=1400)
    example = coords.write(Box(x1=100, y1=350, x2=450, y2=700), image, (1000, 1400))
    shown = json.dumps([int(v) if v == int(v) else v for v in example])
    return ToolSpec(
        name=NAME,
        description=(
            "Zoom in on a region of an image. The region is cut out of the original picture at full resolution and "
            "returned as a new image."
        ),
        parameters={
            "type": "object",
            "properties": {
                "bbox_2d": {
                    "type": "array",
                    "items": {"type": "number"},
                    "minItems": 4,
                    "maxItems": 4,
                    "description": f"The region as {coords.describe()}; for example {shown}.",
                },
                "label": {"type": "string", "description": "What the region shows."},
                "img_idx": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "Which image the numbers refer to: 0 is the page, 1 the first crop. Default 0.",
                },
            },
            "required": ["bbox_2d"],
        },
    )


def read_arguments(name: str, arguments: str | Mapping[str, Any]) -> ZoomArguments:
    """Reads one call.

    Raises:
        CallError: ``unknown_tool``, ``malformed_json``, ``bad_arguments``, ``bad_bbox`` or ``bad_img_idx``.
    """
    if name != NAME:
        raise CallError("unknown_tool", f"There is no tool {name[:80]!r}. The only tool is {NAME}.")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            raise CallError("malformed_json", "The arguments are not valid JSON.") from None
    if not isinstance(arguments, Mapping):
        raise CallError("bad_arguments", 'The arguments must be an object such as {"bbox_2d": [..4 numbers..]}.')
    box = arguments.get("bbox_2d")
    if isinstance(box, list | tuple) and len(box) == 1 and isinstance(box[0], list | tuple):
        box = box[0]
    if not (isinstance(box, list | tuple) and len(box) == 4 and all(map(_is_number, box))):
        raise CallError("bad_bbox", "bbox_2d must be a list of four finite numbers.")
    index = arguments.get("img_idx", 0)
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise CallError("bad_img_idx", "img_idx must be a whole number: 0 for the page, 1 for the first crop.")
    label = arguments.get("label")
    a, b, c, d = (float(v) for v in box)
    return ZoomArguments(bbox_2d=(a, b, c, d), label=label if isinstance(label, str) else None, img_idx=index)


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
