"""The zoom environment: one page, its crops, and the tool. Evaluation and TRL drive the same object.

It knows nothing of models, conversations or answers: a driver hands it calls and shows the model what comes back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from PIL import Image

from comic_eval.types import Box, ToolSpec
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.crop import Resize, clamp
from comic_eval.zoom.pixels import Cuttable, cut_out, noise_image
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import CallError, read_arguments, tool_spec
from comic_eval.zoom.trace import ZoomCall

CropSource = Literal["predicted", "ground-truth", "noise"]


class PagePicture(Cuttable, Protocol):
    """The marked page at full resolution, with its size."""

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


@dataclass(frozen=True)
class Observation:
    """What a call returns: a line for the model, and the crop unless the call failed."""

    text: str
    image: Image.Image | None
    call: ZoomCall


@dataclass(frozen=True)
class _Shown:
    region: Box
    sent_size: tuple[int, int]


class ZoomEnvironment:
    """The state of one episode.

    Args:
        page: the marked page at full resolution.
        coords: how the model writes boxes.
        resize: the model family's resize rule.
        sent_size: width and height at which the page was sent.
        settings: the limits.
        targets: the sample's target boxes; read only where ``source`` is ``ground-truth``.
        source: what comes back for a call: the region asked for, the target instead of it, or noise of its size
            (LFPC's crop-reliance probe).
        seed: of the noise.
    """

    def __init__(
        self,
        page: PagePicture,
        *,
        coords: CoordSpec,
        resize: Resize,
        sent_size: tuple[int, int],
        settings: ZoomSettings,
        targets: tuple[Box, ...] = (),
        source: CropSource = "predicted",
        seed: int = 0,
    ) -> None:
        self._page = page
        self._coords = coords
        self._resize = resize
        self._settings = settings
        self._targets = targets
        self._source = source
        self._noise = np.random.default_rng(seed)
        self._shown = [_Shown(Box(x1=0, y1=0, x2=page.width, y2=page.height), sent_size)]
        self._given: set[Box] = set()
        self._pixels = 0
        self.calls: list[ZoomCall] = []

    @property
    def spec(self) -> ToolSpec:
        """The tool as this environment's model should see it."""
        return tool_spec(self._coords)

    def zoom(self, name: str, arguments: str | Mapping[str, Any], *, turn: int) -> Observation:
        """Carries out one call, or says in words for the model why it cannot. Never raises on a model's account."""
        raw = (arguments if isinstance(arguments, str) else json.dumps(arguments, default=str))[:2000]
        record = ZoomCall(turn=turn, arguments=raw)
        try:
            asked = read_arguments(name, arguments)
            record = record.model_copy(update={"img_idx": asked.img_idx, "label": asked.label, "values": asked.bbox_2d})
            requested = self._locate(asked.img_idx, asked.bbox_2d)
            record = record.model_copy(update={"requested": requested})
            region = self._region(requested)
            size = self._settings.crop.sent_size(region, self._resize, self._settings.crop_budget)
            self._check_limits(size)
        except CallError as error:
            record = record.model_copy(update={"error": error.code})
            self.calls.append(record)
            return Observation(json.dumps({"error": error.code, "message": str(error)}), None, record)
        self._shown.append(_Shown(region, size))
        self._pixels += size[0] * size[1]
        number = len(self._shown) - 1
        record = record.model_copy(update={"executed": region, "sent_size": size, "crop": number})
        self.calls.append(record)
        text = f"Image {number}: the region of image {record.img_idx} that you asked for."
        return Observation(text, self._cut(region, size), record)

    def malformed(self, text: str, *, turn: int) -> Observation:
        """Records a call that could not even be read as one, and what to tell the model."""
        record = ZoomCall(turn=turn, arguments=text[:2000], error="malformed_call")
        self.calls.append(record)
        message = "The tool call could not be read: write one JSON object with name and arguments."
        return Observation(json.dumps({"error": "malformed_call", "message": message}), None, record)

    def _locate(self, index: int, values: tuple[float, float, float, float]) -> Box:
        """The requested box in page pixels, clamped to the page."""
        if index >= len(self._shown):
            raise CallError(
                "bad_img_idx", f"There is no image {index}; the images so far are 0 to {len(self._shown) - 1}."
            )
        shown = self._shown[index]
        x1, y1, x2, y2 = self._coords.to_page(values, shown.region, shown.sent_size)
        if x1 >= x2 or y1 >= y2:
            raise CallError("empty_box", f"The box is empty: write it as {self._coords.describe()}.")
        box = clamp((x1, y1, x2, y2), self._page.size)
        if box is None:
            raise CallError("outside", f"The box lies outside the image: write it as {self._coords.describe()}.")
        return box

    def _region(self, requested: Box) -> Box:
        """What is cut out: the region asked for or, in the ground-truth probe, the target that it fits best.

        A box that misses all targets stands for one that was not shown yet, the nearest of them.
        """
        if self._source == "ground-truth" and self._targets:
            asked = requested

            def fit(target: Box) -> tuple[float, bool, float]:
                return asked.iou(target), target not in self._given, -math.dist(asked.center, target.center)

            requested = max(self._targets, key=fit)
            self._given.add(requested)
        return self._settings.crop.execute(requested, self._page.size)

    def _check_limits(self, size: tuple[int, int]) -> None:
        if len(self._shown) > self._settings.max_images:
            raise CallError("too_many_images", "No more zooming is possible. Answer now.")
        if self._pixels + size[0] * size[1] > self._settings.max_pixels:
            raise CallError("too_many_pixels", "Too many pixels were sent already. Ask for a smaller region or answer.")

    def _cut(self, region: Box, size: tuple[int, int]) -> Image.Image:
        if self._source == "noise":
            return noise_image(size, self._noise)
        crop = cut_out(self._page, region)
        return crop if crop.size == size else crop.resize(size, Image.Resampling.LANCZOS)
