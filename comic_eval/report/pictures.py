"""The pictures of a report: exactly what was sent, and every crop as the model got it, each stored once."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from comic_eval.errors import UserError
from comic_eval.images import Renderer, plain_resize
from comic_eval.images.budget import ResizeRule, resize_rule_for, smart_resize_28, smart_resize_32
from comic_eval.images.encode import encode
from comic_eval.images.renderer import Shown
from comic_eval.report.source import Run
from comic_eval.run.record import Record, SentImage
from comic_eval.run.session import CACHE
from comic_eval.run.zooming import show_crops
from comic_eval.types import MAX_PAGE_PIXELS, EncodedImage, Sample
from comic_eval.zoom.coords import family_of
from comic_eval.zoom.pixels import cut_out, noise_image, seed_of
from comic_eval.zoom.trace import Trace

FOLDER = "images"
RULES: Mapping[str, ResizeRule] = {r.__name__: r for r in (plain_resize, smart_resize_28, smart_resize_32)}
NOTES = {
    "noise": "In this probe noise came back for every zoom.",
    "ground-truth": "In this probe the target came back for every zoom, whatever the model asked for.",
    "crops": "In this probe the model was shown nothing but the crops that another model had taken.",
}
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the report.

    Attributes:
        path: relative to the report's folder.
        size: width and height in pixels.
        source_size: before resizing, which for a page is the frame of all boxes.
        as_sent: whether it is byte for byte what the journal says was sent; None where it says nothing.
    """

    path: str
    size: tuple[int, int]
    source_size: tuple[int, int]
    sha256: str
    as_sent: bool | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one sample.

    Attributes:
        page: the whole page with its marks, on which boxes can be drawn; None where it cannot be shown.
        page_was_sent: False where the page is there for the reader alone.
        others: what else was sent at the beginning, in order: oracle crops and their controls.
        crops: crop number -> the crop.
        note: what a probe did to the pictures.
        problem: why something is missing.
    """

    page: Stored | None
    page_was_sent: bool
    others: tuple[Stored, ...] = ()
    crops: Mapping[int, Stored] = field(default_factory=dict)
    note: str | None = None
    problem: str | None = None


class PictureStore:
    """Makes and keeps the pictures of one report; safe to share between threads.

    Args:
        run: the run.
        folder: the report's folder as it is being written.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder
        (folder / FOLDER).mkdir()
        named = run.manifest.images.get("resize")
        self._rule = RULES.get(str(named)) or resize_rule_for(family_of(run.manifest.spec.model))
        cache = run.folder.parent / CACHE / "images"
        self._cache = cache if cache.is_dir() else None
        self._renderers: dict[int, Renderer] = {}
        self._kept: set[str] = set()
        self._lock = threading.Lock()

    def pictures(self, record: Record, sample: Sample) -> Pictures:
        """The pictures of one record. What cannot be drawn is told in `Pictures.problem`."""
        renderer = self._renderer(record.budget)
        try:
            return self._pictures(record, sample, renderer)
        except (UserError, OSError) as error:
            return Pictures(None, False, problem=f"The picture cannot be shown: {error}")

    def _pictures(self, record: Record, sample: Sample, renderer: Renderer) -> Pictures:
        replay = self._run.manifest.spec.replay
        probe = replay.source if replay is not None else None
        lost = None
        if probe == "crops":
            sent, lost = self._crops_alone(sample, renderer)
        elif self._run.manifest.adapter.needs_images:
            sent = renderer.render(sample, record.view)
        else:
            sent = Shown((), "nothing")
        was_sent = sent.shown in ("page", "page+crop")
        image = sent.images[0] if was_sent else renderer.render(sample, "page").images[0]
        page = self._keep(image, record.images[:1] if was_sent else ())
        first = 1 if was_sent else 0
        others = tuple(
            self._keep(other, record.images[i : i + 1]) for i, other in enumerate(sent.images[first:], start=first)
        )
        note = NOTES.get(probe) if probe is not None else None
        if record.trace is None:
            return Pictures(page, was_sent, others, note=note, problem=lost)
        # The episode drew its noise from this source, one picture after the other.
        noise = np.random.default_rng(seed_of(sample.id)) if probe == "noise" else None
        crops, problem = self._crops(record.trace, renderer.page(sample), noise)
        return Pictures(page, was_sent, others, crops, note, problem)

    def _crops_alone(self, sample: Sample, renderer: Renderer) -> tuple[Shown, str | None]:
        """The crops of another run that were shown in the page's place."""
        boxes = self._run.replayed_crops.get(sample.id, ())
        size = renderer.page(sample).size
        if boxes and all(box.within(*size) for box in boxes):
            return show_crops(renderer, sample, boxes), None
        return Shown((), "crop"), "These crops cannot be shown: that run no longer lies beside this one as it was then."

    def _renderer(self, budget: int) -> Renderer:
        with self._lock:
            if budget not in self._renderers:
                self._renderers[budget] = Renderer(
                    self._run.benchmark.folder,
                    budget=budget,
                    cache_dir=self._cache,
                    resize=self._rule,
                    crop=self._run.manifest.spec.crop,
                )
            return self._renderers[budget]

    def _crops(
        self, trace: Trace, page: Image.Image, noise: np.random.Generator | None
    ) -> tuple[dict[int, Stored], str | None]:
        wanted = [
            (call.crop, call.executed, call.sent_size)
            for call in trace.calls
            if call.crop is not None and call.executed is not None and call.sent_size is not None
        ]
        # A journal may come from anywhere: no crop of it makes us fill the memory.
        found = {
            number: self._keep(encode(noise_image(size, noise) if noise else cut_out(page, box), size), ())
            for number, box, size in wanted
            if box.within(*page.size) and min(size) > 0 and size[0] * size[1] <= MAX_PAGE_PIXELS
        }
        lost = len(wanted) - len(found)
        return found, f"Crops that cannot be cut, as the journal has them: {lost}" if lost else None

    def _keep(self, image: EncodedImage, sent: Sequence[SentImage]) -> Stored:
        digest = image.sha256
        path = f"{FOLDER}/{digest[:40]}.{_SUFFIX[image.media_type]}"
        with self._lock:
            new = digest not in self._kept
            self._kept.add(digest)
        if new:
            (self._folder / path).write_bytes(image.data)
        as_sent = sent[0].sha256 == digest if sent else None
        return Stored(path, image.size, image.source_size, digest, as_sent)
