"""Table 6's numbers on episodes made by hand, and the diagnostic on boxes read in the wrong frame."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from PIL import Image

from comic_eval.analysis.zooming import diagnose, zoom_stats
from comic_eval.types import Box
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace, Turn

SIZE = (1000, 1400)
PAGE = Box(x1=0, y1=0, x2=1000, y2=1400)
T1, T2 = Box(x1=100, y1=100, x2=500, y2=400), Box(x1=600, y1=100, x2=1000, y2=400)


def episode(
    calls: Sequence[str | Sequence[float]], targets: tuple[Box, ...] = (T1,), coords: CoordSpec | None = None
) -> Trace:
    """An episode with one call a turn; a string is taken as raw arguments."""
    environment = ZoomEnvironment(
        Image.new("RGB", SIZE),
        coords=coords or CoordSpec(scale=None, frame="page"),
        resize=lambda w, h, b: (w, h),
        sent_size=(500, 700),
        settings=ZoomSettings(),
    )
    for turn, call in enumerate(calls):
        environment.zoom(NAME, call if isinstance(call, str) else json.dumps({"bbox_2d": list(call)}), turn=turn)
    turns = tuple(Turn(text="") for _ in range(len(calls) + 1))
    return Trace(page_size=SIZE, sent_size=(500, 700), targets=targets, turns=turns, calls=tuple(environment.calls))


def test_averages_go_over_calls_and_invalid_calls_count_with_zero() -> None:
    stats = zoom_stats([episode([(100, 100, 500, 400), "{"]), episode([(100, 100, 500, 250)]), episode([])])
    assert (stats.episodes, stats.calls) == (3, 3)
    assert stats.mean_calls == 1.0
    assert stats.mean_iou == pytest.approx((1 + 0 + 0.5) / 3)
    assert [(c.n, c.mean_iou) for c in stats.iou_by_call] == [(2, pytest.approx(0.75)), (1, 0.0)]
    assert stats.coverage == pytest.approx((1 + 0.5 + 0) / 3)
    assert stats.executed == pytest.approx(2 / 3)
    assert stats.malformed == pytest.approx(1 / 3)
    assert stats.missed == pytest.approx(1 / 3)


def test_two_targets_are_matched_one_to_one() -> None:
    twice = zoom_stats([episode([(100, 100, 500, 400), (100, 100, 500, 400)], (T1, T2))])
    swapped = zoom_stats([episode([(600, 100, 1000, 400), (100, 100, 500, 400)], (T1, T2))])
    assert twice.mean_iou == 0.5
    assert twice.repeated == 1.0
    assert swapped.mean_iou == 1.0
    assert swapped.repeated == 0.0


def test_the_signs_of_a_faked_zoom() -> None:
    whole = zoom_stats([episode([(0, 0, 1000, 1400)]), episode([(100, 100, 500, 400)])])
    assert whole.whole_page == 0.5
    assert whole.area_p95 is not None
    assert whole.area_p95 > 0.9


def test_without_targets_or_calls_there_is_no_iou() -> None:
    stats = zoom_stats([episode([], ())])
    assert (stats.mean_iou, stats.coverage, stats.executed, stats.area_p50) == (None, None, None, None)
    with pytest.raises(ValueError, match="at least one"):
        zoom_stats([])


def boxes(spec: CoordSpec, read_as: CoordSpec, n: int = 12) -> list[Trace]:
    """Episodes of a model that writes perfect boxes in ``spec`` while we read them as ``read_as``."""
    targets = [Box(x1=50 + 20 * i, y1=700 - 40 * i, x2=350 + 20 * i, y2=1000 - 40 * i) for i in range(n)]
    return [episode([spec.write(t, PAGE, (500, 700))], (t,), coords=read_as) for t in targets]


def test_geminis_order_read_as_xyxy_is_told() -> None:
    found = diagnose(boxes(CoordSpec(order="yxyx"), CoordSpec()), CoordSpec())
    assert found is not None
    assert found.reading == "0-1000 yxyx (Gemini's order)"
    assert found.mean_iou > 0.95
    assert "--coords" in str(found)


def test_the_right_reading_and_few_calls_are_left_alone() -> None:
    assert diagnose(boxes(CoordSpec(), CoordSpec()), CoordSpec()) is None
    assert diagnose(boxes(CoordSpec(order="yxyx"), CoordSpec(), n=9), CoordSpec()) is None
    assert diagnose([episode([(1, 2, 3, 4)] * 20, ())], CoordSpec()) is None
