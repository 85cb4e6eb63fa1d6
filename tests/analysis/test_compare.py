"""Comparing real runs: the same questions, answered by models whose mistakes are known."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from support.runs import FixedJudge, TableModel, choice_samples, make_pages
from support.small_benchmark import make_benchmark

from comic_eval.analysis.compare import compare_runs
from comic_eval.analysis.compare_table import compare_table
from comic_eval.analysis.compared import Compared, Difference
from comic_eval.analysis.paired import mcnemar_exact, sign_flip_exact
from comic_eval.analysis.verdict import verdict
from comic_eval.benchmark import write_benchmark
from comic_eval.benchmark.books import book_of_page, book_of_pattern
from comic_eval.benchmark.load import load_benchmark
from comic_eval.errors import BenchmarkError, RequestError, RunFolderError, UserError
from comic_eval.run.evaluate import evaluate_async
from comic_eval.run.spec import Operation
from comic_eval.types import Request, SamplingParams

PAGES = 30
FAST = Operation(concurrency=8, max_retries=0)
WRONG = {"action_recognition": "<answer>A</answer>", "character_counting": "<answer>9</answer>"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("compare") / "pages", PAGES).folder


def wrong_on(task: str, chosen: Callable[[int], bool]) -> TableModel:
    """Right, but on the chosen pages of one task."""

    def answer(request: Request) -> str:
        right = {"action_recognition": "<answer>C</answer>", "character_counting": "<answer>2</answer>"}
        asked = request.question.task
        return (WRONG if asked == task and chosen(int(request.question.page[-4:])) else right)[asked]

    return TableModel(otherwise=answer)


def run(pages: Path, runs: Path, name: str, model: TableModel, **arguments: Any) -> Path:
    settings: dict[str, Any] = {"benchmark": pages, "runs_dir": runs, "name": name, "operation": FAST}
    asyncio.run(evaluate_async(**(settings | {"model": model} | arguments)))
    return runs / name


@pytest.fixture(scope="module")
def runs(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """good; poor: 20 of 30 actions wrong; close: 2 wrong, and one other than good's."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        "good": run(pages, folder, "good", wrong_on("action_recognition", lambda page: page == 0)),
        "poor": run(pages, folder, "poor", wrong_on("action_recognition", lambda page: page % 3 > 0)),
        "close": run(pages, folder, "close", wrong_on("action_recognition", lambda page: page in (3, 6))),
    }


def of(compared: Compared, second: str, task: str = "action_recognition") -> Difference:
    (found,) = [d for d in compared.differences if (d.second, d.task) == (second, task)]
    return found


def shown(compared: Compared) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(compare_table(compared))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_clear_difference_has_its_exact_p_and_a_verdict(runs: dict[str, Path]) -> None:
    compared = compare_runs([runs["poor"], runs["good"]])
    d = of(compared, "good")
    assert (d.n, d.lost, d.gained, d.clusters) == (30, 1, 20, 30)
    assert d.difference == pytest.approx(19 / 30)
    assert d.p == mcnemar_exact(1, 20)
    assert d.p_holm == 2 * d.p  # two tasks
    assert d.discordance == 21 / 30
    assert d.finding == "better"
    assert d.ci95 is not None
    assert 0.4 < d.ci95[0] < d.difference < d.ci95[1] < 0.9
    counting = of(compared, "good", "character_counting")
    assert (counting.difference, counting.p_holm, counting.finding) == (0, 1, "no difference")
    (lines,) = verdict(compared).values()
    assert lines[0].startswith("Action Recognition: good is better (+63.3 points [")
    assert lines[1].startswith("Character Counting: no difference that n=30 could show (+0.0 points;")
    assert lines[2].startswith("mean of 2 tasks: good is better (+31.7 points [")


def test_a_small_difference_is_none_that_so_few_could_show(runs: dict[str, Path]) -> None:
    compared = compare_runs([runs["good"], runs["close"]])
    d = of(compared, "close")
    assert (d.lost, d.gained, d.finding) == (2, 1, "no difference")
    assert d.detectable is not None
    assert d.detectable > 0.2
    assert f"; {100 * d.detectable:.0f} points would show 4 times in 5)" in shown(compared)
    assert d.smallest == 7 / 30  # 2 / 2 ** 7 <= 0.05 / 2 < 2 / 2 ** 6


