"""Replaying a run: the same answers without a model, and no answer that belongs to another question."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.adapters import ask, fail, picture, question, request
from support.small_benchmark import make_benchmark

from comic_eval import RunResult, evaluate
from comic_eval.errors import PluginError, RequestError, RunFolderError
from comic_eval.plugins import create_adapter, load
from comic_eval.types import Generation, Request, Sample, Score, Usage

ScriptedAdapter = load("model_adapters", "scripted").ScriptedAdapter
TASKS = ["action_recognition", "character_counting", "depth_comparison"]


class NoJudge:
    """These tasks need none."""

    id = "none"
    comparable = False

    async def grade(self, answer: str, sample: Sample) -> Score:
        raise AssertionError("no open question is asked here")


def reply(asked: Request) -> Generation:
    if asked.question.task == "character_counting":
        raise RequestError("no", cause="http_400", status=400)
    usage = Usage(input_tokens=9, output_tokens=2)
    return Generation(
        text=f"{asked.question.task} <answer>B</answer>", finish_reason="length", usage=usage, model="m-1"
    )


def run(folder: Path, **arguments: Any) -> RunResult:
    if not (folder / "small").exists():
        make_benchmark(folder / "small")
    settings = {
        "model": ScriptedAdapter(reply),
        "benchmark": folder / "small",
        "tasks": TASKS,
        "name": "first",
        "judge": NoJudge(),
    }
    return evaluate(**{**settings, "runs_dir": folder / "runs", **arguments})


@pytest.fixture
def first(tmp_path: Path) -> RunResult:
    return run(tmp_path)


def test_gives_the_same_records_without_the_model(first: RunResult, tmp_path: Path) -> None:
    again = run(tmp_path, model=f"replay:{first.folder}", name="again")
    then, now = ({r.sample_id: r for r in result.records} for result in (first, again))
    assert then.keys() == now.keys()
    for sample, old in then.items():
        new = now[sample]
        if old.status == "failed":
            assert new.error is not None
            assert new.error.cause == "not_in_replay"
            assert "http_400" in new.error.message
        else:
            same = ("text", "status", "score", "usage", "finish_reason", "model", "prompt", "images")
            assert [getattr(new, f) for f in same] == [getattr(old, f) for f in same]
    assert again.exit_status == 3
    assert again.manifest.adapter.note == "answers of scripted:python from the run 'first'"


def test_other_pictures_or_words_are_another_question(first: RunResult, tmp_path: Path) -> None:
    blind = run(tmp_path, model=f"replay:{first.folder}", name="blind", view="blind")
    assert {r.error.cause for r in blind.records if r.error} == {"not_in_replay"}
    assert all(r.status == "failed" for r in blind.records)
    sample = first.records[0].sample_id
    same, other = create_adapter(f"replay:{first.folder}"), question(sample)
    assert "other words" in str(fail(same, request(picture(), "other words", of=other)))
    taken = create_adapter(f"replay:{first.folder}", same_question=False)
    assert "whatever was asked" in str(taken.info.note)
    assert not taken.info.needs_images
    answered = next(r for r in first.records if r.text)
    assert ask(taken, request("other words", of=question(answered.sample_id))).text == answered.text


def test_the_last_line_counts_and_a_torn_one_is_left_out(first: RunResult) -> None:
    journal = first.folder / "journal.jsonl"
    answered = next(r for r in first.records if r.text)
    later = answered.model_copy(update={"text": "changed my mind"})
    with journal.open("ab") as file:
        file.write(later.line() + answered.line()[:-40])
    adapter = create_adapter(f"replay:{first.folder}", same_question=False)
    assert ask(adapter, request(of=question(answered.sample_id))).text == "changed my mind"


def test_view_and_budget_choose_among_several_answers(first: RunResult) -> None:
    answered = next(r for r in first.records if r.text)
    with (first.folder / "journal.jsonl").open("ab") as file:
        file.write(answered.model_copy(update={"budget": 1024, "text": "small"}).line())
    asked = request(of=question(answered.sample_id))
    folder = f"replay:{first.folder}"
    assert "set view or budget" in str(fail(create_adapter(folder, same_question=False), asked))
    assert ask(create_adapter(folder, same_question=False, budget=1024), asked).text == "small"
    assert fail(create_adapter(folder, same_question=False, view="panel"), asked).cause == "not_in_replay"


def test_unusable_folders(first: RunResult, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="runs/NAME"):
        create_adapter("replay")
    with pytest.raises(RunFolderError, match=r"no run .*nothing.*there are none"):
        create_adapter(f"replay:{tmp_path / 'nothing'}")
    with pytest.raises(PluginError, match="budget"):
        create_adapter(f"replay:{first.folder}", budget=0)
    journal = first.folder / "journal.jsonl"
    journal.write_bytes(orjson.dumps({"no": "record"}) + b"\n" + journal.read_bytes())
    with pytest.raises(RunFolderError, match="line 1"):
        ask(create_adapter(f"replay:{first.folder}"), request())
