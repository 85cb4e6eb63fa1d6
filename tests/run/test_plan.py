"""Which samples are asked, in which order, with which words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.runs import choice_samples

from comic_eval.plugins import get_task
from comic_eval.run.plan import Item, choose, conversation, in_page_order, make_plan, prompts_hash, sample_ids_hash
from comic_eval.types import EncodedImage, ImagePart, Sample, TextPart

SAMPLES = choice_samples(12)
TASKS = {name: get_task(name) for name in ("action_recognition", "character_counting")}


def test_no_limit_asks_everything() -> None:
    assert choose(SAMPLES, None) == SAMPLES
    assert choose(SAMPLES, 1000) == SAMPLES


@given(limit=st.integers(1, 24), order=st.randoms(use_true_random=False))
def test_a_limit_is_exact_even_nested_and_independent_of_order(limit: int, order: object) -> None:
    shuffled = list(SAMPLES)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    chosen = choose(SAMPLES, limit)
    assert len(chosen) == limit
    counts = [sum(s.task == task for s in chosen) for task in TASKS]
    assert max(counts) - min(counts) <= 1
    if limit % 2 == 0:
        assert {s.id for s in choose(shuffled, limit)} == {s.id for s in chosen}
    assert {s.id for s in chosen} <= {s.id for s in choose(SAMPLES, limit + 1)}


def test_a_task_with_few_samples_leaves_its_share_to_the_others() -> None:
    few = [s for s in SAMPLES if s.task == "action_recognition"] + [
        s for s in SAMPLES if s.task == "character_counting"
    ][:1]
    chosen = choose(few, 6)
    assert [sum(s.task == t for s in chosen) for t in TASKS] == [5, 1]


def test_both_languages_get_the_same_pairs() -> None:
    french = [s.model_copy(update={"id": s.id[:-2] + "fr", "language": "fr"}) for s in SAMPLES]
    assert {s.pair_id for s in choose(SAMPLES, 7)} == {s.pair_id for s in choose(french, 7)}


def test_a_limit_spreads_over_pages() -> None:
    assert len({s.page for s in choose(SAMPLES, 12)}) >= 6


def test_questions_of_a_page_stand_together_unmarked_ones_first() -> None:
    unmarked = [s.model_copy(update={"id": s.id + "-plain", "marks": ()}) for s in SAMPLES]
    ordered = in_page_order([*SAMPLES, *unmarked])
    pages = [s.page for s in ordered]
    assert pages == sorted(pages)
    for page in set(pages):
        marked = [bool(s.marks) for s in ordered if s.page == page]
        assert marked == sorted(marked)
    assert sorted(s.id for s in ordered) == sorted(s.id for s in (*SAMPLES, *unmarked))


def test_images_come_before_the_text() -> None:
    image = EncodedImage(data=b"x", media_type="image/png", size=(1, 1), source_size=(1, 1))
    (message,) = conversation([image, image], "What?").messages
    assert message.role == "user"
    assert [type(part) for part in message.content] == [ImagePart, ImagePart, TextPart]
    (blind,) = conversation([], "What?").messages
    assert [type(part) for part in blind.content] == [TextPart]


def plan(samples: list[Sample], view: str = "page") -> list[Item]:
    return make_plan(samples, view=view, budget=1024, limit=None)


def test_hashes_tell_samples_and_prompts_apart() -> None:
    first, rest = SAMPLES[0], SAMPLES[1:]
    reworded = [first.model_copy(update={"question": "What does character A do now?"}), *rest]
    assert sample_ids_hash(plan(reworded)) == sample_ids_hash(plan(SAMPLES))
    assert prompts_hash(plan(reworded), TASKS) != prompts_hash(plan(SAMPLES), TASKS)
    assert prompts_hash(plan(SAMPLES, "blind"), TASKS) != prompts_hash(plan(SAMPLES), TASKS)
    assert sample_ids_hash(plan(rest)) != sample_ids_hash(plan(SAMPLES))
    assert sample_ids_hash(plan(SAMPLES[::-1])) == sample_ids_hash(plan(SAMPLES))
    assert prompts_hash(plan(SAMPLES[::-1]), TASKS) == prompts_hash(plan(SAMPLES), TASKS)
