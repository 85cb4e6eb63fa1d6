"""Looks at the pictures of a benchmark, which may come from anywhere, without being hurt by them."""

from __future__ import annotations

import io
import stat
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from comic_eval.benchmark.digest import bytes_sha256
from comic_eval.types import MAX_PAGE_PIXELS, Frozen

FORMATS = ("JPEG", "PNG")
MAX_BYTES = 100 * 2**20
_EXIF_ORIENTATION = 0x0112


class Picture(Frozen):
    """What a picture file is: width and height in pixels, sha256 of its bytes, JPEG or PNG."""

    size: tuple[int, int]
    sha256: str
    format: str


class PictureError(ValueError):
    """A picture that cannot be used; the message says why."""


def look_at(source: Path | bytes, *, decode: bool = False) -> Picture:
    """Reads a picture's header and digest.

    The size in the header is compared with `MAX_PAGE_PIXELS` before anything is decoded.

    Args:
        decode: decode every pixel too, which finds truncated and corrupted files.

    Raises:
        PictureError: it is too large, no JPEG or PNG, turned by EXIF, animated or corrupted, or Pillow warns of it.
    """
    data = source if isinstance(source, bytes) else _read(source)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = _decode(data, decode)
    if caught:
        raise PictureError(f"is suspicious: {caught[0].message}")
    return picture


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("is no regular file")
        if status.st_size > MAX_BYTES:
            raise PictureError(f"is larger than {MAX_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error


def _decode(data: bytes, decode: bool) -> Picture:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PAGE_PIXELS:
                raise PictureError(f"has {width} x {height} pixels, more than the limit of {MAX_PAGE_PIXELS}")
            if image.getexif().get(_EXIF_ORIENTATION, 1) != 1:
                raise PictureError("is turned by its EXIF orientation, so that viewers disagree on where a box lies")
            if getattr(image, "n_frames", 1) > 1:
                raise PictureError("is animated")
            if decode:
                image.load()
            return Picture(size=(width, height), sha256=bytes_sha256(data), format=str(image.format))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError("is no JPEG or PNG, or its header is damaged") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"is a decompression bomb: {error}") from error
    # Pillow's decoders raise whatever occurs to them on hostile bytes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise PictureError(f"is corrupted: {error}") from error
