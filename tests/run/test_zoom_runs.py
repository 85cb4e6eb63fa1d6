"""Whole runs with zoom episodes, over real loopback servers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_faults import Fault
from support.openai_replies import Reply
from support.runs import TableModel
from support.zoom_pages import RIGHT, SIZE, WHOLE, WRONG, call_text, make_zoom_pages, page_of, target, turns_of, zoomer

from comic_eval import evaluate
from comic_eval.benchmark import load_benchmark
from comic_eval.errors import UserError
from comic_eval.images import Renderer, plain_resize
from comic_eval.run.folder import JOURNAL
from comic_eval.run.spec import Operation
from comic_eval.types import Box
from comic_eval.zoom.checkpoint import CheckpointSettings, write_checkpoint_settings
from comic_eval.zoom.coords import CoordSpec, family_of
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zoom_pages(tmp_path_factory.mktemp("zoom") / "pages", composite=True).folder


def run(server: MockOpenAI, pages: Path, runs: Path, model: str = "openai:mock", **more: Any) -> Any:
    settings = {"base_url": server.base_url} | more.pop("adapter_settings", {})
    arguments = {"tasks": ["action_recognition"], "zoom": True, "name": "r"} | more
    return evaluate(model=model, benchmark=pages, runs_dir=runs, adapter_settings=settings, **arguments)


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "chat": ({"api": "chat"}, "native"),
    "responses": ({"api": "responses"}, "native"),
    "qwen": ({"api": "chat"}, "qwen"),
    "deepeyes": ({"api": "chat"}, "deepeyes"),
    "deepeyes-responses": ({"api": "responses"}, "deepeyes"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_episodes(kind: str, pages: Path, tmp_path: Path) -> None:
    settings, dialect = KINDS[kind]
    with zoomer(native=dialect == "native") as server:
        wanted = True if dialect == "native" else ZoomSettings(dialect=dialect)
        result = run(server, pages, tmp_path, zoom=wanted, adapter_settings=settings)
        requests = server.requests
    assert result.exit_status == 0
    assert len(requests) == 6
    for record in result.records:
        page = int(record.page[1:])
        assert (record.status, record.score, record.text) == ("scored", 1.0, RIGHT)
        trace = record.trace
        assert trace.page_size == trace.sent_size == SIZE
        assert trace.targets == trace.requested == (target(page),)
        assert [len(trace.turns), trace.stop, trace.calls[0].sent_size] == [2, "answered", (200, 280)]
        turns = [r for r in requests if page_of(r) == page]
        # Tokens of both turns, as this server counts them: what the prompts had, and the words of the answers.
        assert record.usage["input_tokens"] == sum(t.usage.input_tokens for t in trace.turns)
        assert [len(r.images) for r in turns] == [1, 2]
        assert turns[1].images[1].size == (200, 280)
        assert record.images[0].sha256 == turns[0].images[0].sha256
    spec = result.manifest.spec
    assert (spec.zoom.dialect, spec.coords, spec.family) == (dialect, CoordSpec(), None)
    stats = result.summary.tasks["action_recognition"].zoom
    assert (stats.episodes, stats.mean_calls, stats.mean_iou, stats.coverage) == (3, 1.0, 1.0, 1.0)
    line = orjson.loads((result.folder / JOURNAL).read_bytes().splitlines()[0])
    assert line["trace"]["calls"][0]["crop"] == 1
    assert len(orjson.dumps(line["trace"])) < 2000


def test_the_crop_that_arrives_shows_the_page_at_full_resolution(pages: Path, tmp_path: Path) -> None:
    with zoomer(sent_size=(212, 297)) as server:
        run(server, pages, tmp_path, budget=80)
        seen = [r for r in server.requests if turns_of(r)]
    for request in seen:
        assert request.images[0].size[0] * request.images[0].size[1] <= 80 * 784
        assert request.images[1].size == (200, 280)
        assert request.images[1].sha256 not in {i.sha256 for i in request.images[:1]}


def test_the_trace_is_that_of_the_environment_driven_by_hand(pages: Path, tmp_path: Path) -> None:
    """Another driver of the same environment, such as a trainer, gets the same calls, boxes and errors."""
    script: list[dict[str, Any]] = [
        {"bbox_2d": [40, 100, 440, 500], "label": "a"},
        {"bbox_2d": [100, 100, 90, 500]},
        {"bbox_2d": [250, 250, 750, 750], "img_idx": 1},
        {"bbox_2d": [-50, -50, 2000, 20]},
        {"bbox_2d": "everything"},
        {"bbox_2d": [1, 2, 3, 4], "img_idx": 9},
        {"bbox_2d": [990, 990, 999, 999]},
    ]

    def reply(seen: RecordedRequest) -> str | Reply:
        turn = turns_of(seen)
        return Reply(tool_calls=((f"t{turn}", NAME, json.dumps(script[turn])),)) if turn < len(script) else RIGHT

    limits = ZoomSettings(max_images=3, crop=CropRules(padding=0.1, min_side=40))
    with MockOpenAI(reply) as server:
        result = run(server, pages, tmp_path, zoom=limits)
        arrived = {page_of(r): [i.sha256 for i in r.images] for r in server.requests}
    data = load_benchmark(pages)
    samples = {s.id: s for s in data.samples}
    for record in result.records:
        sample = samples[record.sample_id]
        page = Renderer(pages).page(sample)
        env = ZoomEnvironment(
            page, coords=CoordSpec(), resize=plain_resize, sent_size=page.size, settings=limits, targets=sample.targets
        )
        seen = [env.zoom(NAME, json.dumps(arguments), turn=turn) for turn, arguments in enumerate(script)]
        assert record.trace.calls == tuple(env.calls)
        assert [o.call.error for o in seen] == [
            None,
            "empty_box",
            None,
            None,
            "bad_bbox",
            "bad_img_idx",
            "too_many_images",
        ]
        assert len(arrived[int(sample.page[1:])]) == 4


def test_twelve_turns_without_an_answer_are_wrong(pages: Path, tmp_path: Path) -> None:
    with zoomer(calls=99) as server:
        result = run(server, pages, tmp_path)
        assert len(server.requests) == 3 * 12
    task = result.summary.tasks["action_recognition"]
    assert (task.n, task.unparsed, task.accuracy) == (3, 3, 0.0)
    assert task.unparsed_reasons == {"max_turns": 3}
    assert task.zoom.max_turns == task.zoom.repeated == 1.0
    assert all(r.text == "" and len(r.trace.turns) == 12 for r in result.records)
    assert result.exit_status == 0


def test_a_request_that_fails_in_the_middle_is_a_failed_sample_and_asked_again(pages: Path, tmp_path: Path) -> None:
    broken = {"now": True}

    def fault(seen: RecordedRequest) -> Fault | None:
        return Fault("context_length") if broken["now"] and turns_of(seen) and page_of(seen) == 1 else None

    with zoomer(faults=fault) as server:
        first = run(server, pages, tmp_path)
        failed = next(r for r in first.records if r.status == "failed")
        assert (failed.sample_id, failed.error.cause, failed.trace) == ("action-1", "context_length", None)
        assert failed.usage["input_tokens"] > 0
        assert (first.exit_status, first.summary.tasks["action_recognition"].accuracy) == (3, pytest.approx(2 / 3))
        broken["now"] = False
        again = run(server, pages, tmp_path)
        # The first turn is in the cache: only the second one is sent again.
        assert len(server.requests) == 6 + 1
    assert again.exit_status == 0
    assert again.summary.tasks["action_recognition"].zoom.episodes == 3


def test_retries_of_all_turns_add_up(pages: Path, tmp_path: Path) -> None:
    failing = {0: 1, 1: 2}

    def fault(seen: RecordedRequest) -> Fault | None:
        if page_of(seen) or not failing.get(turns_of(seen)):
            return None
        failing[turns_of(seen)] -= 1
        return Fault("rate_limit", retry_after=0.01)

    with zoomer(faults=fault) as server:
        result = run(server, pages, tmp_path, operation=Operation(concurrency=1))
    assert {r.sample_id: r.retries for r in result.records} == {"action-0": 3, "action-1": 0, "action-2": 0}


def test_the_cache_tells_a_question_with_a_tool_from_one_without(pages: Path, tmp_path: Path) -> None:
    with zoomer(calls=0) as server:
        run(server, pages, tmp_path, zoom=False, name="plain")
        run(server, pages, tmp_path, name="zoom")
        assert len(server.requests) == 6
        run(server, pages, tmp_path, zoom=ZoomSettings(max_turns=5), name="other")
        # Limits are no part of what the model is told.
        assert len(server.requests) == 6


def test_a_page_of_panels_lifted_out_is_the_picture_that_is_zoomed(pages: Path, tmp_path: Path) -> None:
    with zoomer() as server:
        result = run(server, pages, tmp_path, tasks=["panel_reordering"])
    trace = result.records[0].trace
    assert trace.page_size[0] > SIZE[0]
    assert trace.targets == ()
    stats = result.summary.tasks["panel_reordering"].zoom
    assert (stats.mean_calls, stats.mean_iou, stats.coverage) == (1.0, None, None)


def test_qwen_gets_pages_of_whole_patches_and_writes_pixels_of_them(pages: Path, tmp_path: Path) -> None:
    model = "openai:Qwen/Qwen2.5-VL-7B-Instruct"
    coords = family_of(model).coords
    with zoomer(coords=coords, sent_size=(504, 700)) as server:
        result = run(server, pages, tmp_path, model)
        sizes = {i.size for r in server.requests for i in r.images}
    assert sizes == {(504, 700), (196, 280)}
    assert all(r.trace.calls[0].requested.iou(target(int(r.page[1:]))) > 0.98 for r in result.records)
    assert (result.manifest.spec.family, result.manifest.images["resize"]) == ("qwen2.5-vl", "smart_resize_28")
    with zoomer(calls=0) as server:
        plain = run(server, pages, tmp_path, model, zoom=False, name="plain")
        assert {i.size for r in server.requests for i in r.images} == {(504, 700)}
    assert plain.manifest.images["resize"] == "smart_resize_28"
    assert plain.manifest.spec.coords is None


def test_coords_and_family_can_be_stated(pages: Path, tmp_path: Path) -> None:
    with zoomer(coords=CoordSpec(order="yxyx")) as server:
        result = run(server, pages, tmp_path, coords="yxyx-1000")
        assert result.summary.tasks["action_recognition"].zoom.mean_iou == pytest.approx(1.0)
        named = run(server, pages, tmp_path, family="gemini", name="named")
        assert named.manifest.spec.coords == CoordSpec(order="yxyx")
        with pytest.raises(UserError, match="another specification"):
            run(server, pages, tmp_path, coords="xyxy-1000")
        with pytest.raises(UserError, match="choose one of xyxy-1000"):
            run(server, pages, tmp_path, coords="zyx")
        with pytest.raises(UserError, match=r"known are qwen2\.5-vl"):
            run(server, pages, tmp_path, family="qwen9")


def test_a_model_of_no_known_family_is_told_how_its_boxes_are_read(pages: Path, tmp_path: Path) -> None:
    model = TableModel(otherwise=lambda request: RIGHT, name="DeepEyes-7B")
    unknown = evaluate(model=model, benchmark=pages, runs_dir=tmp_path, zoom=True)
    assert [w.partition(",")[0] for w in unknown.manifest.warnings] == ["test:DeepEyes-7B is of no known family"]
    stated = evaluate(model=model, benchmark=pages, runs_dir=tmp_path, zoom=True, family="qwen2.5-vl", name="stated")
    assert stated.manifest.warnings == ()


def test_boxes_read_in_the_wrong_order_are_told_and_change_no_score(tmp_path: Path) -> None:
    pages = make_zoom_pages(tmp_path / "pages", 12).folder
    with zoomer(coords=CoordSpec(order="yxyx")) as server:
        result = run(server, pages, tmp_path)
    assert "0-1000 yxyx (Gemini's order)" in result.summary.zoom_warning
    assert result.summary.tasks["action_recognition"].accuracy == 1.0
    assert result.summary.tasks["action_recognition"].zoom.mean_iou < 0.6


def test_what_cannot_zoom_says_so(pages: Path, tmp_path: Path) -> None:
    common: dict[str, Any] = {"benchmark": pages, "runs_dir": tmp_path, "zoom": True}
    with pytest.raises(UserError, match="looks at no picture"):
        evaluate(model="random", **common)
    with pytest.raises(UserError, match="write no boxes"):
        evaluate(model=TableModel(name="allenai/Molmo-7B"), **common)
    with pytest.raises(UserError, match="begins with the page"):
        evaluate(model=TableModel(), view="panel", **common)
    with pytest.raises(UserError, match="no native tool calls"):
        evaluate(model=TableModel(native_tools=False), **common | {"zoom": ZoomSettings(dialect="native")})


def test_a_model_without_tool_calls_gets_tags(pages: Path, tmp_path: Path) -> None:
    def answer(request: Any) -> str:
        box = target(int(request.question.page[1:]))
        said = request.conversation.messages[-1].text
        return RIGHT if "<tool_response>" in said else call_text(list(CoordSpec().write(box, WHOLE, SIZE)))

    model = TableModel(otherwise=answer, native_tools=False)
    result = evaluate(model=model, benchmark=pages, tasks=["action_recognition"], runs_dir=tmp_path, zoom=True)
    assert result.manifest.spec.zoom.dialect == "qwen"
    assert result.summary.tasks["action_recognition"].zoom.mean_iou == pytest.approx(1.0)
    with Image.open(io.BytesIO(model.requests[-1].conversation.images[1].data)) as crop:
        assert crop.size == (200, 280)


def test_a_checkpoint_is_asked_as_it_was_trained(pages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    trained = ZoomSettings(max_turns=5, crop=CropRules(padding=0.25), dialect="qwen")
    kept = CheckpointSettings(family="qwen3-vl", coords=CoordSpec(), patch=32, budget=1024, zoom=trained)
    write_checkpoint_settings(folder, kept)
    common: dict[str, Any] = {"benchmark": pages, "runs_dir": tmp_path, "tasks": ["action_recognition"]}
    model = TableModel(otherwise=lambda request: WRONG, name=str(folder))
    same = evaluate(model=model, budget=1024, zoom=True, name="same", **common)
    assert (same.manifest.spec.zoom, same.manifest.warnings) == (trained, ())
    assert (same.manifest.spec.family, same.manifest.images["resize"]) == ("qwen3-vl", "smart_resize_32")
    stated = ZoomSettings(max_turns=3, crop=CropRules(min_side=56))
    other = evaluate(model=model, zoom=stated, coords="yxyx-1000", name="other", **common)
    spec = other.manifest.spec
    assert spec.zoom == trained.model_copy(update={"max_turns": 3, "crop": CropRules(padding=0.25, min_side=56)})
    told = "\n".join(other.manifest.warnings)
    assert all(word in told for word in ("--budget 1024", "--coords xyxy-1000", "max_turns 5, this run 3", "crop "))


def test_words_that_no_file_can_hold_do_not_end_a_run(pages: Path, tmp_path: Path) -> None:
    def reply(seen: RecordedRequest) -> str | Reply:
        if turns_of(seen):
            return RIGHT
        arguments = '{"bbox_2d": [0, 0, 500, 500], "label": "\\ud800"}'
        return Reply(tool_calls=(("t0", NAME, arguments),))

    with MockOpenAI(reply) as server:
        result = run(server, pages, tmp_path)
    assert [r.status for r in result.records] == ["scored"] * 3
    assert result.records[0].trace.calls[0].label == "\N{REPLACEMENT CHARACTER}"


def test_a_box_of_the_whole_page_is_noticed(pages: Path, tmp_path: Path) -> None:
    def reply(seen: RecordedRequest) -> str | Reply:
        if turns_of(seen):
            return RIGHT
        return Reply("<answer>A</answer>", tool_calls=(("t0", NAME, '{"bbox_2d": [0, 0, 1000, 1000]}'),))

    with MockOpenAI(reply) as server:
        stats = run(server, pages, tmp_path).summary.tasks["action_recognition"].zoom
    assert (stats.whole_page, stats.answered_early, stats.area_p50) == (1.0, 1.0, 1.0)
    assert stats.mean_iou == pytest.approx(Box(x1=20, y1=70, x2=220, y2=350).area / (SIZE[0] * SIZE[1]))
