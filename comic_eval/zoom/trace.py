"""What happened in an episode, in page pixels: enough to score, reward, replay, draw and read it."""

from __future__ import annotations

from typing import Literal

from comic_eval.types import Box, Frozen, ToolCall, Usage

Stop = Literal["answered", "max_turns", "malformed", "length"]


class ZoomCall(Frozen):
    """One attempted zoom.

    Attributes:
        turn: assistant turn that made it, from 0.
        arguments: what the model wrote, cut at 2,000 characters.
        img_idx: image it referred to, where that could be read.
        label: the model's own words for the region.
        values: the four numbers in the model's convention, where they could be read.
        requested: the box asked for, in page pixels, clamped to the page, before any growing; IoU is taken on this.
        executed: the box that was cut out.
        sent_size: width and height of the crop as sent.
        crop: index of the returned image (1 = first crop); None where none was returned.
        error: code of the error that the model got instead.
    """

    turn: int
    arguments: str
    img_idx: int | None = None
    label: str | None = None
    values: tuple[float, float, float, float] | None = None
    requested: Box | None = None
    executed: Box | None = None
    sent_size: tuple[int, int] | None = None
    crop: int | None = None
    error: str | None = None


class Turn(Frozen):
    """One assistant turn.

    ``answered_early``: it held an answer although it also called the tool. ``tool_calls`` are its native calls as they
    came, so that the episode can be replayed.
    """

    text: str
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    answered_early: bool = False
    tool_calls: tuple[ToolCall, ...] = ()


class Trace(Frozen):
    """One episode. ``sent_size`` is the page's as sent; ``targets`` are the sample's, in mark order."""

    page_size: tuple[int, int]
    sent_size: tuple[int, int]
    targets: tuple[Box, ...] = ()
    turns: tuple[Turn, ...] = ()
    calls: tuple[ZoomCall, ...] = ()
    stop: Stop = "answered"

    @property
    def answer_text(self) -> str:
        """The text that the answer is read from: the last turn's, or none where the episode ran out of turns."""
        return self.turns[-1].text if self.turns and self.stop != "max_turns" else ""

    @property
    def requested(self) -> tuple[Box | None, ...]:
        """The requested boxes of all attempted calls, in order; None for calls that named no box on the page."""
        return tuple(c.requested for c in self.calls)


def render(trace: Trace) -> str:
    """The episode as readable text: turns, calls with their boxes in page pixels, and how it ended."""
    width, height = trace.page_size
    lines = [f"page {width}x{height}, sent as {trace.sent_size[0]}x{trace.sent_size[1]}"]
    lines += [f"target {i}: {_box(b)}" for i, b in enumerate(trace.targets, 1)]
    for number, turn in enumerate(trace.turns):
        lines.append(f"--- turn {number + 1}")
        if turn.reasoning:
            lines.append(f"(reasoning) {turn.reasoning}")
        lines.append(turn.text)
        for call in (c for c in trace.calls if c.turn == number):
            asked = _box(call.requested) if call.requested else call.arguments
            result = (
                f"image {call.crop}: {_box(call.executed)} sent as {call.sent_size[0]}x{call.sent_size[1]}"
                if call.executed and call.sent_size
                else f"error {call.error}"
            )
            lines.append(f">>> zoom on image {call.img_idx} {asked} -> {result}")
    lines.append(f"--- {trace.stop}")
    return "\n".join(lines)


def _box(box: Box | None) -> str:
    return "[" + ", ".join(f"{v:.0f}" for v in box.as_list()) + "]" if box else "?"
