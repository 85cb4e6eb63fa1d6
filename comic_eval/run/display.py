"""Chooses what shows a run's progress."""

from __future__ import annotations

import sys
from typing import TextIO

from comic_eval.run.progress import Display, PlainProgress, Progress


def make_progress(display: Display, stream: TextIO | None = None) -> Progress:
    """The display for a stream (stderr by default); ``auto`` is live on a terminal and plain elsewhere."""
    stream = stream or sys.stderr
    if display == "none":
        return Progress()
    if display == "auto" and stream.isatty():
        from comic_eval.run.progress_live import LiveProgress

        return LiveProgress(stream)
    return PlainProgress(stream)
