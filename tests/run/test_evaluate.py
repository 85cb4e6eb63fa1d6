"""The run as a Python call: what is recorded, what is counted, what a second start does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.runs import FixedJudge, TableModel, make_pages
from support.small_benchmark import make_benchmark

import comic_eval
from comic_eval.analysis.summary import load_summary
from comic_eval.errors import BenchmarkError, PluginError, RequestError, RetryableError, RunFolderError, UserError
from comic_eval.run.evaluate import RunResult, evaluate_async
from comic_eval.run.folder import JOURNAL
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import Generation, SamplingParams, Usage

FAST = Operation(concurrency=4, max_retries=2, max_wait_s=0.01)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five test pages with an action (C) and a count (2) each."""
    return make_pages(tmp_path_factory.mktemp("pages") / "pages").folder


ALL = [f"test{n:04}-{kind}-en" for n in range(5) for kind in ("action", "count")]


def run(pages: Path, runs: Path, model: Any, **arguments: Any) -> RunResult:
    settings: dict[str, Any] = {"judge": FixedJudge(), "operation": FAST, "name": "run", "runs_dir": runs}
    return comic_eval.evaluate(**{"model": model, "benchmark": pages} | settings | arguments)


def test_a_complete_run(pages: Path, tmp_path: Path) -> None:
    wrong = "<answer>A</answer>"
    model = TableModel(
        {
            "test0000-action-en": wrong,
            "test0001-action-en": "I am not sure.",
            "test0002-action-en": RequestError("too long", cause="context_length", status=400),
            "test0000-count-en": "<answer>4</answer>",
            "test0001-count-en": "<answer>3</answer>",
        }
    )
    result = run(pages, tmp_path, model, prices=Prices(input=10, output=100))
    action, count = result.summary.tasks["action_recognition"], result.summary.tasks["character_counting"]
    assert (action.n, action.correct, action.wrong, action.unparsed, action.failed) == (5, 2, 1, 1, 1)
    assert action.accuracy == pytest.approx(2 / 5)
    assert action.accuracy_answered == pytest.approx(2 / 4)
    assert action.chance == 0.25
    assert action.failures == {"context_length": 1}
    assert sum(action.unparsed_reasons.values()) == 1
    assert (count.n, count.correct, count.mae) == (5, 3, pytest.approx((2 + 1) / 5))
    assert count.within_one == pytest.approx(4 / 5)
    assert result.summary.macro_accuracy == pytest.approx((2 / 5 + 3 / 5) / 2)
    usage = result.summary.usage
    assert (usage.answers, usage.input_tokens, usage.output_tokens) == (9, 900, 45)
    assert usage.cost_usd == pytest.approx(9 * (100 * 10 + 5 * 100) / 1e6)
    assert usage.mean_latency_s == pytest.approx(0.25)
    assert result.exit_status == 3
    assert (model.started, model.closed) == (1, 1)


def test_the_files_follow_the_agreed_names(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel())
    assert sorted(p.name for p in result.folder.iterdir() if not p.name.startswith(".")) == [
        "journal.jsonl",
        "manifest.json",
        "summary.json",
    ]
    summary = json.loads((result.folder / "summary.json").read_text())
    keys = {"n", "correct", "wrong", "unparsed", "failed", "unscored", "accuracy", "accuracy_answered"}
    for task in summary["tasks"].values():
        assert keys | {"ci95", "ci95_wilson"} <= set(task)
    assert "usage" in summary
    assert load_summary(result.folder) == result.summary
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["spec"]["benchmark"]["digest"]
    assert manifest["starts"][0]["environment"]["packages"]["comic-eval"] == comic_eval.__version__
    assert {"sample_ids_sha256", "prompts_sha256", "spec_digest", "adapter"} <= set(manifest)


def test_records_and_data_frame(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel())
    assert len(result.records) == 10
    record = next(r for r in result.records if r.sample_id == "test0000-count-en")
    assert (record.extracted, record.answer, record.score, record.status) == ("2", "2", 1.0, "scored")
    assert record.prompt
    assert record.prompt == record.prompt.strip()
    assert (record.images[0].w, record.images[0].h) == (120, 160)
    frame = result.to_pandas()
    assert len(frame) == 10
    assert frame["score"].mean() == 1.0
    assert set(frame["usage_input_tokens"]) == {100}


