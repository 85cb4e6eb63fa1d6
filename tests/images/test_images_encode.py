from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, JpegImagePlugin
from support.art import busy_art

from comic_eval.images.encode import encode
from comic_eval.images.lettering import draw_text
from comic_eval.types import EncodedImage


def decoded(image: EncodedImage) -> Image.Image:
    return Image.open(io.BytesIO(image.data))


def test_sent_as_jpeg_without_chroma_subsampling() -> None:
    image = encode(busy_art(300, 200), (300, 200))
    jpeg = decoded(image)
    assert image.media_type == "image/jpeg"
    assert jpeg.format == "JPEG"
    assert jpeg.size == image.size == image.source_size == (300, 200)
    assert isinstance(jpeg, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(jpeg) == 0


def test_resized_to_the_size_asked_for() -> None:
    image = encode(busy_art(300, 200), (150, 100))
    assert decoded(image).size == image.size == (150, 100)
    assert image.source_size == (300, 200)


def test_coloured_lettering_stays_crisp() -> None:
    page = Image.new("RGB", (400, 100), (255, 240, 190))
    draw = ImageDraw.Draw(page)
    for x in range(20, 400, 24):
        draw_text(draw, (x, 50), "E", 10, (200, 0, 0))
    error = np.abs(np.asarray(decoded(encode(page, page.size))).astype(int) - np.asarray(page))
    assert error.mean() < 1.5
    assert np.percentile(error, 99) < 20


def test_equal_pixels_give_equal_bytes() -> None:
    assert encode(busy_art(90, 70), (45, 35)).data == encode(busy_art(90, 70), (45, 35)).data
