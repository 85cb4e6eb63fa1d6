"""Whole runs and a zoom episode on a tiny random model: everything real but what it answers."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.adapters import request
from support.model_watch import patches, watch
from support.small_benchmark import make_benchmark
from support.tiny_vlm import PATCH, Arch, build_tiny_vlm

from comic_eval import evaluate
from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.images import resize_rule_for
from comic_eval.images.encode import encode
from comic_eval.plugins import create_adapter
from comic_eval.run.prepare import TASK_ORDER
from comic_eval.types import Box, EncodedImage, Generation, Request, SamplingParams
from comic_eval.zoom.coords import family_of
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.episode import play
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.trace import Trace

CPU: dict[str, Any] = {"device": "cpu", "dtype": "float32", "threads": 1}
ARCHS: list[Arch] = ["qwen2_5_vl", "qwen3_vl"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {arch: build_tiny_vlm(folder / arch, arch) for arch in ARCHS}


@pytest.mark.parametrize("view", ["page", "blind"])
def test_all_seven_tasks_on_the_sample_benchmark(models: dict[Arch, Path], tmp_path: Path, view: str) -> None:
    with watch() as seen:
        result = evaluate(
            model=f"transformers:{models['qwen2_5_vl']}",
            adapter_settings=CPU,
            view=view,
            limit=7,
            budget=1024,
            params=SamplingParams(temperature=0.0, max_tokens=8),
            runs_dir=tmp_path,
        )
    assert result.exit_status == 0
    assert {r.task for r in result.records} == set(TASK_ORDER)
    assert all(r.usage["output_tokens"] for r in result.records)
    shown = [r.usage["image_tokens"] for r in result.records]
    if view == "blind":
        assert not seen.pixels
        assert set(shown) == {0}
    else:
        assert all(500 < tokens <= 1024 for tokens in shown)
        assert sum(len(p) for p in seen.pixels) == 4 * sum(shown)


def test_a_run_goes_on_where_it_stopped(models: dict[Arch, Path], tmp_path: Path) -> None:
    benchmark = make_benchmark(tmp_path / "small")
    settings: dict[str, Any] = {
        "model": f"transformers:{models['qwen3_vl']}",
        "adapter_settings": CPU,
        "benchmark": benchmark.folder,
        "params": SamplingParams(temperature=0.0, max_tokens=4),
        "runs_dir": tmp_path / "runs",
    }
    first = evaluate(**settings)
    with watch() as seen:
        again = evaluate(**settings)
    assert [r.text for r in again.records] == [r.text for r in first.records]
    assert not seen.batches


class Zooming:
    """An adapter around the real one: every request runs through the model, but the turns are the test's.

    The first turn asks for a part at the left of the page, the second for one that is not there, the third answers.
    """

    def __init__(self, model: Any, box: list[float]) -> None:
        self._model = model
        calls = [{"bbox_2d": box}, {"bbox_2d": box, "img_idx": 9}]
        self._turns = [
            f"<tool_call>{json.dumps({'name': 'image_zoom_in_tool', 'arguments': call})}</tool_call>" for call in calls
        ]
        self.start, self.close = model.start, model.close

    @property
    def info(self) -> AdapterInfo:
        info: AdapterInfo = self._model.info
        return info

    async def generate(self, asked: Request) -> Generation:
        answer: Generation = await self._model.generate(asked)
        turn = sum(m.role == "assistant" for m in asked.conversation.messages)
        text = self._turns[turn] if turn < len(self._turns) else "<answer>A</answer>"
        return answer.model_copy(update={"text": text, "finish_reason": "stop"})


@pytest.mark.parametrize(("arch", "box"), [("qwen2_5_vl", [0, 0, 180, 500]), ("qwen3_vl", [0, 0, 500, 1000])])
def test_a_run_with_zooming(models: dict[Arch, Path], tmp_path: Path, arch: Arch, box: list[float]) -> None:
    model = Zooming(create_adapter(f"transformers:{models[arch]}", **CPU), box)
    with watch() as seen:
        result = evaluate(
            model=model,
            zoom=ZoomSettings(max_turns=4, crop_budget=64),
            limit=7,
            budget=256,
            params=SamplingParams(temperature=0.0, max_tokens=4),
            runs_dir=tmp_path,
        )
    assert result.exit_status == 0
    assert len(result.records) == 7
    traces = [r.trace for r in result.records]
    tokens = 0
    for trace in traces:
        assert trace is not None
        assert trace.stop == "answered"
        assert [c.error for c in trace.calls] == [None, "bad_img_idx"]
        page, crop = trace.sent_size, trace.calls[0].sent_size
        assert crop is not None
        requested = trace.calls[0].requested
        assert requested is not None
        full = {"qwen2_5_vl": page[0], "qwen3_vl": 1000}[arch]
        assert requested.x2 == pytest.approx(trace.page_size[0] * box[2] / full)
        area = PATCH[arch] ** 2
        # The page once, then twice the page with its crop.
        tokens += (3 * page[0] * page[1] + 2 * crop[0] * crop[1]) // area
        assert crop[0] * crop[1] <= 64 * area
    assert sum(len(p) for p in seen.pixels) == 4 * tokens


class Scripted:
    """A model whose every request runs through the real one, but whose turns are written by the test."""

    def __init__(self, model: Any, turns: list[str]) -> None:
        self._model = model
        self._turns = iter(turns)
        self.answers: list[Generation] = []

    async def ask(self, asked: Request) -> Generation:
        answer = await self._model.generate(asked)
        self.answers.append(answer)
        return answer.model_copy(update={"text": next(self._turns), "finish_reason": "stop"})


def page_picture(size: tuple[int, int]) -> Image.Image:
    """A page without two equal regions."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    page = Image.fromarray(np.stack([x % 256, y % 256, (x * y) % 251], axis=-1).astype(np.uint8))
    ImageDraw.Draw(page).rectangle((300, 420, 600, 700), fill="red")
    return page


