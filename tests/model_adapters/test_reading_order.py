"""The order in which lettering is read."""

from importlib import import_module
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from comic_eval.types import Box

order = import_module("comic_eval.model_adapters._reading_order")
boxes = st.builds(
    lambda x, y, w, h: Box(x1=x, y1=y, x2=x + w, y2=y + h), *[st.integers(0, 900)] * 2, *[st.integers(1, 300)] * 2
)


def line(text: str, x: float, y: float, width: float = 100, height: float = 20) -> object:
    return order.Line(text=text, box=Box(x1=x, y1=y, x2=x + width, y2=y + height))


def test_lines_of_one_balloon_stay_together() -> None:
    left = [line("How", 0, 0), line("are", 5, 22), line("you?", 2, 44)]
    right = [line("Fine,", 300, 10), line("thanks.", 305, 33)]
    below = [line("The end.", 100, 300)]
    shuffled = [right[1], below[0], left[2], right[0], left[0], left[1]]
    assert order.page_text(shuffled) == "How are you?\nFine, thanks.\nThe end."


def test_rows_before_columns() -> None:
    grid = [(x, y) for y in (0, 200, 400) for x in (0, 200)]
    cells = [Box(x1=x, y1=y + x / 20, x2=x + 100, y2=y + 100) for x, y in grid]
    assert order.reading_order(list(reversed(cells))) == [5, 4, 3, 2, 1, 0]


def test_a_tall_balloon_beside_two_short_ones() -> None:
    tall, upper, lower = (Box(x1=0, y1=0, x2=90, y2=300), Box(x1=100, y1=0, x2=190, y2=90),
                          Box(x1=100, y1=200, x2=190, y2=290))  # fmt: skip
    assert order.reading_order([lower, upper, tall]) == [2, 1, 0]


def test_no_text() -> None:
    assert order.page_text([]) == ""


@given(st.lists(boxes, max_size=12))
def test_every_box_once_and_whatever_lies_wholly_below_comes_later_in_a_column(many: list[Box]) -> None:
    found = order.reading_order(many)
    assert sorted(found) == list(range(len(many)))
    if all(a.x1 < b.x2 and b.x1 < a.x2 for a in many for b in many):
        assert all(many[i].y1 <= many[j].y1 or many[j].y2 > many[i].y1 for i, j in pairwise(found))


@given(st.lists(boxes, max_size=12))
def test_every_line_once(many: list[Box]) -> None:
    lines = [order.Line(text=str(i), box=b) for i, b in enumerate(many)]
    assert sorted(order.page_text(lines).split()) == sorted(map(str, range(len(many))))
