"""Runs that a model judges: records, counts, cost, interruptions; and old runs graded anew."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.judge_server import blocks_of, verdict
from support.mock_openai import MockOpenAI, RecordedRequest
from support.pepper_carrot import of_task
from support.runs import TableModel

from comic_eval import evaluate, plugins
from comic_eval.analysis.summary import load_summary
from comic_eval.analysis.table import judging_notes, summary_table
from comic_eval.contracts import Judge
from comic_eval.errors import RunFolderError, UserError
from comic_eval.judging.rejudge import Rejudged, open_run, rejudge
from comic_eval.run.display import make_progress
from comic_eval.run.evaluate import RunResult
from comic_eval.run.folder import JOURNAL, read_records
from comic_eval.run.plan import choose
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import Request

QUICK = Operation(concurrency=4, max_retries=0, use_cache=False)
TESTS = Path(__file__).parents[1]
N = 12


def reply(request: RecordedRequest) -> str:
    """Judges by the first letter of the answer: stable, and of all kinds."""
    said = blocks_of(request.text)["answer"]
    return {"r": verdict("CORRECT"), "w": verdict("INCORRECT"), "n": verdict("NOT_ATTEMPTED")}.get(said[0], "hm")


def answers() -> dict[str, str]:
    samples = of_task("panel_understanding", "test")
    # In the order in which a limit takes them, so that every kind is among the first few.
    ids = [s.id for s in choose(samples, len(samples) - 1)]
    return {name: f"<answer>{'rwnu'[i % 4]}{i}</answer>" for i, name in enumerate(ids)}


def candidate(**more: Any) -> TableModel:
    return TableModel(answers(), otherwise=lambda request: "<answer>A</answer>", **more)


def judge_of(server: MockOpenAI, name: str = "llm:openai:judge-1", **more: Any) -> Judge:
    return plugins.create_judge(name, base_url=server.base_url, **more)


def run(runs: Path, judge: Judge | str, model: Any = None, name: str = "r", **more: Any) -> RunResult:
    defaults: dict[str, Any] = {"tasks": ["panel_understanding", "character_counting"], "limit": N, "operation": QUICK}
    return evaluate(model=model or candidate(), judge=judge, runs_dir=runs, name=name, **(defaults | more))


def again(runs: Path, judge: Judge, name: str | None = None, source: str = "r", **more: Any) -> Rejudged:
    return asyncio.run(
        rejudge(
            open_run(runs, source),
            judge,
            runs_dir=runs,
            operation=more.pop("operation", QUICK),
            progress=make_progress("none"),
            name=name,
            arguments={"benchmark": "pepper-carrot"},
            stop=more.pop("stop", None) or asyncio.Event(),
        )
    )


def first_letters(result_folder: Path) -> Counter[tuple[str, str, float | None]]:
    return Counter(
        ((r.extracted or " ")[0], r.status, r.score)
        for r in read_records(result_folder)
        if r.task == "panel_understanding"
    )


def test_verdicts_reach_journal_and_summary(tmp_path: Path) -> None:
    with MockOpenAI(reply) as server:
        result = run(tmp_path, judge_of(server))
        calls = len(server.requests)
    assert set(first_letters(result.folder)) == {
        ("r", "scored", 1.0),
        ("w", "scored", 0.0),
        ("n", "scored", 0.0),
        ("u", "unscored", None),
    }
    task = result.summary.tasks["panel_understanding"]
    assert task.comparable
    counts = first_letters(result.folder)
    assert task.correct == counts["r", "scored", 1.0]
    assert task.not_attempted == counts["n", "scored", 0.0]
    assert task.wrong == counts["w", "scored", 0.0] + task.not_attempted
    assert task.unscored == counts["u", "unscored", None]
    assert task.accuracy == pytest.approx(task.correct / task.n)
    assert task.unscored_reasons == {"judge_unparsed": task.unscored}
    judging = result.summary.judging
    assert judging is not None
    assert judging.calls == calls == task.n + 2 * task.unscored
    assert judging.unparsed == 3 * task.unscored
    assert judging.undecided == task.unscored
    assert judging.input_tokens
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["judge"]["models"] == ["openai:judge-1"]
    assert set(manifest["judge"]["prompts"]) == {"en", "fr"}
    assert manifest["judge"]["self_judged"] is False
    assert manifest["spec"]["judge"] == manifest["judge"]["id"] == result.summary.judge
    line = json.loads((result.folder / JOURNAL).read_text().splitlines()[0])
    assert line["judge"] is None or line["judge"]["prompt_sha256"] in manifest["judge"]["prompts"].values()
    (note,) = judging_notes(result.summary)
    assert f"{task.not_attempted} not attempted" in note
    assert f"{task.unscored} without a verdict" in note
    with Console(width=200, record=True, file=io.StringIO()) as console:
        console.print(summary_table(result.summary))
    assert "failed, unparsed and unscored samples count as wrong" in console.export_text()
    assert load_summary(result.folder) == result.summary
    assert {"judge_verdict", "judge_reason", "judge_calls"} <= set(result.to_pandas().columns)


def test_a_model_does_not_grade_itself(tmp_path: Path) -> None:
    with MockOpenAI(verdict("CORRECT")) as server:
        common: dict[str, Any] = {
            "model": "openai:judge-1-2026-02-03",
            "adapter_settings": {"base_url": server.base_url},
        }
        with pytest.raises(UserError, match="--allow-self-judge"):
            run(tmp_path, judge_of(server), **common)
        assert not server.requests
        result = run(tmp_path, judge_of(server, allow_self_judge=True), **common)
    assert result.manifest.judge.self_judged
    assert any("the evaluated model itself" in note for note in judging_notes(result.summary))


def test_a_limit_on_cost_is_not_stretched_by_the_judge(tmp_path: Path) -> None:
    with MockOpenAI(reply) as server, pytest.raises(UserError, match="judge rerun"):
        run(
            tmp_path,
            judge_of(server),
            operation=QUICK.model_copy(update={"max_cost_usd": 1.0}),
            prices=Prices(input=1, output=1),
        )


def test_a_judge_that_refuses_everything_ends_the_run(tmp_path: Path) -> None:
    with MockOpenAI(reply, api_key="another") as server, pytest.raises(UserError, match="Check its key"):
        run(tmp_path, judge_of(server))


def test_a_judge_that_is_gone_stops_the_run_which_then_goes_on(tmp_path: Path) -> None:
    with MockOpenAI(reply, faults=lambda request: "disconnect") as server:
        first = run(tmp_path, judge_of(server))
        address = server.base_url
    assert first.exit_status == 4
    assert first.stopped is not None
    assert "judge llm:openai:judge-1" in first.stopped
    port = int(address.rsplit(":", 1)[1].partition("/")[0])
    with MockOpenAI(reply, port=port) as server:
        second = run(tmp_path, judge_of(server))
    assert second.exit_status == 0
    assert second.summary.complete


DRIVER = """
import json, sys
from comic_eval import evaluate, plugins
from comic_eval.run.plan import choose
from comic_eval.run.spec import Operation, Prices
from judging.test_judged_runs import candidate
runs, url = sys.argv[1:]
judge = plugins.create_judge("llm:openai:judge-1", base_url=url)
result = evaluate(model=candidate(deterministic=False), judge=judge, runs_dir=runs, name="r",
                  tasks=["panel_understanding"], limit=24, operation=Operation(concurrency=3))
