"""One run is one model, scored by one version of the code; and answers of one are never taken for another's."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_faults import Fault
from support.runs import TableModel, make_pages

from comic_eval import evaluate
from comic_eval.benchmark import write_benchmark
from comic_eval.errors import RunFolderError
from comic_eval.experiments.ablate import AblateResult, ablate_async
from comic_eval.plugins import get_task
from comic_eval.run.evaluate import RunResult
from comic_eval.run.scoring import scoring_digest
from comic_eval.types import SamplingParams

FIRST = {"meta": {"n_params": 134_515_008, "size": 96_576_768}}
SECOND = {"meta": {"n_params": 1_711_376_384, "size": 1_055_609_824}}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages").folder


def run(pages: Path, runs: Path, model: Any, **arguments: Any) -> RunResult:
    return evaluate(model=model, benchmark=pages, runs_dir=runs, **arguments)


def asked(server: MockOpenAI, pages: Path, runs: Path, name: str, **arguments: Any) -> RunResult:
    settings = {"base_url": server.base_url, "api_key_env": None}
    return run(pages, runs, "openai:local", adapter_settings=settings, name=name, **arguments)


def restarted(server: MockOpenAI, card: dict[str, Any], reply: str) -> MockOpenAI:
    """Another model behind the same URL."""
    return MockOpenAI(reply, card=card, port=int(server.root_url.rsplit(":", 1)[1]))


def test_answers_of_the_model_before_do_not_come_from_the_cache(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>C</answer>", card=FIRST) as server:
        asked(server, pages, tmp_path, "first", limit=2)
    with restarted(server, SECOND, "<answer>A</answer>") as other:
        second = asked(other, pages, tmp_path, "second", limit=2)
        assert len(other.requests) == 2
    assert {r.text for r in second.records} == {"<answer>A</answer>"}
    with restarted(server, FIRST, "<answer>D</answer>") as back:
        again = asked(back, pages, tmp_path, "again", limit=2)
        assert not back.requests
    assert {r.text for r in again.records} == {"<answer>C</answer>"}


def test_a_series_keeps_the_answers_of_two_models_apart(pages: Path, tmp_path: Path) -> None:
    def ablated(server: MockOpenAI, name: str) -> AblateResult:
        settings = {"base_url": server.base_url, "api_key_env": None}
        plan: dict[str, Any] = {"views": ("page", "blind"), "budgets": (1024,), "limit": 2, "name": name}
        made = ablate_async(model="openai:local", adapter_settings=settings, benchmark=pages, runs_dir=tmp_path, **plan)
        return asyncio.run(made)

    with MockOpenAI("<answer>C</answer>", card=FIRST) as server:
        ablated(server, "first")
    with restarted(server, SECOND, "<answer>A</answer>") as other:
        second = ablated(other, "second")
        assert len(other.requests) == 4
        journal = tmp_path / "first-page-1024" / "journal.jsonl"
        journal.write_text(journal.read_text().splitlines(keepends=True)[0])
        with pytest.raises(RunFolderError, match="another model"):
            ablated(other, "first")
    assert [c.correct for c in second.ablation.cells] == [0, 0, 0, 0]


def test_a_run_does_not_go_on_with_another_model(pages: Path, tmp_path: Path) -> None:
    def fails_later(request: RecordedRequest) -> Fault | None:
        return Fault("http", status=400) if request.index else None

    with MockOpenAI("<answer>C</answer>", card=FIRST, faults=fails_later) as server:
        begun = asked(server, pages, tmp_path, "r", limit=3)
    assert begun.exit_status == 3
    assert begun.manifest.starts[0].served
    journal = (tmp_path / "r" / "journal.jsonl").read_bytes()
    with restarted(server, SECOND, "<answer>A</answer>") as other:
        with pytest.raises(RunFolderError, match=r"another model.*served in manifest.json.*--name"):
            asked(other, pages, tmp_path, "r", limit=3)
        assert not other.requests
    assert (tmp_path / "r" / "journal.jsonl").read_bytes() == journal
    with restarted(server, FIRST, "<answer>C</answer>") as back:
        done = asked(back, pages, tmp_path, "r", limit=3)
    assert done.exit_status == 0
    assert len({start.served for start in done.manifest.starts if start.served}) == 1


def scored_by_other_code(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    assert len(manifest["scoring_sha256"]) == 64
    path.write_text(json.dumps(manifest | {"scoring_sha256": "0" * 64}))


def test_scores_of_two_versions_do_not_mix_and_replay_scores_all_anew(pages: Path, tmp_path: Path) -> None:
    with MockOpenAI("<answer>C</answer>") as server:
        asked(server, pages, tmp_path, "old")
        requests = len(server.requests)
        scored_by_other_code(tmp_path / "old")
        with pytest.raises(RunFolderError, match=r"--model replay:\S*old --name NEW"):
            asked(server, pages, tmp_path, "old")
        new = run(pages, tmp_path, f"replay:{tmp_path / 'old'}", name="new")
        renamed = asked(server, pages, tmp_path, "renamed")
        assert len(server.requests) == requests
    assert new.exit_status == renamed.exit_status == 0
    assert new.summary.done == renamed.summary.done == new.summary.planned
    assert [t.accuracy for t in new.summary.tasks.values()] == [t.accuracy for t in renamed.summary.tasks.values()]


def module_of(path: Path, source: str) -> ModuleType:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_the_scoring_digest_follows_the_tasks_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from comic_eval.task_kinds import CountTask\n\nclass Counts(CountTask):\n    pass\n"
    info = get_task("character_counting").info
    found = []
    for version in (source, source, source + "# reads more\n"):
        monkeypatch.delitem(sys.modules, "counts_of_a_test", raising=False)
        module = module_of(tmp_path / "counts_of_a_test.py", version)
        found.append(scoring_digest({"counts_of_a_test": module.Counts(info)}))
    monkeypatch.delitem(sys.modules, "counts_of_a_test")
    assert found[0] == found[1] != found[2]
    ours = {name: get_task(name) for name in ("character_counting", "depth_comparison")}
    assert scoring_digest(ours) != scoring_digest({"character_counting": ours["character_counting"]})


def blind_texts(pages: Path, runs: Path, temperature: float | None) -> Sequence[str]:
    """What a model of chance answers where samples differ in nothing that it sees."""
    draws = iter(f"<answer>{letter}</answer>" for letter in "ABCD" * 10)
    model = TableModel(otherwise=lambda request: next(draws), deterministic=False)
    result = run(
        pages,
        runs,
        model,
        view="blind",
        tasks=["action_recognition"],
        concurrency=1,
        params=SamplingParams(temperature=temperature),
    )
    return [record.text or "" for record in result.records]


def same_question(folder: Path) -> Path:
    """Pages whose questions of one task are the same words."""
    made = make_pages(folder / "made")
    one = [s.model_copy(update={"question": "What does character A do?"}) for s in made.samples]
    images = {s.image: made.image_path(s) for s in made.samples}
    return write_benchmark(
        folder / "same",
        name="same",
        version="1.0",
        license="CC0-1.0",
        description="Coloured pages.",
        samples=one,
        images=images,
        card="# same",
    ).folder


@pytest.mark.parametrize("temperature", [1.0, None])
def test_every_sample_has_a_draw_of_its_own(tmp_path: Path, temperature: float | None) -> None:
    pages = same_question(tmp_path / "data")
    first = blind_texts(pages, tmp_path / "runs", temperature)
    assert len(set(first)) == 4
    # An answer that was drawn once is the sample's, also for another run.
    assert blind_texts(pages, tmp_path / "runs", temperature) == first


def test_without_chance_equal_requests_share_one_answer(tmp_path: Path) -> None:
    pages = same_question(tmp_path / "data")
    assert len(set(blind_texts(pages, tmp_path / "runs", 0.0))) == 1
