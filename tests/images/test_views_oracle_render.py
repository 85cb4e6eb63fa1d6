"""Crops as they are sent: cut from the marked page, sized by explicit rules, kept by content."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.art import busy_art

from comic_eval.benchmark import load_benchmark
from comic_eval.errors import BenchmarkError
from comic_eval.images import Renderer, plain_resize, smart_resize
from comic_eval.images.crops import place_cut
from comic_eval.images.marks import PALETTE, draw_marks, lay_out
from comic_eval.types import Box, EncodedImage, Mark, Region, Sample
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.pixels import noise_image, seed_of

PAGE = (600, 800)
LEFT, RIGHT = Box(x1=20, y1=20, x2=290, y2=380), Box(x1=310, y1=20, x2=580, y2=380)
BELOW = Box(x1=20, y1=420, x2=580, y2=780)
WHO = Box(x1=100, y1=100, x2=200, y2=300)


def sample(**fields: Any) -> Sample:
    given: dict[str, Any] = {
        "id": "s",
        "task": "action_recognition",
        "split": "test",
        "page": "p",
        "image": "images/page.jpg",
        "image_size": PAGE,
        "question": "?",
        "answer": "A",
        "choices": ("a", "b"),
        "marks": (Mark(box=WHO, label="1"),),
        "regions": (
            Region(box=LEFT, role="panel", target=True),
            Region(box=RIGHT, role="panel"),
            Region(box=BELOW, role="panel"),
        ),
    }
    return Sample(**(given | fields))


def pixels(image: EncodedImage) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(image.data)).convert("RGB")).astype(int)


def page_of(folder: Path) -> Image.Image:
    return Image.open(folder / "images/page.jpg").convert("RGB")


def one(renderer: Renderer, asked: Sample, view: str = "panel") -> EncodedImage:
    (image,) = renderer.render(asked, view).images
    return image


# --- marks ----------------------------------------------------------------------------------------------------------


def test_a_crop_is_cut_from_the_marked_page_at_full_resolution(benchmark_folder: Path) -> None:
    crop = one(Renderer(benchmark_folder), sample())
    marked = draw_marks(page_of(benchmark_folder), sample().marks).crop((20, 20, 290, 380))
    assert crop.size == crop.source_size == (270, 360)
    assert np.abs(pixels(crop) - np.asarray(marked)).mean() < 3  # JPEG


def test_the_marks_own_pixels_are_in_the_crop(benchmark_folder: Path) -> None:
    crop = pixels(one(Renderer(benchmark_folder), sample()))
    (placed,) = lay_out(page_of(benchmark_folder), sample().marks)
    assert placed.tag is not None
    x, y = placed.tag.x1 - 20 + 4, (placed.tag.y1 + placed.tag.y2) // 2 - 20
    assert np.abs(crop[y, x] - PALETTE[0]).max() < 40


def test_without_marks_the_crop_is_the_plain_region(benchmark_folder: Path) -> None:
    crop = one(Renderer(benchmark_folder), sample(marks=()))
    assert np.abs(pixels(crop) - np.asarray(page_of(benchmark_folder).crop((20, 20, 290, 380)))).mean() < 3


def test_a_character_crop_grows_to_hold_its_frame_and_label(benchmark_folder: Path) -> None:
    crop = one(Renderer(benchmark_folder), sample(), "character")
    (placed,) = lay_out(page_of(benchmark_folder), sample().marks)
    assert placed.tag is not None
    around = [placed.frame, placed.tag]
    width = max(r.x2 for r in around) - min(r.x1 for r in around)
    height = max(r.y2 for r in around) - min(r.y1 for r in around)
    assert crop.size == (width, height)


def test_on_real_pages_no_label_of_a_question_is_cut_off() -> None:
    benchmark = load_benchmark("pepper-carrot")
    for task in ("action_recognition", "depth_comparison", "character_identification"):
        for asked in [s for s in benchmark.select(split="test") if s.task == task][::25]:
            page = Image.open(benchmark.image_path(asked)).convert("RGB")
            placed = lay_out(page, asked.marks)
            cuts = [place_cut(box, CropRules(), page.size, placed) for box in asked.targets]
            for mark in placed:
                assert mark.tag is not None
                for rect in (mark.tag, mark.frame):
                    box = Box(x1=rect.x1, y1=rect.y1, x2=rect.x2, y2=rect.y2)
                    assert any(cut.intersection(box) == box.area for cut in cuts), asked.id


def test_another_panels_mark_makes_no_crop_grow() -> None:
    page = busy_art(*PAGE)
    placed = lay_out(page, (Mark(box=WHO, label="1"),))
    assert place_cut(RIGHT, CropRules(), PAGE, placed) == RIGHT


# --- sizes ----------------------------------------------------------------------------------------------------------


def test_every_picture_has_the_budget_for_itself(benchmark_folder: Path) -> None:
    asked = sample(task="character_counting", answer="1", choices=None)
    images = Renderer(benchmark_folder, budget=64).render(asked, "page+panel").images
    assert len(images) == 1 + 3
    for image in images:
        assert 0.9 * 64 * 784 < image.size[0] * image.size[1] <= 64 * 784


def test_crops_follow_the_resize_rule(benchmark_folder: Path) -> None:
    crop = one(Renderer(benchmark_folder, resize=smart_resize), sample())
    assert crop.size == smart_resize(*crop.source_size, 16384)
    assert crop.size[0] % 28 == crop.size[1] % 28 == 0


def test_padding_minimum_side_and_enlargement_are_settings(benchmark_folder: Path) -> None:
    tiny = Box(x1=300, y1=300, x2=310, y2=305)
    asked = sample(marks=(), regions=(Region(box=tiny, role="panel", target=True),))

    def size(**rules: Any) -> tuple[int, int]:
        return one(Renderer(benchmark_folder, crop=CropRules(**rules)), asked).size

    assert size() == (28, 28)
    assert size(min_side=1) == (10, 5)
    assert size(min_side=1, padding=0.5) == (20, 11)  # 300 - 5 ... 310 + 5; 300 - 2.5 ... 305 + 2.5, in whole pixels
    assert size(min_side=100) == (100, 100)
    assert size(min_pixels=28 * 28 * 16) == (112, 112)


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.integers(0, 2_000_000),
    st.integers(1, 20_000),
)
def test_no_crop_is_sent_above_the_budget(width: int, height: int, least: int, budget: int) -> None:
    box = Box(x1=0, y1=0, x2=width, y2=height)
    sent = CropRules(min_pixels=least).sent_size(box, plain_resize, budget)
    assert sent[0] * sent[1] <= budget * 784
    if least <= width * height <= budget * 784:
        assert sent == (width, height)


# --- noise ----------------------------------------------------------------------------------------------------------


def test_noise_has_the_size_of_the_crop_and_nothing_of_it(benchmark_folder: Path) -> None:
    renderer = Renderer(benchmark_folder, budget=64)
    crop, noise = (one(renderer, sample(), view) for view in ("panel", "noise"))
    assert noise.size == crop.size
    assert np.abs(pixels(noise) - pixels(crop)).mean() > 40
    assert one(Renderer(benchmark_folder, budget=64), sample(), "noise").data == noise.data
    assert one(renderer, sample(id="t"), "noise").data != noise.data


def test_noise_is_uniform_and_stays_the_same() -> None:
    noise, again = (np.asarray(noise_image((200, 100), np.random.default_rng(seed_of("s/0")))) for _ in range(2))
    assert noise.shape == (100, 200, 3)
    assert abs(noise.mean() - 127.5) < 1
    assert noise.std() == pytest.approx(73.9, abs=1)
    assert (noise == again).all()


# --- caches ---------------------------------------------------------------------------------------------------------


def test_a_page_is_read_and_marked_once_for_all_its_crops(benchmark_folder: Path) -> None:
    renderer = Renderer(benchmark_folder)
    renderer.render(sample(), "panel")
    (benchmark_folder / "images/page.jpg").unlink()
    assert renderer.render(sample(), "other-panel").images
    assert renderer.render(sample(), "character").images


def test_the_disk_cache_tells_crops_apart(benchmark_folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    def crop(view: str = "panel", **settings: Any) -> EncodedImage:
        return one(Renderer(benchmark_folder, cache_dir=cache, **settings), sample(), view)

    plain = crop()
    others = [
        crop("other-panel"),
        crop("character"),
        crop("noise"),
        crop("page"),
        crop(crop=CropRules(padding=0.1)),
        crop(budget=64),
        crop(resize=smart_resize),
        one(Renderer(benchmark_folder, cache_dir=cache), sample(marks=())),
    ]
    assert len({image.sha256 for image in [plain, *others]}) == 1 + len(others)
    assert crop().data == plain.data
    files = len([p for p in cache.rglob("*") if p.is_file()])
    assert files == 1 + len(others) - 1  # all but noise, which is large and quickly made again


def test_peek_finds_crops_only_when_all_are_made(benchmark_folder: Path) -> None:
    renderer = Renderer(benchmark_folder)
    assert renderer.peek(sample(), "page+panel") is None
    renderer.render(sample(), "page")
    assert renderer.peek(sample(), "page+panel") is None
    shown = renderer.render(sample(), "page+panel")
    assert renderer.peek(sample(), "page+panel") == shown


def test_a_region_off_the_page_is_refused(benchmark_folder: Path) -> None:
    off = sample(regions=(Region(box=Box(x1=500, y1=0, x2=601, y2=50), role="panel", target=True),))
    with pytest.raises(BenchmarkError, match=r"regions has the box \[500, 0, 601, 50\] outside the picture"):
        Renderer(benchmark_folder).render(off, "panel")
