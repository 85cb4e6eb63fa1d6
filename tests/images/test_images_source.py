from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from comic_eval.errors import BenchmarkError
from comic_eval.images.source import decode, inspect, read_bytes
from comic_eval.types import MAX_PAGE_PIXELS

PATH = Path("images/page.png")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def red(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (40, 30), (200, 30, 30)).convert(mode)


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (saved(red(), "JPEG"), "image/jpeg"),
        (saved(red("L"), "JPEG"), "image/jpeg"),
        (saved(red(), "JPEG", progressive=True), "image/jpeg"),
        (saved(red(), "PNG"), "image/png"),
        (saved(red("L"), "PNG"), "image/png"),
        (saved(red("P"), "PNG"), "image/png"),
        (saved(red(), "JPEG", exif=orientation(1)), "image/jpeg"),
        (saved(red(), "JPEG", exif=orientation(6)), None),
        (saved(red("CMYK"), "JPEG"), None),
        (saved(red(), "WEBP"), None),
        (saved(red("RGBA"), "PNG"), None),
        (saved(red("P"), "PNG", transparency=0), None),
        (saved(Image.new("I;16", (40, 30), 40000), "PNG"), None),
        (saved(red(), "PNG", save_all=True, append_images=[Image.new("RGB", (40, 30))]), None),
        (saved(red(), "TIFF"), None),
    ],
    ids=[
        *("jpeg", "grey jpeg", "progressive", "png", "grey png", "palette", "upright exif", "turned exif", "cmyk"),
        *("webp", "alpha", "palette with transparency", "16 bit", "animated png", "tiff"),
    ],
)
def test_bytes_go_out_as_they_are_only_if_every_model_reads_them_alike(data: bytes, media_type: str | None) -> None:
    source = inspect(data, PATH)
    assert source.media_type == media_type
    assert source.size == (40, 30)
    assert source.sha256 == hashlib.sha256(data).hexdigest()


def test_16_bit_colour_is_noticed_although_pillow_reads_it_as_rgb() -> None:
    row = b"\x00" + struct.pack(">HHH", 65535, 0, 0) * 4
    data = png_of(4, 4, depth=16, colour=2, pixels=row * 4)
    assert Image.open(io.BytesIO(data)).mode == "RGB"
    assert inspect(data, PATH).media_type is None


def png_of(width: int, height: int, *, depth: int, colour: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_decoding_gives_stored_pixels() -> None:
    turned = decode(saved(red(), "JPEG", exif=orientation(6)), PATH)
    assert turned.size == (40, 30)
    assert turned.mode == "RGB"


def test_transparency_lies_over_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decode(saved(clear, "PNG"), PATH).getpixel((1, 1)) == (255, 255, 255)
    palette = saved(red("P"), "PNG", transparency=bytes(256))
    assert decode(palette, PATH).getpixel((1, 1)) == (255, 255, 255)


def test_16_bit_samples_are_scaled_not_clipped() -> None:
    grey = decode(saved(Image.new("I;16", (4, 4), 128 * 256), "PNG"), PATH)
    assert grey.getpixel((0, 0)) == (128, 128, 128)


def test_cmyk_is_converted() -> None:
    pixel = np.asarray(decode(saved(red("CMYK"), "JPEG", quality=95), PATH))[10, 10]
    assert np.abs(pixel.astype(int) - (200, 30, 30)).max() < 12


def test_colour_profiles_are_ignored() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = saved(red(), "PNG", icc_profile=profile)
    assert decode(data, PATH).getpixel((0, 0)) == (200, 30, 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_torn_file_is_named(kind: str) -> None:
    art = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    data = saved(art, kind)[:-400]
    for look in (inspect, decode):
        with pytest.raises(BenchmarkError, match=r"images/page\.png.*(damaged|not a picture)"):
            look(data, PATH)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_named(data: bytes) -> None:
    with pytest.raises(BenchmarkError, match=r"images/page\.png: not a picture.*JPEG"):
        inspect(data, PATH)


@pytest.mark.parametrize("side", [7100, 9000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    assert side * side > MAX_PAGE_PIXELS
    bomb = png_of(side, side, depth=8, colour=2, pixels=b"")
    with pytest.raises(BenchmarkError, match=r"images/page\.png.*more than 50,000,000 pixels"):
        inspect(bomb, PATH, expected_sha256=hashlib.sha256(bomb).hexdigest())


def test_another_file_than_the_benchmark_states_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="not the one that the benchmark was made with"):
        inspect(saved(red(), "PNG"), PATH, expected_sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="No such file"):
        read_bytes(tmp_path / "page.jpg")


def test_broken_exif_is_no_reason_to_fail(recwarn: pytest.WarningsRecorder) -> None:
    data = saved(red(), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert inspect(data, PATH).size == (40, 30)
