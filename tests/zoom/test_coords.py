"""Box conventions: the worked examples, and page -> model -> page as the identity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.types import Box
from comic_eval.zoom.coords import FAMILIES, CoordSpec, alternative_readings, family_of

PAGE = Box(x1=0, y1=0, x2=2000, y2=2800)
TRUE = Box(x1=200, y1=1400, x2=600, y2=2100)

# What each family emits for TRUE on PAGE, as (model id, sent size, numbers).
EXAMPLES = [
    ("Qwen/Qwen2-VL-7B-Instruct", (1988, 2800), (100, 500, 300, 750)),
    ("vllm:Qwen/Qwen2.5-VL-7B-Instruct", (1988, 2800), (198.8, 1400, 596.4, 2100)),
    ("Qwen/Qwen2.5-VL-7B-Instruct", (756, 1036), (75.6, 518, 226.8, 777)),
    ("Qwen/Qwen3-VL-8B-Instruct", (1984, 2784), (100, 500, 300, 750)),
    ("Qwen3.5-27B", (1984, 2784), (100, 500, 300, 750)),
    ("OpenGVLab/InternVL3-8B", (2000, 2800), (100, 500, 300, 750)),
    ("gemini:gemini-2.5-flash", (2000, 2800), (500, 100, 750, 300)),
    ("openbmb/MiniCPM-o-2_6", (2000, 2800), (100, 500, 300, 750)),
    ("moonshotai/Kimi-VL-A3B-Instruct", (2000, 2800), (0.1, 0.5, 0.3, 0.75)),
    ("zai-org/GLM-4.5V", (2000, 2800), (100, 500, 300, 750)),
    ("openai:gpt-5-mini", (2000, 2800), (100, 500, 300, 750)),
    ("openai:o3", (2000, 2800), (100, 500, 300, 750)),
]


@pytest.mark.parametrize(("model", "sent", "numbers"), EXAMPLES)
def test_worked_examples(model: str, sent: tuple[int, int], numbers: tuple[float, ...]) -> None:
    spec = family_of(model).coords
    assert spec is not None
    assert spec.from_page(TRUE, PAGE, sent) == pytest.approx(numbers)
    assert spec.to_page(numbers, PAGE, sent) == pytest.approx((200, 1400, 600, 2100))


def test_families_are_told_apart() -> None:
    names = {
        "Qwen/Qwen2-VL-2B": "qwen2-vl",
        "Qwen/Qwen2.5-VL-3B-Instruct": "qwen2.5-vl",
        "qwen2_5-vl": "qwen2.5-vl",
        "Qwen/Qwen3-VL-30B-A3B": "qwen3-vl",
        "allenai/Molmo-7B-D": "molmo",
        "openai:gpt-4o-2024-08-06": "gpt",
        "something-else": "unknown",
    }
    assert {m: family_of(m).name for m in names} == names


def test_molmo_gives_no_boxes() -> None:
    assert family_of("allenai/Molmo-7B-D").coords is None


def test_qwen25_pixels_read_as_page_pixels_fail_silently_at_1k_tokens_only() -> None:
    """Why the frame matters: the same mistake is invisible at a large budget and total at a small one."""
    spec, wrong = CoordSpec(scale=None, frame="sent"), CoordSpec(scale=None, frame="page")

    def misread(sent: tuple[int, int]) -> float:
        x1, y1, x2, y2 = wrong.to_page(spec.from_page(TRUE, PAGE, sent), PAGE, sent)
        return Box(x1=x1, y1=y1, x2=x2, y2=y2).iou(TRUE)

    assert misread((1988, 2800)) == pytest.approx(0.988, abs=1e-3)
    assert misread((756, 1036)) == 0.0


def test_geminis_order_read_as_xyxy_misses() -> None:
    numbers = CoordSpec(order="yxyx").from_page(TRUE, PAGE, (2000, 2800))
    x1, y1, x2, y2 = CoordSpec().to_page(numbers, PAGE, (2000, 2800))
    assert Box(x1=x1, y1=y1, x2=x2, y2=y2).iou(TRUE) == 0.0


def test_alternatives_leave_out_the_spec_itself() -> None:
    for family in FAMILIES:
        if family.coords is not None:
            readings = alternative_readings(family.coords)
            assert len(readings) == 4
            assert all(
                (s.order, s.scale, s.frame) != (family.coords.order, family.coords.scale, family.coords.frame)
                for s in readings.values()
            )


@st.composite
def views(draw: st.DrawFn) -> tuple[Box, Box, tuple[int, int]]:
    """A box inside a region of a page, and the size at which that region was sent."""
    rw, rh = draw(st.integers(28, 6000)), draw(st.integers(28, 6000))
    rx, ry = draw(st.integers(0, 3000)), draw(st.integers(0, 3000))
    x1, y1 = draw(st.integers(0, rw - 1)), draw(st.integers(0, rh - 1))
    x2, y2 = draw(st.integers(x1 + 1, rw)), draw(st.integers(y1 + 1, rh))
    sent = (draw(st.integers(28, 4000)), draw(st.integers(28, 4000)))
    return Box(x1=rx + x1, y1=ry + y1, x2=rx + x2, y2=ry + y2), Box(x1=rx, y1=ry, x2=rx + rw, y2=ry + rh), sent


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.coords], ids=lambda f: f.name)
@given(view=views())
def test_round_trip_within_half_a_unit(family, view) -> None:  # type: ignore[no-untyped-def]
    box, region, sent = view
    spec = family.coords
    back = spec.to_page(spec.write(box, region, sent), region, sent)
    fx, fy = spec._factors(region, sent)
    slack = 0.5 * spec.unit * (1 + 1e-9)
    for got, true, factor in zip(back, box.as_list(), (fx, fy, fx, fy), strict=True):
        assert abs(got - true) <= slack * factor + 1e-6


@given(view=views())
def test_the_exact_form_is_the_identity(view) -> None:  # type: ignore[no-untyped-def]
    box, region, sent = view
    for family in FAMILIES:
        if family.coords is not None:
            there = family.coords.from_page(box, region, sent)
            assert family.coords.to_page(there, region, sent) == pytest.approx(box.as_list(), abs=1e-6)
