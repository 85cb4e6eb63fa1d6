from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.art import busy_art

from comic_eval.images.budget import SMALLEST_BUDGET, plain_resize
from comic_eval.images.composite import LETTER_CAP, arrange, canvas_size, draw_composite
from comic_eval.images.lettering import legible_unit
from comic_eval.types import Box, Composite


def boxes(*lists: tuple[float, float, float, float]) -> tuple[Box, ...]:
    return tuple(Box(x1=a, y1=b, x2=c, y2=d) for a, b, c, d in lists)


PAGE = busy_art(600, 800)
COMPOSITE = Composite(
    slots=boxes((20, 20, 280, 380), (320, 20, 580, 380)),
    candidates=boxes((340, 50, 560, 350), (40, 50, 260, 350)),
)


def test_the_page_stays_where_it_was_but_for_the_slots() -> None:
    canvas = draw_composite(PAGE, COMPOSITE)
    changed = (np.asarray(canvas)[:800, :600] != np.asarray(PAGE)).any(axis=2)
    for slot in ((20, 20, 280, 380), (320, 20, 580, 380)):
        x1, y1, x2, y2 = slot
        assert changed[y1:y2, x1:x2].mean() > 0.99
        changed[y1:y2, x1:x2] = False
    assert not changed.any()


def test_candidates_are_cut_from_the_untouched_page_in_order() -> None:
    canvas = draw_composite(PAGE, COMPOSITE)
    first, second = arrange(PAGE.size, COMPOSITE).places
    assert canvas.crop(first).tobytes() == PAGE.crop((340, 50, 560, 350)).tobytes()
    assert canvas.crop(second).tobytes() == PAGE.crop((40, 50, 260, 350)).tobytes()
    assert first.y1 < second.y1
    assert first.x1 == second.x1 > 600


def test_what_lies_in_a_slot_cannot_be_told_from_the_page_part() -> None:
    swapped = PAGE.copy()
    swapped.paste(PAGE.crop((320, 20, 580, 380)), (20, 20))
    a = draw_composite(PAGE, COMPOSITE).crop((0, 0, 600, 800))
    b = draw_composite(swapped, COMPOSITE).crop((0, 0, 600, 800))
    assert a.tobytes() == b.tobytes()


def test_slots_and_candidates_are_told_apart_by_what_stands_on_them() -> None:
    canvas = np.asarray(draw_composite(PAGE, COMPOSITE).convert("L")).astype(int)
    one, two = canvas[20:380, 20:280], canvas[20:380, 320:580]
    assert (one != two).sum() > 200  # the numbers differ, nothing else does
    assert set(np.unique(np.nonzero(one != two)[1]) // 40) <= {2, 3, 4}
    first, second = arrange(PAGE.size, COMPOSITE).places
    heads = [canvas[p.y1 - 32 : p.y1 - 6, p.x1 : p.x2] for p in (first, second)]
    assert (heads[0] != heads[1]).sum() > 50
    for head in heads:
        assert head.max() - head.min() > 180


@pytest.mark.parametrize("size", [(600, 800), (1240, 1751), (2480, 3508)])
def test_letters_are_legible_at_the_smallest_budget(size: tuple[int, int]) -> None:
    w, h = size
    composite = Composite(
        slots=boxes((0, 0, w / 2, h / 2), (w / 2, 0, w, h / 2)),
        candidates=boxes((0, 0, w / 2, h / 2), (w / 2, 0, w, h / 2)),
    )
    full = canvas_size(size, composite)
    sent = plain_resize(*full, SMALLEST_BUDGET)
    assert LETTER_CAP * legible_unit(*size) * sent[0] / full[0] >= 12


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_composite_keeps_its_parts_on_the_canvas_and_off_one_another(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(40, 500)), data.draw(st.integers(40, 500))
    w, h = data.draw(st.floats(1, width)), data.draw(st.floats(1, height))
    candidates, slots = [], []
    for _ in range(2):
        x, y = data.draw(st.floats(0, width - w)), data.draw(st.floats(0, height - h))
        box = (x, y, min(x + w, width), min(y + h, height))
        candidates.append(box)
        slots.append(box)
    composite = Composite(slots=boxes(*slots), candidates=boxes(*candidates))
    canvas = draw_composite(Image.new("RGB", (width, height), "blue"), composite)
    layout = arrange((width, height), composite)
    assert canvas.size == layout.size == canvas_size((width, height), composite)
    first, second = layout.places
    assert (first.width, first.height) == (second.width, second.height)
    assert first.overlap(second) == 0
    for place in layout.places:
        assert place.x1 > width
        assert place.y1 > 0
        assert place.x2 < canvas.width
        assert place.y2 < canvas.height
        assert canvas.getpixel((place.x2 - 1, place.y2 - 1)) == (0, 0, 255)


def test_without_a_composite_the_canvas_is_the_page() -> None:
    assert canvas_size((600, 800), None) == (600, 800)


def test_tall_candidates_stand_side_by_side_where_that_is_smaller() -> None:
    tall = Composite(
        slots=boxes((0, 0, 100, 800), (300, 0, 400, 800)), candidates=boxes((0, 0, 100, 800), (300, 0, 400, 800))
    )
    first, second = arrange((600, 800), tall).places
    assert first.y1 == second.y1
    assert first.x2 < second.x1
