"""Crop rules over all boxes and pages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from comic_eval.types import Box
from comic_eval.zoom.crop import CropRules, clamp

sizes = st.tuples(st.integers(28, 5000), st.integers(28, 5000))
numbers = st.floats(-6000, 12000, allow_nan=False)


@given(size=sizes, values=st.tuples(numbers, numbers, numbers, numbers), padding=st.floats(0, 2))
def test_the_crop_is_on_the_page_and_keeps_its_promises(
    size: tuple[int, int], values: tuple[float, float, float, float], padding: float
) -> None:
    box = clamp(values, size)
    if box is None:
        return
    rules = CropRules(padding=padding)
    crop = rules.execute(box, size)
    assert crop.within(*size)
    assert (crop.x1, crop.y1, crop.x2, crop.y2) == tuple(map(int, crop.as_list()))
    assert crop.x1 <= box.x1
    assert crop.x2 >= box.x2
    assert crop.y1 <= box.y1
    assert crop.y2 >= box.y2
    assert min(crop.width, crop.height) >= 28
    assert max(crop.width, crop.height) <= max(rules.max_aspect * min(crop.width, crop.height), 28)


def test_nothing_on_the_page_gives_no_box() -> None:
    assert clamp((10, 10, 5, 20), (100, 100)) is None
    assert clamp((200, 10, 300, 20), (100, 100)) is None
    assert clamp((-50, -50, 50, 2000), (100, 100)) == Box(x1=0, y1=0, x2=50, y2=100)


def test_a_tiny_box_grows_about_its_centre() -> None:
    crop = CropRules().execute(Box(x1=500, y1=600, x2=504, y2=610), (1000, 1000))
    assert crop == Box(x1=488, y1=591, x2=516, y2=619)
    at_the_edge = CropRules().execute(Box(x1=0, y1=990, x2=4, y2=1000), (1000, 1000))
    assert at_the_edge == Box(x1=0, y1=972, x2=28, y2=1000)


def test_an_extreme_aspect_is_widened() -> None:
    crop = CropRules(max_aspect=10).execute(Box(x1=0, y1=100, x2=1000, y2=130), (1000, 1000))
    assert crop.width / crop.height <= 10
    assert crop.y1 < 100
    assert crop.y2 > 130