raise SystemExit(result.exit_status)
"""


def test_killed_in_the_middle_of_judging(tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(TESTS)}
    with MockOpenAI(reply, latency_s=0.05) as server:
        command = [sys.executable, "-c", DRIVER, str(tmp_path), server.base_url]
        process = subprocess.Popen(command, env=env)
        deadline = time.monotonic() + 60
        while len(server.requests) < 8:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        written = len(read_records(tmp_path / "r"))
        assert written < 24
        assert subprocess.run(command, env=env, timeout=120, check=False).returncode == 0
        asked = Counter(r.body_sha256 for r in server.requests)
    records = read_records(tmp_path / "r")
    assert len(records) == 24
    assert all(r.judge is not None and r.judge.calls for r in records)
    # What was in flight is asked again at most; the third try of an unread reply repeats the second.
    repeated = [n for n in asked.values() if n > 2]
    assert len(repeated) <= 3


# --- old runs graded anew -------------------------------------------------------------------------------------------


def test_grading_anew_asks_no_model_but_the_judge(tmp_path: Path) -> None:
    model = candidate()
    old = run(tmp_path, "reference", model)
    assert old.summary.tasks["panel_understanding"].correct == 0
    before = {p.name: p.read_bytes() for p in old.folder.iterdir() if p.is_file() and not p.name.startswith(".")}
    asked = len(model.requests)
    with MockOpenAI(reply) as server:
        new = again(tmp_path, judge_of(server))
    assert len(model.requests) == asked
    assert {p.name: p.read_bytes() for p in old.folder.iterdir() if p.is_file() and p.name in before} == before
    assert new.folder != old.folder
    assert new.folder.name.startswith("r-judged-")
    assert new.exit_status == 0
    assert new.manifest.judged_from == "r"
    assert new.manifest.sample_ids_sha256 == old.manifest.sample_ids_sha256
    assert new.manifest.prompts_sha256 == old.manifest.prompts_sha256
    assert new.manifest.spec.model_copy(update={"judge": old.manifest.spec.judge}) == old.manifest.spec
    texts = {r.key: (r.text, r.extracted, r.prompt) for r in read_records(old.folder)}
    assert {r.key: (r.text, r.extracted, r.prompt) for r in read_records(new.folder)} == texts
    same = "character_counting"
    assert new.summary.tasks[same] == old.summary.tasks[same]
    assert new.summary.tasks["panel_understanding"].correct > 0
    assert all(r.cached for r in read_records(new.folder))
    with Console(width=200, record=True, file=io.StringIO()) as console:
        console.print(summary_table(new.summary))
    assert "answers came from the run r" in console.export_text()


def test_the_same_call_goes_on_and_asks_only_what_failed(tmp_path: Path) -> None:
    run(tmp_path, "reference")
    with MockOpenAI(reply, faults=["content_policy", "content_policy"]) as server:
        judge = judge_of(server)
        first = again(tmp_path, judge)
        assert (first.exit_status, first.undecided) == (3, 2)
        asked = len(server.requests)
        second = again(tmp_path, judge)
        assert (second.exit_status, second.undecided) == (0, 0)
        assert second.folder == first.folder
        graded = len(server.requests) - asked
        assert 2 <= graded <= 6
        again(tmp_path, judge)
        assert len(server.requests) == asked + graded
    assert len(second.manifest.starts) == 2


def test_an_interrupted_call_keeps_its_verdicts(tmp_path: Path) -> None:
    run(tmp_path, "reference")
    stop = asyncio.Event()
    seen = threading.Event()

    def stopping(request: RecordedRequest) -> str:
        if request.index == 3:
            seen.set()
            stop.set()
        return reply(request)

    with MockOpenAI(stopping) as server:
        judge = judge_of(server)
        first = again(tmp_path, judge, stop=stop)
        assert seen.is_set()
        assert first.exit_status == 4
        kept = len(read_records(first.folder))
        assert 0 < kept < N
        second = again(tmp_path, judge)
    assert second.exit_status == 0
    assert len(read_records(second.folder)) == N


def test_answers_that_were_never_read_are_copied_as_they_are(tmp_path: Path) -> None:
    def silent(request: Request) -> Any:
        return "" if request.question.task == "panel_understanding" else "<answer>2</answer>"

    table = dict(list(answers().items())[::2])
    old = run(tmp_path, "reference", TableModel(table, otherwise=silent))
    with MockOpenAI(reply) as server:
        new = again(tmp_path, judge_of(server))
    unread = old.summary.tasks["panel_understanding"].unparsed
    assert unread > 0
    assert new.summary.tasks["panel_understanding"].unparsed == unread


def test_what_cannot_be_graded_anew(tmp_path: Path) -> None:
    run(tmp_path, "reference")
    run(tmp_path, "reference", name="counts", tasks=["character_counting"])
    with MockOpenAI(reply) as server:
        judge = judge_of(server)
        with pytest.raises(RunFolderError, match="is the run itself"):
            again(tmp_path, judge, name="r")
        with pytest.raises(RunFolderError, match="is another run"):
            again(tmp_path, judge, name="counts")
        with pytest.raises(RunFolderError, match="no answers to open questions"):
            again(tmp_path, judge, source="counts")
        with pytest.raises(RunFolderError, match="a run folder"):
            again(tmp_path, judge, source="none")
        again(tmp_path, judge, name="new")
        with pytest.raises(RunFolderError, match="graded by another judge"):
            again(tmp_path, judge_of(server, attempts=1), name="new")
        assert not server.requests or all(r.outcome == "answered" for r in server.requests)
