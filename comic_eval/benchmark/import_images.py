"""The pictures of an imported data set: found, checked, converted where needed, kept once each."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from comic_eval.benchmark.defects import quoted
from comic_eval.benchmark.digest import bytes_sha256
from comic_eval.benchmark.import_values import BadValue
from comic_eval.benchmark.pictures import MAX_BYTES, Picture, PictureError, look_at
from comic_eval.types import MAX_PAGE_PIXELS

SUFFIX = {"JPEG": ".jpg", "PNG": ".png"}


class ImageStore:
    """Keeps pictures by content in a folder; a JPEG or PNG keeps its bytes, anything else becomes a PNG.

    Args:
        folder: where they are kept until the benchmark is written.
        root: the folder that pictures given by path must lie in.
    """

    def __init__(self, folder: Path, root: Path | None) -> None:
        self.folder, self.root = folder, root
        self.files: dict[str, Path] = {}
        self._seen: dict[str, tuple[str, Picture] | str] = {}

    def add(self, value: Any, column: str) -> tuple[str, Picture]:
        """The path that a picture has in the benchmark, and what it is.

        Args:
            value: bytes, a path, or ``{"bytes": ..., "path": ...}`` as `datasets` stores its images.

        Raises:
            BadValue: there is no usable picture.
        """
        data = self._bytes(value, column)
        digest = bytes_sha256(data)
        if digest not in self._seen:
            try:
                self._seen[digest] = self._keep(data)
            except PictureError as error:
                self._seen[digest] = str(error)
        known = self._seen[digest]
        if isinstance(known, str):
            raise BadValue(column, f"the picture {known}", "replace it")
        return known

    def _keep(self, data: bytes) -> tuple[str, Picture]:
        try:
            picture = look_at(data, decode=True)
        except PictureError:
            data = _as_png(data)
            picture = look_at(data, decode=True)
        name = f"images/{picture.sha256[:20]}{SUFFIX[picture.format]}"
        self.files[name] = self.folder / Path(name).name
        self.files[name].write_bytes(data)
        return name, picture

    def _bytes(self, value: Any, column: str) -> bytes:
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes) and value:
            return value
        if not isinstance(value, str) or not value:
            raise BadValue(column, "holds no picture", "choose a column of images, bytes or paths")
        if self.root is None:
            raise BadValue(column, f"{quoted(value)} is a path", "give the pictures as bytes")
        try:
            path = (self.root / value).resolve()
            if not path.is_relative_to(self.root.resolve()):
                raise BadValue(column, f"{quoted(value)} leaves the folder of the pictures", "move the picture there")
            if not path.is_file():
                raise BadValue(column, f"{quoted(value)} does not exist", "state images: FOLDER, or add the picture")
            if path.stat().st_size > MAX_BYTES:
                raise BadValue(column, f"{quoted(value)} is larger than {MAX_BYTES // 2**20} MiB", "store it smaller")
            return path.read_bytes()
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, BadValue):
                raise
            raise BadValue(column, f"{quoted(value)} cannot be read ({type(error).__name__})", "check it") from error


def _as_png(data: bytes) -> bytes:
    """Any picture that Pillow reads, upright as viewers show it, as a PNG.

    Raises:
        PictureError: Pillow does not read it, or it is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_PAGE_PIXELS:
                    raise PictureError(f"has {image.width} x {image.height} pixels, more than {MAX_PAGE_PIXELS}")
                upright = ImageOps.exif_transpose(image)
                mode = "RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB"
                out = io.BytesIO()
                upright.convert(mode).save(out, format="PNG")
                return out.getvalue()
    except PictureError:
        raise
    # Pillow's decoders raise whatever occurs to them on hostile bytes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise PictureError(f"cannot be read: {error}") from error
