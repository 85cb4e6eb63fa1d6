"""Position phrases: read back by resolvers of their own, which all must find the panel that was meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import comic_eval
from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.build.positions import Layout, reading_order
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.types import Box

SAMPLE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"
Rows = list[list[Panel]]

NUMBER_WORDS = {
    "en": (
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
    ),
    "fr": (
        "première deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième onzième douzième "
        "treizième quatorzième quinzième seizième dix-septième dix-huitième dix-neuvième vingtième"
    ),
}
NUMBERS = {language: words.split() for language, words in NUMBER_WORDS.items()}
PATTERNS = {
    "en": {
        "rank": r"the (\w+) panel of the page",
        "place": r"the (\w+) panel of the (\w+) row",
    },
    "fr": {
        "rank": r"la ([\w-]+) case de la page",
        "place": r"la ([\w-]+) case de la (?:([\w-]+) rangée|rangée du (bas))",
    },
}


def panel(name: str, order: int, x1: float, y1: float, x2: float, y2: float) -> Panel:
    return Panel(id=name, order=order, box=Box(x1=x1, y1=y1, x2=x2, y2=y2))


def numbered(boxes: Sequence[tuple[float, float, float, float]]) -> list[Panel]:
    return [panel(f"p{i}", i, *box) for i, box in enumerate(boxes, 1)]


# --- readers: how different people split a page into rows -------------------------------------------------------------


def columns(row: list[Panel]) -> list[Panel]:
    """From left to right; panels above each other from top to bottom."""
    groups: Rows = []
    for p in sorted(row, key=lambda p: p.box.x1):
        narrow = min((q.box.width for q in groups[-1]), default=0) if groups else 0
        if groups and p.box.x1 < max(q.box.x2 for q in groups[-1]) - 0.3 * min(narrow, p.box.width):
            groups[-1].append(p)
        else:
            groups.append([p])
    return [p for group in groups for p in sorted(group, key=lambda p: (p.box.y1, p.box.x1))]


def by_centres(panels: list[Panel]) -> Rows:
    """Begins at the upper left; a panel belongs to the row if the middle height of the row's first panel meets it.

    Nobody skips a panel that stands above one that is read, so those belong to the row too.
    """
    rest = sorted(panels, key=lambda p: p.box.y1)
    rows: Rows = []
    while rest:
        first = min((p for p in rest if p.box.y1 <= rest[0].box.y1 + 30), key=lambda p: p.box.x1)
        row = [p for p in rest if p.box.y1 < first.box.center[1] < p.box.y2]
        row += [p for p in rest if p not in row and any(stands_above(p, q) for q in row)]
        rows.append(columns(row))
        rest = [p for p in rest if p not in row]
    return rows


def stands_above(p: Panel, q: Panel) -> bool:
    sideways = min(p.box.x2, q.box.x2) - max(p.box.x1, q.box.x1)
    return p.box.center[1] < q.box.y1 and sideways > 0.3 * min(p.box.width, q.box.width)


def by_tops(panels: list[Panel]) -> Rows:
    """Panels belong to one row as long as their upper edges lie near that of the row's first panel."""
    rest = sorted(panels, key=lambda p: p.box.y1)
    rows: Rows = []
    for p in rest:
        if rows and p.box.y1 - rows[-1][0].box.y1 < 0.5 * rows[-1][0].box.height:
            rows[-1].append(p)
        else:
            rows.append([p])
    return [columns(row) for row in rows]


def by_gutters(panels: list[Panel]) -> Rows:
    """Rows lie between horizontal lines (thin overlaps allowed) that cross no panel; inside, columns are read."""
    rest = sorted(panels, key=lambda p: p.box.y1)
    rows: Rows = []
    for p in rest:
        height = min((q.box.height for row in rows[-1:] for q in row), default=0)
        if rows and p.box.y1 < max(q.box.y2 for q in rows[-1]) - 0.1 * min(height, p.box.height):
            rows[-1].append(p)
        else:
            rows.append([p])

    return [columns(row) for row in rows]


READERS: list[Callable[[list[Panel]], Rows]] = [by_centres, by_tops, by_gutters]


