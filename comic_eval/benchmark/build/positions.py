"""What panel boxes alone say about a page: its rows, its reading order, and phrases that locate a panel in words.

Pages are read from left to right and from top to bottom. Everything here is cautious: a statement is made only if every
fair reading of the page leads to it, so that a phrase can stand in a question without a mark on the page.

- **Bands.** Panels that share height belong to one band (the relation is closed over chains; an overlap of up to 10 %
  of the smaller height does not count). Bands lie below each other.
- **Rows.** A band is a *row* if each two of its panels share at least 60 % of the taller one's height and overlap
  sideways by at most 25 % of the narrower one's width (slanted frames). Other bands (a tall panel beside two stacked
  ones, insets, staggered frames) can be counted as one row or as two, so no row below them is numbered from the top.
- **Precedence.** Panel a certainly precedes b if its band is higher; within a band, if a stands above b and does not
  lie to the right of it, or if a stands to the left of b and does not begin lower than it. Every other pair (right and
  above, left and below, one inside the other) is read differently by different readers and stays undecided.

Sources without a reading order get one from `reading_order`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from comic_eval.benchmark.annotations import Panel
from comic_eval.types import Box, Language

PositionKind = Literal["page_ordinal", "page_last", "row_place", "row_end", "corner", "edge"]

APART = 0.10  # of the smaller side: panels that overlap by no more do not share a row (or column)
SAME_ROW = 0.60  # of the taller panel
SLANT = 0.25  # of the narrower panel
LEVEL = 0.15  # of the lower panel: tops that differ by no more are level
TOUCH = 0.04  # of the page's art: a panel this near to a corner of the art stands in it

_ORDINALS: dict[Language, tuple[str, ...]] = {
    "en": (
        *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
        *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"),
        "twentieth",
    ),
    "fr": (
        *("première", "deuxième", "troisième", "quatrième", "cinquième", "sixième", "septième", "huitième", "neuvième"),
        *("dixième", "onzième", "douzième", "treizième", "quatorzième", "quinzième", "seizième", "dix-septième"),
        *("dix-huitième", "dix-neuvième", "vingtième"),
    ),
}
_CORNERS: dict[tuple[str, str], dict[Language, str]] = {
    ("top", "left"): {
        "en": "the panel in the top-left corner of the page",
        "fr": "la case en haut à gauche de la page",
    },
    ("top", "right"): {
        "en": "the panel in the top-right corner of the page",
        "fr": "la case en haut à droite de la page",
    },
    ("bottom", "left"): {
        "en": "the panel in the bottom-left corner of the page",
        "fr": "la case en bas à gauche de la page",
    },
    ("bottom", "right"): {
        "en": "the panel in the bottom-right corner of the page",
        "fr": "la case en bas à droite de la page",
    },
}


@dataclass(frozen=True)
class Position:
    """A phrase that locates one panel on its page, in each language; ``kind`` names the way it does so."""

    kind: PositionKind
    text: dict[Language, str]


def overlap(a: Box, b: Box) -> tuple[float, float]:
    """How far two boxes overlap sideways and in height, in pixels; negative values are the gap between them."""
    return min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)


def certainly_before(a: Box, b: Box) -> bool:
    """Whether a is read before b under any fair reading, from these two boxes of one band alone."""
    x, y = overlap(a, b)
    beside = x <= SLANT * min(a.width, b.width)
    stacked = y <= APART * min(a.height, b.height)
    if stacked and a.center[1] < b.center[1]:
        return x > APART * min(a.width, b.width) or a.center[0] < b.center[0]
    if beside and a.center[0] < b.center[0]:
        return a.y1 <= b.y1 + LEVEL * min(a.height, b.height)
    return False


class Layout:
    """The bands and rows of a page and what they say about its reading order."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self.panels = tuple(panels)

    @cached_property
    def bands(self) -> tuple[tuple[Panel, ...], ...]:
        """Bands from top to bottom; the panels of a band from left to right."""
        bands: list[list[Panel]] = []
        for panel in sorted(self.panels, key=lambda p: (p.box.y1, p.box.x1)):
            touching = [band for band in bands if any(_share_height(panel.box, other.box) for other in band)]
            merged = [panel, *(other for band in touching for other in band)]
            bands = [*(band for band in bands if band not in touching), merged]
        bands.sort(key=lambda band: min(p.box.y1 for p in band))
        return tuple(tuple(sorted(band, key=lambda p: p.box.center)) for band in bands)

    @cached_property
    def clean(self) -> tuple[bool, ...]:
        """For each band, whether it is a row."""
        return tuple(
            all(_same_row(a.box, b.box) for i, a in enumerate(band) for b in band[i + 1 :]) for band in self.bands
        )

    def precedes(self, a: Panel, b: Panel) -> bool:
        """Whether a is read before b under any fair reading of this page."""
        band_a, band_b = self._band_of[a.id], self._band_of[b.id]
        return band_a < band_b if band_a != band_b else certainly_before(a.box, b.box)

    def rank(self, panel: Panel) -> int | None:
        """The panel's place in reading order, from 1; None if fair readings differ, or if the annotation does."""
        others = [other for other in self.panels if other.id != panel.id]
        before = sum(self.precedes(other, panel) for other in others)
        after = sum(self.precedes(panel, other) for other in others)
        return before + 1 if before + after == len(others) and before + 1 == panel.order else None

    def positions(self, panel: Panel) -> tuple[Position, ...]:
        """The phrases that locate ``panel`` and no other panel, under any fair reading; empty if there is none."""
        return (*self._on_page(panel), *self._in_row(panel), *self._corner(panel), *self._edge(panel))

    @cached_property
    def _band_of(self) -> dict[str, int]:
        return {panel.id: index for index, band in enumerate(self.bands) for panel in band}

    def _on_page(self, panel: Panel) -> Iterable[Position]:
        rank, count = self.rank(panel), len(self.panels)
        if count == 1:
            yield Position("page_ordinal", {"en": "the only panel of the page", "fr": "la seule case de la page"})
        elif rank is not None:
            if text := _ordinal_panel(rank, {"en": "of the page", "fr": "de la page"}):
                yield Position("page_ordinal", text)
            if rank == count:
                yield Position("page_last", {"en": "the last panel of the page", "fr": "la dernière case de la page"})

    def _in_row(self, panel: Panel) -> Iterable[Position]:
        index = self._band_of[panel.id]
        band = self.bands[index]
        if len(self.bands) == 1 or not self.clean[index]:
            return
        names = list(self._row_names(index))
        place = band.index(panel) + 1
        # Where the annotated order runs against left-to-right, "second" has two meanings; "leftmost" has one.
        left_to_right = all(a.order < b.order for a, b in pairwise(band))
        for row in names:
            if len(band) == 1:
                yield Position("row_place", {"en": f"the only panel {row['en']}", "fr": f"la seule case {row['fr']}"})
                continue
            if left_to_right and (text := _ordinal_panel(place, row)):
                yield Position("row_place", text)
            if place == 1:
                text = {"en": f"the leftmost panel {row['en']}", "fr": f"la case la plus à gauche {row['fr']}"}
                yield Position("row_end", text)
            if place == len(band):
                text = {"en": f"the rightmost panel {row['en']}", "fr": f"la case la plus à droite {row['fr']}"}
                yield Position("row_end", text)

    def _row_names(self, index: int) -> Iterable[dict[Language, str]]:
        """What a clean row can be called: by its number if all bands above it are rows too, and by its end."""
        if all(self.clean[:index]) and index < len(_ORDINALS["en"]):
            yield {"en": f"of the {_ORDINALS['en'][index]} row", "fr": f"de la {_ORDINALS['fr'][index]} rangée"}
        if index == len(self.bands) - 1:
            yield {"en": "of the bottom row", "fr": "de la rangée du bas"}

    def _corner(self, panel: Panel) -> Iterable[Position]:
        """The panel stands in this corner of the art, alone, and in no other corner; its neighbours hold the others."""
        holders = self._corner_holders
        own = [corner for corner, panels in holders.items() if panel in panels]
        if len(own) != 1 or holders[own[0]] != [panel]:
            return
        vertical, horizontal = own[0]
        beside = holders[vertical, "left" if horizontal == "right" else "right"]
        across = holders["top" if vertical == "bottom" else "bottom", horizontal]
        if beside and across:
            yield Position("corner", _CORNERS[own[0]])

    @cached_property
    def _corner_holders(self) -> dict[tuple[str, str], list[Panel]]:
        art = _hull(p.box for p in self.panels)
        dx, dy = TOUCH * art.width, TOUCH * art.height
        touches: dict[str, Callable[[Box], bool]] = {
            "top": lambda box: box.y1 <= art.y1 + dy,
            "bottom": lambda box: box.y2 >= art.y2 - dy,
            "left": lambda box: box.x1 <= art.x1 + dx,
            "right": lambda box: box.x2 >= art.x2 - dx,
        }
        return {
            (v, h): [panel for panel in self.panels if touches[v](panel.box) and touches[h](panel.box)]
            for v, h in _CORNERS
        }

    def _edge(self, panel: Panel) -> Iterable[Position]:
        if len(self.bands) > 1 and self.bands[0] == (panel,):
            text: dict[Language, str] = {
                "en": "the panel at the very top of the page",
                "fr": "la case tout en haut de la page",
            }
            yield Position("edge", text)
        if len(self.bands) > 1 and self.bands[-1] == (panel,):
            text = {"en": "the panel at the very bottom of the page", "fr": "la case tout en bas de la page"}
            yield Position("edge", text)


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """The indices of ``boxes`` in reading order, for sources that give none: a recursive cut.

    A group of boxes is cut along every horizontal line that crosses none of them (overlaps of up to 10 % of the smaller
    side are allowed), else along every vertical line, and the parts are read from top to bottom or from left to right,
    each cut again. A group that cannot be cut is read by its upper edges, then by its left ones. This is a guess
    wherever `Layout.precedes` is undecided.
    """

    def read(group: list[int]) -> list[int]:
        if len(group) == 1:
            return group
        for low, high in ((1, 3), (0, 2)):
            parts = _cut(group, [boxes[i].as_list() for i in group], low, high)
            if len(parts) > 1:
                return [index for part in parts for index in read(part)]
        return sorted(group, key=lambda i: (boxes[i].y1, boxes[i].x1))

    return read(list(range(len(boxes)))) if boxes else []