def test_a_second_start_asks_nothing_again(pages: Path, tmp_path: Path) -> None:
    first = run(pages, tmp_path, TableModel())
    journal = (first.folder / JOURNAL).read_bytes()
    again = TableModel()
    second = run(pages, tmp_path, again)
    assert again.asked == []
    assert again.started == 0
    assert (second.folder / JOURNAL).read_bytes() == journal
    assert second.summary == first.summary
    assert len(second.manifest.starts) == 2


def test_failed_samples_are_asked_again_and_the_last_line_counts(pages: Path, tmp_path: Path) -> None:
    failing = {"test0001-count-en": RequestError("no", cause="bad_response")}
    assert run(pages, tmp_path, TableModel(failing)).exit_status == 3
    again = TableModel()
    result = run(pages, tmp_path, again)
    assert again.asked == ["test0001-count-en"]
    assert result.exit_status == 0
    assert result.summary.tasks["character_counting"].correct == 5
    assert len((result.folder / JOURNAL).read_text().splitlines()) == 11
    assert len(result.records) == 10


def test_unparsed_and_wrong_samples_are_answered(pages: Path, tmp_path: Path) -> None:
    run(pages, tmp_path, TableModel(otherwise=lambda request: "Hm."))
    again = TableModel()
    result = run(pages, tmp_path, again)
    assert again.asked == []
    assert result.summary.unparsed == 10
    assert result.exit_status == 0


def test_retries_are_counted_and_end(pages: Path, tmp_path: Path) -> None:
    tries: dict[str, int] = {}

    def flaky(request: Any) -> Any:
        number = tries[request.question.id] = tries.get(request.question.id, 0) + 1
        limit = 2 if "action" in request.question.id else 99
        return RetryableError("busy", cause="http_503", status=503) if number <= limit else "<answer>C</answer>"

    result = run(pages, tmp_path, TableModel(otherwise=flaky))
    assert set(tries.values()) == {3}
    by_task = result.summary.tasks
    assert by_task["action_recognition"].correct == 5
    assert by_task["character_counting"].failures == {"http_503": 5}
    assert {r.retries for r in result.records} == {2}
    assert result.summary.usage.retries == 20


def test_whatever_an_adapter_raises_is_attributed(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel({"test0000-count-en": ZeroDivisionError("oh")}))
    (failed,) = [r for r in result.records if r.status == "failed"]
    assert failed.error is not None
    assert (failed.error.cause, failed.error.message) == ("adapter_error", "ZeroDivisionError: oh")


@pytest.mark.parametrize("deterministic", [True, False])
def test_text_that_no_file_can_hold_is_mended(pages: Path, tmp_path: Path, deterministic: bool) -> None:
    odd: dict[str, Any] = {
        "test0000-count-en": Generation(text="\ud800 <answer>2</answer>\x00", reasoning="\udfff"),
        "test0001-count-en": RequestError("bad \ud800", cause="bad_response"),
    }
    result = run(pages, tmp_path, TableModel(odd, deterministic=deterministic))
    texts = {r.sample_id: r for r in result.records}
    assert texts["test0000-count-en"].text == "\ufffd <answer>2</answer>\x00"
    assert texts["test0000-count-en"].score == 1.0
    error = texts["test0001-count-en"].error
    assert error is not None
    assert error.message == "bad \ufffd"


def test_an_attempt_that_takes_too_long_is_a_timeout(pages: Path, tmp_path: Path) -> None:
    class Slow(TableModel):
        async def generate(self, request: Any) -> Generation:
            await asyncio.sleep(60)
            raise AssertionError

    operation = Operation(concurrency=10, max_retries=0, timeout_s=0.01)
    result = run(pages, tmp_path, Slow(), operation=operation)
    assert {r.error.cause for r in result.records if r.error} == {"timeout"}
    assert result.summary.failed == 10


def test_an_answer_that_was_cut_off_is_said_to_be(pages: Path, tmp_path: Path) -> None:
    cut = Generation(text="Let me think about", finish_reason="length")
    result = run(pages, tmp_path, TableModel({"test0000-count-en": cut}))
    assert result.summary.tasks["character_counting"].unparsed_reasons == {"truncated": 1}


