"""Looks into a running torch model through public hooks: what reaches the vision tower, and how large batches are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image


@dataclass
class Watch:
    """What was seen.

    Attributes:
        pixels: input of the vision tower of each forward pass, a row a patch.
        batches: number of sequences of each forward pass.
    """

    pixels: list[np.ndarray] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)


@contextmanager
def watch(before: Callable[[int], None] = lambda batch: None) -> Iterator[Watch]:
    """Watches every model of this process.

    Args:
        before: called with the number of sequences before each forward pass; may raise in the model's place.
    """
    import torch

    seen = Watch()

    def hook(module: Any, inputs: tuple[Any, ...]) -> None:
        if type(module).__name__.endswith(("VisionTransformerPretrainedModel", "VisionModel")) and inputs:
            seen.pixels.append(inputs[0].float().cpu().numpy())
        elif isinstance(module, torch.nn.Embedding) and inputs[0].dim() == 2 and inputs[0].shape[0] < 64:
            seen.batches.append(inputs[0].shape[0])
            before(inputs[0].shape[0])

    handle = torch.nn.modules.module.register_module_forward_pre_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()


def patches(picture: Image.Image, side: int) -> np.ndarray:
    """A picture as Qwen's vision tower gets it, worked out anew: a row for each patch of ``side`` pixels.

    Patches come in blocks of 2 x 2; each holds its three channels twice, since a picture counts as two video frames.
    """
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    if side == 16:
        mean = std = np.array([0.5, 0.5, 0.5])
    values = (np.asarray(picture.convert("RGB")) / 255 - mean) / std
    rows = []
    for top in range(0, picture.height, 2 * side):
        for left in range(0, picture.width, 2 * side):
            for y in (top, top + side):
                for x in (left, left + side):
                    patch = values[y : y + side, x : x + side].transpose(2, 0, 1)
                    rows.append(np.stack([patch, patch], axis=1).ravel())
    return np.array(rows)
