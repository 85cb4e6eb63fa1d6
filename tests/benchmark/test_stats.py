"""Statistics of benchmarks of ours and of other people's."""

from pathlib import Path

import pytest
from support.small_benchmark import edit_info, edit_lines, make_benchmark

from comic_eval.benchmark import load_benchmark
from comic_eval.benchmark.stats import TABLE_2, Stats, choices_text, panels_of, split_rank, statistics
from comic_eval.plugins import names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_benchmark(tmp_path / "small").folder


def stats_of(folder: Path) -> Stats:
    return statistics(load_benchmark(folder))


def test_rows_stand_in_the_papers_order(folder: Path) -> None:
    rows = stats_of(folder).select(language="fr")
    assert list(dict.fromkeys(row.task for row in rows)) == list(TABLE_2)
    assert sorted(TABLE_2) == names("tasks")
    assert {row.title for row in rows} >= {"Panel Understanding", "Character Counting"}
    assert [panels_of(row) for row in rows if row.split == "test"] == ["single-panel"] * 3 + ["multi-panel"] * 4


def test_counts_answers_and_choices(folder: Path) -> None:
    edit_lines(folder, lambda lines: lines[8].update(choices=["court", "dort", "est assis"]))
    stats = stats_of(folder)
    action = [row for row in stats.rows if row.task == "action_recognition"]
    assert [(r.split, r.language, r.samples, r.pages) for r in action] == [
        ("train", "en", 1, 1),
        ("train", "fr", 1, 1),
        ("test", "en", 1, 1),
        ("test", "fr", 1, 1),
    ]
    assert choices_text(action) == "3–4"
    assert action[1].answers == {"C": 1}
    assert choices_text([]) == "/"
    assert sum(row.samples for row in stats.rows) == 28


def test_what_is_kept_apart_is_not_scored(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[i].update(split="test_guessable", position="x") for i in (14, 21)])
    edit_info(folder, lambda info: info.update(splits=["train", "test", "test_guessable"]))
    stats = stats_of(folder)
    assert stats.splits == ("train", "test", "test_guessable")
    (apart,) = stats.select(language="en", scored=False)
    assert (apart.task, apart.samples, apart.positions) == ("panel_understanding", 1, {"unnamed": 1})
    assert len(stats.select(language="en", scored=True)) == 13


def test_tasks_of_other_people_follow_without_their_plugin(folder: Path) -> None:
    edit_lines(folder, lambda lines: [line.update(task="aaa") for line in lines if line["task"] == "depth_comparison"])
    row = stats_of(folder).rows[-1]
    assert (row.task, row.title, row.category, row.type) == ("aaa", "aaa", "(task not installed)", "multi-choice")
    assert panels_of(row) == "other"


def test_order_of_splits() -> None:
    splits = ["test_guessable", "dev", "test", "train", "val", "train_guessable"]
    assert sorted(splits, key=split_rank) == ["train", "val", "test", "dev", "train_guessable", "test_guessable"]
