"""What a user sees while a run is under way: nothing, or plain lines."""

from __future__ import annotations

from typing import Literal, TextIO

from comic_eval.run.redact import printable
from comic_eval.run.tally import Tally

Display = Literal["auto", "plain", "none"]
PLAIN_INTERVAL_S = 10.0


class Progress:
    """Shows nothing; the base of the others. ``interval_s`` is the time between updates."""

    interval_s = 3600.0

    def begin(self, tally: Tally) -> None:
        """Called before the first sample."""

    def update(self, tally: Tally) -> None:
        """Called every `interval_s`."""

    def end(self, tally: Tally) -> None:
        """Called after the last sample, also when the run ends early."""

    def warn(self, message: str) -> None:
        """Something that the user should know, though the run goes on."""

    def say(self, message: str) -> None:
        """How far something is that no count shows."""


class PlainProgress(Progress):
    """One line every ten seconds, for logs."""

    interval_s = PLAIN_INTERVAL_S

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, tally: Tally) -> None:
        if tally.before:
            self._line(f"going on: {tally.before} of {tally.planned} samples were answered before")

    def update(self, tally: Tally) -> None:
        self._line(status_line(tally))

    def end(self, tally: Tally) -> None:
        self._line(status_line(tally))

    def warn(self, message: str) -> None:
        self._line(f"warning: {printable(message)}")

    def say(self, message: str) -> None:
        self._line(printable(message))

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def status_line(tally: Tally) -> str:
    """All counts in one line."""
    parts = [f"{tally.done}/{tally.planned} samples", f"{tally.rate:.1f}/s"]
    right = sum(t.correct for t in tally.tasks.values())
    if tally.done:
        parts.append(f"{right / tally.done:.1%} right")
    unparsed = sum(t.unparsed for t in tally.tasks.values())
    parts += [f"{count} {word}" for count, word in ((unparsed, "unparsed"), (tally.failed, "failed")) if count]
    if tally.causes:
        parts[-1] += " (" + ", ".join(f"{n} {printable(c, 40)}" for c, n in tally.causes.most_common(3)) + ")"
    parts += [f"{count} {word}" for count, word in ((tally.retries, "retries"), (tally.cached, "from cache")) if count]
    parts += spent(tally)
    if tally.seconds_left and tally.done < tally.planned:
        parts.append(f"{duration(tally.seconds_left)} left")
    return ", ".join(parts)


def spent(tally: Tally) -> list[str]:
    """Tokens and cost of this start, where they are known."""
    parts = []
    if tally.input_tokens or tally.output_tokens:
        parts.append(f"{compact(tally.input_tokens)} tokens in, {compact(tally.output_tokens)} out")
    if tally.cost_usd is not None:
        parts.append(f"${tally.cost_usd:.4f}")
    return parts


def compact(count: int) -> str:
    """``1234567`` as ``1.2M``."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return str(count)


def duration(seconds: float) -> str:
    """``3:07`` or ``1:02:30``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