def resolve(phrase: str, language: str, rows: Rows, panels: list[Panel]) -> Panel:
    """The panel that somebody who sees these rows finds by this phrase."""
    flat = [p for row in rows for p in row]
    numbers = NUMBERS[language]

    def row_of(text: str) -> list[Panel]:
        return rows[-1] if text in ("bottom", "bas") else rows[numbers.index(text)]

    if match := re.fullmatch(PATTERNS[language]["rank"], phrase):
        return pick(flat, match[1], numbers)
    if match := re.fullmatch(PATTERNS[language]["place"], phrase):
        return pick(row_of(next(g for g in match.groups()[1:] if g)), match[1], numbers)
    if match := re.fullmatch(r"la case la plus à (gauche|droite) de la (?:([\w-]+) rangée|rangée du (bas))", phrase):
        row = row_of(match[2] or match[3])
        return min(row, key=lambda p: p.box.x1) if match[1] == "gauche" else max(row, key=lambda p: p.box.x2)
    left = "left" in phrase or "gauche" in phrase
    top = re.search(r"\btop\b|\bhaut\b", phrase) is not None
    if "corner" in phrase or "à gauche" in phrase or "à droite" in phrase:
        return nearest_to_corner(panels, left=left, top=top)
    assert re.search(r"very (top|bottom)|tout en (haut|bas)", phrase), phrase
    return min(panels, key=lambda p: p.box.y1) if top else max(panels, key=lambda p: p.box.y2)


def pick(row: list[Panel], word: str, numbers: list[str]) -> Panel:
    if word in ("only", "seule"):
        assert len(row) == 1
        return row[0]
    ends = {"last": -1, "dernière": -1, "leftmost": 0, "rightmost": -1}
    return row[ends[word]] if word in ends else row[numbers.index(word)]


def nearest_to_corner(panels: list[Panel], *, left: bool, top: bool) -> Panel:
    x = min(p.box.x1 for p in panels) if left else max(p.box.x2 for p in panels)
    y = min(p.box.y1 for p in panels) if top else max(p.box.y2 for p in panels)

    def distance(p: Panel) -> float:
        return abs((p.box.x1 if left else p.box.x2) - x) + abs((p.box.y1 if top else p.box.y2) - y)

    best = sorted(panels, key=distance)
    assert len(best) == 1 or distance(best[0]) < distance(best[1]), "two panels are equally near"
    return best[0]


# --- pages ------------------------------------------------------------------------------------------------------------


@st.composite
def grids(draw: st.DrawFn) -> list[Panel]:
    """Rows of panels with uneven gutters and jittered edges; now and then a band is a tall panel beside a stack."""
    boxes: list[tuple[float, float, float, float]] = []
    y = 50.0
    for _ in range(draw(st.integers(1, 5))):
        height = draw(st.integers(200, 500))
        columns = draw(st.integers(1, 4))
        cuts = sorted(draw(st.lists(st.integers(2, 8), min_size=columns - 1, max_size=columns - 1, unique=True)))
        edges = [50.0, *(50 + 110.0 * c for c in cuts), 1150.0]
        stacked = draw(st.sampled_from([None, None, 0, columns - 1]))
        for column in range(columns):
            x1, x2 = edges[column] + 8, edges[column + 1] - 8
            cells = [(y, y + height)]
            if column == stacked and columns > 1:
                middle = y + height * draw(st.floats(0.25, 0.75))
                cells = [(y, middle - 8), (middle + 8, y + height)]
            for top, bottom in cells:
                jitter = [draw(st.integers(-12, 12)) for _ in range(4)]
                boxes.append((x1 + jitter[0], top + jitter[1], x2 + jitter[2], bottom + jitter[3]))
        y += height + draw(st.integers(20, 40))
    return numbered([boxes[i] for i in reading_order([Box(x1=a, y1=b, x2=c, y2=d) for a, b, c, d in boxes])])


@st.composite
def scattered(draw: st.DrawFn) -> list[Panel]:
    """Boxes anywhere: overlapping, staggered, inset."""
    size = st.integers(0, 40)
    boxes = []
    for _ in range(draw(st.integers(1, 7))):
        x, y, w, h = draw(size), draw(size), draw(st.integers(8, 40)), draw(st.integers(8, 40))
        boxes.append((x * 20.0, y * 20.0, (x + w) * 20.0, (y + h) * 20.0))
    return numbered([boxes[i] for i in reading_order([Box(x1=a, y1=b, x2=c, y2=d) for a, b, c, d in boxes])])


def check_every_phrase(panels: list[Panel]) -> int:
    layout, count = Layout(panels), 0
    for meant in panels:
        for position in layout.positions(meant):
            assert set(position.text) == {"en", "fr"}
            for language, phrase in position.text.items():
                for reader in READERS:
                    found = resolve(phrase, language, reader(panels), panels)
                    assert found.id == meant.id, f"{reader.__name__}: {phrase!r} is {found.id}, not {meant.id}"
                count += 1
    return count


@given(grids())
@settings(max_examples=200, deadline=None)
def test_every_phrase_on_a_grid_finds_its_panel_for_every_reader(panels: list[Panel]) -> None:
    check_every_phrase(panels)


@given(grids())
@settings(max_examples=100, deadline=None)
def test_phrases_of_a_page_never_name_two_panels(panels: list[Panel]) -> None:
    layout = Layout(panels)
    phrases = [position.text["en"] for p in panels for position in layout.positions(p)]
    assert len(phrases) == len(set(phrases))


