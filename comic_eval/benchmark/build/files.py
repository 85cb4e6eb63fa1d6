"""Reading the files that a source of pages consists of, with every defect collected before anything is raised."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ValidationError

from comic_eval.errors import BenchmarkError

MAX_SHOWN = 20
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

M = TypeVar("M", bound=BaseModel)


class Defects:
    """Collects what is wrong with a source, so that one defect never hides another."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._lines: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, file: Path, field: str, problem: str, way_out: str) -> None:
        name = file.relative_to(self._source).as_posix() if file.is_relative_to(self._source) else str(file)
        place = f"{name}: {field}" if field else name
        self._lines.append(f"{place}: {problem}; {way_out}")

    def raise_if_any(self) -> None:
        """Raises BenchmarkError that lists the defects (at most 20 of them, with the number of all)."""
        if not self._lines:
            return
        count = len(self._lines)
        shown = "\n".join(f"  {line}" for line in self._lines[:MAX_SHOWN])
        more = f"\n  ... and {count - MAX_SHOWN} more" if count > MAX_SHOWN else ""
        raise BenchmarkError(
            f"{self._source}: {count} defect{'s' if count > 1 else ''} in the annotated pages\n{shown}{more}"
        )


def read_json(path: Path, defects: Defects) -> Any:
    """The parsed file, or None after a defect was noted."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        defects.add(path, "", "there is no such file", "add it, or correct the path that names it")
    except (OSError, UnicodeDecodeError) as error:
        defects.add(path, "", f"cannot be read ({error})", "make it a readable UTF-8 file")
    else:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            defects.add(path, "", f"is not valid JSON ({error})", "correct it at that place")
    return None


def parse(model: type[M], value: Any, path: Path, prefix: str, defects: Defects) -> M | None:
    """``value`` as ``model``, or None after a defect for each of its fields that cannot be used was noted."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            field = prefix
            for part in problem["loc"]:
                field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
            defects.add(path, field, problem["msg"].removeprefix("Value error, "), "correct this field")
        return None


def resolve_inside(folder: Path, relative: str, path: Path, field: str, defects: Defects) -> Path | None:
    """The file that ``relative`` names below ``folder``, or None after a defect: it may not leave the folder."""
    pure = PurePosixPath(relative)
    target = folder / pure
    if (
        not relative
        or "\\" in relative
        or "\0" in relative
        or pure.is_absolute()
        or ".." in pure.parts
        or not target.resolve().is_relative_to(folder.resolve())
    ):
        defects.add(path, field, f"the path {relative!r} leaves the folder", "use a relative path inside it, with '/'")
        return None
    return target


def check_image(
    image: Path, size: tuple[int, int], sha256: str | None, path: Path, field: str, defects: Defects
) -> bool:
    """Whether ``image`` exists, is a picture of ``size`` (width, height in pixels) and has the digest ``sha256``.

    Only the header is decoded. ``path`` and ``field`` say where the picture was named.
    """
    name = image.name
    if image.suffix.lower() not in IMAGE_SUFFIXES:
        defects.add(path, field, f"{name} has no ending of {', '.join(IMAGE_SUFFIXES)}", "convert the picture")
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(image) as picture:
                real = picture.size
        digest = hashlib.sha256(image.read_bytes()).hexdigest() if sha256 else None
    except FileNotFoundError:
        defects.add(path, field, f"the picture {image} does not exist", "add it, or correct its path")
        return False
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        defects.add(path, field, f"{name} has too many pixels to be opened safely", "scale the page down")
        return False
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        defects.add(path, field, f"{name} is no picture that can be read ({error})", "replace the file")
        return False
    if real != size:
        wrong = f"{name} is {real[0]}x{real[1]} pixels, the file says {size[0]}x{size[1]}"
        defects.add(path, field, wrong, "correct width and height, or replace the picture")
        return False
    if digest != sha256:
        defects.add(path, field, f"the sha256 of {name} is {digest}, not the recorded one", "restore the picture")
        return False
    return True
