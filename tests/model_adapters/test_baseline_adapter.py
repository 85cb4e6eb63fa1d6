"""The baselines: what they answer, that they look at nothing, and that a resumed run draws the same."""

import importlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import ask, ask_each, question, request, train_sample

from comic_eval import plugins
from comic_eval.errors import PluginError
from comic_eval.plugins import create_adapter
from comic_eval.types import Box, Mark, Question

CHOICES = ("runs", "sleeps a lot", "sits", "eats")
CHOICE = question("q1", choices=CHOICES)
COUNT = question("q2", task="character_counting")
OPEN = question("q3", task="panel_understanding")
OPEN_FR = question("q3-fr", task="panel_understanding", language="fr")
TRAIN = [
    train_sample("t1", choices=("sits", "runs"), answer="A"),
    train_sample("t2", choices=("runs", "sits"), answer="B"),
    train_sample("t3", choices=("flies", "runs"), answer="B"),
    train_sample("t4", choices=("crie", "rit"), answer="A", language="fr"),
    *(train_sample(f"c{i}", task="character_counting", answer=a) for i, a in enumerate(["3", "3", "3", "7"])),
]


def answers(name: str, *questions: Question, seed: int = 0) -> list[str]:
    found = ask_each(create_adapter(name), *[request(of=q) for q in questions], train=TRAIN, seed=seed)
    return [f.text.removeprefix("<answer>").removesuffix("</answer>") for f in found]


@pytest.mark.parametrize(
    ("name", "expected"), [("first", ["A", "1"]), ("longest", ["B", "1"]), ("majority", ["C", "3"])]
)
def test_what_they_answer(name: str, expected: list[str]) -> None:
    assert answers(name, CHOICE, COUNT) == expected
    assert answers(f"baseline:{name}", CHOICE, COUNT) == expected


@pytest.mark.parametrize("name", ["random", "majority", "first", "longest", "geometry"])
def test_open_questions_get_an_honest_answer(name: str) -> None:
    assert answers(name, OPEN, OPEN_FR) == ["I don't know.", "Je ne sais pas."]


def test_majority_keeps_languages_apart() -> None:
    assert answers("majority", question("q", choices=("rit", "crie"), language="fr")) == ["B"]


def test_random_counts_are_as_frequent_as_in_train() -> None:
    drawn = Counter(answers("random", *[question(f"q{i}", task="character_counting") for i in range(2000)]))
    assert set(drawn) == {"3", "7"}
    # Four standard deviations of a binomial with n = 2000, p = 1/4.
    assert abs(drawn["7"] - 500) < 4 * (2000 * 0.25 * 0.75) ** 0.5


def test_without_a_train_split_counts_are_even_from_1_to_6() -> None:
    many = [request(of=question(f"q{i}", task="character_counting")) for i in range(1200)]
    for name in ("random", "geometry"):
        drawn = Counter(found.text for found in ask_each(create_adapter(name), *many, train=[]))
        assert set(drawn) == {f"<answer>{n}</answer>" for n in range(1, 7)}
        assert all(abs(n - 200) < 4 * (1200 / 6 * 5 / 6) ** 0.5 for n in drawn.values())
    assert ask_each(create_adapter("majority"), many[0], train=[])[0].text == "<answer>1</answer>"


def test_a_users_task_that_counts_is_answered_with_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shoe_counting.py").write_text(
        "from comic_eval.contracts import TaskInfo\n"
        "from comic_eval.task_kinds import CountTask\n"
        "TASK = CountTask(TaskInfo(name='shoe_counting', title='Shoes', category='My own', kind='number',\n"
        "    metric='accuracy', description='Shoes.', citation='Mine.'))\n"
    )
    tasks = importlib.import_module("comic_eval.tasks")
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    plugins._sources.cache_clear()
    try:
        assert answers("random", question("q", task="shoe_counting"))[0] in set("123456")
    finally:
        plugins._sources.cache_clear()


@given(st.permutations([question(f"q{i}", choices=CHOICES) for i in range(8)]), st.integers(0, 3))
def test_random_depends_on_seed_and_id_alone(questions: list[Question], seed: int) -> None:
    together = answers("random", *questions, seed=seed)
    alone = [answers("random", q, seed=seed)[0] for q in questions[:2]]
    assert together[:2] == alone


def test_random_is_spread_over_the_choices_and_changes_with_the_seed() -> None:
    many = [question(f"q{i}", choices=CHOICES) for i in range(400)]
    drawn = answers("random", *many)
    assert all(abs(drawn.count(x) - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5 for x in "ABCD")
    assert drawn != answers("random", *many, seed=1)
    fixed = create_adapter("random", seed=1)
    assert fixed.info.settings == {"seed": 1}
    assert ask(fixed, request(of=many[0])).text == f"<answer>{answers('random', many[0], seed=1)[0]}</answer>"


def marks(first: float, second: float) -> tuple[Mark, ...]:
    return (
        Mark(box=Box(x1=0, y1=0, x2=first, y2=first), label="A"),
        Mark(box=Box(x1=200, y1=0, x2=200 + second, y2=second), label="B"),
    )


def test_geometry_learns_that_the_bigger_box_is_nearer() -> None:
    train = [
        train_sample(
            f"d{i}", task="depth_comparison", page=f"p{i}", choices=("A", "B"), image_size=(400, 400),
            marks=marks(20 + i, 90) if i % 2 else marks(90, 20 + i), answer="B" if i % 2 else "A",
        )
        for i in range(10)
    ]  # fmt: skip
    test = [
        question("x", task="depth_comparison", choices=("A", "B"), image_size=(400, 400), marks=marks(30, 80)),
        question("y", task="depth_comparison", choices=("A", "B"), image_size=(400, 400), marks=marks(80, 30)),
    ]
    found = ask_each(create_adapter("geometry"), *[request(of=q) for q in test], train=train)
    assert [f.text for f in found] == ["<answer>B</answer>", "<answer>A</answer>"]


def test_geometry_draws_where_boxes_say_nothing() -> None:
    assert answers("geometry", CHOICE) == answers("random", CHOICE)


def test_they_say_what_they_are() -> None:
    for name in ("random", "majority", "first", "longest", "geometry"):
        info = create_adapter(name).info
        assert (info.id, info.deterministic, info.reads_images, info.needs_images) == (
            f"baseline:{name}", True, False, False,
        )  # fmt: skip
        assert "sees no page" in str(info.note)


def test_unknown_names_and_settings() -> None:
    with pytest.raises(PluginError, match="first, geometry, longest, majority, random"):
        create_adapter("baseline:best")
    with pytest.raises(PluginError, match=r"sede.*Its settings are: seed"):
        create_adapter("random", sede=1)
