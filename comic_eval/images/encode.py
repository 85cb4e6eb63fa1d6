"""Turns pixels into the JPEG bytes that are sent."""

from __future__ import annotations

import io

from PIL import Image

from comic_eval.types import EncodedImage

JPEG_QUALITY = 90
JPEG_SUBSAMPLING = 0  # 4:4:4


def encode(image: Image.Image, size: tuple[int, int]) -> EncodedImage:
    """Resizes an RGB image to ``size`` (width, height), if it has another one, and encodes it as JPEG."""
    source_size = image.size
    if size != source_size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=JPEG_SUBSAMPLING)
    return EncodedImage(data=buffer.getvalue(), media_type="image/jpeg", size=size, source_size=source_size)
