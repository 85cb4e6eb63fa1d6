"""Makes what a model is shown: finds, draws, resizes and encodes each picture once, and keeps it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import PIL
from PIL import Image

from comic_eval.errors import BenchmarkError
from comic_eval.images.budget import DEFAULT_BUDGET, ResizeRule, pixels_per_token, plain_resize
from comic_eval.images.composite import canvas_size, draw_composite
from comic_eval.images.crops import place_cut
from comic_eval.images.encode import JPEG_QUALITY, JPEG_SUBSAMPLING, encode
from comic_eval.images.marks import PlacedMark, draw_marks, draw_placed, lay_out
from comic_eval.images.picture import Cut, Picture, ShownAs, View
from comic_eval.images.source import Source, decode, inspect, read_again, read_bytes
from comic_eval.images.store import DiskCache, MemoryCache, content_key, image_cost
from comic_eval.images.views import get_view
from comic_eval.types import Box, EncodedImage, Mark, Question, Sample
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.pixels import cut_out, noise_image, seed_of

# Part of every key on disk: raise it with any change to what is drawn.
RENDERER_VERSION = 1
DEFAULT_MEMORY_BYTES = 64 * 2**20
# Questions of one page come together, so two decoded pages (the last and the next) are enough.
DECODED_PAGES = 2
# Crops of one sample are cut one after the other, so each drawing thread needs its own marked page at most.
MARKED_PAGES = 2
# Identities of pictures are a few hundred bytes each.
KNOWN_SOURCES = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown: the images in order, and what they are in the words of `Task.prompt`."""

    images: tuple[EncodedImage, ...]
    shown: ShownAs


@dataclass(frozen=True, slots=True)
class _Marked:
    page: Image.Image
    placed: tuple[PlacedMark, ...]


