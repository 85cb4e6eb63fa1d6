"""Dialog Reordering and Panel Reordering: sound questions, and no way to answer them without looking."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import comic_eval
from comic_eval.benchmark.annotations import Balloon, Page, Panel
from comic_eval.benchmark.build import dialog_reordering as dialog
from comic_eval.benchmark.build import panel_reordering as panels
from comic_eval.benchmark.build.balance import seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.types import Box

SAMPLE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"


@cache
def sample() -> tuple[Page, ...]:
    return tuple(read_pages(SAMPLE))


def dialogs(page: Page, seed: int = 0) -> list[Draft]:
    return dialog.candidates(page, seeded(seed, page.id))


def lifted(page: Page, seed: int = 0) -> list[Draft]:
    return panels.candidates(page, seeded(seed, page.id))


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(" → ")]


def listed(draft: Draft) -> dict[int, str]:
    return {int(n): text for n, text in re.findall(r"^(\d)\. [“«]\s?(.*?)\s?[”»]$", draft.question, re.MULTILINE)}


# --- dialog -----------------------------------------------------------------------------------------------------------


def test_the_right_order_is_the_reading_order_of_the_balloons() -> None:
    for page in sample():
        order = {" ".join(b.text.split()): b.order or 0 for b in page.balloons}
        for draft in dialogs(page):
            texts = listed(draft)
            right, (wrong,) = numbers(draft.correct), map(numbers, draft.wrong)
            assert sorted(right) == sorted(wrong) == list(range(1, len(texts) + 1))
            assert 3 <= len(texts) <= 6
            places = [order[texts[n]] for n in right]
            assert places == sorted(places)
            assert wrong not in (right, right[::-1])
            assert not draft.regions
            assert not draft.marks


def test_windows_share_at_most_one_balloon_and_no_text_is_doubtful() -> None:
    for page in sample():
        texts = Counter(dialog.plain(b.text) for b in page.balloons)
        windows = dialog.windows(page, 7)
        for a, b in combinations(windows, 2):
            assert len({x.id for x in a} & {x.id for x in b}) <= 1
        for balloon in (b for window in windows for b in window):
            assert balloon.kind != "sfx"
            assert texts[dialog.plain(balloon.text)] == 1


def test_both_languages_ask_the_same() -> None:
    by_page: dict[str, list[Page]] = {}
    for page in sample():
        by_page.setdefault(page.id, []).append(page)
    count = 0
    for english, french in by_page.values():
        for en, fr in zip(dialogs(english), dialogs(french), strict=True):
            assert (en.key, en.correct, en.wrong, en.metadata) == (fr.key, fr.correct, fr.wrong, fr.metadata)
            assert en.question != fr.question
            count += 1
    assert count > 60


def test_one_to_four_questions_a_page_with_dialog() -> None:
    for page in sample():
        speech = [b for b in page.balloons if b.kind != "sfx"]
        assert len(dialogs(page)) <= max(0, (len(speech) - 1) // 2)
    test = [page for page in sample() if page.split == "test" and page.language == "en"]
    assert 30 <= sum(len(dialogs(page)) for page in test) <= 45


SHORTCUTS: dict[str, Callable[[list[int], list[int]], bool | None]] = {
    "nearer to the listed order": lambda a, b: less(dialog.inversions(tuple(a)), dialog.inversions(tuple(b))),
    "begins with the smaller number": lambda a, b: less(a[0], b[0]),
    "ends with the greater number": lambda a, b: less(-a[-1], -b[-1]),
    "number 1 comes earlier": lambda a, b: less(a.index(1), b.index(1)),
    "more neighbours ascend": lambda a, b: less(-ascents(a), -ascents(b)),
    "more neighbours follow directly": lambda a, b: less(-direct(a), -direct(b)),
    "more numbers at their own place": lambda a, b: less(-fixed(a), -fixed(b)),
    "smaller as a word": lambda a, b: less(a, b),
}


def less(a: object, b: object) -> bool | None:
    return None if a == b else a < b  # type: ignore[operator]


def ascents(order: list[int]) -> int:
    return sum(a < b for a, b in pairwise(order))


def direct(order: list[int]) -> int:
    return sum(b == a + 1 for a, b in pairwise(order))


def fixed(order: list[int]) -> int:
    return sum(number == place for place, number in enumerate(order, 1))


@pytest.mark.parametrize("size", dialog.SIZES)
def test_no_shortcut_through_the_numbers(size: int) -> None:
    """Each rule that looks at the numbers alone is right in half of 4,000 questions (within four standard errors)."""
    right: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    for draw in range(4000):
        rng = seeded("listing", size, draw)
        order, other = dialog.listing(rng.choice(dialog.changes(size)), rng, nearer=draw % 2 == 0)
        for name, rule in SHORTCUTS.items():
            verdict = rule(list(order), list(other))
            decided[name] += verdict is not None
            right[name] += verdict is True
    for name in SHORTCUTS:
        n = decided[name]
        assert n > 400 or (n == 0 and size == 3), name
        assert abs(right[name] - n / 2) <= 4 * 0.5 * n**0.5, f"{name}: {right[name]} of {n}"


@pytest.mark.parametrize("size", dialog.SIZES)
def test_changes_are_small_and_contain_their_undoing(size: int) -> None:
    changes = dialog.changes(size)
    same = tuple(range(size))
    for change in changes:
        undone = [0] * size
        for place, origin in enumerate(change):
            undone[origin] = place
        assert tuple(undone) in changes
        assert change not in (same, same[::-1])
        assert 1 <= dialog.inversions(change) <= 2


def page_of(balloons: list[Balloon], boxes: list[list[int]] | None = None) -> Page:
    found = [Box.model_validate(box) for box in boxes or [[0, 0, 1000, 1000]]]
    return sample()[0].model_copy(
        update={
            "width": 1000,
            "height": 1000,
            "panels": tuple(Panel(id=f"p{i}", order=i, box=box) for i, box in enumerate(found, 1)),
            "characters": (),
            "balloons": tuple(balloons),
            "text_boxes": (),
        }
    )


def balloon(number: int, box: list[int], text: str | None = None, **more: object) -> Balloon:
    fields = {"id": f"b{number}", "order": number, "panel": "p1", "box": box, "text": text or f"text {number}"}
    return Balloon.model_validate(fields | more)


DOWN = [[100, 100 * i, 300, 100 * i + 60] for i in range(1, 9)]


@pytest.mark.parametrize(
    "second",
    [
        {"text": "TEXT, 1 !"},
        {"text": "  "},
        {"order": None},
        {"panel": None},
        {"kind": "sfx"},
        {"box": [600, 40, 700, 90]},  # right and above: readers differ
    ],
    ids=["same text", "empty", "no order", "no panel", "sound effect", "read against the rules"],
)
def test_doubtful_balloons_are_left_out(second: dict[str, object]) -> None:
    balloons = [balloon(i, DOWN[i]) for i in range(1, 4)]
    assert len(dialogs(page_of(balloons))) == 1
    balloons[1] = balloon(2, **{"box": DOWN[2], **second})  # type: ignore[arg-type]
    assert dialogs(page_of(balloons)) == []


def test_a_window_over_panels_without_a_certain_order_is_left_out() -> None:
    tall_right = [[0, 0, 500, 480], [0, 520, 500, 1000], [520, 0, 1000, 1000]]
    places = [[10, 10, 90, 60], [10, 600, 90, 660], [600, 10, 700, 60]]
    balloons = [balloon(i, places[i - 1], panel=f"p{i}") for i in (1, 2, 3)]
    assert dialogs(page_of(balloons, tall_right)) == []
    in_a_row = [[0, 0, 300, 900], [320, 0, 600, 900], [620, 0, 1000, 900]]
    assert len(dialogs(page_of(balloons, in_a_row))) == 1


@given(st.integers(3, 40), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_long_dialogs_are_covered(count: int, seed: int) -> None:
    column = [balloon(i, [100, 20 * i, 300, 20 * i + 15]) for i in range(1, count + 1)]
    windows = dialog.windows(page_of(column), seed)
    links = sum(len(window) - 1 for window in windows)
    assert links >= count - 1 - 1
    assert all(len(window) in dialog.SIZES for window in windows)


# --- panels -----------------------------------------------------------------------------------------------------------


def test_pictures_have_one_shape_and_lie_well_inside_their_panels() -> None:
    for page in sample():
        boxes = {panel.id: panel.box for panel in page.panels}
        for draft in lifted(page):
            assert draft.composite is not None
            first, second = (boxes[name] for name in draft.key.split("-"))
            right, wrong = draft.composite.candidates
            assert (right.width, right.height) == (wrong.width, wrong.height)
            for picture, panel in ((right, first), (wrong, second)):
                assert picture.x1 >= panel.x1 + 0.02 * panel.width
                assert picture.x2 <= panel.x2 - 0.02 * panel.width
                assert picture.y1 >= panel.y1 + 0.02 * panel.height
                assert picture.y2 <= panel.y2 - 0.02 * panel.height
                assert picture.width >= 0.6 * panel.width
                assert picture.height >= 0.6 * panel.height


def test_places_hide_the_panels_and_nothing_of_their_neighbours() -> None:
    for page in sample():
        boxes = {panel.id: panel.box for panel in page.panels}
        for draft in lifted(page):
            assert draft.composite is not None
            names = draft.key.split("-")
            for name, slot in zip(names, draft.composite.slots, strict=True):
                assert slot.intersection(boxes[name]) == boxes[name].area
                assert all(slot.intersection(box) == 0 for other, box in boxes.items() if other != name)
                assert slot.within(page.width, page.height)
                for text in (*page.text_boxes, *(b.box for b in page.balloons)):
                    inside = slot.intersection(text)
                    rim = Box(x1=slot.x1 - 4, y1=slot.y1 - 4, x2=slot.x2 + 4, y2=slot.y2 + 4)
                    assert inside < 5 * max(text.width, text.height) or rim.intersection(text) == text.area
            one, two = draft.composite.slots
            assert one.intersection(two) == 0


def test_place_1_comes_first_in_reading_order_and_its_picture_is_right() -> None:
    for page in sample():
        order = {panel.id: panel.order for panel in page.panels}
        boxes = {panel.id: panel.box for panel in page.panels}
        uses: Counter[str] = Counter()
        for draft in lifted(page):
            assert draft.composite is not None
            first, second = draft.key.split("-")
            assert 1 <= order[second] - order[first] <= panels.MAX_DISTANCE
            assert boxes[first].intersection(draft.composite.candidates[0]) == draft.composite.candidates[0].area
            uses.update((first, second))
            assert not draft.regions
        assert max(uses.values(), default=0) <= panels.MAX_USES


def test_the_cut_does_not_depend_on_the_place_that_is_asked_for() -> None:
    page = next(p for p in sample() if p.id == "pc_e22p02" and p.language == "en")
    a, b = panels.pairs(page)[0]
    swapped = page.model_copy(
        update={"panels": tuple(p.model_copy(update={"order": 100 - p.order}) for p in page.panels)}
    )
    assert panels.crop(a, page, 200, 300) == panels.crop(a, swapped, 200, 300)
    assert panels.place(b, page) == panels.place(b, swapped)


def test_languages_agree_wherever_both_ask() -> None:
    found: dict[tuple[str, str], list[Draft]] = {}
    for page in sample():
        for draft in lifted(page):
            found.setdefault((page.id, draft.key), []).append(draft)
    both = [pair for pair in found.values() if len(pair) == 2]
    assert len(both) > 50
    for en, fr in both:
        assert en.composite == fr.composite
        assert (en.correct, en.wrong, fr.correct, fr.wrong) == ("panel A", ("panel B",), "case A", ("case B",))


def test_panels_of_different_shape_overlapping_panels_and_lettering_over_the_frame_are_left_out() -> None:
    two = [[0, 0, 480, 900], [520, 0, 1000, 900]]
    assert len(panels.pairs(page_of([], two))) == 1
    assert panels.pairs(page_of([], [[0, 0, 600, 900], [640, 0, 1000, 900]])) == []
    assert panels.pairs(page_of([], [[0, 0, 520, 900], [500, 0, 1000, 900]])) == []
    across = balloon(1, [440, 100, 560, 200])
    assert panels.pairs(page_of([across], two)) == []
    touching = balloon(1, [-0, 100, 490, 200])
    assert len(panels.pairs(page_of([touching], two))) == 1


def test_characters_stay_in_the_picture() -> None:
    page = page_of([], [[0, 0, 700, 900], [720, 0, 1220, 900]])
    inside = sample()[0].characters[0].model_copy(update={"panel": "p1", "box": Box(x1=30, y1=300, x2=130, y2=600)})
    page = page.model_copy(update={"characters": (inside,), "width": 1240})
    picture = panels.crop(page.panels[0], page, 450, 810)
    assert picture.intersection(inside.box) == inside.box.area
    assert panels.crop(page.panels[1], page, 450, 810).center == pytest.approx((970, 450), abs=1)
