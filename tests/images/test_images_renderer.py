from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.art import busy_art

from comic_eval.errors import BenchmarkError, UserError
from comic_eval.images import VIEWS, Renderer
from comic_eval.images.budget import ResizeRule, plain_resize, smart_resize_28, smart_resize_32
from comic_eval.images.store import DiskCache
from comic_eval.types import Box, Composite, EncodedImage, Mark, Question, Region, Sample

Ask = Callable[..., Question]


def mark(label: str, *box: float) -> Mark:
    return Mark(box=Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3]), label=label)


MARKS = (mark("A", 100, 100, 250, 300), mark("B", 300, 400, 500, 700))
COMPOSITE = Composite(
    slots=(Box(x1=20, y1=20, x2=280, y2=380), Box(x1=320, y1=20, x2=580, y2=380)),
    candidates=(Box(x1=340, y1=50, x2=560, y2=350), Box(x1=40, y1=50, x2=260, y2=350)),
)


def pixels(image: EncodedImage) -> Image.Image:
    return Image.open(io.BytesIO(image.data)).convert("RGB")


def only(shown_images: tuple[EncodedImage, ...]) -> EncodedImage:
    assert len(shown_images) == 1
    return shown_images[0]


# --- what is shown --------------------------------------------------------------------------------------------------


def test_a_plain_page_goes_out_as_it_is(benchmark_folder: Path, ask: Ask) -> None:
    shown = Renderer(benchmark_folder).render(ask(), "page")
    image = only(shown.images)
    assert shown.shown == "page"
    assert image.data == (benchmark_folder / "images/page.jpg").read_bytes()
    assert image.media_type == "image/jpeg"
    assert image.size == image.source_size == (600, 800)


def test_a_plain_png_goes_out_as_it_is(benchmark_folder: Path, ask: Ask) -> None:
    busy_art(60, 80).save(benchmark_folder / "images/page.png")
    image = only(Renderer(benchmark_folder).render(ask("images/page.png"), "page").images)
    assert image.media_type == "image/png"
    assert image.data == (benchmark_folder / "images/page.png").read_bytes()


@pytest.mark.parametrize(("name", "options"), [("page.webp", {}), ("page.tiff", {}), ("page.png", {"bits": 4})])
def test_other_formats_are_encoded_anew(benchmark_folder: Path, ask: Ask, name: str, options: dict[str, int]) -> None:
    art = busy_art(60, 80).quantize(16) if options else busy_art(60, 80)
    art.save(benchmark_folder / "images" / name, **options)
    image = only(Renderer(benchmark_folder).render(ask(f"images/{name}"), "page").images)
    assert image.media_type == "image/jpeg"
    assert pixels(image).size == (60, 80)


def test_a_turned_jpeg_is_sent_in_its_stored_pixels_without_the_turn(benchmark_folder: Path, ask: Ask) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    busy_art(60, 80).save(benchmark_folder / "images/turned.jpg", exif=exif)
    image = only(Renderer(benchmark_folder).render(ask("images/turned.jpg", image_size=(60, 80)), "page").images)
    sent = Image.open(io.BytesIO(image.data))
    assert sent.size == (60, 80)
    assert 0x0112 not in sent.getexif()


def test_blind_shows_nothing(benchmark_folder: Path, ask: Ask) -> None:
    shown = Renderer(benchmark_folder).render(ask("images/is-not-even-there.jpg"), "blind")
    assert shown.images == ()
    assert shown.shown == "nothing"


def test_marks_are_drawn(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder)
    plain = pixels(only(renderer.render(ask(), "page").images))
    marked = pixels(only(renderer.render(ask(marks=MARKS), "page").images))
    difference = np.abs(np.asarray(plain).astype(int) - np.asarray(marked)).max(axis=2)
    assert difference[95:100, 120:230].mean() > 40  # the line above box A
    assert difference[130:270, 130:220].mean() < 6  # the art inside it


def test_a_composite_is_drawn_beside_the_page(benchmark_folder: Path, ask: Ask) -> None:
    image = only(Renderer(benchmark_folder).render(ask(composite=COMPOSITE), "page").images)
    assert image.size[0] > 600 + 220
    assert image.size[1] == 800