def test_thinking_that_was_cut_off_is_not_read_as_an_answer(pages: Path, tmp_path: Path) -> None:
    texts = {
        "test0000-count-en": "She is in the first panel. Let me look at the next row: here she is drawn 2 times",
        "test0001-count-en": "She is in the first panel and in the last. <answer>2</answer> To be sure, I look at",
        "test0002-count-en": "2 panels",
    }
    cut = {name: Generation(text=text, finish_reason="length") for name, text in texts.items()}
    result = run(pages, tmp_path, TableModel(cut))
    read = {r.sample_id: (r.extracted, r.reason) for r in result.records if r.sample_id in texts}
    assert read == {
        "test0000-count-en": (None, "truncated"),
        "test0001-count-en": ("2", None),
        "test0002-count-en": ("2", None),
    }


def test_a_damaged_picture_fails_its_samples_only(tmp_path: Path) -> None:
    folder = make_pages(tmp_path / "b").folder
    (folder / "images" / "1.png").write_bytes(b"no picture")
    result = run(folder, tmp_path / "runs", TableModel())
    causes = {r.sample_id: r.error.cause for r in result.records if r.error}
    assert causes == {"test0001-action-en": "image_error", "test0001-count-en": "image_error"}
    assert result.exit_status == 3


def test_baselines_are_shown_no_picture(pages: Path, tmp_path: Path) -> None:
    model = TableModel(needs_images=False)
    result = run(pages, tmp_path, model)
    assert all(r.images == () for r in result.records)
    assert all(not request.conversation.images for request in model.requests)


def test_blind_is_a_view(pages: Path, tmp_path: Path) -> None:
    seeing, blind = TableModel(), TableModel()
    run(pages, tmp_path, seeing, name="page")
    result = run(pages, tmp_path, blind, name="blind", view="blind")
    assert all(len(r.conversation.images) == 1 for r in seeing.requests)
    assert all(not r.conversation.images for r in blind.requests)
    assert {r.view for r in result.records} == {"blind"}
    assert result.manifest.prompts_sha256 != load(tmp_path / "page")["prompts_sha256"]


