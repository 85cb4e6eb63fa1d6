"""Coordinates, once and for all: how each model family writes a box, and the way to page pixels and back.

A model sees an image that shows some region of the page (all of it, or a crop), resized to some sent size. What it
writes is in that image's frame. Everything else in comic-eval is in page pixels, so this module is the only place
where other frames exist. Reading a box in the wrong frame fails silently: Qwen2.5-VL's resized pixels read as page
pixels cost almost nothing at 16k visual tokens and everything at 1k; Gemini's order read as xyxy gives an IoU of 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from comic_eval.types import Box, Frozen


class CoordSpec(Frozen):
    """How a model writes a box.

    Attributes:
        order: ``xyxy`` = x1, y1, x2, y2; ``yxyx`` = ymin, xmin, ymax, xmax.
        scale: full extent of both axes for normalised coordinates (1000 or 1); None for pixels.
        frame: for pixels, of which picture: ``sent`` (the resized image, Qwen2.5-VL) or ``page`` (before resizing).
            Normalised coordinates mean the same in both.
        decimals: digits behind the point that the family writes; ``10 ** -decimals`` is the unit of its grid.
    """

    order: Literal["xyxy", "yxyx"] = "xyxy"
    scale: float | None = 1000
    frame: Literal["sent", "page"] = "sent"
    decimals: int = 0

    @property
    def unit(self) -> float:
        """The step of the family's grid, in the model's own units."""
        return float(10**-self.decimals)

    def _factors(self, region: Box, sent_size: tuple[int, int]) -> tuple[float, float]:
        """Page pixels per model unit, along x and y."""
        if self.scale is not None:
            return region.width / self.scale, region.height / self.scale
        if self.frame == "page":
            return 1.0, 1.0
        return region.width / sent_size[0], region.height / sent_size[1]

    def to_page(
        self, values: Sequence[float], region: Box, sent_size: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """What the model wrote, as x1, y1, x2, y2 in page pixels; not clamped and not checked for order.

        Args:
            values: four numbers in the model's order and units.
            region: the part of the page that the image shows, in page pixels.
            sent_size: width and height of that image as sent.
        """
        a, b, c, d = values
        x1, y1, x2, y2 = (a, b, c, d) if self.order == "xyxy" else (b, a, d, c)
        fx, fy = self._factors(region, sent_size)
        return region.x1 + x1 * fx, region.y1 + y1 * fy, region.x1 + x2 * fx, region.y1 + y2 * fy

    def from_page(self, box: Box, region: Box, sent_size: tuple[int, int]) -> tuple[float, float, float, float]:
        """A box in page pixels as the model would write it, before rounding to its grid."""
        fx, fy = self._factors(region, sent_size)
        x1, y1 = (box.x1 - region.x1) / fx, (box.y1 - region.y1) / fy
        x2, y2 = (box.x2 - region.x1) / fx, (box.y2 - region.y1) / fy
        return (x1, y1, x2, y2) if self.order == "xyxy" else (y1, x1, y2, x2)

    def write(self, box: Box, region: Box, sent_size: tuple[int, int]) -> tuple[float, float, float, float]:
        """`from_page`, rounded to the family's grid: what training targets and examples in prompts show."""
        a, b, c, d = (round(v, self.decimals) for v in self.from_page(box, region, sent_size))
        return a, b, c, d

    def describe(self) -> str:
        """One line for prompts: which numbers the model is to write."""
        names = "[x1, y1, x2, y2]" if self.order == "xyxy" else "[ymin, xmin, ymax, xmax]"
        if self.scale is None:
            of = "the image as you see it" if self.frame == "sent" else "the original page"
            return f"{names} in pixels of {of}, the origin at the top left"
        top = int(self.scale) if self.scale == int(self.scale) else self.scale
        kind = "decimal numbers" if self.decimals else "whole numbers"
        return f"{names}, {kind} from 0 to {top} over the width and height of the image, the origin at the top left"


class Family(Frozen):
    """A model family: its box convention and the rule by which its images are resized.

    ``coords`` None: the family gives no boxes (Molmo points). ``documented`` False: nobody says which convention the
    family was trained with, so prompts ask for 0-1000 xyxy with an example.
    """

    name: str
    pattern: str
    coords: CoordSpec | None
    patch: Literal[28, 32] | None = None
    documented: bool = True

    @property
    def pixels_per_token(self) -> int:
        """Sent pixels that one visual token covers; 28 x 28, by which budgets are counted, where no rule is known."""
        return (self.patch or 28) ** 2


_PERMILLE = CoordSpec()

# First match wins. Conventions as published with each family's model card or code.
FAMILIES: tuple[Family, ...] = (
    Family(name="qwen2.5-vl", pattern=r"qwen-?2[._-]?5-?vl", coords=CoordSpec(scale=None, frame="sent"), patch=28),
    Family(name="qwen2-vl", pattern=r"qwen-?2-?vl", coords=_PERMILLE, patch=28),
    Family(name="qwen3-vl", pattern=r"qwen-?3([._-]?\d+)?(-?vl|[._-]?5)", coords=_PERMILLE, patch=32),
    Family(name="internvl", pattern=r"intern-?vl", coords=_PERMILLE),
    Family(name="gemini", pattern=r"gemini", coords=CoordSpec(order="yxyx")),
    Family(name="minicpm", pattern=r"minicpm", coords=_PERMILLE),
    Family(name="kimi-vl", pattern=r"kimi", coords=CoordSpec(scale=1, decimals=3)),
    Family(name="glm-v", pattern=r"glm-?4[._]?\d*v", coords=_PERMILLE),
    Family(name="molmo", pattern=r"molmo", coords=None),
    Family(name="gpt", pattern=r"gpt-|(^|[/:])o\d", coords=_PERMILLE, documented=False),
)
UNKNOWN = Family(name="unknown", pattern="", coords=_PERMILLE, documented=False)


def family_of(model: str) -> Family:
    """The family of a model id such as ``vllm:Qwen/Qwen2.5-VL-7B-Instruct``; `UNKNOWN` where none fits."""
    return next((f for f in FAMILIES if re.search(f.pattern, model.lower())), UNKNOWN)


def family_named(name: str | None) -> Family:
    """The family called ``name``; `UNKNOWN` where there is none."""
    return next((f for f in FAMILIES if f.name == name), UNKNOWN)


def alternative_readings(spec: CoordSpec) -> dict[str, CoordSpec]:
    """The other conventions in use, named, for the diagnostic that tells when one of them would have fitted better."""
    readings = {
        "0-1000 xyxy": _PERMILLE,
        "0-1000 yxyx (Gemini's order)": CoordSpec(order="yxyx"),
        "pixels of the sent image": CoordSpec(scale=None, frame="sent"),
        "pixels of the page": CoordSpec(scale=None, frame="page"),
        "0-1 xyxy": CoordSpec(scale=1, decimals=3),
    }
    same = {"order", "scale", "frame"}
    return {name: s for name, s in readings.items() if s.model_dump(include=same) != spec.model_dump(include=same)}