@given(scattered())
@settings(max_examples=200, deadline=None)
def test_ranks_and_corners_among_scattered_boxes_are_a_consistent_order(panels: list[Panel]) -> None:
    layout = Layout(panels)
    ranks = [rank for p in panels if (rank := layout.rank(p)) is not None]
    assert len(ranks) == len(set(ranks))
    for a in panels:
        for b in panels:
            assert not (layout.precedes(a, b) and layout.precedes(b, a))
    phrases = [position.text["fr"] for p in panels for position in layout.positions(p)]
    assert len(phrases) == len(set(phrases))


def kinds(layout: Layout, p: Panel) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for position in layout.positions(p):
        result.setdefault(position.kind, []).append(position.text["en"])
    return result


def test_a_clean_page_offers_every_variant() -> None:
    panels = numbered(
        [
            (0, 0, 100, 50),
            (0, 60, 30, 100),
            (35, 60, 65, 100),
            (70, 60, 100, 100),
            (0, 110, 48, 200),
            (52, 110, 100, 200),
        ]
    )
    layout = Layout(panels)
    assert kinds(layout, panels[0]) == {
        "page_ordinal": ["the first panel of the page"],
        "row_place": ["the only panel of the first row"],
        "edge": ["the panel at the very top of the page"],
    }
    assert kinds(layout, panels[2]) == {
        "page_ordinal": ["the third panel of the page"],
        "row_place": ["the second panel of the second row"],
    }
    last = {position.text["fr"] for position in layout.positions(panels[5])}
    assert last == {
        "la sixième case de la page",
        "la dernière case de la page",
        "la deuxième case de la troisième rangée",
        "la deuxième case de la rangée du bas",
        "la case la plus à droite de la troisième rangée",
        "la case la plus à droite de la rangée du bas",
        "la case en bas à droite de la page",
    }


def test_rows_below_an_irregular_band_are_not_numbered() -> None:
    tall_left = [(0, 0, 40, 100), (45, 0, 100, 48), (45, 52, 100, 100), (0, 110, 48, 200), (52, 110, 100, 200)]
    panels = numbered(tall_left)
    layout = Layout(panels)
    assert layout.clean == (False, True)
    assert kinds(layout, panels[0]) == {
        "page_ordinal": ["the first panel of the page"],
        "corner": ["the panel in the top-left corner of the page"],
    }
    assert kinds(layout, panels[2]) == {"page_ordinal": ["the third panel of the page"]}
    assert kinds(layout, panels[3])["row_place"] == ["the first panel of the bottom row"]


def test_a_tall_panel_at_the_right_leaves_its_band_undecided() -> None:
    panels = numbered([(0, 0, 55, 48), (0, 52, 55, 100), (60, 0, 100, 100), (0, 110, 100, 200)])
    layout = Layout(panels)
    assert [layout.rank(p) for p in panels] == [1, None, None, 4]
    assert layout.positions(panels[1]) == ()


def test_insets_have_no_ordinal() -> None:
    panels = numbered([(0, 0, 100, 90), (60, 60, 95, 85), (0, 100, 100, 200)])
    layout = Layout(panels)
    assert [layout.rank(p) for p in panels] == [None, None, 3]


def test_an_order_from_right_to_left_is_not_contradicted() -> None:
    panels = [panel("a", 2, 0, 0, 48, 90), panel("b", 1, 52, 0, 100, 90), panel("c", 3, 0, 100, 100, 200)]
    layout = Layout(panels)
    assert kinds(layout, panels[0]) == {
        "row_end": ["the leftmost panel of the first row"],
        "corner": ["the panel in the top-left corner of the page"],
    }
    assert layout.rank(panels[2]) == 3


@pytest.mark.parametrize("page", [p for p in read_pages(SAMPLE) if p.language == "en"], ids=lambda page: page.id)
def test_phrases_on_real_pages(page: Page) -> None:
    assert check_every_phrase(list(page.panels)) >= 2 * len(page.questions) or page.id in {"pc_e04p03", "pc_e06p04"}


def test_computed_reading_order_is_that_of_the_labels() -> None:
    for page in read_pages(SAMPLE):
        assert reading_order([p.box for p in page.panels]) == list(range(len(page.panels))), page.id


def test_reading_order_of_nothing_and_of_a_pinwheel() -> None:
    assert reading_order([]) == []
    pinwheel = [Box(x1=0, y1=0, x2=60, y2=30), Box(x1=65, y1=0, x2=100, y2=60), Box(x1=0, y1=35, x2=30, y2=100)]
    assert reading_order([*pinwheel, Box(x1=35, y1=65, x2=100, y2=100)]) == [0, 1, 2, 3]
