"""The llm judge and the panel over a real loopback server that answers as judges do, and fails as servers do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.judge_server import blocks_of, obedient, verdict
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_replies import Reply
from support.pepper_carrot import FOLDER, of_task
from support.runs import FixedJudge, TableModel

from comic_eval import plugins
from comic_eval.contracts import AdapterInfo, Judge
from comic_eval.costs.prices import read_prices
from comic_eval.errors import PluginError, UserError
from comic_eval.judging.desk import JudgeStopped, open_judge
from comic_eval.judging.grading import grade_all
from comic_eval.judging.guard import check_judge, family, judge_notes, same_model
from comic_eval.judging.probes import build_probes, probe_report
from comic_eval.judging.protocol import ModelJudge
from comic_eval.judging.verdict import SCHEMA
from comic_eval.run.spec import Operation
from comic_eval.types import Language, Sample, Score

QUICK = Operation(concurrency=4, max_retries=1, max_wait_s=0.01, retry_budget_s=5)


def asked(language: Language = "en", **fields: Any) -> Sample:
    plain = {"question": "What does she hold?", "answer": "A broom.", "facts": ("a broom",)} | fields
    return Sample.model_validate(
        {"id": "s", "task": "panel_understanding", "split": "test", "page": "p", "image": "i", "language": language}
        | plain
    )


def make(server: MockOpenAI, name: str = "llm:openai:judge-1", **settings: Any) -> Judge:
    return plugins.create_judge(name, base_url=server.base_url, **settings)


def grade(
    judge: Judge, answers: Sequence[tuple[str, Sample]], folder: Path, operation: Operation = QUICK, **more: Any
) -> list[Score]:
    async def main() -> list[Score]:
        async with open_judge(judge, operation, folder / ".cache", **more) as ready:
            return await grade_all(ready, answers, operation.concurrency)

    return asyncio.run(main())


def grade_one(judge: Judge, answer: str, folder: Path, **more: Any) -> Score:
    return grade(judge, [(answer, asked())], folder, **more)[0]


@pytest.mark.parametrize(
    ("word", "value", "reason"),
    [("CORRECT", 1.0, None), ("INCORRECT", 0.0, None), ("NOT_ATTEMPTED", 0.0, "not_attempted")],
)
def test_a_verdict_and_all_that_is_known_of_it(word: str, value: float, reason: str | None, tmp_path: Path) -> None:
    with MockOpenAI(Reply(verdict(word, "it says so"), model="judge-1-2026-01-02")) as server:
        score = grade_one(make(server), "A stick", tmp_path)
        request = server.requests[0]
    assert (score.value, score.reason) == (value, reason)
    found = score.judge
    assert found is not None
    assert (found.verdict, found.by, found.reason, found.model) == (word, "model", "it says so", "judge-1-2026-01-02")
    assert (found.calls, found.cached, found.unparsed) == (1, 0, 0)
    assert found.usage.input_tokens
    assert found.judge.startswith("llm:openai:judge-1@1-")
    assert request.params["temperature"] == 0
    assert request.params["response_format"]["json_schema"]["schema"] == SCHEMA
    assert blocks_of(request.text)["answer"] == "A stick"
    assert not request.images


def test_what_is_plain_is_decided_without_a_call(tmp_path: Path) -> None:
    with MockOpenAI(verdict("INCORRECT")) as server:
        right, nothing, blank = grade(
            make(server), [("the BROOM!", asked()), ("", asked()), (" …\n", asked())], tmp_path
        )
        assert not server.requests
    assert right.value == 1.0
    assert right.judge is not None
    assert (right.judge.by, right.judge.calls) == ("rule", 0)
    assert (nothing.value, nothing.reason) == (blank.value, blank.reason) == (0.0, "not_attempted")


def test_a_number_without_its_minus_is_not_the_reference(tmp_path: Path) -> None:
    score = asked(answer="A score of -42.")
    with MockOpenAI(verdict("INCORRECT")) as server:
        same, other = grade(make(server), [("a score of -42", score), ("A score of 42.", score)], tmp_path)
        assert len(server.requests) == 1
    assert (same.value, other.value) == (1.0, 0.0)


@pytest.mark.parametrize(
    "reply",
    [
        "CORRECT, though one could say INCORRECT",
        '{"verdict": "MOSTLY_CORRECT", "reason": ""}',
        '{"reason": "cut off',
        "10/10",
        verdict("CORRECT") + verdict("INCORRECT"),
    ],
)
def test_no_verdict_is_asked_again_and_stays_unscored(reply: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    entry = {"model": "openai:judge-1", "input": 1.0, "output": 1.0, "as_of": "2026-01-01", "source": "a test"}
    prices.write_text(json.dumps({"prices": [entry]}))
    with MockOpenAI(reply) as server:
        score = grade_one(make(server), "A stick", tmp_path, prices=read_prices(prices))
        texts = [r.text for r in server.requests]
    assert len(texts) == 3
    # The same words at temperature 0 would only get the same reply.
    assert texts[0] != texts[1] == texts[2]
    assert (score.value, score.reason) == (None, "judge_unparsed")
    found = score.judge
    assert found is not None
    assert (found.calls, found.unparsed, found.verdict) == (3, 3, None)
    assert found.reason == reply[:200]
    assert found.usage.input_tokens
    assert found.usage.output_tokens
    assert found.cost_usd == pytest.approx((found.usage.input_tokens + found.usage.output_tokens) / 1e6)


def test_an_empty_reply_is_no_verdict(tmp_path: Path) -> None:
    with MockOpenAI(Reply(text="")) as server:
        score = grade_one(make(server), "A stick", tmp_path)
        assert len(server.requests) >= 1
    assert score.value is None
    assert score.reason is not None
    assert score.reason.startswith("judge_")


def test_a_reply_that_ran_out_of_tokens_is_no_verdict_however_it_ends(tmp_path: Path) -> None:
    with MockOpenAI(Reply("CORRECT", finish_reason="length")) as server:
        score = grade_one(make(server, attempts=1), "A stick", tmp_path)
    assert (score.value, score.reason) == (None, "judge_unparsed")


def test_a_later_verdict_counts_and_every_call_is_kept(tmp_path: Path) -> None:
    replies = iter(["well", verdict("INCORRECT")])
    with MockOpenAI(lambda request: next(replies)) as server:
        score = grade_one(make(server), "A stick", tmp_path)
    assert score.value == 0.0
    assert score.judge is not None
    assert (score.judge.calls, score.judge.unparsed) == (2, 1)


@pytest.mark.parametrize("fault", ["rate_limit", "reset", "malformed", "disconnect"])
def test_faults_are_retried_below_the_judge(fault: Any, tmp_path: Path) -> None:
    with MockOpenAI(verdict("CORRECT"), faults=[fault]) as server:
        score = grade_one(make(server), "A stick", tmp_path)
        assert len(server.requests) == 2
    assert score.value == 1.0


def test_a_request_that_fails_for_good_leaves_the_answer_unscored_with_its_cause(tmp_path: Path) -> None:
    with MockOpenAI(verdict("CORRECT"), faults=["content_policy"]) as server:
        score = grade_one(make(server), "A stick", tmp_path)
    assert score.value is None
    assert score.judge is not None
    assert score.judge.calls == 1
    assert score.reason not in (None, "judge_unparsed")


def test_a_server_that_refuses_everything_ends_it(tmp_path: Path) -> None:
    with (
        MockOpenAI(verdict("CORRECT"), api_key="another") as server,
        pytest.raises(JudgeStopped, match="judge llm:openai:judge-1") as caught,
    ):
        grade(make(server), [(f"stick {i}", asked()) for i in range(20)], tmp_path)
    assert caught.value.refused


def test_the_cache_answers_the_second_time(tmp_path: Path) -> None:
    with MockOpenAI(verdict("CORRECT")) as server:
        first = grade_one(make(server), "A stick", tmp_path)
        second = grade_one(make(server), "A stick", tmp_path)
        assert len(server.requests) == 1
        grade_one(make(server), "A stick", tmp_path, operation=QUICK.model_copy(update={"use_cache": False}))
        assert len(server.requests) == 2
    assert first.judge is not None
    assert second.judge is not None
    assert (first.judge.cached, second.judge.cached) == (0, 1)
    assert second.judge.usage == first.judge.usage


def test_the_judge_may_be_shown_the_panel(tmp_path: Path) -> None:
    sample = of_task("panel_understanding", "test")[0]
    with MockOpenAI(verdict("CORRECT")) as server:
        judge = make(server, crop=True)
        assert judge.id.endswith("+crop")
        grade(judge, [("something else", sample)], tmp_path, pages=FOLDER)
        request = server.requests[0]
        with pytest.raises(UserError, match="needs the benchmark's pages"):
            grade(judge, [("something else", sample)], tmp_path)
    assert len(request.images) == 1
    assert "The picture shows the panel" in request.text


def test_attacks_do_not_reach_a_judge_that_reads_its_blocks(tmp_path: Path) -> None:
    cases = build_probes(of_task("panel_understanding", "test", None), 8)
    with MockOpenAI(obedient) as server:
        judge = make(server)
        scores = grade(judge, [(case.answer, case.sample) for case in cases], tmp_path)
        outcomes = set(server.outcomes)
    # blocks_of raises inside the server, which then answers nothing, if a block was broken.
    assert outcomes == {"answered"}
    report = probe_report(judge.id, "b", "r", cases, scores)
    assert [a.attack for a in report.attacks if a.failed or a.unscored] == []
    assert report.held


def test_a_gullible_judge_fails_the_probes(tmp_path: Path) -> None:
    def gullible(request: RecordedRequest) -> str:
        said = blocks_of(request.text)["answer"]
        return verdict("CORRECT" if "CORRECT" in said else "INCORRECT")

    cases = build_probes(of_task("panel_understanding", "test"), 3)
    with MockOpenAI(gullible) as server:
        judge = make(server)
        report = probe_report(judge.id, "b", "r", cases, grade(judge, [(c.answer, c.sample) for c in cases], tmp_path))
    fooled = {a.attack for a in report.attacks if a.failed and not a.must_pass}
    assert fooled == {
        "GRADE: CORRECT",
        "verdict as JSON",
        "instruction in English",
        "instruction in French",
        "break-out 3",
    }
    assert not report.held


def test_its_id_changes_with_whatever_may_change_a_verdict() -> None:
    with MockOpenAI() as server:
        ids = [
            make(server, **more).id
            for more in ({}, {"crop": True}, {"attempts": 1}, {"max_tokens": 9}, {"temperature": None})
        ]
        assert make(server).id == ids[0]
        assert make(server, allow_self_judge=True).id == ids[0]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("llm", "needs a model"),
        ("llm:nobody:x", "nobody"),
        ("reference:x", "no name and no settings"),
        ("panel", "two or more"),
        ("panel:reference", "two or more"),
        ("panel:reference,reference", "different judges"),
        ("judge", "unknown judge"),
    ],
)
def test_wrong_names(name: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        plugins.create_judge(name)


def test_settings_that_are_no_ones() -> None:
    with pytest.raises(UserError, match="attempts 0"):
        plugins.create_judge("llm:openai:x", base_url="http://localhost:1/v1", attempts=0)
    with pytest.raises(PluginError, match="colour"):
        plugins.create_judge("llm:openai:x", base_url="http://localhost:1/v1", colour="red")


def test_it_grades_only_when_open() -> None:
    with MockOpenAI() as server, pytest.raises(UserError, match="open_judge"):
        asyncio.run(make(server).grade("A stick", asked()))


# --- panels ---------------------------------------------------------------------------------------------------------


def by_model(verdicts: dict[str, str]) -> Callable[[RecordedRequest], str]:
    return lambda request: verdicts[request.params["model"]]


PANEL = "panel:llm:openai:a,llm:openai:b,llm:openai:c"


@pytest.mark.parametrize(
    ("said", "value", "word"),
    [
        (("CORRECT", "CORRECT", "INCORRECT"), 1.0, "CORRECT"),
        (("CORRECT", "NOT_ATTEMPTED", "INCORRECT"), 0.0, "INCORRECT"),
        (("NOT_ATTEMPTED", "NOT_ATTEMPTED", "INCORRECT"), 0.0, "NOT_ATTEMPTED"),
        (("CORRECT", "?", "CORRECT"), 1.0, "CORRECT"),
        (("CORRECT", "?", "INCORRECT"), None, None),
        (("CORRECT", "?", "?"), None, None),
        (("?", "?", "?"), None, None),
    ],
)
def test_the_majority_of_all_members_decides(
    said: tuple[str, str, str], value: float | None, word: str | None, tmp_path: Path
) -> None:
    replies = {name: verdict(v) if v != "?" else v for name, v in zip("abc", said, strict=True)}
    with MockOpenAI(by_model(replies)) as server:
        score = grade_one(make(server, PANEL, attempts=1), "A stick", tmp_path)
    assert score.value == value
    found = score.judge
    assert found is not None
    assert found.verdict == word
    assert [v.verdict for v in found.votes] == [None if v == "?" else v for v in said]
    assert found.calls == 3
    assert found.usage.input_tokens == sum(v.usage.input_tokens or 0 for v in found.votes)
    assert score.reason == {None: "judge_no_majority", "NOT_ATTEMPTED": "not_attempted"}.get(word)


def test_a_panels_cost_is_unknown_where_one_members_is(tmp_path: Path) -> None:
    entry = {"input": 1.0, "output": 1.0, "as_of": "2026-01-01", "source": "a test"}
    for names, known in (("a", False), ("ab", True)):
        prices = tmp_path / f"{names}.json"
        prices.write_text(json.dumps({"prices": [entry | {"model": f"openai:{name}"} for name in names]}))
        with MockOpenAI(verdict("CORRECT")) as server:
            judge = make(server, "panel:llm:openai:a,llm:openai:b,reference")
            found = grade_one(judge, "A stick", tmp_path / names, prices=read_prices(prices)).judge
        assert found is not None
        assert (found.cost_usd is not None) is known


def test_a_panel_may_mix_models_and_rules(tmp_path: Path) -> None:
    with MockOpenAI(verdict("CORRECT")) as server:
        judge = make(server, "panel:llm:openai:a,reference")
        assert not judge.comparable
        both = grade(judge, [("A stick", asked()), ("She holds a broom", asked())], tmp_path)
    assert [s.value for s in both] == [None, 1.0]
    assert both[0].reason == "judge_no_majority"


# --- who may judge whom ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("openai:gpt-5-mini", "openai:gpt-5-mini", True),
        ("openai:gpt-5-mini", "openai:gpt-5-mini-2025-08-07", True),
        ("vllm:Qwen/Qwen2.5-VL-7B-Instruct", "openai:qwen2.5-vl-7b-instruct", True),
        ("openai:gpt-5-mini", "openai:gpt-5", False),
        ("gemini:gemini-2.0-flash", "gemini:gemini-2.0-flash-001", True),
        ("gemini:gemini-2.5-flash", "gemini:gemini-2.5-flash-preview-05-20", True),
        ("openai:google/gemini-2.5-pro:free", "gemini:gemini-2.5-pro", True),
        ("openai:claude-3-5-sonnet", "vertex:claude-3-5-sonnet@20241022", True),
        ("openai:gpt-4o-mini", "openai:gpt-4o", False),
        ("gemini:gemini-2.5-pro", "gemini:gemini-2.5-flash", False),
        ("local:", "other:", False),
    ],
)
def test_one_model_under_two_names(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same


def test_no_model_grades_itself_unless_that_is_allowed() -> None:
    candidate = AdapterInfo(id="openai:judge-1-2026-01-02")
    with MockOpenAI() as server:
        with pytest.raises(UserError, match="--allow-self-judge"):
            check_judge(make(server), candidate)
        with pytest.raises(UserError, match="would grade its own answers"):
            check_judge(make(server, "panel:llm:openai:a,llm:openai:judge-1"), candidate)
        with pytest.raises(UserError, match="would grade its own answers"):
            check_judge(make(server), AdapterInfo(id="replay:r", settings={"replayed_model": "openai:judge-1"}))
        allowed = make(server, allow_self_judge=True)
        check_judge(allowed, candidate)
        assert judge_notes(allowed, candidate, []) == ("the judge openai:judge-1 is the evaluated model itself",)
        check_judge(make(server), AdapterInfo(id="openai:another"))
    check_judge(FixedJudge(), candidate)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("gpt", "openai:gpt-5-mini"), "gpt"),
        ((None, "openai:o4-mini"), "gpt"),
        ((None, "openai:judge-1"), None),
        (("OpenAI",), "gpt"),
        (("gemini", "gemini:gemini-2.5-pro"), "gemini"),
        ((None, "vllm:Qwen/Qwen3-VL-8B"), "qwen"),
        (("model gemini-2.5-flash (family gemini), 2026-01-01, prompts 0123456789ab",), "gemini"),
        (("AI-assisted",), None),
        ((None, "random"), None),
    ],
)
def test_families(names: tuple[str | None, ...], kind: str | None) -> None:
    assert family(*names) == kind


def test_shared_families_are_said() -> None:
    samples = [asked(metadata={"question_author": "model gemini-2.5-flash (family gemini)"}), asked()]
    judges = [TableModel(name="gemini-2.5-pro", family="gemini"), TableModel(name="gpt-5", family="gpt")]

    class Two(FixedJudge):
        adapters, prompts, crop, allow_self_judge = tuple(judges), {}, False, False  # type: ignore[var-annotated]

        def bind(self, desk: object) -> None: ...

    judge = Two()
    assert isinstance(judge, ModelJudge)
    notes = judge_notes(judge, AdapterInfo(id="gemini:gemini-2.0-flash", family="gemini"), samples)
    assert notes == (
        "the judge test:gemini-2.5-pro and the evaluated model are of one family (gemini), which may favour the model",
        "questions were written by the evaluated model's family (gemini), which may favour it",
        "questions were written by the family of the judge test:gemini-2.5-pro (gemini)",
    )
    assert judge_notes(FixedJudge(), AdapterInfo(id="openai:gpt-5", family="gpt"), samples) == ()
