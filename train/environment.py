"""The zoom environment for TRL's tool loop (`environment_factory` of `GRPOTrainer`, TRL 1.16).

Crops, errors and limits are those of evaluation, since both drive one `ZoomEnvironment`. TRL ends an episode at a call
that it cannot read, so that evaluation plays the same episodes with ``ZoomSettings(malformed="stop")``; its
``max_tool_calling_iterations`` is ``max_turns - 1``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from comic_eval.errors import UserError
from comic_eval.images import resize_rule_for
from comic_eval.types import Generation, Sample
from comic_eval.zoom.coords import Family
from comic_eval.zoom.dialects import parse
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Stop, Trace, Turn, ZoomCall

Content = list[dict[str, Any]] | str
Message = Mapping[str, Any]

# What evaluation's loop takes for an answer given together with a call.
_ANSWER = re.compile(r"<answer>.*?</answer>", re.DOTALL | re.IGNORECASE)


def _as_written(tool: Callable[..., Content]) -> Callable[..., Content]:
    """Shows TRL the signature of ``tool`` but takes whatever the model wrote.

    TRL calls a tool with the model's arguments as they are: without this, a missing or invented one would be Python's
    TypeError to the model and no call in the trace, where evaluation has a coded error or ignores it.
    """

    @functools.wraps(tool)
    def call(self: TrlZoomEnvironment, /, **arguments: Any) -> Content:
        return self._zoom(arguments)

    return call


class TrlZoomEnvironment:
    """One rollout at a time; TRL makes as many as it needs and resets them for each row.

    TRL offers every public method but ``reset`` to the model as a tool, so there is only one.

    Args:
        family: the model's family: how it writes boxes and how its pictures are resized.
        settings: the limits, with ``malformed="stop"``.

    Raises:
        UserError: the family gives no boxes, or the settings ask for what TRL cannot do.
    """

    def __init__(self, family: Family, settings: ZoomSettings) -> None:
        if family.coords is None:
            raise UserError(f"models of the family {family.name} write no boxes, so that they cannot zoom")
        if settings.malformed != "stop":
            raise UserError(
                "TRL ends an episode at a tool call that cannot be read: train with ZoomSettings(malformed='stop')"
            )
        self._coords = family.coords
        self._resize = resize_rule_for(family)
        self._settings = settings
        self._episode: tuple[ZoomEnvironment, Trace] | None = None
        self._trace: Trace | None = None

    @property
    def zoom_environment(self) -> ZoomEnvironment:
        """This episode's environment. A property, since TRL would offer a method to the model."""
        return self._begun[0]

    @property
    def _begun(self) -> tuple[ZoomEnvironment, Trace]:
        if self._episode is None:
            raise RuntimeError("no episode has begun: call reset() first")
        return self._episode

    def reset(self, *, sample: str, page: Image.Image, images: Sequence[Image.Image], **_: Any) -> None:
        """Begins the episode of one row of the data set.

        Args:
            sample: the `Sample` as JSON.
            page: the marked page at full resolution, from which crops are cut.
            images: the prompt's pictures as the model gets them: the page, resized by the family's rule.
        """
        targets = Sample.model_validate_json(sample).targets
        sent_size = images[0].size
        environment = ZoomEnvironment(
            page,
            coords=self._coords,
            resize=self._resize,
            sent_size=sent_size,
            settings=self._settings,
            targets=targets,
        )
        self._episode = environment, Trace(page_size=page.size, sent_size=sent_size, targets=targets)
        self._trace = None

    @_as_written
    def image_zoom_in_tool(self, bbox_2d: list[float], label: str = "", img_idx: int = 0) -> Content:  # type: ignore[empty-body]
        """
        Zoom in on a region of an image: it is cut out of the original picture at full resolution and returned.

        Args:
            bbox_2d: The region as four numbers.
            label: What the region shows.
            img_idx: Which image the numbers refer to: 0 is the page, 1 the first crop.

        Returns:
            The region as a new image.
        """

    def _zoom(self, arguments: Mapping[str, Any]) -> Content:
        # TRL does not tell the turn; `trace_of` reads it from the completion.
        seen = self.zoom_environment.zoom(NAME, arguments, turn=0)
        if seen.image is None:
            return seen.text
        return [{"type": "image", "image": seen.image}, {"type": "text", "text": seen.text}]

    def _end(self, completion: Sequence[Message]) -> Trace:
        """The trace of the finished episode; kept, since reading it records the calls that TRL did not hand over."""
        if self._trace is None:
            self._trace = self._read(completion)
        return self._trace

    def _read(self, completion: Sequence[Message]) -> Trace:
        environment, start = self._begun
        executed = iter(tuple(environment.calls))
        turns: list[Turn] = []
        calls: list[ZoomCall] = []
        stop: Stop = "answered"
        for message in (m for m in completion if m["role"] == "assistant"):
            number, text = len(turns), _text(message)
            attempts = [c["function"] for c in message.get("tool_calls") or ()]
            for attempt in attempts:
                handed_over = attempt["name"] == NAME and isinstance(attempt["arguments"], Mapping)
                # Unknown tools never reach the environment, nor do the calls of a turn beyond TRL's limit.
                record = next(executed, None) if handed_over else None
                record = record or environment.zoom(attempt["name"], attempt["arguments"], turn=number).call
                calls.append(record.model_copy(update={"turn": number}))
            unread = () if attempts else parse(Generation(text=text), "qwen").attempts
            for attempt in unread:
                seen = (
                    environment.malformed(attempt, turn=number)
                    if isinstance(attempt, str)
                    else environment.zoom(attempt.name, attempt.arguments, turn=number)
                )
                calls.append(seen.call)
            early = bool(attempts or unread) and _ANSWER.search(text) is not None
            turns.append(Turn(text=text, reasoning=message.get("reasoning_content"), answered_early=early))
            if attempts:
                stop = "max_turns" if len(turns) >= self._settings.max_turns else "length"
            else:
                stop = "malformed" if unread else "answered"
        return start.model_copy(update={"turns": tuple(turns), "calls": tuple(calls), "stop": stop})


def trace_of(environment: TrlZoomEnvironment, completion: Sequence[Message]) -> Trace:
    """One finished rollout as evaluation records it; for rewards, which get ``environments`` and ``completions``.

    A result that TRL rolled back because it would have passed ``max_completion_length`` ends as ``length``. Texts are
    the messages' content, from which TRL takes the thoughts (here ``reasoning``) and the calls that it could read.
    """
    return environment._end(completion)


def _text(message: Message) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")