class Renderer:
    """Renders the questions of one benchmark; safe to share between threads.

    Args:
        benchmark_folder: the folder that `Sample.image` is relative to.
        budget: visual tokens an image; at most ``budget * 784`` pixels are sent, or 1,024 in place of 784 where
            ``resize`` is the rule of a family whose tokens cover 32 x 32.
        cache_dir: where encoded images are kept between runs; None keeps them in memory only. The folder grows with
            every distinct picture and may be deleted at any time.
        memory_bytes: upper bound of the encoded images (with their base64 form) kept in memory.
        resize: the rule that gives the sent size, of pages and crops alike.
        crop: how the box of an oracle crop becomes the part of the page that is cut out.
    """

    def __init__(
        self,
        benchmark_folder: Path,
        *,
        budget: int = DEFAULT_BUDGET,
        cache_dir: Path | None = None,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        resize: ResizeRule = plain_resize,
        crop: CropRules | None = None,
    ) -> None:
        resize(1, 1, budget)  # an impossible budget is refused here, not at the first page
        self._folder = benchmark_folder
        self._budget = budget
        self._resize = resize
        self._crop = crop or CropRules()
        self._disk = DiskCache(cache_dir) if cache_dir is not None else None
        self._images: MemoryCache[Picture, EncodedImage] = MemoryCache(memory_bytes, image_cost)
        self._pages: MemoryCache[str, Image.Image] = MemoryCache(DECODED_PAGES, lambda page: 1)
        self._marked: MemoryCache[tuple[str, tuple[Mark, ...]], _Marked] = MemoryCache(MARKED_PAGES, lambda marked: 1)
        # Each drawing holds a copy of a page; more of them than cores would cost memory and gain nothing.
        self._drawing = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._sources: MemoryCache[tuple[str, str | None], Source] = MemoryCache(KNOWN_SOURCES, lambda source: 1)

    @property
    def settings(self) -> dict[str, int | str]:
        """Everything beside the benchmark that decides which pixels are sent; for a run's manifest."""
        return {
            "renderer_version": RENDERER_VERSION,
            "budget_visual_tokens": self._budget,
            "max_pixels": self._budget * pixels_per_token(self._resize),
            "resize": self._rule_name,
            "jpeg_quality": JPEG_QUALITY,
            "jpeg_subsampling": "4:4:4",
        }

    @property
    def _rule_name(self) -> str:
        return getattr(self._resize, "__name__", type(self._resize).__name__)

    def render(self, sample: Sample | Question, view: str) -> Shown:
        """What the model sees of a question. Blocks while a picture is drawn, so call it from a worker thread.

        Raises:
            UserError: unknown view.
            NotApplicableError: the sample has no such view.
            BenchmarkError: the page's picture is missing, damaged, too large or not the one that the benchmark states,
                or a box lies outside it.
        """
        wanted = get_view(view)(sample)
        images = tuple(self._images.get(p, partial(self._make, p)) for p in wanted.pictures)
        return Shown(images, wanted.shown)

    def peek(self, sample: Sample | Question, view: str) -> Shown | None:
        """The same if everything lies in memory, else None. Never blocks, so an event loop may call it.

        Raises:
            UserError: unknown view.
            NotApplicableError: the sample has no such view.
        """
        wanted: View = get_view(view)(sample)
        images = tuple(image for p in wanted.pictures if (image := self._images.peek(p)) is not None)
        return Shown(images, wanted.shown) if len(images) == len(wanted.pictures) else None

    def sent_size(self, width: int, height: int) -> tuple[int, int]:
        """The size at which a picture of ``width`` x ``height`` pixels is sent."""
        return self._resize(width, height, self._budget)

    def page(self, sample: Sample | Question) -> Image.Image:
        """The whole page with its marks or composite at full resolution, for crops; shared, so it must not be changed.

        Blocks while it is drawn, so call it from a worker thread.

        Raises:
            BenchmarkError: as of `render`.
        """
        picture = get_view("page")(sample).pictures[0]
        path = self._path(picture)
        source = self._source(picture, path)
        _check_boxes(picture, source.size, path)
        with self._drawing:
            if picture.composite is None:
                return self._marked.get((source.sha256, picture.marks), lambda: self._mark(picture, path, source)).page
            page = draw_composite(self._decoded(path, source), picture.composite)
            return draw_marks(page, picture.marks) if picture.marks else page

    def _make(self, picture: Picture) -> EncodedImage:
        path = self._path(picture)
        source = self._source(picture, path)
        _check_boxes(picture, source.size, path)
        if picture.cut is not None:
            return self._make_cut(picture, picture.cut, path, source)
        full = canvas_size(source.size, picture.composite)
        size = self._resize(*full, self._budget)
        if not picture.marks and picture.composite is None and size == source.size and source.media_type is not None:
            data = read_again(path, source)
            return EncodedImage(data=data, media_type=source.media_type, size=size, source_size=size)
        return self._kept(_key(picture, source, {"size": size}), lambda: self._draw(picture, path, source, size))

    def _make_cut(self, picture: Picture, cut: Cut, path: Path, source: Source) -> EncodedImage:
        if cut.noise is not None:  # ten times a crop's bytes, and quickly made again
            return self._draw_cut(picture, cut, path, source)
        # Where labels are placed is known only once the page is decoded. It follows from the page and the marks, which
        # the key covers, so an image on disk is found without that.
        probe = self._crop.execute(cut.box, source.size)
        extra = {
            "cut": cut.box.as_list(),
            "crop_rules": self._crop.model_dump(),
            "budget": self._budget,
            "resize": [self._rule_name, self._crop.sent_size(probe, self._resize, self._budget)],
        }
        return self._kept(_key(picture, source, extra), lambda: self._draw_cut(picture, cut, path, source))

    def _kept(self, key: str, draw: Callable[[], EncodedImage]) -> EncodedImage:
        if self._disk is None:
            return draw()
        image = self._disk.get(key)
        if image is None:
            image = draw()
            self._disk.put(key, image)
        return image

    def _decoded(self, path: Path, source: Source) -> Image.Image:
        return self._pages.get(source.sha256, lambda: decode(read_again(path, source), path))

    def _draw_cut(self, picture: Picture, cut: Cut, path: Path, source: Source) -> EncodedImage:
        with self._drawing:
            marked = self._marked.get((source.sha256, picture.marks), lambda: self._mark(picture, path, source))
            box = place_cut(cut.box, self._crop, source.size, marked.placed)
            size = self._crop.sent_size(box, self._resize, self._budget)
            if cut.noise is not None:
                return encode(noise_image(size, np.random.default_rng(seed_of(cut.noise))), size)
            return encode(cut_out(marked.page, box), size)

    def _mark(self, picture: Picture, path: Path, source: Source) -> _Marked:
        page = self._decoded(path, source)
        placed = lay_out(page, picture.marks)
        return _Marked(draw_placed(page, placed) if placed else page, placed)

    def _draw(self, picture: Picture, path: Path, source: Source, size: tuple[int, int]) -> EncodedImage:
        with self._drawing:
            page = self._decoded(path, source)
            if picture.composite is not None:
                page = draw_composite(page, picture.composite)
            if picture.marks:
                page = draw_marks(page, picture.marks)
            return encode(page, size)

    def _path(self, picture: Picture) -> Path:
        relative = PurePosixPath(picture.image)
        if relative.is_absolute() or ".." in relative.parts:
            raise BenchmarkError(
                f"{self._folder}: image {picture.image!r} leads out of the benchmark folder; give a path inside it"
            )
        return self._folder / relative

    def _source(self, picture: Picture, path: Path) -> Source:
        key = (picture.image, picture.image_sha256)
        source = self._sources.get(key, lambda: inspect(read_bytes(path), path, expected_sha256=picture.image_sha256))
        if picture.image_size is not None and picture.image_size != source.size:
            raise BenchmarkError(
                f"{path}: the picture has {source.size[0]} x {source.size[1]} stored pixels, but image_size says "
                f"{picture.image_size[0]} x {picture.image_size[1]}; boxes are in stored pixels, so turn the pixels "
                "themselves where the file relies on an EXIF orientation, or correct image_size and the boxes"
            )
        return source


def _check_boxes(picture: Picture, size: tuple[int, int], path: Path) -> None:
    drawn = [("marks", mark.box) for mark in picture.marks]
    if picture.cut is not None:
        drawn.append(("regions", picture.cut.box))
    if picture.composite is not None:
        drawn += [("composite.slots", box) for box in picture.composite.slots]
        drawn += [("composite.candidates", box) for box in picture.composite.candidates]
    for field, box in drawn:
        if not box.within(*size):
            raise BenchmarkError(
                f"{path}: {field} has the box {box.as_list()} outside the picture of {size[0]} x {size[1]} pixels; "
                "boxes are [x1, y1, x2, y2] in stored pixels"
            )


def _boxes(boxes: tuple[Box, ...]) -> list[list[int | float]]:
    return [box.as_list() for box in boxes]


def _key(picture: Picture, source: Source, extra: dict[str, object]) -> str:
    composite = picture.composite
    return content_key(
        {
            "version": RENDERER_VERSION,
            "pillow": PIL.__version__,
            "jpeg": [JPEG_QUALITY, JPEG_SUBSAMPLING],
            "source": source.sha256,
            "marks": [[mark.box.as_list(), mark.label] for mark in picture.marks],
            "composite": None if composite is None else [_boxes(composite.slots), _boxes(composite.candidates)],
            **extra,
        }
    )
