"""`run --batch` against a loopback Batch API: nothing is submitted twice, nothing is lost, whoever kills what."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.openai_batches import MockOpenAIBatches
from support.openai_faults import Fault
from support.runs import TableModel, make_pages

from comic_eval import evaluate, evaluate_async
from comic_eval.errors import RunFolderError, UserError
from comic_eval.run.batch_book import Batch, BatchBook, request_id
from comic_eval.run.evaluate import RunResult
from comic_eval.run.record import Key
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import SamplingParams

SAMPLES = 12
MODEL = "gpt-4o"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("batch") / "pages", SAMPLES // 2).folder


def run(pages: Path, runs: Path, server: MockOpenAIBatches, *, batch: bool = True, **more: Any) -> RunResult:
    operation = {"batch": batch, "batch_poll_s": 0.05, "max_retries": 2, **more.pop("operation", {})}
    return evaluate(
        model=f"openai:{MODEL}",
        adapter_settings={"base_url": server.base_url},
        benchmark=pages,
        runs_dir=runs,
        name="r",
        operation=Operation(**operation),
        **more,
    )


def answered(server: MockOpenAIBatches) -> int:
    return len(server.requests)


def test_a_batch_run_gets_every_answer_at_half_the_price(pages: Path, tmp_path: Path) -> None:
    with MockOpenAIBatches("<answer>C</answer>") as server:
        done = run(pages, tmp_path, server, prices=Prices(input=1000, output=1000))
        assert done.exit_status == 0, done.stopped
        assert len(server.batches) == 1
        assert answered(server) == SAMPLES
        assert all(r.batch for r in done.records)
        tokens = done.summary.usage.input_tokens, done.summary.usage.output_tokens
        assert done.summary.usage.cost_usd == pytest.approx(sum(t or 0 for t in tokens) / 1e6 * 1000 / 2)
        assert done.summary.tasks["action_recognition"].accuracy == 1.0
        again = run(pages, tmp_path, server, batch=False)
        assert (again.exit_status, len(server.batches)) == (0, 1)
        # The cache has the answers: a run under another name asks nothing.
        other = evaluate(
            model=f"openai:{MODEL}", adapter_settings={"base_url": server.base_url}, benchmark=pages, runs_dir=tmp_path,
            name="other", operation=Operation(batch=True, batch_poll_s=0.05),
        )  # fmt: skip
        assert (other.exit_status, len(server.batches), other.summary.usage.from_cache) == (0, 1, SAMPLES)


def test_failures_in_a_batch_are_recorded_and_asked_again(pages: Path, tmp_path: Path) -> None:
    broken = True

    def fault(request: Any) -> Any:
        if not broken or "page 1" not in request.text:
            return None
        return Fault("timeout") if "appear" in request.text else Fault("http", status=500)

    with MockOpenAIBatches("<answer>2</answer>", faults=fault) as server:
        first = run(pages, tmp_path, server)
        assert first.exit_status == 3
        assert {r.error.cause for r in first.records if r.error} == {"http_500", "batch_expired"}
        broken = False
        second = run(pages, tmp_path, server)
        assert second.exit_status == 0
        assert len(server.batches) == 2
        # Ten were answered by the first batch, and two by the second.
        assert sum(r.batch and not r.error for r in second.records) == SAMPLES


# Runs in a process of its own, which kills itself just before or just after an entry of the book is written.
KILLED = """
import os, signal, sys
from comic_eval import evaluate
from comic_eval.run.batch_book import BatchBook
from comic_eval.run.spec import Operation

base_url, pages, runs, when, state = sys.argv[1:]
put = BatchBook.put

def killing_put(self, batch):
    if (when, state) == ("before", batch.state):
        os.kill(os.getpid(), signal.SIGKILL)
    found = put(self, batch)
    if (when, state) == ("after", batch.state):
        os.kill(os.getpid(), signal.SIGKILL)
    return found

