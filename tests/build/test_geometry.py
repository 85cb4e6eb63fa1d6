import numpy as np
import pytest
from support.pepper_carrot import of_task, samples

from comic_eval.benchmark.geometry import GeometryBaseline, difference_features, read_boxes
from comic_eval.types import Box, Composite, Mark, Sample


def pair(i: int, near: Box, far: Box, answer: str = "A", **changes) -> Sample:
    boxes = (near, far) if answer == "A" else (far, near)
    fields = {
        "id": f"dc-{i}",
        "task": "depth_comparison",
        "split": "train",
        "page": f"page{i % 5}",
        "image": "images/p.png",
        "image_size": (1000, 1400),
        "question": "Which is nearer?",
        "choices": ("mark A", "mark B"),
        "answer": answer,
        "marks": tuple(Mark(box=b, label=x) for b, x in zip(boxes, "AB", strict=True)),
    }
    return Sample(**(fields | changes))


def box(x: float, y: float, w: float, h: float) -> Box:
    return Box(x1=x, y1=y, x2=x + w, y2=y + h)


def leaky(n: int = 40) -> list[Sample]:
    """The nearer one is always bigger; all else is random."""
    rng = np.random.default_rng(3)
    made = []
    for i in range(n):
        w, h = rng.uniform(50, 100, 2)
        near, far = (box(*rng.uniform(0, 500, 2), w * f, h * f) for f in (1.3, 1.0))
        made.append(pair(i, near, far, "AB"[int(rng.integers(2))]))
    return made


def test_finds_a_leak_through_size_and_uses_it_on_unseen_questions():
    train, test = leaky()[:20], leaky()[20:]
    baseline = GeometryBaseline.fit(train)
    assert baseline.chosen["depth_comparison", "en"].name == "bigger"
    assert baseline.chosen["depth_comparison", "en"].train_accuracy == 1
    assert [baseline.answer(s.to_question()) for s in test] == [s.answer for s in test]


def test_finds_the_shape_of_same_characters():
    def two(i: int, ratio: float, answer: str) -> Sample:
        a, b = box(10 + i, 10, 100, 200), box(500, 700, 100 * ratio, 200)
        marks = (Mark(box=a, label="1"), Mark(box=b, label="2"))
        return pair(i, a, b, answer, task="character_identification", choices=("same", "different"), marks=marks)

    train = [two(i, 1.0 if i % 2 else 2.0, "A" if i % 2 else "B") for i in range(20)]
    baseline = GeometryBaseline.fit(train)
    assert baseline.answer(two(99, 1.02, "A").to_question()) == "A"
    assert baseline.answer(two(99, 1.9, "B").to_question()) == "B"


def test_swapping_the_marks_swaps_the_answer():
    baseline = GeometryBaseline.fit(leaky())
    for sample in leaky(10):
        question = sample.to_question()
        first, second = question.marks
        swapped = question.model_copy(
            update={"marks": (Mark(box=second.box, label="A"), Mark(box=first.box, label="B"))}
        )
        assert {baseline.answer(question), baseline.answer(swapped)} == {"A", "B"}


def test_differences_change_their_sign_with_the_order():
    a, b = box(0, 0, 10, 40), box(100, 30, 70, 20)
    forward, backward = difference_features(a, b), difference_features(b, a)
    assert {k: -v for k, v in forward.items()} == pytest.approx(backward)


def test_reads_no_place_of_the_candidates_since_that_is_the_answer():
    slots = (box(0, 0, 300, 400), box(400, 0, 300, 400))
    for candidates in (slots, slots[::-1]):
        sample = pair(
            1,
            *slots,
            task="panel_reordering",
            marks=(),
            composite=Composite(slots=slots, candidates=candidates),
        )
        assert read_boxes(sample.to_question()) is None


def test_would_tell_candidates_whose_shape_gives_them_away():
    slots = (box(0, 0, 300, 400), box(400, 0, 300, 200))

    def sample(i: int, answer: str) -> Sample:
        candidates = slots if answer == "A" else slots[::-1]
        composite = Composite(slots=slots, candidates=candidates)
        return pair(i, *slots, answer, task="panel_reordering", marks=(), composite=composite)

    baseline = GeometryBaseline.fit([sample(i, "AB"[i % 2]) for i in range(10)])
    assert [baseline.answer(sample(50, x).to_question()) for x in "AB"] == ["A", "B"]


def test_boxes_say_nothing_about_reordering_and_open_questions():
    baseline = GeometryBaseline.fit([s for s in samples() if s.split == "train"])
    for task in ("dialog_reordering", "panel_reordering", "panel_understanding"):
        assert {baseline.answer(s.to_question()) for s in of_task(task, "test")} == {None}


def test_answers_are_valid_and_the_same_in_both_languages():
    baseline = GeometryBaseline.fit([s for s in samples() if s.split == "train"])
    for task in ("action_recognition", "depth_comparison", "character_identification", "character_counting"):
        english = {s.pair_id: baseline.answer(s.to_question()) for s in of_task(task, "test")}
        french = {s.pair_id: baseline.answer(s.to_question()) for s in of_task(task, "test", "fr")}
        assert english == french
        for sample in of_task(task, "test"):
            answer = english[sample.pair_id]
            assert answer in sample.letters if sample.choices else int(answer) > 0


def test_fit_does_not_depend_on_the_order_of_samples():
    train = [s for s in samples() if s.split == "train"]
    one, two = GeometryBaseline.fit(train), GeometryBaseline.fit(train[::-1])
    assert {k: (c.name, c.train_accuracy) for k, c in one.chosen.items()} == {
        k: (c.name, c.train_accuracy) for k, c in two.chosen.items()
    }
    assert all(one.answer(s.to_question()) == two.answer(s.to_question()) for s in samples() if s.split == "test")


def test_without_training_it_has_no_answer():
    assert GeometryBaseline.fit([]).answer(leaky(1)[0].to_question()) is None
