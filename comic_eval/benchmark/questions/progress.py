"""What a user sees while questions are written: nothing, or a plain line every ten seconds."""

from __future__ import annotations

import time
from collections import Counter
from typing import TextIO

from comic_eval.benchmark.questions.job import Outcome
from comic_eval.run.progress import PLAIN_INTERVAL_S
from comic_eval.run.redact import printable


class Progress:
    """Counts; shows nothing unless it is given a stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._panels = self._planned = self._questions = self._requests = self._retries = 0
        self._failures = Counter[str]()
        self._shown = time.monotonic()

    def begin(self, planned: int, known: int) -> None:
        """Called before the first panel; ``known`` requests were answered by earlier starts."""
        self._planned = planned
        if known:
            self._line(f"going on: {known} requests were answered before")

    def asked(self) -> None:
        """Called after every request."""
        self._requests += 1
        self._maybe_show()

    def retried(self) -> None:
        """Called at every failed attempt that is followed by another."""
        self._retries += 1
        self._maybe_show()

    def finished(self, outcome: Outcome) -> None:
        """Called after every panel."""
        self._panels += 1
        self._questions += len(outcome.accepted)
        if outcome.failure is not None:
            self._failures[outcome.failure.cause] += 1
        self._maybe_show()

    def end(self) -> None:
        """Called after the last panel, also when the work ends early."""
        self._line(self._status())

    def warn(self, message: str) -> None:
        """Something that the user should know, though the work goes on."""
        self._line(f"warning: {printable(message)}")

    def _maybe_show(self) -> None:
        if time.monotonic() - self._shown >= PLAIN_INTERVAL_S:
            self._line(self._status())

    def _status(self) -> str:
        parts = [f"{self._panels}/{self._planned} panels, {self._questions} questions, {self._requests} requests"]
        if self._retries:
            parts.append(f"{self._retries} retries")
        parts += [f"{count} panels failed: {printable(cause, 40)}" for cause, count in self._failures.most_common(3)]
        return ", ".join(parts)

    def _line(self, text: str) -> None:
        self._shown = time.monotonic()
        if self._stream is not None:
            self._stream.write(text + "\n")
            self._stream.flush()
