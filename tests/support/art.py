"""Pictures for tests."""

from __future__ import annotations

import numpy as np
from PIL import Image


def busy_art(width: int, height: int, seed: int = 0) -> Image.Image:
    """Soft colourful blotches all over, as hard to draw on as a crowded panel."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