def load(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_the_question_that_an_adapter_gets_holds_no_answer(pages: Path, tmp_path: Path) -> None:
    model = TableModel()
    run(pages, tmp_path, model)
    assert not any(hasattr(r.question, name) for r in model.requests for name in ("answer", "facts", "regions"))


def test_params_reach_the_adapter_and_the_specification(pages: Path, tmp_path: Path) -> None:
    model = TableModel()
    params = SamplingParams(temperature=0.5, extra_body={"api_key": "secret-value-1", "top_k": 3})
    result = run(pages, tmp_path, model, params=params)
    assert {r.params.temperature for r in model.requests} == {0.5}
    assert model.requests[0].params == params
    assert result.manifest.spec.params.extra_body["top_k"] == 3
    assert "secret-value-1" not in (result.folder / "manifest.json").read_text()


def test_a_server_that_takes_none_of_the_requests_ends_the_run(pages: Path, tmp_path: Path) -> None:
    wrong = RequestError("HTTP 400: Unknown parameter: 'foo'", cause="http_400", status=400)
    model = TableModel(dict.fromkeys(ALL, wrong))
    with pytest.raises(UserError, match=r"Unknown parameter: 'foo'.*--extra-body"):
        run(pages, tmp_path, model, operation=Operation(concurrency=1))
    assert len(model.requests) == 8


@pytest.mark.parametrize(
    "field", ["temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "n", "stream"]
)
def test_extra_body_may_not_contradict_the_record(pages: Path, tmp_path: Path, field: str) -> None:
    with pytest.raises(UserError, match=f"may not set '{field}'.*Use "):
        run(pages, tmp_path, TableModel(), params=SamplingParams(extra_body={field: 1}))
    assert not (tmp_path / "run").exists()


def test_tasks_may_be_typed_as_on_the_command_line(pages: Path, tmp_path: Path) -> None:
    one = run(pages, tmp_path, TableModel(), tasks="character_counting", name="one")
    assert set(one.summary.tasks) == {"character_counting"}
    two = run(pages, tmp_path, TableModel(), tasks="character_counting, action_recognition", name="two")
    assert set(two.summary.tasks) == {"character_counting", "action_recognition"}


def test_a_misspelled_task_is_told_the_right_one(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="did you mean 'character_counting'"):
        run(pages, tmp_path, TableModel(), tasks="character_countings")


class TestOtherSpecifications:
    """One name, one specification."""

    def test_another_model_is_refused_by_name_of_the_field(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel())
        with pytest.raises(RunFolderError, match=r"model: 'test:table', now 'test:other'.*--name"):
            run(pages, tmp_path, TableModel(name="other"))

    def test_a_run_without_an_answer_gives_its_name_to_a_corrected_call(self, pages: Path, tmp_path: Path) -> None:
        gone = RequestError("no such host", cause="connection")
        for wrong in (0.5, 0.7):
            params = SamplingParams(temperature=wrong)
            assert run(pages, tmp_path, TableModel(dict.fromkeys(ALL, gone)), params=params).summary.failed
        result = run(pages, tmp_path, TableModel())
        assert (result.exit_status, result.summary.failed, len(result.records)) == (0, 0, 10)
        assert len(result.manifest.starts) == 1
        aside = sorted(p.name for p in result.folder.glob("journal.jsonl.*"))
        assert aside == ["journal.jsonl.superseded", "journal.jsonl.superseded-2"]

    def test_one_answer_is_enough_to_keep_the_name(self, pages: Path, tmp_path: Path) -> None:
        gone = RequestError("too long", cause="context_length", status=400)
        run(pages, tmp_path, TableModel(dict.fromkeys(ALL[1:], gone)))
        with pytest.raises(RunFolderError, match="--name"):
            run(pages, tmp_path, TableModel(), params=SamplingParams(temperature=0.5))
        assert not list(tmp_path.glob("run/*.superseded"))

    def test_another_limit_is_refused(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel(), limit=4)
        with pytest.raises(RunFolderError, match="limit: 4, now None"):
            run(pages, tmp_path, TableModel())

    def test_a_changed_benchmark_is_refused(self, tmp_path: Path) -> None:
        run(make_pages(tmp_path / "a", 3).folder, tmp_path / "runs", TableModel())
        with pytest.raises(RunFolderError, match=r"benchmark\.digest"):
            run(make_pages(tmp_path / "b", 4).folder, tmp_path / "runs", TableModel())

    def test_operation_may_change(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel())
        other = Operation(concurrency=1, requests_per_minute=60, max_retries=9, timeout_s=1)
        assert run(pages, tmp_path, TableModel(), operation=other).exit_status == 0

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"prompts_sha256": "0" * 64}, "other prompts"),
            ({"sample_ids_sha256": "0" * 64}, "other samples"),
            ({"images": {"renderer_version": 0}}, "other pictures"),
        ],
    )
    def test_what_another_version_changed_is_refused(
        self, pages: Path, tmp_path: Path, change: dict[str, Any], words: str
    ) -> None:
        folder = run(pages, tmp_path, TableModel()).folder
        (folder / "manifest.json").write_text(json.dumps(load(folder) | change))
        with pytest.raises(RunFolderError, match=words):
            run(pages, tmp_path, TableModel())

    def test_a_name_without_any_answer_may_be_taken_over(self, pages: Path, tmp_path: Path) -> None:
        class Broken(TableModel):
            async def start(self, context: Any) -> None:
                raise RequestError("no such host", cause="connection")

        with pytest.raises(UserError, match="cannot be started: no such host"):
            run(pages, tmp_path, Broken())
        assert run(pages, tmp_path, TableModel(name="other")).exit_status == 0

    def test_default_names_differ(self, pages: Path, tmp_path: Path) -> None:
        one = run(pages, tmp_path, TableModel(), name=None)
        two = run(pages, tmp_path, TableModel(), name=None, limit=4)
        assert one.folder != two.folder