def _cut(group: list[int], boxes: list[list[int | float]], low: int, high: int) -> list[list[int]]:
    """``group`` split along one axis into parts that overlap each other by at most APART of the smaller side."""
    order = sorted(range(len(group)), key=lambda i: (boxes[i][low], boxes[i][high]))
    parts: list[list[int]] = []
    for i in order:
        mine = boxes[i]

        def shares(j: int, mine: list[int | float] = mine) -> bool:
            other = boxes[j]
            shared = min(mine[high], other[high]) - max(mine[low], other[low])
            return shared > APART * min(mine[high] - mine[low], other[high] - other[low])

        touching = [part for part in parts if any(shares(j) for j in part)]
        parts = [*(part for part in parts if part not in touching), [*(j for part in touching for j in part), i]]
    parts.sort(key=lambda part: min(boxes[j][low] for j in part))
    return [[group[j] for j in part] for part in parts]


def _ordinal_panel(rank: int, where: dict[Language, str]) -> dict[Language, str] | None:
    if rank > len(_ORDINALS["en"]):
        return None
    return {
        "en": f"the {_ORDINALS['en'][rank - 1]} panel {where['en']}",
        "fr": f"la {_ORDINALS['fr'][rank - 1]} case {where['fr']}",
    }


def _share_height(a: Box, b: Box) -> bool:
    return overlap(a, b)[1] > APART * min(a.height, b.height)


def _same_row(a: Box, b: Box) -> bool:
    x, y = overlap(a, b)
    return y >= SAME_ROW * max(a.height, b.height) and x <= SLANT * min(a.width, b.width)


def _hull(boxes: Iterable[Box]) -> Box:
    every = list(boxes)
    return Box(
        x1=min(b.x1 for b in every),
        y1=min(b.y1 for b in every),
        x2=max(b.x2 for b in every),
        y2=max(b.y2 for b in every),
    )
