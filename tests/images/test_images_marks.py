from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from support.art import busy_art

from comic_eval.images.budget import SMALLEST_BUDGET, plain_resize
from comic_eval.images.encode import encode
from comic_eval.images.lettering import LIGHT, draw_text, legible_unit
from comic_eval.images.marks import PALETTE, PlacedMark, draw_marks, lay_out, line_widths
from comic_eval.images.rect import Rect
from comic_eval.types import Box, Mark

Pixels = NDArray[np.float64]
LABELS = "ABCD1234"


def mark(label: str, *box: float) -> Mark:
    return Mark(box=Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3]), label=label)


def luminance(pixels: Pixels) -> Pixels:
    """Relative luminance of sRGB pixels (WCAG 2.2)."""
    c = np.asarray(pixels) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(a: float, b: float) -> float:
    light, dark = max(a, b), min(a, b)
    return float((light + 0.05) / (dark + 0.05))


def as_sent(page: Image.Image, budget: int = SMALLEST_BUDGET) -> Image.Image:
    sent = encode(page, plain_resize(*page.size, budget))
    return Image.open(io.BytesIO(sent.data)).convert("RGB")


# --- extreme art ----------------------------------------------------------------------------------------------------

W, H = 1000, 1400
_INDEX = np.indices((H, W)).sum(0)
EXTREME = {
    "black": Image.new("RGB", (W, H), "black"),
    "white": Image.new("RGB", (W, H), "white"),
    "grey": Image.new("RGB", (W, H), (128, 128, 128)),
    "red": Image.new("RGB", (W, H), (255, 0, 0)),
    "yellow": Image.new("RGB", (W, H), (255, 230, 0)),
    "first colour": Image.new("RGB", (W, H), PALETTE[0]),
    "second colour": Image.new("RGB", (W, H), PALETTE[1]),
    "noise": Image.fromarray(np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)),
    "hatching": Image.fromarray(np.where(_INDEX // 4 % 2, 255, 0).astype(np.uint8)).convert("RGB"),
    "clouds": busy_art(W, H),
}
PAIR = (mark("A", 200, 300, 480, 800), mark("B", 560, 420, 760, 700))


def label_ink(sent: Image.Image, placed: PlacedMark, full: tuple[int, int]) -> Pixels:
    """The tag of a mark as sent, as luminance."""
    assert placed.tag is not None
    scale = sent.width / full[0]
    box = tuple(round(v * scale) for v in placed.tag)
    return luminance(np.asarray(sent.crop(box)))


@pytest.mark.parametrize("art", EXTREME)
def test_labels_stand_out_on_any_art_at_the_smallest_budget(art: str) -> None:
    page = EXTREME[art]
    sent = as_sent(draw_marks(page, PAIR))
    for placed in lay_out(page, PAIR):
        ink = label_ink(sent, placed, page.size)
        inner = ink[4:-4, 4:-4]
        assert contrast(np.percentile(inner, 97), np.percentile(inner, 25)) >= 4.5


def test_labels_stand_out_on_real_pages(real_pages: list[Image.Image]) -> None:
    for page in real_pages:
        sent = as_sent(draw_marks(page, PAIR))
        for placed in lay_out(page, PAIR):
            inner = label_ink(sent, placed, page.size)[4:-4, 4:-4]
            assert contrast(np.percentile(inner, 97), np.percentile(inner, 25)) >= 4.5


def across_frame(page: Image.Image, placed: PlacedMark, full: tuple[int, int]) -> list[float]:
    """The contrast between the lightest and the darkest pixel across a frame's line, at places along all sides."""
    scale = page.width / full[0]
    width = line_widths(*full).total * scale
    x1, y1, x2, y2 = (v * scale for v in placed.frame)
    found = []
    light = luminance(np.asarray(page))
    for part in np.linspace(0.05, 0.95, 40):
        x, y = round(x1 + part * (x2 - x1)), round(y1 + part * (y2 - y1))
        strips = (
            light[round(y1) : round(y1 + width), x],
            light[round(y2 - width) : round(y2), x],
            light[y, round(x1) : round(x1 + width)],
            light[y, round(x2 - width) : round(x2)],
        )
        found += [contrast(strip.max(), strip.min()) for strip in strips]
    return found


@pytest.mark.parametrize("art", EXTREME)
def test_frames_stand_out_on_any_art(art: str) -> None:
    page = EXTREME[art]
    drawn = draw_marks(page, PAIR)
    for placed in lay_out(page, PAIR):
        assert min(across_frame(drawn, placed, page.size)) >= 4.5
        assert np.percentile(across_frame(as_sent(drawn), placed, page.size), 5) >= 2.5


def test_frames_stand_out_on_real_pages(real_pages: list[Image.Image]) -> None:
    for page in real_pages:
        drawn = draw_marks(page, PAIR)
        for placed in lay_out(page, PAIR):
            assert np.percentile(across_frame(drawn, placed, page.size), 5) >= 4.5
            assert np.percentile(across_frame(as_sent(drawn), placed, page.size), 5) >= 2.5


# --- labels can be read ---------------------------------------------------------------------------------------------


def read_label(tag: Pixels) -> str:
    """The label whose drawing is most like the tag's, over small shifts."""
    tag = (tag - tag.mean()) / tag.std()
    scores = {}
    for label in LABELS:
        best = -1.0
        for cap in np.arange(11.0, 17.0, 0.5):
            canvas = Image.new("L", (tag.shape[1], tag.shape[0]), 0)
            big = canvas.resize((canvas.width * 4, canvas.height * 4))
            rgb = Image.merge("RGB", [big] * 3)
            draw_text(ImageDraw.Draw(rgb), (rgb.width / 2, rgb.height / 2), label, cap * 4, LIGHT)
            template = np.asarray(rgb.convert("L").resize(canvas.size, Image.Resampling.LANCZOS), dtype=float)
            template = (template - template.mean()) / template.std()
            best = max(best, float((template[4:-4, 4:-4] * tag[4:-4, 4:-4]).mean()))
        scores[label] = best
    return max(scores, key=lambda label: scores[label])


@pytest.mark.parametrize("art", ["black", "white", "noise", "hatching", "clouds"])
def test_labels_are_read_back_at_the_smallest_budget(art: str) -> None:
    page = EXTREME[art]
    for labels in zip("AC13", "BD24", strict=True):
        marks = tuple(m.model_copy(update={"label": label}) for m, label in zip(PAIR, labels, strict=True))
        sent = as_sent(draw_marks(page, marks))
        for placed in lay_out(page, marks):
            assert read_label(label_ink(sent, placed, page.size)) == placed.mark.label


@pytest.mark.parametrize("size", [(600, 800), (1240, 1751), (2480, 3508), (4960, 7016), (5000, 900)])
def test_capitals_are_at_least_12_pixels_high_at_the_smallest_budget(size: tuple[int, int]) -> None:
    page = Image.new("RGB", size)
    placed = lay_out(page, [mark("A", size[0] * 0.4, size[1] * 0.4, size[0] * 0.6, size[1] * 0.6)])[0]
    sent = plain_resize(*size, SMALLEST_BUDGET)
    assert placed.cap_height * sent[0] / size[0] >= 12


# --- colours --------------------------------------------------------------------------------------------------------


def test_white_letters_stand_out_on_every_colour() -> None:
    for colour in PALETTE:
        assert contrast(1.0, float(luminance(np.array(colour)))) >= 4.5


# Machado, Oliveira and Fernandes (2009), severity 1: what people without one kind of cones see, in linear RGB.
COLOUR_VISION = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def lab(linear: Pixels) -> Pixels:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear.clip(0, 1)
    f = np.cbrt(xyz / (0.9505, 1.0, 1.089) + 1e-9)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_colours_differ_for_every_colour_vision(vision: str) -> None:
    seen = []
    for colour in PALETTE:
        c = np.array(colour) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        seen.append(lab(np.array(COLOUR_VISION[vision]) @ linear))
    for a, b in itertools.combinations(seen, 2):
        assert np.linalg.norm(a - b) >= 12  # a difference of 2.3 is just noticeable (CIE 1976)
    assert np.linalg.norm(seen[0] - seen[1]) >= 40


# --- where things lie -----------------------------------------------------------------------------------------------


@st.composite
def pages_with_marks(draw: st.DrawFn) -> tuple[Image.Image, tuple[Mark, ...]]:
    width, height = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    marks = []
    for label in draw(
        st.lists(st.sampled_from(["A", "B", "1", "12", "", "a long label\nof two lines", "Ж"]), max_size=4)
    ):
        x1, y1 = draw(st.floats(0, width - 0.5)), draw(st.floats(0, height - 0.5))
        x2, y2 = draw(st.floats(x1 + 0.25, width)), draw(st.floats(y1 + 0.25, height))
        marks.append(mark(label, x1, y1, x2, y2))
    kind = draw(st.sampled_from(["white", "black", "busy"]))
    page = busy_art(width, height) if kind == "busy" else Image.new("RGB", (width, height), kind)
    return page, tuple(marks)


@settings(max_examples=150, deadline=None)
@given(pages_with_marks())
def test_any_marks_on_any_page(case: tuple[Image.Image, tuple[Mark, ...]]) -> None:
    page, marks = case
    before = page.tobytes()
    drawn = draw_marks(page, marks)
    assert page.tobytes() == before
    assert drawn.size == page.size
    assert draw_marks(page, marks).tobytes() == drawn.tobytes()

    allowed = np.zeros((page.height, page.width), dtype=bool)
    line = line_widths(*page.size).total
    for placed in lay_out(page, marks):
        f = placed.frame
        assert 0 <= f.x1 < f.x2 <= page.width
        assert 0 <= f.y1 < f.y2 <= page.height
        allowed[f.y1 : f.y2, f.x1 : f.x2] = True
        if f.width > 2 * line and f.height > 2 * line:
            allowed[f.y1 + line : f.y2 - line, f.x1 + line : f.x2 - line] = False
    for placed in lay_out(page, marks):
        assert (placed.tag is None) == (not placed.mark.label.strip())
        if placed.tag is not None:
            t = placed.tag
            assert 0 <= t.x1 < t.x2 <= page.width
            assert 0 <= t.y1 < t.y2 <= page.height
            assert t.overlap(placed.frame.grown(1)) > 0 or near_corner(t, placed.frame)
            allowed[t.y1 : t.y2, t.x1 : t.x2] = True
    # A frame's hollow is spared by its own frame only, so others' lines are added again.
    for placed in lay_out(page, marks):
        allowed |= ring(page.size, placed.frame, line)
    changed = (np.asarray(drawn) != np.asarray(page)).any(axis=2)
    assert not (changed & ~allowed).any()


def near_corner(tag: Rect, frame: Rect) -> bool:
    return tag.grown(1).overlap(frame.grown(1)) > 0


def ring(page: tuple[int, int], frame: Rect, line: int) -> NDArray[np.bool_]:
    mask = np.zeros((page[1], page[0]), dtype=bool)
    mask[frame.y1 : frame.y2, frame.x1 : frame.x2] = True
    if frame.width > 2 * line and frame.height > 2 * line:
        mask[frame.y1 + line : frame.y2 - line, frame.x1 + line : frame.x2 - line] = False
    return mask


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_labels_cover_neither_their_box_nor_other_marks_where_there_is_room(data: st.DataObject) -> None:
    page = busy_art(600, 600, seed=data.draw(st.integers(0, 3)))
    coordinates = st.integers(70, 500)
    marks = []
    for label in "AB":
        x1, y1 = data.draw(coordinates), data.draw(coordinates)
        marks.append(mark(label, x1, y1, data.draw(st.integers(x1 + 8, 530)), data.draw(st.integers(y1 + 8, 530))))
    first, second = lay_out(page, marks)
    assert first.tag is not None
    assert second.tag is not None
    assert first.tag.overlap(second.tag) == 0
    for placed, other in ((first, second), (second, first)):
        assert placed.tag is not None
        box = placed.mark.box
        own = Rect(int(box.x1), int(box.y1), int(box.x2), int(box.y2))
        assert placed.tag.overlap(own) == 0
        assert placed.tag.overlap(other.frame) == 0 or walled_in(placed, other)


def walled_in(placed: PlacedMark, other: PlacedMark) -> bool:
    """Whether the other's frame (and tag) leaves no place for a tag anywhere along this frame."""
    assert placed.tag is not None
    assert other.tag is not None
    w, h = placed.tag.width, placed.tag.height
    f = placed.frame
    places = [
        *(Rect(x, y, x + w, y + h) for x in range(f.x1, max(f.x2 - w, f.x1) + 1, 4) for y in (f.y1 - h, f.y2)),
        *(Rect(x, y, x + w, y + h) for y in range(f.y1, max(f.y2 - h, f.y1) + 1, 4) for x in (f.x1 - w, f.x2)),
    ]
    clear = [p for p in places if p.overlap(other.frame) == 0 and p.overlap(other.tag) == 0]
    # Labels slide in twelve steps, so a gap hardly wider than the label may be stepped over.
    return len(clear) <= max(f.width, f.height) // 12 // 4 + 1


def test_a_mark_over_the_whole_page_keeps_its_label_in_the_quietest_part() -> None:
    page = busy_art(600, 800)
    page.paste("white", (500, 700, 600, 800))
    placed = lay_out(page, [mark("A", 0, 0, 600, 800)])[0]
    assert placed.tag is not None
    assert placed.tag.x1 >= 500
    assert placed.tag.y1 >= 700


def test_labels_avoid_lettering_in_balloons() -> None:
    # The art has far more detail than the balloon, so only knowing lettering keeps the label off it.
    page = Image.fromarray(np.random.default_rng(0).integers(60, 200, (800, 800, 3), dtype=np.uint8))
    draw = ImageDraw.Draw(page)
    draw.rectangle((250, 200, 560, 300), fill="white")
    for y in range(215, 290, 25):
        for x in range(265, 540, 30):
            draw_text(draw, (x, y), "E", 12, (10, 10, 10))
    text = np.asarray(page.convert("L"))[205:295, 255:555] < 60
    drawn = draw_marks(page, [mark("A", 300, 310, 500, 600)])
    assert (np.asarray(drawn.convert("L"))[205:295, 255:555][text] < 60).all()


def test_lettering_shows_through_frames() -> None:
    page = Image.new("RGB", (800, 800), "white")
    draw = ImageDraw.Draw(page)
    for x in range(210, 500, 18):
        draw_text(draw, (x, 300), "H", 14, (0, 0, 0))
    ink = np.asarray(page.convert("L")) < 30
    drawn = draw_marks(page, [mark("A", 200, 302, 500, 600)])
    assert (np.asarray(drawn.convert("L"))[ink] < 30).all()
    assert (np.asarray(drawn) != np.asarray(page)).any(axis=2)[290:302].sum() > 500


@pytest.mark.parametrize(
    "boxes",
    [
        ((100, 100, 300, 300), (100, 100, 300, 300)),
        ((100, 100, 300, 300), (100, 100, 200, 300)),
        ((100, 100, 300, 300), (103, 97, 305, 299)),
        ((0, 0, 600, 600), (0, 0, 600, 600)),
        ((0, 100, 200, 300), (0, 150, 200, 250)),
        ((100, 100, 300, 300), (304, 100, 500, 300)),
    ],
    ids=["same", "shared edges", "nearly same", "whole page", "at the page's edge", "side by side"],
)
def test_frames_of_overlapping_boxes_stay_apart(boxes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    page = Image.new("RGB", (600, 600), (90, 140, 90))
    marks = [mark(label, *box) for label, box in zip("AB", boxes, strict=True)]
    drawn = np.asarray(draw_marks(page, marks))
    line = line_widths(600, 600)
    for placed in lay_out(page, marks):
        f, inset = placed.frame, line.dark + line.light
        # Each of the four coloured lines is there for at least 60 % of its length (crossings and tags take some).
        for strip in (
            drawn[f.y1 + inset, f.x1 : f.x2],
            drawn[f.y2 - 1 - inset, f.x1 : f.x2],
            drawn[f.y1 : f.y2, f.x1 + inset],
            drawn[f.y1 : f.y2, f.x2 - 1 - inset],
        ):
            assert (strip == placed.colour).all(axis=1).mean() > 0.6


def test_the_marked_art_itself_is_untouched_away_from_the_page_edge() -> None:
    page = busy_art(600, 800)
    drawn = draw_marks(page, [mark("A", 200, 200, 300, 400)])
    box = (200, 200, 300, 400)
    assert drawn.crop(box).tobytes() == page.crop(box).tobytes()


def test_the_unit_is_one_pixel_at_the_smallest_budget() -> None:
    assert legible_unit(500, 500) == 1
    width, height = 2480, 3508
    assert width / legible_unit(width, height) == pytest.approx(plain_resize(width, height, SMALLEST_BUDGET)[0], abs=1)