def test_a_question_looks_exactly_like_its_sample(benchmark_folder: Path) -> None:
    sample = Sample(
        id="q1",
        task="depth_comparison",
        split="test",
        page="page",
        image="images/page.jpg",
        question="Who is nearer?",
        choices=("A", "B"),
        answer="A",
        marks=MARKS,
        regions=(Region(box=Box(x1=0, y1=0, x2=600, y2=90), role="balloon"),),
    )
    seen = {only(Renderer(benchmark_folder).render(q, "page").images).sha256 for q in (sample, sample.to_question())}
    assert len(seen) == 1


@pytest.mark.parametrize("budget", [1024, 300, 64, 1])
@pytest.mark.parametrize("composite", [None, COMPOSITE])
def test_the_budget_bounds_what_is_sent(
    benchmark_folder: Path, ask: Ask, budget: int, composite: Composite | None
) -> None:
    image = only(Renderer(benchmark_folder, budget=budget).render(ask(composite=composite), "page").images)
    assert pixels(image).size == image.size
    assert image.size[0] * image.size[1] <= budget * 784
    if composite is None:
        assert image.source_size == (600, 800)


def test_another_resize_rule_decides_the_sent_size(benchmark_folder: Path, ask: Ask) -> None:
    def multiples_of_28(width: int, height: int, budget: int) -> tuple[int, int]:
        return max(28, width // 28 * 28), max(28, height // 28 * 28)

    image = only(Renderer(benchmark_folder, resize=multiples_of_28).render(ask(), "page").images)
    assert pixels(image).size == image.size == (588, 784)


def test_an_unknown_view_is_refused_with_the_known_ones(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder)
    for look in (renderer.render, renderer.peek):
        with pytest.raises(UserError, match=r"unknown view 'panle'.*page, .*blind"):
            look(ask(), "panle")
    assert {"page", "blind"} <= set(VIEWS)


def test_an_impossible_budget_is_refused_at_once(benchmark_folder: Path) -> None:
    with pytest.raises(UserError, match="visual tokens"):
        Renderer(benchmark_folder, budget=0)


def test_settings_tell_what_decides_the_pixels(benchmark_folder: Path) -> None:
    settings = Renderer(benchmark_folder, budget=1024).settings
    assert settings["budget_visual_tokens"] == 1024
    assert settings["max_pixels"] == 1024 * 784
    assert settings["resize"] == "plain_resize"


@pytest.mark.parametrize("resize", [plain_resize, smart_resize_28, smart_resize_32])
def test_settings_tell_the_limit_that_the_rule_keeps(benchmark_folder: Path, resize: ResizeRule) -> None:
    most = Renderer(benchmark_folder, budget=1024, resize=resize).settings["max_pixels"]
    sent = [width * height for side in range(2000, 3000, 7) for width, height in [resize(side, side, 1024)]]
    assert isinstance(most, int)
    assert 0.99 * most < max(sent) <= most


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "images/none.jpg"}, r"images/none\.jpg.*No such file"),
        ({"image": "../page.jpg"}, "leads out of the benchmark folder"),
        ({"image": "/etc/passwd"}, "leads out of the benchmark folder"),
        ({"image_size": (800, 600)}, r"page\.jpg.*600 x 800 stored pixels.*image_size says 800 x 600"),
        ({"image_sha256": "0" * 64}, r"page\.jpg.*not the one"),
        ({"marks": (mark("A", 500, 700, 601, 790),)}, r"page\.jpg: marks has the box \[500, 700, 601, 790\] outside"),
        ({"composite": COMPOSITE.model_copy(update={"slots": (Box(x1=0, y1=0, x2=9, y2=900),)})}, r"composite\.slots"),
    ],
    ids=["missing", "parent", "absolute", "size", "digest", "mark", "slot"],
)
def test_what_cannot_be_shown_is_named(
    benchmark_folder: Path, ask: Ask, change: dict[str, object], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message):
        Renderer(benchmark_folder).render(ask(**change), "page")


def test_a_torn_page_is_named(benchmark_folder: Path, ask: Ask) -> None:
    path = benchmark_folder / "images/page.jpg"
    path.write_bytes(path.read_bytes()[:20_000])
    for marks in ((), MARKS):
        with pytest.raises(BenchmarkError, match=r"page\.jpg: the picture is damaged"):
            Renderer(benchmark_folder).render(ask(marks=marks), "page")


