"""Which crops each view shows, and why a sample has none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.errors import UserError
from comic_eval.images import VIEWS, NotApplicableError, needs_regions, why_not
from comic_eval.images.views import Picture, get_view
from comic_eval.types import Box, Mark, Region, Sample

CROP_VIEWS = [name for name in VIEWS if needs_regions(name)]


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return load_benchmark("pepper-carrot")


def of(benchmark: Benchmark, task: str, split: str = "test", language: str = "en") -> list[Sample]:
    return [s for s in benchmark.samples if (s.task, s.split, s.language) == (task, split, language)]


def cuts(sample: Sample, view: str) -> list[Box]:
    return [p.cut.box for p in get_view(view)(sample).pictures if p.cut is not None]


def panels(sample: Sample) -> list[Region]:
    return [r for r in sample.regions if r.role == "panel"]


def region(*box: float, target: bool = False) -> Region:
    return Region(box=Box.model_validate(list(box)), role="panel", target=target)


def sample(task: str = "action_recognition", **fields: Any) -> Sample:
    given: dict[str, Any] = {
        "id": "s",
        "task": task,
        "split": "test",
        "page": "p",
        "image": "images/p.png",
        "question": "?",
        "answer": "1",
        "marks": (Mark(box=Box(x1=10, y1=10, x2=40, y2=60), label="1"),),
    }
    return Sample(**(given | fields))


# --- the oracle crop ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["panel_understanding", "action_recognition", "depth_comparison"])
def test_one_panel_is_the_oracle_crop_of_a_question_about_one_panel(benchmark: Benchmark, task: str) -> None:
    for s in of(benchmark, task):
        view = get_view("panel")(s)
        assert view.shown == "crop"
        assert cuts(s, "panel") == [r.box for r in s.regions if r.target]
        assert len(view.pictures) == 1


def test_two_panels_are_two_pictures_in_mark_order_never_the_union(benchmark: Benchmark) -> None:
    for s in of(benchmark, "character_identification"):
        first, second = cuts(s, "panel")
        assert (first, second) == s.targets
        assert first.intersection(s.marks[0].box) > 0
        assert second.intersection(s.marks[1].box) > 0


def test_counting_is_shown_every_panel_in_reading_order(benchmark: Benchmark) -> None:
    asked = of(benchmark, "character_counting")
    assert asked
    for s in asked:
        pages = benchmark.folder / "annotations" / f"{s.page}.json"
        order = sorted(json.loads(pages.read_text())["panels"], key=lambda p: p["order"])
        assert [box.as_list() for box in cuts(s, "panel")] == [p["box"] for p in order]


def test_counting_without_all_panels_has_no_oracle_crop() -> None:
    right = (region(0, 0, 100, 100, target=True), region(0, 110, 100, 200, target=True))
    alone = sample("character_counting", regions=right)
    for view in ("panel", "page+panel", "noise"):
        assert why_not(view, alone) == "panels_unknown"
    assert (
        why_not("panel", sample("character_counting", regions=right, metadata={"page_panels": 3})) == "panels_unknown"
    )
    assert why_not("panel", sample("character_counting", regions=right, metadata={"page_panels": 2})) is None
    assert why_not("panel", sample("character_counting", regions=(*right, region(110, 0, 200, 100)))) is None


def test_the_number_of_pictures_does_not_tell_a_count(benchmark: Benchmark) -> None:
    by_page: dict[str, set[int]] = {}
    for s in of(benchmark, "character_counting"):
        by_page.setdefault(s.page, set()).add(len(cuts(s, "panel")))
    assert all(len(numbers) == 1 for numbers in by_page.values())


@pytest.mark.parametrize("task", ["dialog_reordering", "panel_reordering"])
def test_reordering_says_that_it_has_no_target(benchmark: Benchmark, task: str) -> None:
    for s in of(benchmark, task)[:5]:
        for view in CROP_VIEWS:
            assert why_not(view, s) == "no_target_region"
            with pytest.raises(NotApplicableError, match="no target region: it is about the page as a whole"):
                get_view(view)(s)
        assert why_not("page", s) is None
        assert why_not("blind", s) is None


# --- characters -----------------------------------------------------------------------------------------------------


def test_character_views_are_the_marked_characters(benchmark: Benchmark) -> None:
    for task in ("action_recognition", "character_identification"):
        for s in of(benchmark, task):
            assert cuts(s, "character") == [m.box for m in s.marks]


@pytest.mark.parametrize("task", ["depth_comparison", "character_counting", "panel_understanding"])
def test_other_tasks_have_no_character_view(benchmark: Benchmark, task: str) -> None:
    assert why_not("character", of(benchmark, task)[0]) == "no_character_view"


# --- controls -------------------------------------------------------------------------------------------------------


def test_a_wrong_panel_is_no_target_and_shares_nothing_with_one(benchmark: Benchmark) -> None:
    shown = 0
    for s in benchmark.samples:
        if why_not("other-panel", s):
            continue
        shown += 1
        wrong = cuts(s, "other-panel")
        assert len(wrong) == len(set(wrong)) == len(s.targets)
        for box in wrong:
            assert box in {r.box for r in panels(s) if not r.target}
            assert all(box.intersection(t) <= 0.05 * min(box.area, t.area) for t in s.targets)
    assert shown > 1500


def test_both_languages_and_every_call_show_the_same_wrong_panel(benchmark: Benchmark) -> None:
    french = {s.pair_id: s for s in of(benchmark, "action_recognition", language="fr")}
    for s in of(benchmark, "action_recognition"):
        assert cuts(s, "other-panel") == cuts(s, "other-panel") == cuts(french[s.pair_id], "other-panel")


def test_the_wrong_panel_nearest_in_size_is_taken() -> None:
    target = region(0, 0, 100, 100, target=True)
    small, near, large = region(0, 200, 20, 220), region(200, 0, 300, 110), region(200, 200, 900, 900)
    assert cuts(sample(regions=(target, small, near, large)), "other-panel") == [near.box]


def test_of_equal_panels_the_sample_chooses() -> None:
    target = region(0, 0, 100, 100, target=True)
    others = [region(200 * i, 200, 200 * i + 100, 300) for i in range(4)]
    chosen = {cuts(sample(id=f"s{i}", regions=(target, *others)), "other-panel")[0] for i in range(40)}
    assert chosen == {r.box for r in others}


def test_two_targets_get_two_wrong_panels_or_none() -> None:
    two = (region(0, 0, 100, 100, target=True), region(110, 0, 200, 100, target=True))
    others = (region(0, 110, 100, 200), region(110, 110, 200, 200))
    assert set(cuts(sample(regions=(*two, *others)), "other-panel")) == {r.box for r in others}
    assert why_not("other-panel", sample(regions=(*two, others[0]))) == "no_wrong_panel"


def test_a_panel_over_the_right_one_is_not_wrong_enough() -> None:
    target, inset = region(0, 0, 100, 100, target=True), region(50, 50, 120, 120)
    assert why_not("other-panel", sample(regions=(target, inset))) == "no_wrong_panel"


def test_counting_has_no_wrong_panel_since_all_are_shown(benchmark: Benchmark) -> None:
    assert {why_not("other-panel", s) for s in of(benchmark, "character_counting")} == {"no_wrong_panel"}


def test_noise_takes_the_place_of_each_oracle_crop(benchmark: Benchmark) -> None:
    for task in ("panel_understanding", "character_identification", "character_counting"):
        s = of(benchmark, task)[0]
        noisy = [p.cut for p in get_view("noise")(s).pictures if p.cut]
        assert [c.box for c in noisy] == cuts(s, "panel")
        assert len({c.noise for c in noisy}) == len(noisy)
        assert None not in {c.noise for c in noisy}


@pytest.mark.parametrize(("both", "crop"), [("page+panel", "panel"), ("page+noise", "noise")])
def test_the_page_comes_first_and_stays_as_it_is(benchmark: Benchmark, both: str, crop: str) -> None:
    s = of(benchmark, "character_identification")[0]
    view = get_view(both)(s)
    assert view.shown == "page+crop"
    assert view.pictures[:1] == get_view("page")(s).pictures
    assert view.pictures[1:] == get_view(crop)(s).pictures


# --- what a view may be asked ---------------------------------------------------------------------------------------


def test_crop_views_need_a_sample_and_page_and_blind_do_not(benchmark: Benchmark) -> None:
    s = of(benchmark, "action_recognition")[0]
    question = s.to_question()
    for view in ("page", "blind"):
        assert get_view(view)(question) == get_view(view)(s)
    for view in CROP_VIEWS:
        with pytest.raises(TypeError, match="Question does not know its regions"):
            get_view(view)(question)


def test_reasons_are_the_users_to_mend_and_name_the_sample() -> None:
    with pytest.raises(UserError, match=r"sample 's' has no target region.*another view or leave its task out"):
        get_view("panel")(sample())
    with pytest.raises(UserError, match="unknown view"):
        why_not("panels", sample())


def test_crops_carry_the_marks_of_their_page(benchmark: Benchmark) -> None:
    s = of(benchmark, "depth_comparison")[0]
    (crop,) = get_view("panel")(s).pictures
    assert isinstance(crop, Picture)
    assert crop.marks == s.marks
