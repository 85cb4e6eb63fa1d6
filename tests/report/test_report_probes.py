"""Reports of probes show what the model was really sent: targets or noise for its crops, or crops alone."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import pytest
from support.runs import TableModel
from support.zoom_pages import RIGHT, SIZE, WHOLE, call_text, make_zoom_pages, target

from comic_eval import evaluate
from comic_eval.experiments.reliance import reliance_async
from comic_eval.experiments.series import Carry
from comic_eval.experiments.sufficiency import sufficiency_async
from comic_eval.report.write import write_view
from comic_eval.run.folder import read_records
from comic_eval.run.spec import Operation
from comic_eval.types import Box, Request
from comic_eval.zoom.coords import CoordSpec

PAGES = 2
CROP = re.compile(r'<img src="\.\./(images/[^"]+)"[^>]*alt="Crop of zoom \d')


def zoom_twice(request: Request) -> str:
    """Zooms beside the target, then elsewhere, then answers."""
    turns = sum(message.role == "assistant" for message in request.conversation.messages)
    if "<tools>" not in "".join(m.text for m in request.conversation.messages) or turns == 2:
        return RIGHT
    box = target(int(request.question.page[1:]))
    beside = Box(x1=box.x1, y1=box.y1 + 150 * (turns + 1), x2=box.x2, y2=box.y2 + 150 * (turns + 1))
    return call_text(list(CoordSpec().write(beside, WHOLE, SIZE)))


def digests(folder: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def sent(model: TableModel) -> set[str]:
    return {image.sha256 for request in model.requests for image in request.conversation.images}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoom run ``r`` of a model that looks beside its targets."""
    folder = tmp_path_factory.mktemp("report-probes")
    benchmark = make_zoom_pages(folder / "pages", PAGES).folder
    model = TableModel(otherwise=zoom_twice, native_tools=False)
    evaluate(model=model, benchmark=benchmark, runs_dir=folder / "runs", zoom=True, name="r")
    return folder / "runs"


def test_targets_and_noise_in_place_of_crops(runs: Path) -> None:
    model = TableModel(otherwise=zoom_twice, native_tools=False)
    asyncio.run(reliance_async("r", carry=Carry(runs, Operation(use_cache=False)), model=model, budgets=(16384,)))
    crops = {}
    for arm, words in (
        ("predicted", ""),
        ("ground-truth", "In this probe the target came back for every zoom"),
        ("noise", "In this probe noise came back for every zoom"),
    ):
        view = write_view(runs / f"r-reliance-{arm}-16384").parent
        made = [path.read_text(encoding="utf-8") for path in sorted((view / "samples").iterdir())]
        assert len(made) == PAGES
        assert all(words in page for page in made)
        assert all("In this probe" in page for page in made) == bool(words)
        assert digests(view / "images") <= sent(model)
        crops[arm] = [[(view / path).read_bytes() for path in CROP.findall(page)] for page in made]
        assert [len(found) for found in crops[arm]] == [2] * PAGES
    flat = {arm: {data for page in pages for data in page} for arm, pages in crops.items()}
    assert len(flat["noise"]) == 2 * PAGES
    assert not flat["noise"] & (flat["predicted"] | flat["ground-truth"])
    # Both zooms of a page come back as its one target.
    assert all(first == second for first, second in crops["ground-truth"])
    assert not flat["ground-truth"] & flat["predicted"]


def test_crops_of_another_model_alone(runs: Path) -> None:
    second = TableModel(otherwise=lambda request: RIGHT, name="second")
    carry = Carry(runs, Operation(use_cache=False))
    asyncio.run(sufficiency_async("r", model=second, carry=carry, beside=()))
    (run,) = runs.glob("r-sufficiency-*-crops")
    view = write_view(run).parent
    made = [path.read_text(encoding="utf-8") for path in sorted((view / "samples").iterdir())]
    shown = {image.sha256 for record in read_records(run) for image in record.images}
    assert len(shown) == 2 * PAGES
    assert shown == sent(second)
    assert shown <= digests(view / "images")
    for page in made:
        assert "nothing but the crops that another model had taken" in page
        assert "The model was not shown this page but the pictures below" in page
        assert page.count("Sent: ") == 2
        assert "cannot be shown" not in page
        assert "What the model was told of the zoom tool" not in page


def test_crops_of_a_run_that_changed_since(runs: Path) -> None:
    second = TableModel(otherwise=lambda request: RIGHT, name="third")
    asyncio.run(sufficiency_async("r", model=second, carry=Carry(runs, Operation()), beside=()))
    run = next(path for path in runs.glob("r-sufficiency-*third-crops"))
    journal = runs / "r" / "journal.jsonl"
    before = journal.read_bytes()
    try:
        journal.write_bytes(before.splitlines(keepends=True)[0])
        made = [p.read_text(encoding="utf-8") for p in (write_view(run).parent / "samples").iterdir()]
    finally:
        journal.write_bytes(before)
    assert all("These crops cannot be shown" in page and "Sent: " not in page for page in made)