BatchBook.put = killing_put
evaluate(
    model="openai:gpt-4o", adapter_settings={"base_url": base_url}, benchmark=pages, runs_dir=runs, name="r",
    operation=Operation(batch=True, batch_poll_s=0.05),
)
"""


@pytest.mark.parametrize(
    ("when", "state", "batches"),
    [
        ("before", "intended", 0),
        ("after", "intended", 0),
        ("before", "submitted", 1),
        ("after", "submitted", 1),
        ("before", "collected", 1),
        ("after", "collected", 1),
    ],
)
def test_a_killed_process_submits_nothing_twice(
    pages: Path, tmp_path: Path, when: str, state: str, batches: int
) -> None:
    with MockOpenAIBatches("<answer>C</answer>") as server:
        script = tmp_path / "killed.py"
        script.write_text(KILLED)
        arguments = [sys.executable, str(script), server.base_url, str(pages), str(tmp_path / "runs"), when, state]
        environment = {**os.environ, "OPENAI_API_KEY": "x"}
        dead = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120)
        assert dead.returncode == -signal.SIGKILL, dead.stderr
        assert len(server.batches) == batches
        done = run(pages, tmp_path / "runs", server)
        assert done.exit_status == 0, done.stopped
        assert len(server.batches) == 1
        assert answered(server) == SAMPLES
        assert done.summary.done == SAMPLES


def test_an_interrupted_run_leaves_its_batch_and_collects_it_later(pages: Path, tmp_path: Path) -> None:
    async def interrupted(server: MockOpenAIBatches) -> RunResult:
        stop = asyncio.Event()

        async def press() -> None:
            while not server.batches:  # noqa: ASYNC110 - the server runs in another thread
                await asyncio.sleep(0.01)
            stop.set()

        pressing = asyncio.create_task(press())
        result = await evaluate_async(
            model=f"openai:{MODEL}", adapter_settings={"base_url": server.base_url}, benchmark=pages, runs_dir=tmp_path,
            name="r", operation=Operation(batch=True, batch_poll_s=0.2), stop=stop,
        )  # fmt: skip
        await pressing
        return result

    with MockOpenAIBatches("<answer>C</answer>", polls=15) as server:
        result = asyncio.run(interrupted(server))
        assert result.exit_status == 4
        assert result.stopped is not None
        assert "1 batches go on at the provider" in result.stopped
        with pytest.raises(UserError, match=r"1 batches of this run are at the provider.*--batch"):
            run(pages, tmp_path, server, batch=False)
        done = run(pages, tmp_path, server)
        assert (done.exit_status, len(server.batches)) == (0, 1)


def test_a_limit_on_cost_splits_the_work(pages: Path, tmp_path: Path) -> None:
    prices = Prices(input=100, output=1000)
    arguments: dict[str, Any] = {"prices": prices, "params": SamplingParams(max_tokens=100)}
    with MockOpenAIBatches("<answer>C</answer>") as server:
        # A request is bound to about 0.1 dollars in a batch and costs next to nothing.
        first = run(pages, tmp_path, server, operation={"max_cost_usd": 0.4}, **arguments)
        assert first.exit_status == 0, first.stopped
        assert len(server.batches) > 1
        assert answered(server) == SAMPLES


def test_a_limit_that_leaves_no_room_ends_the_run(pages: Path, tmp_path: Path) -> None:
    prices = Prices(input=100, output=1000)
    arguments: dict[str, Any] = {"prices": prices, "params": SamplingParams(max_tokens=100)}
    with MockOpenAIBatches("<answer>C</answer>") as server:
        first = run(pages, tmp_path, server, operation={"max_cost_usd": 0.01}, **arguments)
        assert first.exit_status == 4
        assert first.stopped is not None
        assert "leaves no room" in first.stopped
        assert server.batches == {}
        assert run(pages, tmp_path, server, operation={"max_cost_usd": 10}, **arguments).exit_status == 0


def test_what_cannot_be_a_batch_is_refused(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no batch API"):
        evaluate(model=TableModel(), benchmark=pages, runs_dir=tmp_path, operation=Operation(batch=True))
    with MockOpenAIBatches() as server, pytest.raises(UserError, match="a zoom episode takes several turns"):
        run(pages, tmp_path, server, zoom=True)
    assert not (tmp_path / "r").exists()


def test_a_refused_batch_is_the_users_mistake_and_leaves_nothing(pages: Path, tmp_path: Path) -> None:
    with MockOpenAIBatches(refuse="Enqueued token limit reached.") as server:
        done = run(pages, tmp_path, server, operation={"max_retries": 0})
        assert done.exit_status == 4
        assert "Enqueued token limit" in (done.stopped or "")


def test_the_book_survives_and_refuses_damage(tmp_path: Path) -> None:
    book = BatchBook(tmp_path)
    batch = book.put(Batch(label="a", requests=("x", "y"), created="2026-01-01T00:00:00+00:00"))
    book.put(batch.model_copy(update={"state": "submitted", "handle": "h", "accepted": 1}))
    (found,) = BatchBook(tmp_path).open
    assert (found.handle, found.held) == ("h", ("x",))
    BatchBook(tmp_path).forget(found)
    assert BatchBook(tmp_path).open == []
    assert request_id(Key("a", "page", 1, 0)) != request_id(Key("a", "page", 1, 1))
    (tmp_path / "batches.json").write_text(json.dumps({"batches": [{"label": "a"}]}))
    with pytest.raises(RunFolderError, match=r"batches\.0\.requests"):
        BatchBook(tmp_path)
