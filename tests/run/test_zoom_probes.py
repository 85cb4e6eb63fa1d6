"""Crop reliance and region sufficiency, with models that do or do not look at what they are shown."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.mock_openai import RecordedRequest
from support.openai_replies import Reply
from support.runs import TableModel
from support.zoom_pages import RIGHT, SIZE, WHOLE, WRONG, call_text, make_zoom_pages, page_of, target, turns_of, zoomer

from comic_eval import evaluate
from comic_eval.cli import main
from comic_eval.errors import UserError
from comic_eval.experiments.earlier import prefix
from comic_eval.experiments.reliance import RelianceResult, reliance_async
from comic_eval.experiments.series import Carry
from comic_eval.experiments.sufficiency import sufficiency_async
from comic_eval.run.folder import read_records
from comic_eval.run.spec import Operation
from comic_eval.types import Box, EncodedImage, Request, ToolCall
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace, Turn, ZoomCall

PAGES = 6


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zoom_pages(tmp_path_factory.mktemp("probe") / "pages", PAGES).folder


def is_red(image: EncodedImage) -> bool:
    with Image.open(io.BytesIO(image.data)) as picture:
        red, green, blue = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return red > 150 and green < 60 and blue < 60


class Looker(TableModel):
    """Zooms once, on the target or beside it, and is right if and only if its crop shows the red panel.

    Without the tool it is right on the pages ``knows``; with ``looks`` False it does not look and is always right.
    """

    def __init__(self, *, beside: bool = False, looks: bool = True, knows: tuple[int, ...] = ()) -> None:
        super().__init__(otherwise=self._reply, name="looker", native_tools=False)
        self.beside, self.looks, self.knows = beside, looks, knows

    def _reply(self, request: Request) -> str:
        said = "\n".join(m.text for m in request.conversation.messages)
        page = int(request.question.page[1:])
        if "<tools>" not in said:
            return RIGHT if page in self.knows else WRONG
        if "<tool_response>" in said:
            return RIGHT if not self.looks or is_red(request.conversation.images[1]) else WRONG
        box = target(page)
        if self.beside:
            box = Box(x1=box.x1, y1=box.y1 + 300, x2=box.x2, y2=box.y2 + 300)
        return call_text(list(CoordSpec().write(box, WHOLE, SIZE)))


def probe(model: TableModel, pages: Path, runs: Path, **more: Any) -> RelianceResult:
    if not (runs / "r").exists():
        evaluate(model=model, benchmark=pages, runs_dir=runs, zoom=True, name="r")
    carry = Carry(runs_dir=runs, operation=Operation(concurrency=3))
    return asyncio.run(reliance_async("r", carry=carry, model=model, **more))


def change(result: RelianceResult, arm: str, budget: int) -> float:
    found = [c for c in result.reliance.changes if (c.task, c.arm, c.budget) == ("all", arm, budget)]
    assert len(found) == 1
    return found[0].difference


def test_a_model_that_looks_at_its_crop_loses_by_noise(pages: Path, tmp_path: Path) -> None:
    result = probe(Looker(knows=(0, 1)), pages, tmp_path)
    assert result.exit_status == 0
    assert result.reliance.planned == PAGES
    for budget in (16384, 1024):
        assert change(result, "ground-truth", budget) == 0
        assert change(result, "noise", budget) == -1
        assert change(result, "direct", budget) == pytest.approx(2 / PAGES - 1)
    tests = {(t.budget, t.arm): t for t in result.reliance.subsets}
    assert tests[1024, "ground-truth"].n == 0
    noise = tests[1024, "noise"]
    assert (noise.n, noise.before, noise.after) == (PAGES - 2, 1.0, 0.0)
    crops = next(c for c in result.reliance.crops if c.task == "all")
    assert (crops.iou, crops.overlap) == (pytest.approx(1.0), 1.0)
    assert crops.area_ratio == pytest.approx(200 * 280 / (SIZE[0] * SIZE[1]))
    assert crops.tokens == pytest.approx(200 * 280 / 784)


def test_a_model_that_looks_and_aims_badly_gains_by_the_truth(pages: Path, tmp_path: Path) -> None:
    result = probe(Looker(beside=True), pages, tmp_path, budgets=(64,))
    assert change(result, "ground-truth", 64) == 1
    assert change(result, "noise", 64) == 0
    test = next(t for t in result.reliance.subsets if t.arm == "ground-truth")
    assert (test.n, test.before, test.after) == (PAGES, 0.0, 1.0)
    # The page is sent at the budget of the probe, the crop at full resolution.
    for record in read_records(tmp_path / "r-reliance-ground-truth-64"):
        assert record.images[0].w * record.images[0].h <= 64 * 784
        assert record.trace
        assert record.trace.calls[0].executed == target(int(record.page[1:]))


def test_a_model_that_does_not_look_loses_nothing(pages: Path, tmp_path: Path) -> None:
    result = probe(Looker(looks=False), pages, tmp_path, budgets=(1024,))
    assert change(result, "ground-truth", 1024) == change(result, "noise", 1024) == 0
    test = next(t for t in result.reliance.subsets if t.arm == "noise")
    assert (test.n, test.after) == (PAGES, 1.0)


def test_the_prefix_is_played_as_it_was_and_the_rest_is_asked_once(pages: Path, tmp_path: Path) -> None:
    model = Looker()
    first = probe(model, pages, tmp_path, budgets=(1024,))
    before = len(model.requests)
    # Two turns of the run itself; then one new turn in each of three arms, and one of the direct question.
    assert before == PAGES * (2 + 3 + 1)
    again = probe(model, pages, tmp_path, budgets=(1024,))
    assert len(model.requests) == before
    assert again.reliance == first.reliance
    assert json.loads(again.path.read_text())["complete"] is True


def test_a_probe_of_another_models_turns_is_told(pages: Path, tmp_path: Path) -> None:
    class Loaded(Looker):
        def __init__(self, served: str) -> None:
            super().__init__()
            self.served = served

    carry = Carry(runs_dir=tmp_path, operation=Operation())
    evaluate(model=Loaded("a"), benchmark=pages, runs_dir=tmp_path, name="r", zoom=True)
    same = asyncio.run(reliance_async("r", carry=carry, model=Loaded("a"), budgets=(1024,)))
    other = asyncio.run(reliance_async("r", carry=carry, model=Loaded("b"), budgets=(512,)))
    assert same.warnings == ()
    assert [w[:38] for w in other.warnings] == ["the server has loaded another model, o"]


def test_what_cannot_be_probed_says_so(pages: Path, tmp_path: Path) -> None:
    carry = Carry(runs_dir=tmp_path, operation=Operation())
    evaluate(model=TableModel(), benchmark=pages, runs_dir=tmp_path, name="plain")
    with pytest.raises(UserError, match="no zoom episodes of its own"):
        asyncio.run(reliance_async("plain", carry=carry, model=TableModel()))
    model = TableModel(otherwise=lambda request: RIGHT)
    evaluate(model=model, benchmark=pages, runs_dir=tmp_path, name="still", zoom=True)
    with pytest.raises(UserError, match="nothing to probe"):
        asyncio.run(reliance_async("still", carry=carry, model=model))
    with pytest.raises(UserError, match="needs the same model"):
        asyncio.run(reliance_async("still", carry=carry, model=TableModel(name="other")))
    elsewhere = make_zoom_pages(tmp_path / "elsewhere", 2).folder
    with pytest.raises(UserError, match="--benchmark"):
        asyncio.run(reliance_async("still", carry=carry, model=model, benchmark=elsewhere))


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_over_the_wire(api: str, pages: Path, tmp_path: Path) -> None:
    """Native calls go back as they came, sealed thoughts included, and what was answered before costs nothing."""

    def reply(seen: RecordedRequest) -> str | Reply:
        if "image_zoom_in_tool" not in json.dumps(seen.params) or turns_of(seen):
            return RIGHT
        arguments = json.dumps({"bbox_2d": list(CoordSpec().write(target(page_of(seen)), WHOLE, SIZE))})
        return Reply(
            tool_calls=((f"c{page_of(seen)}", NAME, arguments),), encrypted="sealed" if api == "responses" else None
        )

    def call(*arguments: object) -> Any:
        result = CliRunner().invoke(main, [*map(str, arguments)], env={"OPENAI_API_KEY": "nobody"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.stderr
        return result

    with zoomer() as server:
        server._reply = reply
        where = ("--runs-dir", tmp_path)
        model = ("--model", "openai:o4-mini", "--base-url", server.base_url, "--api", api)
        call("run", *model, "--benchmark", pages, *where, "--name", "r", "--zoom", "--quiet")
        asked = len(server.requests)
        assert asked == 2 * PAGES
        done = call("zoom", "reliance", "r", *where, "--budget", "16384,200", "--quiet")
        assert set(server.outcomes) == {"answered"}
        # Predicted crops at the run's own budget are in the cache, and the targets are just those crops; what is new is
        # noise and the direct question at both budgets, and the crop at the second.
        assert len(server.requests) - asked == PAGES * (2 + 3)
        assert "ground truth where the crop shows less than 50% of the target: n 0" in done.stdout
        assert call("zoom", "stats", "r", *where).stdout.startswith("zooming (Table 6)")
        shown = call("zoom", "trace", "r", "action-0", *where).stdout
        assert ">>> zoom on image 0 [20, 70, 220, 350] -> image 1: [20, 70, 220, 350] sent as 200x280" in shown
        done = call(
            "zoom", "sufficiency", "r", "--model", "openai:second", "--base-url", server.base_url, *where, "--json"
        )
        scores = {s["shown"]: s["accuracy"] for s in json.loads(done.stdout)["scores"] if s["task"] == "all"}
        assert scores == {"crops": 1.0, "page": 1.0, "panel": 1.0}


def test_a_second_model_sees_the_crops_and_nothing_else(pages: Path, tmp_path: Path) -> None:
    evaluate(model=Looker(), benchmark=pages, runs_dir=tmp_path, zoom=True, name="good")
    evaluate(model=Looker(beside=True), benchmark=pages, runs_dir=tmp_path, zoom=True, name="bad")
    carry = Carry(runs_dir=tmp_path, operation=Operation())
    second = TableModel(otherwise=lambda request: RIGHT if is_red(request.conversation.images[0]) else WRONG)
    for name, accuracy in (("good", 1.0), ("bad", 0.0)):
        second.requests.clear()
        result = asyncio.run(sufficiency_async(name, model=second, carry=carry))
        assert result.exit_status == 0
        scores = {s.shown: s for s in result.sufficiency.scores if s.task == "all"}
        assert {shown: s.accuracy for shown, s in scores.items()} == {"crops": accuracy, "page": 0.0, "panel": 1.0}
        assert scores["panel"].difference == accuracy - 1
        crops = second.requests[:PAGES]
        boxes = {r.sample_id: r.trace.calls[0].executed for r in read_records(tmp_path / name) if r.trace}
        for request in crops:
            (image,) = request.conversation.images
            box = boxes[request.question.id]
            assert box
            assert image.size == (box.width, box.height)
        prompts = {r.conversation.messages[-1].text for r in second.requests[2 * PAGES :]}
        assert {r.conversation.messages[-1].text for r in crops} == prompts


SIDES = st.integers(100, 3000)


@given(old=st.tuples(SIDES, SIDES), new=st.tuples(SIDES, SIDES), tags=st.booleans(), data=st.data())
def test_numbers_in_pixels_of_the_sent_page_name_the_same_region_at_another_size(
    old: tuple[int, int], new: tuple[int, int], tags: bool, data: st.DataObject
) -> None:
    coords = CoordSpec(scale=None, frame="sent")
    x = sorted(data.draw(st.tuples(st.integers(0, old[0]), st.integers(0, old[0]))))
    y = sorted(data.draw(st.tuples(st.integers(0, old[1]), st.integers(0, old[1]))))
    values = [x[0], y[0], x[1], y[1]]
    arguments = json.dumps({"bbox_2d": values, "label": "é"})
    text = (
        f"Look.\n<tool_call>\n{json.dumps({'name': NAME, 'arguments': json.loads(arguments)})}\n</tool_call>"
        if tags
        else ""
    )
    calls = () if tags else (ToolCall(id="a", name=NAME, arguments=arguments, opaque="sealed"),)
    box = Box(x1=0, y1=0, x2=10, y2=10)
    made = ZoomCall(turn=0, arguments=arguments, img_idx=0, values=tuple(map(float, values)), executed=box)
    trace = Trace(
        page_size=(3000, 4000), sent_size=old, turns=(Turn(text=text, tool_calls=calls), Turn(text="x")), calls=(made,)
    )
    (turn,) = prefix(trace, coords, new)
    if tags:
        body = json.loads(turn.text.partition("<tool_call>")[2].partition("</tool_call>")[0])["arguments"]
    else:
        body = json.loads(turn.tool_calls[0].arguments)
        assert (turn.tool_calls[0].id, turn.tool_calls[0].opaque) == ("a", "sealed")
    assert body["label"] == "é"
    for before, after, i in zip(values, body["bbox_2d"], (0, 1, 0, 1), strict=True):
        assert abs(after - before * new[i] / old[i]) <= 0.5
    # Normalised numbers mean the same at any size: nothing is touched.
    assert prefix(trace, CoordSpec(), new)[0].text == text
