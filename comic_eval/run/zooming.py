"""Plays zoom episodes for the engine: page and crops from the renderer, every turn through the asker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from PIL import Image

from comic_eval.images.budget import ResizeRule
from comic_eval.images.encode import encode
from comic_eval.images.renderer import Renderer, Shown
from comic_eval.run.ask import Asker, Reply
from comic_eval.run.files import digest
from comic_eval.run.plan import Item
from comic_eval.run.redact import storable
from comic_eval.types import Box, Conversation, EncodedImage, Generation, Message, Request, Sample, TextPart, Usage
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.dialects import begin
from comic_eval.zoom.environment import CropSource, ZoomEnvironment
from comic_eval.zoom.episode import Answer, play
from comic_eval.zoom.pixels import cut_out, seed_of
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import tool_spec
from comic_eval.zoom.trace import Trace


@dataclass(frozen=True)
class Zooming:
    """What all episodes of a run share.

    Attributes:
        source: what comes back for a call; anything but ``predicted`` is a probe.
        prefixes: sample id -> assistant turns that are played as they are before the model goes on; for probes.
    """

    settings: ZoomSettings
    coords: CoordSpec
    resize: ResizeRule
    source: CropSource = "predicted"
    prefixes: Mapping[str, tuple[Generation, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """A played episode: its trace, None if a request failed, and what it came to as one reply.

    The reply's generation has the text that the answer is read from, and usage and latency of all turns together.
    """

    reply: Reply
    trace: Trace | None = None


class _UnansweredError(Exception):
    """A turn's request failed for good."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("a request failed")
        self.reply = reply


class _Page:
    """A sample's marked page, drawn when it is cut: episodes in flight hold no pixels."""

    def __init__(self, renderer: Renderer, sample: Sample, size: tuple[int, int]) -> None:
        self._renderer = renderer
        self._sample = sample
        self.size = size
        self.width, self.height = size

    def crop(self, box: tuple[int, int, int, int]) -> Image.Image:
        return self._renderer.page(self._sample).crop(box)


async def play_episode(
    zooming: Zooming, item: Item, request: Request, shown: Shown, *, asker: Asker, renderer: Renderer, pool: Executor
) -> Episode:
    """Plays one sample.

    Args:
        request: page and question, without any word of the tool.
        shown: the page as it is sent.
        pool: where pages are drawn and crops are cut and encoded.

    Raises:
        BenchmarkError: the page cannot be drawn any more.
    """
    page = shown.images[0]
    sample = item.sample
    trace = Trace(page_size=page.source_size, sent_size=page.size, targets=sample.targets)
    environment = ZoomEnvironment(
        _Page(renderer, sample, page.source_size),
        coords=zooming.coords,
        resize=zooming.resize,
        sent_size=page.size,
        settings=zooming.settings,
        targets=sample.targets,
        source=zooming.source,
        seed=seed_of(sample.id),
    )
    given = iter(zooming.prefixes.get(sample.id, ()))
    replies: list[Reply] = []

    async def ask(turn: Request) -> Generation:
        replayed = next(given, None)
        if replayed is not None:
            return replayed
        reply = await asker.ask(turn, item.repeat)
        replies.append(reply)
        if reply.generation is None:
            raise _UnansweredError(reply)
        return reply.generation

    async def offload(work: Callable[[], list[Answer]]) -> list[Answer]:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    try:
        trace = await play(request, environment, ask, _encode, zooming.settings, trace, offload=offload)
    except _UnansweredError as error:
        return Episode(_failed(replies, error.reply))
    return Episode(_summed(replies, trace), _storable(trace))


def _encode(image: Image.Image) -> EncodedImage:
    return encode(image, image.size)


def _usage(replies: list[Reply]) -> Usage:
    return sum((r.generation.usage for r in replies if r.generation), Usage())


def _failed(replies: list[Reply], last: Reply) -> Reply:
    retries = sum(r.retries for r in replies)
    return Reply(None, last.failure, retries=retries, spent=_usage([r for r in replies if not r.cached]))


def _summed(replies: list[Reply], trace: Trace) -> Reply:
    latencies = [r.latency_s for r in replies if r.latency_s is not None]
    last = replies[-1].generation if replies else None
    turn = trace.turns[-1]
    generation = Generation(
        text=trace.answer_text,
        finish_reason=turn.finish_reason,
        model=last.model if last else None,
        usage=_usage(replies),
        reasoning=turn.reasoning,
    )
    return Reply(
        generation,
        cached=bool(replies) and all(r.cached for r in replies),
        retries=sum(r.retries for r in replies),
        latency_s=round(sum(latencies), 4) if latencies else None,
    )


def _storable(trace: Trace) -> Trace:
    """The trace as a file can hold it: a label or arguments may have lone surrogates."""
    calls = tuple(
        c.model_copy(update={"arguments": storable(c.arguments), "label": c.label and storable(c.label)})
        for c in trace.calls
    )
    return trace.model_copy(update={"calls": calls})


def tool_words(settings: ZoomSettings, coords: CoordSpec) -> str:
    """sha256 over everything that episodes tell a model of the tool; part of a zoom run's prompts."""
    tool = tool_spec(coords)
    question = Conversation(messages=(Message(role="user", content=(TextPart(text=""),)),))
    return digest([tool.model_dump(mode="json"), begin(question, tool, settings.dialect).outline()])


def show_crops(renderer: Renderer, sample: Sample, boxes: Sequence[Box]) -> Shown:
    """Parts of a sample's marked page, whole-pixel boxes exactly as they are. Blocks; call it from a worker thread.

    Raises:
        BenchmarkError: the page cannot be drawn.
    """
    page = renderer.page(sample)
    images = []
    for box in boxes:
        crop = cut_out(page, box)
        images.append(encode(crop, renderer.sent_size(*crop.size)))
    return Shown(tuple(images), "crop")