def test_comparing_the_other_way_round_is_the_same_with_other_signs(runs: dict[str, Path]) -> None:
    one = compare_runs([runs["poor"], runs["good"]])
    other = compare_runs([runs["good"], runs["poor"]])
    for a, b in zip(one.differences, other.differences, strict=True):
        assert (a.task, a.n, a.lost, a.gained, a.p, a.p_holm) == (b.task, b.n, b.gained, b.lost, b.p, b.p_holm)
        assert a.difference == -b.difference
        assert a.detectable == b.detectable
        if a.ci95 and b.ci95:
            assert a.ci95 == pytest.approx((-b.ci95[1], -b.ci95[0]), abs=0.04)
    assert (of(one, "good").finding, of(other, "poor").finding) == ("better", "worse")
    assert {m.run: (m.accuracy, m.ci95) for m in one.macro} == {m.run: (m.accuracy, m.ci95) for m in other.macro}
    assert "good is better" in shown(one)
    assert "good is better" in shown(other)


def test_three_runs_are_ranked_and_corrected_together(runs: dict[str, Path]) -> None:
    compared = compare_runs([runs["poor"], runs["good"], runs["close"]])
    assert len(compared.differences) == 4
    assert of(compared, "good").p_holm == pytest.approx(4 * mcnemar_exact(1, 20))
    ranks = {s.run: (s.rank, s.rank95) for s in compared.scores if s.task == "action_recognition"}
    assert ranks == {"good": (1, (1, 2)), "close": (2, (1, 2)), "poor": (3, (3, 3))}
    same = {s.rank95 for s in compared.scores if s.task == "character_counting"}
    assert same == {(1, 3)}
    assert [m.rank95 for m in compared.macro] == [(3, 3), (1, 2), (1, 2)]
    good = next(m for m in compared.macro if m.run == "good")
    assert good.accuracy == pytest.approx((29 / 30 + 1) / 2)
    assert good.corrected == pytest.approx((29 / 30 - 0.25) / 0.75)
    assert compared.corrected_tasks == ("action_recognition",)
    assert "rank [95 %]" in shown(compared)
    other = compare_runs([runs["poor"], runs["close"], runs["good"]])
    assert {s.run: s.rank95 for s in other.scores} == {s.run: s.rank95 for s in compared.scores}


def test_disagreements_are_listed_with_both_answers(runs: dict[str, Path]) -> None:
    compared = compare_runs([runs["good"], runs["poor"]], disagreements=3)
    found = compared.disagreements
    assert [d.question for d in found] == [f"test{p:04}-action-en" for p in (0, 1, 2)]
    assert [r.right for r in found[0].replies["good"]] == [False]
    assert found[0].replies["good"][0].text == "A"
    assert found[1].replies["poor"][0].text == "A"
    text = shown(compared)
    assert "✓ C" in text
    assert "✗ A" in text
    assert f"comic-eval view {runs['poor']}" in text.replace("\n", "")
    assert compare_runs([runs["good"], runs["poor"]]).disagreements == ()


def test_the_result_is_made_of_the_journals_alone_and_reads_back(runs: dict[str, Path]) -> None:
    compared = compare_runs([runs["good"], runs["poor"]], disagreements=2)
    assert Compared.model_validate_json(compared.model_dump_json()) == compared


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"view": "blind"}, "view"), ({"budget": 300}, "budget"), ({"split": "train"}, "split")],
)
def test_runs_that_were_asked_something_else_are_refused(
    pages: Path, runs: dict[str, Path], tmp_path: Path, arguments: dict[str, Any], field: str
) -> None:
    other = run(pages, tmp_path, "other", wrong_on("x", lambda page: True), **arguments)
    with pytest.raises(UserError, match=f"{field}: good .*, other .*--across {field}"):
        compare_runs([runs["good"], other])
    if field == "split":
        with pytest.raises(UserError, match="0 in common"):
            compare_runs([runs["good"], other], across=["split"])
        return
    compared = compare_runs([runs["good"], other], across=[field])
    assert of(compared, "other").n == PAGES
    assert f"compared across: {field}" in shown(compared)


