"""Draws marks: a coloured frame just outside each box, and its label on a tag beside it.

A frame is a dark, a light and a coloured line side by side, so that one of them stands out on any art. Colours come
from the Okabe-Ito palette, which people with any colour vision tell apart, darkened until white letters stand out.
Everything is drawn once on the full page and sized to stay legible at 1024 visual tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from comic_eval.images.art import paper_mask, reach
from comic_eval.images.lettering import DARK, LIGHT, Colour, draw_text, legible_unit, text_size
from comic_eval.images.placement import place_label
from comic_eval.images.rect import Rect, covering
from comic_eval.types import Box, Mark

# Blue, vermilion, green, purple, black; white on each reaches a contrast of 5 and more.
PALETTE: tuple[Colour, ...] = ((0, 98, 178), (200, 64, 0), (0, 122, 88), (86, 20, 96), (40, 40, 44))
# All in pixels at 1024 tokens (`legible_unit`).
CAP_HEIGHT = 15.0
PADDING = 5.0
DARK_LINE = 1.0
LIGHT_LINE = 1.5
COLOUR_LINE = 2.5


@dataclass(frozen=True, slots=True)
class Line:
    """Widths in page pixels of the lines of a frame, from outside to inside: dark, light, coloured, light."""

    dark: int
    light: int
    colour: int

    @property
    def total(self) -> int:
        return self.dark + 2 * self.light + self.colour


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A mark laid out on its page; all in page pixels.

    Attributes:
        mark: what is drawn.
        frame: the outer edge of the line around the box.
        tag: the label's background with its own outline; None for a mark without a label.
        cap_height: height of the label's capitals.
        colour: of the frame and the tag.
    """

    mark: Mark
    frame: Rect
    tag: Rect | None
    cap_height: float
    colour: Colour


def line_widths(width: int, height: int) -> Line:
    """The widths of a frame's lines on a page of ``width`` x ``height`` pixels."""
    unit = legible_unit(width, height)
    return Line(*(max(1, round(unit * part)) for part in (DARK_LINE, LIGHT_LINE, COLOUR_LINE)))


def lay_out(page: Image.Image, marks: Sequence[Mark]) -> tuple[PlacedMark, ...]:
    """Places frames and tags, in the order of ``marks``; depends on nothing but the page and the marks."""
    line = line_widths(*page.size)
    boxes = [_pixels(mark.box, page.size) for mark in marks]
    frames = _frames(boxes, line.total, page.size)
    placed: list[PlacedMark] = []
    for i, mark in enumerate(marks):
        label = " ".join(mark.label.split())
        tag, cap_height = None, 0.0
        if label:
            size, cap_height = _tag_size(label, line, page.size)
            others = [frame for j, frame in enumerate(frames) if j != i]
            taken = [p.tag for p in placed if p.tag is not None]
            tag = place_label(page, boxes[i], frames[i], size, labels=taken, frames=others)
        placed.append(PlacedMark(mark, frames[i], tag, cap_height, PALETTE[i % len(PALETTE)]))
    return tuple(placed)


def draw_marks(page: Image.Image, marks: Sequence[Mark]) -> Image.Image:
    """A copy of the RGB page with the marks drawn; boxes are in its pixels and are clipped to it."""
    return draw_placed(page, lay_out(page, marks))


def draw_placed(page: Image.Image, placed: Sequence[PlacedMark]) -> Image.Image:
    """A copy of the RGB page with marks drawn where `lay_out` placed them on it."""
    line = line_widths(*page.size)
    out = page.copy()
    draw = ImageDraw.Draw(out)
    for mark in placed:
        _draw_frame(draw, mark, line)
    for strip in _strips(placed, line.total, page.size):
        _let_lettering_through(page, out, strip)
    for mark in placed:
        _draw_tag(draw, mark, line)
    return out


def _pixels(box: Box, page: tuple[int, int]) -> Rect:
    """The whole pixels that a box touches, at least one, inside the page."""
    x1, y1, x2, y2 = covering(box)
    x1, y1 = min(max(x1, 0), page[0] - 1), min(max(y1, 0), page[1] - 1)
    return Rect(x1, y1, max(min(x2, page[0]), x1 + 1), max(min(y2, page[1]), y1 + 1))


def _frames(boxes: Sequence[Rect], thickness: int, page: tuple[int, int]) -> list[Rect]:
    """The frames' outer edges. Edges that would run in one another's line are moved apart, larger boxes outwards."""
    frames: dict[int, Rect] = {}
    for i in sorted(range(len(boxes)), key=lambda i: (boxes[i].width * boxes[i].height, i)):
        edges = list(boxes[i].grown(thickness).clipped(*page))
        for side in range(4):
            edges[side] = _free_edge(edges, side, list(frames.values()), thickness, page)
        frames[i] = Rect(*edges)
    return [frames[i] for i in range(len(boxes))]


