"""Reads a page's picture from disk: its identity, whether its bytes may go out as they are, and its pixels.

Boxes are in *stored* pixels. An EXIF orientation is therefore never applied, and a picture that carries one is encoded
anew without it, since some models' loaders would turn the page under the boxes and others would not. Colour profiles
are ignored, as the models' own loaders ignore them.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from comic_eval.errors import BenchmarkError
from comic_eval.types import MAX_PAGE_PIXELS

# What comic pages come as. Pillow knows many more, some of which start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
EXIF_ORIENTATION = 0x0112

MediaType = Literal["image/jpeg", "image/png"]


@dataclass(frozen=True, slots=True)
class Source:
    """What one look at a picture's file told.

    Attributes:
        sha256: digest of the file's bytes.
        size: stored width and height in pixels.
        media_type: the type under which the bytes may go out as they are; None where they must be encoded anew.
    """

    sha256: str
    size: tuple[int, int]
    media_type: MediaType | None


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        BenchmarkError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchmarkError(f"{path}: the page's picture cannot be read ({error.strerror or error})") from error


def inspect(data: bytes, path: Path, *, expected_sha256: str | None = None) -> Source:
    """Looks at a picture without keeping its pixels.

    A picture whose digest is known and right is trusted to be whole; any other is decoded once, so that a torn file
    never reaches a model.

    Args:
        data: the file's bytes.
        path: where they came from, for messages.
        expected_sha256: the digest that the benchmark states, if it does.

    Raises:
        BenchmarkError: no picture, a damaged one, one with too many pixels, or one with another digest.
    """
    digest = hashlib.sha256(data).hexdigest()
    if expected_sha256 is not None and digest != expected_sha256:
        raise BenchmarkError(
            f"{path}: the picture is not the one that the benchmark was made with (sha256 {digest[:12]}..., "
            f"image_sha256 says {expected_sha256[:12]}...); restore the file or rebuild the benchmark"
        )
    image = _open(data, path)
    source = Source(sha256=digest, size=image.size, media_type=_as_it_is(image, data))
    if expected_sha256 is None:
        if image.format == "JPEG":
            image.draft("L", (1, 1))  # a whole but small decode: a torn file shows just the same
        _load(image, path)
    return source


def read_again(path: Path, source: Source) -> bytes:
    """The bytes of a picture that was looked at before.

    Raises:
        BenchmarkError: the file is gone or was changed since.
    """
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise BenchmarkError(f"{path}: the picture was changed while it was in use; start again")
    return data


def decode(data: bytes, path: Path) -> Image.Image:
    """The picture's stored pixels as RGB; transparency over white, 16-bit samples scaled to 8.

    Raises:
        BenchmarkError: no picture, a damaged one, or one with too many pixels.
    """
    image = _open(data, path)
    _load(image, path)
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return image.convert("RGB")


def _open(data: bytes, path: Path) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BenchmarkError(f"{path}: not a picture that can be read; use one of {', '.join(FORMATS)}") from error
    if image.width * image.height > MAX_PAGE_PIXELS:
        raise _too_large(path)
    return image


def _load(image: Image.Image, path: Path) -> None:
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise BenchmarkError(f"{path}: the picture is damaged ({error}); restore the file") from error


def _too_large(path: Path) -> BenchmarkError:
    return BenchmarkError(
        f"{path}: the picture has more than {MAX_PAGE_PIXELS:,} pixels, which is no page (decompression bomb?); "
        "store it smaller"
    )


def _as_it_is(image: Image.Image, data: bytes) -> MediaType | None:
    """The media type if every model reads these bytes as the same upright 8-bit RGB or grey pixels."""
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, struct.error):
        return None  # whatever a broken EXIF block says, the pixels are encoded anew without it
    if orientation != 1:
        return None
    if image.format == "JPEG" and image.mode in ("RGB", "L"):
        return "image/jpeg"
    eight_bit = data[24:25] == b"\x08"  # IHDR's bit depth: Pillow shows 16-bit RGB as RGB
    still = getattr(image, "n_frames", 1) == 1
    if image.format == "PNG" and image.mode in ("RGB", "L", "P") and still and eight_bit:
        return "image/png" if "transparency" not in image.info else None
    return None