def test_another_state_of_the_benchmark_is_refused_and_changed_answers_left_out(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    changed = [
        s.model_copy(update={"answer": "A"}) if s.id == "test0004-action-en" else s for s in choice_samples(PAGES)
    ]
    old = load_benchmark(make_pages(tmp_path / "again", PAGES).folder)
    images = {s.image: old.image_path(s) for s in old.samples}
    write_benchmark(
        tmp_path / "new",
        name="pages",
        version="1.1",
        license="CC0-1.0",
        description="Another state.",
        samples=changed,
        images=images,
        card="# pages\n",
    )
    other = run(tmp_path / "new", tmp_path, "other", TableModel())
    with pytest.raises(UserError, match=r"benchmark: good pages 1.0\+.*, other pages 1.1\+.*--across benchmark"):
        compare_runs([runs["good"], other])
    compared = compare_runs([runs["good"], other], across=["benchmark"])
    assert of(compared, "other").n == PAGES - 1
    assert "Action Recognition: 1 questions left out whose right answers differ" in compared.notes


def test_other_samples_are_refused_unless_told(pages: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    few = run(pages, tmp_path, "few", TableModel(), limit=20)
    with pytest.raises(UserError, match=r"good 30, few 10; 10 in common.*--across samples"):
        compare_runs([runs["good"], few])
    compared = compare_runs([runs["good"], few], across=["samples"])
    assert of(compared, "few").n == 10
    assert "20 questions left out" in shown(compared)
    one_task = run(pages, tmp_path, "one", TableModel(), tasks=["action_recognition"])
    with pytest.raises(UserError, match="--tasks action_recognition"):
        compare_runs([runs["good"], one_task])
    assert set(compare_runs([runs["good"], one_task], tasks=["action_recognition"]).tasks) == {"action_recognition"}
    with pytest.raises(UserError, match="character_counting: not in all"):
        compare_runs([runs["good"], one_task], tasks=["character_counting"])


def test_failures_count_as_wrong_and_are_told(pages: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    refused = RequestError("no", cause="content_filter")
    answers = {f"test{page:04}-action-en": refused for page in range(10, 20)}
    failing = run(pages, tmp_path, "failing", TableModel(answers))
    compared = compare_runs([runs["good"], failing])
    d = of(compared, "failing")
    assert (d.lost, d.gained, d.n_answered) == (10, 1, 20)
    assert d.answered == pytest.approx(1 / 20)
    assert compared.runs[1].counts == {"failed": 10, "scored": 50}
    text = shown(compared)
    assert "failing: 10 failed" in text
    assert "+5.0 points over the 20 questions without a failed or unscored answer" in text
    assert d.p_holm < 0.05
    assert d.finding == "unsure"
    (lines,) = verdict(compared).values()
    assert lines[0].startswith("Action Recognition: perhaps good is better (-30.0 points [")
    assert "; 10 failed or unscored counted as wrong, +5.0 points without them, by failed and unscored" in lines[0]


def test_a_mean_over_few_pages_is_no_finding(runs: dict[str, Path], tmp_path: Path) -> None:
    few = make_pages(tmp_path / "few", 3).folder
    right = run(few, tmp_path, "right", wrong_on("action_recognition", lambda page: False))
    wrong = run(few, tmp_path, "wrong", wrong_on("action_recognition", lambda page: True))
    compared = compare_runs([right, wrong])
    assert compared.macro[1].difference_ci95 == (-0.5, -0.5)
    assert compared.macro[1].p_holm == pytest.approx(2 / 2**3, abs=0.02)
    (lines,) = verdict(compared).values()
    assert lines[-1].startswith("mean of 2 tasks: perhaps right is better (-50.0 points, but p Holm 0.2")
    assert (compare_runs([runs["poor"], runs["good"]]).macro[1].p_holm or 1) < 0.001


def test_several_answers_a_question_are_one_question(pages: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    class Wavering(TableModel):
        """Right about actions on every other request."""

        async def generate(self, request: Request) -> Any:
            self.otherwise = (
                (lambda r: WRONG[r.question.task])
                if len(self.requests) % 2 and request.question.task == "action_recognition"
                else (lambda r: {"action_recognition": "C", "character_counting": "2"}[r.question.task])
            )
            return await super().generate(request)

    warm: dict[str, Any] = {"params": SamplingParams(temperature=1.0), "operation": Operation(concurrency=1)}
    again = run(pages, tmp_path, "again", Wavering(deterministic=False), repeats=4, **warm)
    compared = compare_runs([runs["good"], again])
    d = of(compared, "again")
    assert d.n == PAGES
    score = next(s for s in compared.scores if s.run == "again" and s.task == "action_recognition")
    # Good is wrong about page 0 and right elsewhere; half of the other's answers are right everywhere.
    assert score.accuracy == 0.5
    assert (d.lost, d.gained) == (29, 1)
    assert d.p == pytest.approx(sign_flip_exact([-1] * 29 + [1]))
    assert "sign-flip" in shown(compared)
    assert any("answers a question: good 1, again 4" in note for note in compared.notes)


def test_another_judge_leaves_open_answers_out(tmp_path: Path) -> None:
    small = make_benchmark(tmp_path / "small").folder
    answers = {"panel_understanding": "A cat.", "character_counting": "3", "depth_comparison": "B"}
    first, second = (
        run(
            small,
            tmp_path,
            name,
            TableModel(otherwise=lambda r: f"<answer>{answers.get(r.question.task, 'A')}</answer>"),
            judge=judge,
        )
        for name, judge in (("first", "reference"), ("second", FixedJudge()))
    )
    compared = compare_runs([first, second])
    assert "panel_understanding" not in compared.tasks
    assert any(n.startswith("left out: Panel Understanding, judged by fixed-1, reference") for n in compared.notes)
    told = compare_runs([first, second], across=["judge"])
    assert "panel_understanding" in told.tasks
    assert "CAUTION: Panel Understanding: different judges" in shown(told)
    with pytest.raises(UserError, match="share no question"):
        compare_runs([first, second], tasks=["panel_understanding"])
    # One page: nothing can be said, and it is said.
    assert {d.finding for d in compared.differences} == {"too few"}
    assert "n=1 is too few to show any difference" in shown(compared)


def test_languages_are_compared_on_the_same_drawings(tmp_path: Path) -> None:
    small = make_benchmark(tmp_path / "small").folder
    model = TableModel(
        otherwise=lambda r: "<answer>C</answer>" if r.question.language == "en" else "<answer>A</answer>"
    )
    en = run(small, tmp_path, "en", model, tasks=["action_recognition"], split="train")
    fr = run(small, tmp_path, "fr", model, tasks=["action_recognition"], split="train", language="fr")
    with pytest.raises(UserError, match=r"language: en en, fr fr.*--pair language"):
        compare_runs([en, fr])
    compared = compare_runs([en, fr], pairing="language", disagreements=1)
    assert (of(compared, "fr").lost, of(compared, "fr").n) == (1, 1)
    assert compared.disagreements[0].sample_ids == {
        "en": "one-action_recognition-en",
        "fr": "one-action_recognition-fr",
    }
    with pytest.raises(UserError, match="nothing to pair by language"):
        compare_runs([en, run(small, tmp_path, "en2", model, split="train")], pairing="language")


def test_books_are_drawn_as_a_whole(runs: dict[str, Path]) -> None:
    by_book = compare_runs(
        [runs["poor"], runs["good"]], cluster_of=book_of_pattern(r"^test(?P<book>\d\d\d)"), cluster="book"
    )
    assert (by_book.cluster, by_book.clusters, of(by_book, "good").clusters) == ("book", 3, 3)
    assert "CAUTION: only 3 books" in shown(by_book)
    assert of(by_book, "good").p == of(compare_runs([runs["poor"], runs["good"]]), "good").p
    one = compare_runs([runs["poor"], runs["good"]], cluster_of=lambda page: "all", cluster="book")
    assert of(one, "good").ci95 is None
    assert of(one, "good").finding == "unsure"
    assert "all on one book" in shown(one)


def test_where_the_book_of_a_page_stands(tmp_path: Path, pages: Path) -> None:
    of_page = book_of_page([load_benchmark("pepper-carrot")])
    assert of_page("pc_e17p01") == of_page("pc_e17p05") == "e17"
    with pytest.raises(BenchmarkError, match=r"does not say to which book page 'x'.*--book-pattern"):
        of_page("x")
    imported = [s.model_copy(update={"metadata": {"book": "b1"}}) for s in choice_samples(1)]
    old = load_benchmark(pages)
    made = write_benchmark(
        tmp_path / "made",
        name="made",
        version="1",
        license="CC0-1.0",
        description="With a column.",
        samples=imported,
        images={s.image: old.image_path(s) for s in imported},
        card="# made\n",
    )
    assert book_of_page([made])("test0000") == "b1"
    for pattern, words in (("(", "unterminated|missing"), ("x", "has no group")):
        with pytest.raises(UserError, match=words):
            book_of_pattern(pattern)
    with pytest.raises(UserError, match="does not match page 'y'"):
        book_of_pattern("(?P<book>x)")("y")


def test_calls_that_make_no_sense(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two or more"):
        compare_runs([runs["good"]])
    with pytest.raises(UserError, match="with itself"):
        compare_runs([runs["good"], runs["good"]])
    with pytest.raises(UserError, match="choose among benchmark"):
        compare_runs([runs["good"], runs["poor"]], across=["colour"])
    with pytest.raises(RunFolderError, match="cannot be read"):
        compare_runs([runs["good"], tmp_path])


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_order_of_a_journal_changes_nothing(runs: dict[str, Path], tmp_path: Path, data: st.DataObject) -> None:
    lines = (runs["poor"] / "journal.jsonl").read_bytes().splitlines(keepends=True)
    shuffled = data.draw(st.permutations(lines))
    copy = tmp_path / "poor"
    copy.mkdir(exist_ok=True)
    (copy / "manifest.json").write_bytes((runs["poor"] / "manifest.json").read_bytes())
    (copy / "journal.jsonl").write_bytes(b"".join(shuffled))
    one = compare_runs([runs["good"], runs["poor"]], disagreements=4)
    other = compare_runs([runs["good"], copy], disagreements=4)
    assert other.model_copy(update={"runs": one.runs}) == one
