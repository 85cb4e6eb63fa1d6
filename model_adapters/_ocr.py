"""Reads the lettering of pictures with RapidOCR; every picture once, kept by content."""

from __future__ import annotations

import asyncio
import contextlib
import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from comic_eval.files import write_atomic
from comic_eval.types import Box, EncodedImage

from ._reading_order import Line

_LINES = TypeAdapter(tuple[Line, ...])


class Reader:
    """Reads pictures, one at a time in a thread of its own, and remembers what it read.

    Args:
        folder: where readings are kept over runs, a file a picture; they depend on nothing but the picture and the
            version of RapidOCR.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"rapidocr-{version('rapidocr')}"
        self._engine: Any = None
        self._known: dict[str, tuple[Line, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def read(self, image: EncodedImage) -> tuple[Line, ...]:
        """The lines of text in a picture, in no particular order."""
        async with self._one_at_a_time:
            if image.sha256 not in self._known:
                self._known[image.sha256] = await asyncio.to_thread(self._read, image)
            return self._known[image.sha256]

    def _read(self, image: EncodedImage) -> tuple[Line, ...]:
        path = self._folder / image.sha256[:2] / f"{image.sha256}.json"
        try:
            return _LINES.validate_json(path.read_bytes())
        except (OSError, ValidationError):
            lines = self._recognise(image)
        # A folder that cannot be written costs time in the next run, but no answer now.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, _LINES.dump_json(lines))
        return lines

    def _recognise(self, image: EncodedImage) -> tuple[Line, ...]:
        if self._engine is None:
            from rapidocr import RapidOCR

            # One thread, and no search for text that stands upside down: a page takes a second instead of seven.
            self._engine = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Global.use_cls": False,
                    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
        with Image.open(io.BytesIO(image.data)) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        found = self._engine(np.ascontiguousarray(rgb[:, :, ::-1]))
        if found.txts is None:
            return ()
        lines = []
        for text, corners in zip(found.txts, found.boxes, strict=True):
            x1, y1 = (float(v) for v in corners.min(axis=0))
            x2, y2 = (float(v) for v in corners.max(axis=0))
            if text.strip() and x1 < x2 and y1 < y2:
                lines.append(Line(text=text.strip(), box=Box(x1=x1, y1=y1, x2=x2, y2=y2)))
        return tuple(lines)