def _free_edge(edges: Sequence[int], side: int, others: Sequence[Rect], thickness: int, page: tuple[int, int]) -> int:
    """The position nearest to an edge's own, outwards first, whose line no other frame's parallel line shares."""
    axis = side % 2
    outwards = -1 if side < 2 else 1
    limit = page[axis]
    span = (edges[1 - axis], edges[3 - axis])

    def band(position: int) -> tuple[int, int]:
        return (position, position + thickness) if side < 2 else (position - thickness, position)

    taken = []
    for other in others:
        if min(span[1], other[3 - axis]) > max(span[0], other[1 - axis]):
            taken.append((other[axis], other[axis] + thickness))
            taken.append((other[axis + 2] - thickness, other[axis + 2]))
    for distance in range(2 * thickness * len(others) + 1):
        for direction in (outwards, -outwards):
            position = edges[side] + direction * distance
            low, high = band(position)
            room = low >= 0 and high <= limit
            opposite = edges[(side + 2) % 4]
            apart = (opposite - position) * -outwards >= 2 * thickness
            if room and apart and not any(low < b and a < high for a, b in taken):
                return position
    return edges[side]


def _tag_size(label: str, line: Line, page: tuple[int, int]) -> tuple[tuple[int, int], float]:
    """Width and height of a tag, and its capitals' height: smaller only where the page itself is too small for it."""
    unit = legible_unit(*page)
    cap_height = CAP_HEIGHT * unit
    while True:
        padding = round(PADDING * cap_height / CAP_HEIGHT)
        rim = line.dark + line.light
        width, height = (side + 2 * (padding + rim) for side in text_size(label, cap_height))
        width = max(width, height)
        if cap_height <= 2 or (width <= page[0] and height <= page[1]):
            return (min(width, page[0]), min(height, page[1])), cap_height
        cap_height *= 0.8


def _draw_frame(draw: ImageDraw.ImageDraw, mark: PlacedMark, line: Line) -> None:
    rect = mark.frame
    for width, colour in ((line.dark, DARK), (line.light, LIGHT), (line.colour, mark.colour), (line.light, LIGHT)):
        if rect.width < 1 or rect.height < 1:
            return
        draw.rectangle((rect.x1, rect.y1, rect.x2 - 1, rect.y2 - 1), outline=colour, width=width)
        rect = rect.grown(-width)


def _strips(placed: Sequence[PlacedMark], thickness: int, page: tuple[int, int]) -> Iterator[Rect]:
    """The four strips of every frame, as wide as its line."""
    for mark in placed:
        x1, y1, x2, y2 = mark.frame
        yield Rect(x1, y1, x2, y1 + thickness).clipped(*page)
        yield Rect(x1, y2 - thickness, x2, y2).clipped(*page)
        yield Rect(x1, y1, x1 + thickness, y2).clipped(*page)
        yield Rect(x2 - thickness, y1, x2, y2).clipped(*page)


def _let_lettering_through(page: Image.Image, out: Image.Image, strip: Rect) -> None:
    """Where a frame crosses a balloon, its lines tint the paper and leave the letters' ink as it was."""
    margin = reach(page.size)
    around = strip.grown(margin).clipped(*page.size)
    paper = paper_mask(page.crop(around).convert("L"), margin)
    inside = Rect(strip.x1 - around.x1, strip.y1 - around.y1, strip.x2 - around.x1, strip.y2 - around.y1)
    tinted = ImageChops.darker(page.crop(strip), out.crop(strip))
    out.paste(tinted, (strip.x1, strip.y1), paper.crop(inside))


def _draw_tag(draw: ImageDraw.ImageDraw, mark: PlacedMark, line: Line) -> None:
    if mark.tag is None:
        return
    rect = mark.tag
    for width, colour in ((line.dark, DARK), (line.light, LIGHT), (0, mark.colour)):
        if rect.width > 0 and rect.height > 0:
            draw.rectangle((rect.x1, rect.y1, rect.x2 - 1, rect.y2 - 1), fill=colour)
        rect = rect.grown(-width)
    center = (mark.tag.x1 + mark.tag.x2) / 2, (mark.tag.y1 + mark.tag.y2) / 2
    draw_text(draw, center, " ".join(mark.mark.label.split()), mark.cap_height, LIGHT)
