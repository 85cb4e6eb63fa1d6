"""The limits of a zoom episode: one recorded setting, shared by evaluation and training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from comic_eval.types import Frozen
from comic_eval.zoom.crop import CropRules


class ZoomSettings(Frozen):
    """Everything that shapes an episode; stored in the manifest and beside every checkpoint.

    Attributes:
        max_turns: assistant turns; an episode that has not answered by then is wrong.
        max_images: crops that an episode may receive; later calls get an error instead.
        max_pixels: sent pixels of all crops together.
        crop_budget: visual tokens of one crop (784 pixels each, 1024 in families with 32-pixel patches).
        crop: how a requested box becomes a crop.
        dialect: ``native`` tool calls of the provider, or text tags for models without them.
        malformed: what follows a call that cannot be read: ``error`` tells the model and goes on; ``stop`` ends the
            episode with the turn's text as its answer, as TRL's tool loop does.
    """

    max_turns: int = Field(default=12, ge=1)
    max_images: int = Field(default=12, ge=0)
    max_pixels: int = Field(default=16384 * 784, ge=1)
    crop_budget: int = Field(default=4096, ge=1)
    crop: CropRules = CropRules()
    dialect: Literal["native", "qwen", "deepeyes"] = "native"
    malformed: Literal["error", "stop"] = "error"