class TestFolders:
    """Whatever lies in the way is named."""

    @pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", " "])
    def test_names_that_are_no_folder(self, pages: Path, tmp_path: Path, name: str) -> None:
        with pytest.raises(RunFolderError, match="--name"):
            run(pages, tmp_path, TableModel(), name=name)

    def test_a_file_in_the_runs_place(self, pages: Path, tmp_path: Path) -> None:
        (tmp_path / "run").write_text("mine")
        with pytest.raises(RunFolderError, match="is no folder"):
            run(pages, tmp_path, TableModel())
        assert (tmp_path / "run").read_text() == "mine"

    def test_a_file_in_the_place_of_all_runs(self, pages: Path, tmp_path: Path) -> None:
        (tmp_path / "runs").write_text("mine")
        with pytest.raises(RunFolderError, match="--runs-dir"):
            run(pages, tmp_path / "runs", TableModel())

    def test_a_folder_of_something_else(self, pages: Path, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.tex").write_text("mine")
        with pytest.raises(RunFolderError, match=r"holds 'thesis\.tex'"):
            run(pages, tmp_path, TableModel())

    def test_another_runs_journal(self, pages: Path, tmp_path: Path) -> None:
        a = run(pages, tmp_path, TableModel(), name="a")
        b = run(pages, tmp_path, TableModel(), name="b", limit=4)
        (b.folder / JOURNAL).write_bytes((a.folder / JOURNAL).read_bytes())
        with pytest.raises(RunFolderError, match=r"line 1: .* is another run's"):
            run(pages, tmp_path, TableModel(), name="b", limit=4)

    def test_a_damaged_manifest(self, pages: Path, tmp_path: Path) -> None:
        folder = run(pages, tmp_path, TableModel()).folder
        (folder / "manifest.json").write_text("{")
        with pytest.raises(RunFolderError, match="restore it"):
            run(pages, tmp_path, TableModel())

    def test_a_torn_line_is_asked_again(self, pages: Path, tmp_path: Path) -> None:
        folder = run(pages, tmp_path, TableModel()).folder
        journal = folder / JOURNAL
        journal.write_bytes(journal.read_bytes()[:-20])
        last = TableModel()
        assert run(pages, tmp_path, last).exit_status == 0
        assert len(last.asked) == 1
        assert len(journal.read_bytes().splitlines()) == 10


class TestCache:
    """Answers cost nothing twice, and failures are never kept."""

    def test_another_run_of_the_same_requests_asks_nothing(self, pages: Path, tmp_path: Path) -> None:
        first = run(pages, tmp_path, TableModel(deterministic=False), name="one")
        again = TableModel(deterministic=False)
        second = run(pages, tmp_path, again, name="two")
        assert again.asked == []
        assert second.summary.usage.from_cache == 10
        assert second.summary.tasks == first.summary.tasks
        assert second.summary.usage.input_tokens == first.summary.usage.input_tokens

    def test_no_cache_asks_again(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel(deterministic=False), name="one")
        again = TableModel(deterministic=False)
        run(pages, tmp_path, again, name="two", operation=Operation(use_cache=False))
        assert len(again.asked) == 10

    @pytest.mark.parametrize("change", [{"params": SamplingParams(temperature=0.7)}, {"view": "blind"}, {"budget": 20}])
    def test_other_requests_are_other_entries(self, pages: Path, tmp_path: Path, change: dict[str, Any]) -> None:
        run(pages, tmp_path, TableModel(deterministic=False), name="one")
        again = TableModel(deterministic=False)
        run(pages, tmp_path, again, name="two", **change)
        assert len(again.asked) == 10

    def test_another_model_is_another_entry(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel(deterministic=False), name="one")
        other = TableModel(deterministic=False, settings={"base_url": "http://elsewhere/v1"})
        run(pages, tmp_path, other, name="two")
        assert len(other.asked) == 10

    def test_failures_and_empty_answers_are_not_kept(self, pages: Path, tmp_path: Path) -> None:
        odd: dict[str, Any] = {
            "test0000-count-en": RequestError("no", cause="http_400"),
            "test0001-count-en": " ",
            "test0002-count-en": Generation(text="I can", finish_reason="content_filter"),
        }
        run(pages, tmp_path, TableModel(odd, deterministic=False), name="one")
        again = TableModel(deterministic=False)
        run(pages, tmp_path, again, name="two")
        assert sorted(again.asked) == sorted(odd)

    def test_deterministic_models_are_not_cached(self, pages: Path, tmp_path: Path) -> None:
        run(pages, tmp_path, TableModel(), name="one")
        assert not list(tmp_path.glob(".cache/*.sqlite"))

    def test_a_file_that_is_no_cache_is_named(self, pages: Path, tmp_path: Path) -> None:
        (tmp_path / ".cache").mkdir()
        (tmp_path / ".cache" / "responses.sqlite").write_text("not a database at all, but long enough to be read")
        with pytest.raises(RunFolderError, match=r"responses\.sqlite.*--no-cache"):
            run(pages, tmp_path, TableModel(deterministic=False))


class TestStopping:
    """A run that ends early keeps what it has and says how to go on."""

    def test_refusals_stop_a_run_early(self, pages: Path, tmp_path: Path) -> None:
        refused = RequestError("Incorrect API key provided", cause="auth", status=401)
        model = TableModel(otherwise=lambda request: refused)
        with pytest.raises(UserError, match=r"refuses every request \(HTTP 401, auth\).*Incorrect API key"):
            run(pages, tmp_path, model, operation=Operation(concurrency=1))
        assert len(model.asked) == 5
        assert load_summary(tmp_path / "run").failed == 5
        assert json.loads((tmp_path / "run" / "summary.json").read_text())["done"] == 5
        again = TableModel()
        assert run(pages, tmp_path, again).exit_status == 0
        assert len(again.asked) == 10

    def test_single_refusals_do_not(self, pages: Path, tmp_path: Path) -> None:
        refused = RequestError("flagged", cause="http_403", status=403)
        result = run(pages, tmp_path, TableModel({"test0001-count-en": refused, "test0002-count-en": refused}))
        assert result.exit_status == 3
        assert result.summary.failed == 2

    def test_a_server_that_is_gone_stops_a_run(self, pages: Path, tmp_path: Path) -> None:
        gone = RetryableError("connection refused", cause="connection")
        operation = Operation(concurrency=1, max_retries=1, max_wait_s=0.01)
        result = run(pages, tmp_path, TableModel(otherwise=lambda request: gone), operation=operation)
        assert result.exit_status == 4
        assert result.stopped is not None
        assert "connection refused" in result.stopped
        assert result.summary.done == 5

    def test_a_stop_drops_what_is_in_flight_and_keeps_the_rest(self, pages: Path, tmp_path: Path) -> None:
        class Stopping(TableModel):
            async def generate(self, request: Any) -> Generation:
                if len(self.requests) == 4:
                    stop.set()
                    await asyncio.sleep(3600)
                return await super().generate(request)

        async def main(model: TableModel) -> RunResult:
            return await evaluate_async(
                model=model,
                benchmark=pages,
                judge=FixedJudge(),
                name="run",
                runs_dir=tmp_path,
                concurrency=1,
                stop=stop,
            )

        stop = asyncio.Event()
        model = Stopping()
        result = asyncio.run(main(model))
        assert result.exit_status == 4
        assert result.stopped is not None
        assert "interrupted" in result.stopped
        assert result.summary.done == 4
        assert model.closed == 1
        again = TableModel()
        assert run(pages, tmp_path, again).exit_status == 0
        assert len(again.asked) == 6

    def test_cancelling_cleans_up_and_is_passed_on(self, pages: Path, tmp_path: Path) -> None:
        class Hanging(TableModel):
            async def generate(self, request: Any) -> Generation:
                if len(self.requests) == 3:
                    asyncio.get_running_loop().call_soon(task.cancel)
                    await asyncio.sleep(3600)
                return await super().generate(request)

        async def main() -> None:
            nonlocal task
            task = asyncio.create_task(
                evaluate_async(
                    model=model, benchmark=pages, judge=FixedJudge(), name="run", runs_dir=tmp_path, concurrency=1
                )
            )
            await task

        task: asyncio.Task[RunResult]
        task = None  # type: ignore[assignment]
        model = Hanging()
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(main())
        assert model.closed == 1
        assert json.loads((tmp_path / "run" / "summary.json").read_text())["done"] == 3
        assert run(pages, tmp_path, TableModel()).exit_status == 0


class TestJudges:
    """Open answers go to the judge."""

    def test_verdicts(self, tmp_path: Path) -> None:
        folder = make_benchmark(tmp_path / "small").folder
        arguments: dict[str, Any] = {
            "tasks": ["panel_understanding"],
            "model": TableModel(otherwise=lambda r: "A cat."),
        }
        for verdict, status in ((1.0, "scored"), (None, "unscored"), (RequestError("x", cause="timeout"), "unscored")):
            name = f"run-{verdict.__class__.__name__}"
            judge = FixedJudge(verdict)
            result = run(folder, tmp_path / "runs", judge=judge, name=name, **arguments)
            assert [r.status for r in result.records] == [status]
            task = result.summary.tasks["panel_understanding"]
            assert task.unscored == (status == "unscored")
            assert task.accuracy == (1.0 if verdict == 1.0 else 0.0)
            assert task.accuracy_answered == (1.0 if verdict == 1.0 else None)

    def test_a_judge_that_breaks_fails_the_sample_but_keeps_the_text(self, tmp_path: Path) -> None:
        folder = make_benchmark(tmp_path / "small").folder
        model = TableModel(otherwise=lambda r: "A cat.", deterministic=False)
        judge = FixedJudge(KeyError("verdict"))
        result = run(folder, tmp_path / "runs", model, tasks=["panel_understanding"], judge=judge)
        (record,) = result.records
        assert record.error is not None
        assert (record.status, record.error.cause, record.text) == ("failed", "judge_error", "A cat.")
        again = TableModel(deterministic=False)
        result = run(folder, tmp_path / "runs", again, tasks=["panel_understanding"])
        assert again.asked == []
        assert result.exit_status == 0


class TestMistakes:
    """What cannot run says so before anything is written."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"split": "tests"}, "no split"),
            ({"tasks": ["depth"]}, "no task"),
            ({"view": "panels"}, "unknown view"),
            ({"language": "fr"}, "no language"),
            ({"limit": 0}, "limit 0"),
            ({"model": "opnai:gpt"}, "did you mean 'openai'"),
            ({"benchmark": "no-such"}, "no benchmark"),
            ({"judge": "strict"}, "unknown judge"),
        ],
    )
    def test_is_refused(self, pages: Path, tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
        with pytest.raises(UserError, match=words):
            comic_eval.evaluate(
                **{"model": TableModel(), "benchmark": pages, "judge": FixedJudge(), "runs_dir": tmp_path} | arguments
            )
        assert list(tmp_path.iterdir()) == []

    def test_settings_for_an_adapter_object(self, pages: Path, tmp_path: Path) -> None:
        with pytest.raises(PluginError, match="has its own"):
            run(pages, tmp_path, TableModel(), adapter_settings={"base_url": "x"})

    def test_a_running_loop(self) -> None:
        async def main() -> None:
            comic_eval.evaluate(model="random")

        with pytest.raises(UserError, match="await evaluate_async"):
            asyncio.run(main())


def test_concurrency_is_what_is_asked_and_no_more_than_the_adapter_takes(pages: Path, tmp_path: Path) -> None:
    class Watching(TableModel):
        """Answers nobody before ``crowd`` requests were in flight together."""

        def __init__(self, crowd: int, **info: Any) -> None:
            super().__init__(**info)
            self.crowd, self.now, self.most, self.together = crowd, 0, 0, asyncio.Event()

        async def generate(self, request: Any) -> Generation:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == self.crowd:
                self.together.set()
            await self.together.wait()
            await asyncio.sleep(0.01)
            self.now -= 1
            return await super().generate(request)

    free, narrow = Watching(6), Watching(2, max_concurrency=2)
    run(pages, tmp_path, free, name="free", operation=Operation(concurrency=6, timeout_s=30))
    run(pages, tmp_path, narrow, name="narrow", operation=Operation(concurrency=6, timeout_s=30))
    assert (free.most, narrow.most) == (6, 2)


def test_what_a_provider_counts_is_added_up(pages: Path, tmp_path: Path) -> None:
    usage = Usage(input_tokens=10, cached_tokens=4, image_tokens=6, output_tokens=3, reasoning_tokens=2)
    model = TableModel(otherwise=lambda r: Generation(text="<answer>2</answer>", usage=usage))
    total = run(pages, tmp_path, model).summary.usage
    assert (total.input_tokens, total.cached_tokens, total.image_tokens) == (100, 40, 60)
    assert (total.output_tokens, total.reasoning_tokens, total.cost_usd) == (30, 20, None)