@pytest.mark.parametrize("arch", ARCHS)
def test_the_pixels_of_a_crop_reach_the_next_turn(models: dict[Arch, Path], arch: Arch) -> None:
    page = page_picture((1000, 1400))
    model = create_adapter(f"transformers:{models[arch]}", **CPU)
    family = family_of(model.info.family)
    assert family.coords is not None
    rule = resize_rule_for(family)
    sent_size = rule(*page.size, 64)
    region = Box(x1=0, y1=0, x2=1000, y2=1400)
    target = Box(x1=200, y1=350, x2=700, y2=800)
    box = list(family.coords.write(target, region, sent_size))
    call = json.dumps({"name": "image_zoom_in_tool", "arguments": {"bbox_2d": box, "label": "red"}})
    turns = [f"<tool_call>{call}</tool_call>", "<tool_call>{</tool_call>", "<answer>A</answer>"]

    settings = ZoomSettings(dialect="qwen", crop_budget=48, max_turns=4)
    environment = ZoomEnvironment(
        page, coords=family.coords, resize=rule, sent_size=sent_size, settings=settings, targets=(target,)
    )
    sent: list[EncodedImage] = []

    def keep(crop: Image.Image) -> EncodedImage:
        sent.append(encode(crop, crop.size))
        return sent[-1]

    async def run() -> tuple[Trace, Scripted]:
        await model.start(RunContext(cache_dir=Path()))
        scripted = Scripted(model, turns)
        try:
            shown = encode(page, sent_size)
            sent.append(shown)
            asked = request(shown, "Which?", temperature=0.0, max_tokens=4)
            empty = Trace(page_size=page.size, sent_size=sent_size, targets=(target,))
            return await play(asked, environment, scripted.ask, keep, settings, empty), scripted
        finally:
            await model.close()

    with watch() as seen:
        trace, scripted = asyncio.run(run())
    assert trace.stop == "answered"
    assert [c.error for c in trace.calls] == [None, "malformed_call"]
    requested, crop_size = trace.calls[0].requested, trace.calls[0].sent_size
    assert requested is not None
    assert requested.iou(target) > 0.9
    side = PATCH[arch]
    assert crop_size is not None
    assert all(s % side == 0 for s in crop_size)

    def tokens(images: list[EncodedImage]) -> int:
        return sum(i.size[0] * i.size[1] // side**2 for i in images)

    assert [a.usage.image_tokens for a in scripted.answers] == [tokens(sent[:1]), tokens(sent), tokens(sent)]
    for turn, images in enumerate([sent[:1], sent, sent]):
        expected = np.concatenate([patches(_decoded(i), side // 2) for i in images])
        np.testing.assert_allclose(seen.pixels[turn], expected, atol=1e-5)
    # The crop shows the page's own pixels at that place, not the small page enlarged.
    executed = trace.calls[0].executed
    assert executed is not None
    x1, y1, x2, y2 = (int(v) for v in executed.as_list())
    original = np.asarray(page.crop((x1, y1, x2, y2)).resize(crop_size, Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(original - np.asarray(_decoded(sent[1]))).mean() < 12


def _decoded(image: EncodedImage) -> Image.Image:
    return Image.open(io.BytesIO(image.data)).convert("RGB")
