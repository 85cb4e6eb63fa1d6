"""``comic-eval judge`` as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.judge_server import obedient, verdict
from support.mock_openai import MockOpenAI

from comic_eval.cli import main
from comic_eval.judging.labels import BUNDLED, Label, escape_cell, read_labels
from comic_eval.run.folder import read_records


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], env={"OPENAI_API_KEY": "", "COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def judge(*arguments: object) -> Result:
    return call("judge", *arguments)


def on(server: MockOpenAI, runs: Path) -> tuple[object, ...]:
    return "--judge", "llm:openai:judge-1", "--judge-base-url", server.base_url, "--runs-dir", runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    arguments = ("--tasks", "panel_understanding", "--limit", 20, "--runs-dir", folder, "--name", "old", "--quiet")
    answer = "<answer>=2+3, the girl smiles</answer>"
    with MockOpenAI(lambda request: answer if len(request.text) % 2 else "<answer>A cat</answer>") as server:
        done = call("run", "--model", "openai:m", "--base-url", server.base_url, *arguments)
    assert done.exit_code == 0, done.stderr
    return folder


def test_the_bundled_labels_are_what_they_say() -> None:
    labels = read_labels(BUNDLED["pepper-carrot"])
    assert len(labels) >= 120
    assert all(label.label is not None and label.labeller and "AI-assisted" in label.labeller for label in labels)
    assert {label.kind for label in labels} >= {"paraphrase", "wrong", "near_miss"}
    assert {label.language for label in labels} == {"en", "fr"}
    assert len({label.question_key for label in labels}) >= 50


def test_the_reference_judge_is_calibrated_offline(tmp_path: Path) -> None:
    done = judge("calibrate", "--runs-dir", tmp_path, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    overall = found["overall"]
    assert overall["n"] == overall["scored"] == len(read_labels(BUNDLED["pepper-carrot"]))
    low, high = overall["kappa"]["ci95"]
    assert low < overall["kappa"]["value"] < high
    assert set(found["by_language"]) == {"en", "fr"}
    shown = judge("calibrate", "--runs-dir", tmp_path, "--show-errors", 1)
    assert "near_miss" in shown.stdout
    assert "AI-assisted" in shown.stdout
    assert "reference:" in shown.stdout


def labels_file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "labels.jsonl"
    plain = {"question": "What?", "reference": "A broom.", "facts": ["a broom"], "label": "incorrect"}
    path.write_text("".join(json.dumps(plain | row) + "\n" for row in rows))
    return path


def test_a_model_is_calibrated_and_what_it_leaves_open_is_told(tmp_path: Path) -> None:
    path = labels_file(
        tmp_path,
        {"answer": "a big old broom", "label": "correct"},
        {"answer": "a stick"},
        {"answer": "an open one"},
        {"answer": "not labelled", "label": None},
    )

    def reply(request: Any) -> str:
        return "hm" if "open" in request.text.partition("<answer>")[2] else verdict("CORRECT")

    with MockOpenAI(reply) as server:
        arguments = ("calibrate", "--labels", path, *on(server, tmp_path))
        done = judge(*arguments, "--json")
        asked = len(server.requests)
        again = judge(*arguments)
        assert len(server.requests) == asked == 5
    assert done.exit_code == again.exit_code == 3
    assert "1 of 4 answers have no label yet" in done.stderr
    found = json.loads(done.stdout)
    assert (found["overall"]["scored"], found["overall"]["unscored"]) == (2, 1)
    assert found["overall"]["accuracy"]["value"] == 0.5
    assert found["overall"]["false_positive"]["value"] == 1.0
    assert found["reasons"] == {"judge_unparsed": 1}
    assert found["judging"]["calls"] == 5
    assert "judge_unparsed" in again.stdout


def test_probes_tell_by_exit_status(tmp_path: Path) -> None:
    with MockOpenAI(obedient) as server:
        done = judge("probe", "-n", 4, "--language", "en", "--out", tmp_path / "cases.jsonl", *on(server, tmp_path))
    # It knows nothing of paraphrases, and holds against everything else.
    assert done.exit_code == 3
    assert [line.split()[0] for line in done.stdout.splitlines() if line.rstrip().endswith("FAIL")] == ["paraphrase"]
    lines = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text().split("\n") if line]
    assert {line["attack"] for line in lines} >= {"empty", "break-out 1", "instruction in French"}
    # Another benchmark has no paraphrases; words alone fall for contradictions.
    assert judge("probe", "--runs-dir", tmp_path, "-n", 2).exit_code == 3


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_template_is_filled_in_and_read(ending: str, runs: Path, tmp_path: Path) -> None:
    path = tmp_path / f"labels.{ending}"
    done = judge("template", path, "--run", "old", "-n", 10, "--runs-dir", runs)
    assert done.exit_code == 0, done.stderr
    text = path.read_text("utf-8-sig")
    assert "openai:m" not in text
    labels = read_labels(path)
    assert len(labels) == 10
    records = {r.sample_id: r for r in read_records(runs / "old")}
    for label in labels:
        assert label.label is None
        assert label.sample_id is not None
        assert label.answer == records[label.sample_id].extracted
        assert label.facts
    assert judge("calibrate", "--labels", path, "--runs-dir", runs).exit_code == 2
    assert judge("template", path, "--run", "old", "--runs-dir", runs).exit_code == 2
    if ending == "csv":
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
        assert any(row["answer"].startswith("'=2+3") for row in rows)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(row | {"label": "Incorrect"} for row in rows)
        assert judge("calibrate", "--labels", path, "--runs-dir", runs).exit_code == 0


@pytest.mark.parametrize("text", ["=1", "'=1", "'", "-x", "@a", "\tb", "plain", "''"])
def test_cells_come_back_as_they_were(text: str, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "reference", "answer"])
        writer.writerow(["q", "r", escape_cell(text)])
    assert read_labels(path) == [Label(question="q", reference="r", answer=text)]


def test_an_old_run_is_graded_anew(runs: Path) -> None:
    with MockOpenAI(verdict("CORRECT")) as server:
        done = judge("rerun", "old", "--name", "new", "--quiet", *on(server, runs))
        asked = len(server.requests)
        assert judge("rerun", "old", "--name", "new", "--quiet", *on(server, runs)).exit_code == 0
        assert len(server.requests) == asked > 0
    assert done.exit_code == 0, done.stderr
    assert "Panel Understanding" in done.stdout
    assert "judge llm:openai:judge-1" in done.stdout
    summary = json.loads((runs / "new" / "summary.json").read_text())
    assert summary["judged_from"] == "old"
    assert summary["tasks"]["panel_understanding"]["accuracy"] == 1.0
    assert {p.name for p in (runs / "new").iterdir() if not p.name.startswith(".")} == {
        "manifest.json",
        "journal.jsonl",
        "summary.json",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("calibrate", "--labels", "none.jsonl"), "cannot be read"),
        (("calibrate", "--judge", "nobody"), "unknown judge"),
        (("calibrate", "--judge", "llm"), "needs a model"),
        (("calibrate", "--judge-setting", "x"), "KEY=VALUE"),
        (("calibrate", "--judge-setting", "x=1"), "no name and no settings"),
        (("probe", "--split", "nowhere"), "nowhere"),
        (("rerun", "nothing"), "run folder"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = judge(*arguments, "--runs-dir", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no answers"),
        ("{", "line 1: is no JSON"),
        ("[]", "no JSON object"),
        ('{"question": "q", "reference": "r", "answer": "a", "label": "maybe"}', "line 1: label"),
        ('\n{"question": "", "reference": "r", "answer": "a"}', "line 2: question"),
        ('{"question": "q", "reference": "r"}', "line 1: answer"),
    ],
)
def test_wrong_files_of_labels(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(text)
    done = judge("calibrate", "--labels", path, "--runs-dir", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