def test_a_page_that_changes_during_a_run_is_noticed(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder)
    renderer.render(ask(), "page")
    busy_art(600, 800, seed=1).save(benchmark_folder / "images/page.jpg")
    with pytest.raises(BenchmarkError, match="changed while it was in use"):
        renderer.render(ask(marks=MARKS), "page")


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_picture_is_made_once_and_then_comes_from_memory(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder)
    question = ask(marks=MARKS)
    assert renderer.peek(question, "page") is None
    first = only(renderer.render(question, "page").images)
    assert only(renderer.render(ask(marks=MARKS), "page").images) is first
    peeked = renderer.peek(question, "page")
    assert peeked is not None
    assert only(peeked.images) is first
    assert peeked.shown == "page"
    blind = renderer.peek(question, "blind")
    assert blind is not None
    assert blind.images == ()


def test_threads_share_one_picture(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder)
    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(lambda _: renderer.render(ask(marks=MARKS), "page"), range(16)))
    assert len({id(only(s.images)) for s in shown}) == 1


def test_nothing_is_kept_without_memory_and_the_picture_is_the_same(benchmark_folder: Path, ask: Ask) -> None:
    renderer = Renderer(benchmark_folder, memory_bytes=0)
    first, second = (only(renderer.render(ask(marks=MARKS), "page").images) for _ in range(2))
    assert first is not second
    assert first == second


def entries(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_the_disk_cache_serves_the_next_run(benchmark_folder: Path, tmp_path: Path, ask: Ask) -> None:
    cache = tmp_path / "cache"
    made = only(Renderer(benchmark_folder, cache_dir=cache).render(ask(marks=MARKS), "page").images)
    (entry,) = entries(cache)
    planted = made.model_copy(update={"data": b"planted"})
    DiskCache(cache).put(entry.name, EncodedImage.model_validate(planted.model_dump()))
    again = only(Renderer(benchmark_folder, cache_dir=cache).render(ask(marks=MARKS), "page").images)
    assert again.data == b"planted"


def test_a_damaged_cache_entry_is_made_anew(benchmark_folder: Path, tmp_path: Path, ask: Ask) -> None:
    cache = tmp_path / "cache"
    made = only(Renderer(benchmark_folder, cache_dir=cache).render(ask(marks=MARKS), "page").images)
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    entry.write_bytes(whole[:5000])
    again = only(Renderer(benchmark_folder, cache_dir=cache).render(ask(marks=MARKS), "page").images)
    assert again == made
    assert entry.read_bytes() == whole


def test_everything_that_changes_pixels_changes_the_key(benchmark_folder: Path, tmp_path: Path, ask: Ask) -> None:
    cache = tmp_path / "cache"
    busy_art(600, 800, seed=1).save(benchmark_folder / "images/other.jpg")
    moved = (MARKS[0], mark("B", 301, 400, 500, 700))
    renamed = (MARKS[0], mark("C", 300, 400, 500, 700))
    questions = [
        ask(marks=MARKS),
        ask(marks=moved),
        ask(marks=renamed),
        ask(marks=MARKS[::-1]),
        ask("images/other.jpg", marks=MARKS),
        ask(composite=COMPOSITE),
        ask(composite=COMPOSITE, marks=MARKS),
        ask(composite=COMPOSITE.model_copy(update={"candidates": COMPOSITE.candidates[::-1]})),
    ]
    renderer = Renderer(benchmark_folder, cache_dir=cache)
    for count, question in enumerate(questions, start=1):
        renderer.render(question, "page")
        assert len(entries(cache)) == count
    Renderer(benchmark_folder, cache_dir=cache, budget=300).render(questions[0], "page")
    assert len(entries(cache)) == len(questions) + 1
    Renderer(benchmark_folder, cache_dir=cache).render(questions[0], "page")
    assert len(entries(cache)) == len(questions) + 1


def test_untouched_pages_are_not_copied_into_the_cache(benchmark_folder: Path, tmp_path: Path, ask: Ask) -> None:
    Renderer(benchmark_folder, cache_dir=tmp_path / "cache").render(ask(), "page")
    assert entries(tmp_path / "cache") == []


def test_a_stated_digest_that_is_right_is_accepted(benchmark_folder: Path, ask: Ask) -> None:
    digest = hashlib.sha256((benchmark_folder / "images/page.jpg").read_bytes()).hexdigest()
    image = only(Renderer(benchmark_folder).render(ask(image_sha256=digest, image_size=(600, 800)), "page").images)
    assert image.sha256 == digest
