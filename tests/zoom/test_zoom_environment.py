"""The zoom environment and evaluation's loop, driven by scripted turns."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from PIL import Image

from comic_eval.types import (
    Box,
    Conversation,
    EncodedImage,
    Generation,
    Message,
    Question,
    Request,
    TextPart,
    ToolCall,
)
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.episode import play
from comic_eval.zoom.measure import coverage, matched_ious, measure
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace, render

T1, T2 = Box(x1=100, y1=100, x2=500, y2=400), Box(x1=600, y1=100, x2=1000, y2=400)


def page() -> Image.Image:
    """A page whose pixel colours tell where they came from."""
    image = Image.new("RGB", (1000, 1400), "white")
    image.paste((200, 10, 10), (100, 100, 500, 400))
    image.paste((10, 10, 200), (600, 100, 1000, 400))
    return image


def same(width: int, height: int, budget: int) -> tuple[int, int]:
    scale = min(1.0, (budget * 784 / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


def environment(**kwargs: object) -> ZoomEnvironment:
    settings = kwargs.pop("settings", ZoomSettings())
    return ZoomEnvironment(
        page(),
        coords=CoordSpec(),
        resize=same,
        sent_size=(500, 700),
        settings=settings,
        **kwargs,  # type: ignore[arg-type]
    )


def box(values: list[float], **more: object) -> str:
    return json.dumps({"bbox_2d": values, **more})


def test_a_call_returns_the_pixels_it_asked_for() -> None:
    seen = environment().zoom(NAME, box([100, 71.43, 500, 285.7]), turn=0)
    assert seen.image is not None
    assert seen.call.requested is not None
    assert seen.call.requested.iou(T1) > 0.99
    assert seen.image.getpixel((200, 150)) == (200, 10, 10)
    assert seen.call.error is None
    assert seen.call.crop == 1


def test_a_crop_of_a_crop_is_read_in_the_crops_frame() -> None:
    env = environment()
    env.zoom(NAME, box([600, 0, 1000, 500]), turn=0)  # page region 600..1000 x 0..700
    inner = env.zoom(NAME, box([500, 500, 1000, 1000], img_idx=1), turn=1)
    assert inner.call.requested == Box(x1=800, y1=350, x2=1000, y2=700)


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("crop", box([0, 0, 1, 1]), "unknown_tool"),
        (NAME, "{bbox", "malformed_json"),
        (NAME, "[1, 2]", "bad_arguments"),
        (NAME, box([1, 2, 3]), "bad_bbox"),
        (NAME, '{"bbox_2d": [0, 0, 1e999, 5]}', "bad_bbox"),
        (NAME, '{"bbox_2d": [0, 0, true, 5]}', "bad_bbox"),
        (NAME, '{"bbox_2d": [0, 0, "7", 5]}', "bad_bbox"),
        (NAME, '{"bbox_2d": [0, 0, 1' + "0" * 400 + ", 5]}", "bad_bbox"),
        (NAME, box([0, 0, 10, 10], img_idx=3), "bad_img_idx"),
        (NAME, box([0, 0, 10, 10], img_idx=-1), "bad_img_idx"),
        (NAME, box([500, 500, 100, 100]), "empty_box"),
        (NAME, box([1100, 10, 1200, 20]), "outside"),
    ],
)
def test_mistakes_become_structured_errors_and_count_as_calls(name: str, arguments: str, code: str) -> None:
    env = environment()
    seen = env.zoom(name, arguments, turn=0)
    assert seen.image is None
    assert json.loads(seen.text)["error"] == code
    assert [c.error for c in env.calls] == [code]


def test_limits_on_images_and_pixels() -> None:
    env = environment(settings=ZoomSettings(max_images=1))
    assert env.zoom(NAME, box([0, 0, 500, 500]), turn=0).image is not None
    assert env.zoom(NAME, box([0, 0, 500, 500]), turn=1).call.error == "too_many_images"
    small = environment(settings=ZoomSettings(max_pixels=1000))
    assert small.zoom(NAME, box([0, 0, 500, 500]), turn=0).call.error == "too_many_pixels"


def test_the_probe_returns_the_target_or_noise_of_the_crops_size() -> None:
    truth = environment(source="ground-truth", targets=(T1, T2)).zoom(NAME, box([120, 80, 450, 250]), turn=0)
    assert truth.call.executed == T1
    assert truth.call.requested != T1
    predicted = environment().zoom(NAME, box([120, 80, 450, 250]), turn=0)
    noise = environment(source="noise", seed=1).zoom(NAME, box([120, 80, 450, 250]), turn=0)
    assert noise.image is not None
    assert predicted.image is not None
    assert noise.image.size == predicted.image.size
    assert len(noise.image.getcolors(10**6) or range(10**6)) > 1000


def test_the_probe_shows_every_target_to_a_model_that_misses_all_of_them() -> None:
    probe = environment(source="ground-truth", targets=(T1, T2))
    missed = [probe.zoom(NAME, box([x, 900, x + 40, 990]), turn=0).call.executed for x in (900, 910)]
    assert missed == [T2, T1]


def encode(image: Image.Image) -> EncodedImage:
    out = io.BytesIO()
    image.save(out, "PNG")
    return EncodedImage(data=out.getvalue(), media_type="image/png", size=image.size, source_size=image.size)


def run(turns: list[Generation], dialect: str, **settings: object) -> tuple[Trace, list[Request]]:
    limits = ZoomSettings(dialect=dialect, **settings)  # type: ignore[arg-type]
    requests: list[Request] = []

    async def ask(request: Request) -> Generation:
        requests.append(request)
        return turns[min(len(requests), len(turns)) - 1]

    question = Question(id="q", task="action_recognition", split="test", page="p", image="p.png", question="What?")
    start = Conversation(messages=(Message(role="user", content=(TextPart(text="What?"),)),))
    empty = Trace(page_size=(1000, 1400), sent_size=(500, 700), targets=(T1, T2))
    env = environment(settings=limits)
    trace = asyncio.run(play(Request(conversation=start, question=question), env, ask, encode, limits, empty))
    return trace, requests


TAGGED = '<tool_call>{"name": "%s", "arguments": %s}</tool_call>'


@pytest.mark.parametrize("dialect", ["native", "qwen", "deepeyes"])
def test_an_episode_in_every_dialect(dialect: str) -> None:
    first, second = box([100, 71, 500, 286]), box([600, 71, 1000, 286])
    if dialect == "native":
        calls = (ToolCall(id="a", name=NAME, arguments=first), ToolCall(id="b", name=NAME, arguments=second))
        turns = [Generation(text="let me look", tool_calls=calls)]
    else:
        turns = [Generation(text=f"<think>hm</think>{TAGGED % (NAME, first)}{TAGGED % (NAME, second)}")]
    trace, requests = run([*turns, Generation(text="<answer>B</answer>")], dialect)
    assert trace.stop == "answered"
    assert trace.answer_text == "<answer>B</answer>"
    assert len(requests) == 2
    assert [i.size for i in requests[1].conversation.images] == [c.sent_size for c in trace.calls]
    assert bool(requests[0].tools) == (dialect == "native")
    assert measure(trace).ious == pytest.approx((1, 1), abs=0.02)
    assert "zoom on image 0" in render(trace)


def test_twelve_turns_without_an_answer_have_none() -> None:
    call = (ToolCall(id="a", name=NAME, arguments=box([0, 0, 100, 100])),)
    trace, requests = run([Generation(text="<answer>B</answer>", tool_calls=call)], "native")
    assert len(requests) == 12
    assert trace.stop == "max_turns"
    assert trace.answer_text == ""
    assert measure(trace).max_turns
    assert measure(trace).answered_early


@pytest.mark.parametrize(("policy", "stop", "asked"), [("error", "answered", 2), ("stop", "malformed", 1)])
def test_a_malformed_tag_counts_and_follows_the_policy(policy: str, stop: str, asked: int) -> None:
    broken = Generation(text="<tool_call>{'name': zoom}</tool_call>")
    trace, requests = run([broken, Generation(text="<answer>A</answer>")], "qwen", malformed=policy)
    assert (trace.stop, len(requests)) == (stop, asked)
    assert measure(trace).malformed == 1


def test_calls_of_a_turn_keep_their_order_whether_they_can_be_read_or_not() -> None:
    good = TAGGED % (NAME, box([100, 71, 500, 286]))
    trace, requests = run([Generation(text=f"<tool_call>oh</tool_call>{good}"), Generation(text="B")], "qwen")
    assert [c.error for c in trace.calls] == ["malformed_call", None]
    assert measure(trace).ious == pytest.approx((0, 1), abs=0.02)
    said = requests[1].conversation.messages[-1].text
    assert said.index("malformed_call") < said.index("Image 1")


def test_a_call_that_the_server_could_not_read_is_told_and_counted() -> None:
    left = Generation(text="<tool_call>{'name': zoom}</tool_call>", finish_reason="stop")
    trace, requests = run([left, Generation(text="<answer>A</answer>")], "native")
    assert [c.error for c in trace.calls] == ["malformed_call"]
    assert (trace.stop, trace.answer_text, len(requests)) == ("answered", "<answer>A</answer>", 2)
    assert [m.role for m in requests[1].conversation.messages] == ["user", "assistant", "user"]


def test_a_call_inside_a_thought_is_no_call() -> None:
    thought = f"<think>I could {TAGGED % (NAME, box([0, 0, 9, 9]))}</think><answer>A</answer>"
    trace, _ = run([Generation(text=thought)], "qwen")
    assert trace.calls == ()
    assert trace.stop == "answered"


def test_matching_is_one_to_one_and_free_of_order() -> None:
    assert matched_ious([T2, T1], [T1, T2]) == [1, 1]
    assert sorted(matched_ious([T1, T1], [T1, T2])) == [0, 1]
    assert matched_ious([None, T1], [T1]) == [0, 1]
    assert matched_ious([], [T1]) == []
    # The case where greedy matching gives less than the best one.
    calls = [Box(x1=100, y1=100, x2=560, y2=400), Box(x1=100, y1=100, x2=240, y2=400)]
    targets = [Box(x1=100, y1=100, x2=420, y2=400), Box(x1=240, y1=100, x2=640, y2=400)]
    assert sum(matched_ious(calls, targets)) == pytest.approx(0.5926 + 0.4375, abs=1e-4)


def test_coverage_is_the_share_that_the_best_crop_shows() -> None:
    half = Box(x1=100, y1=100, x2=300, y2=400)
    assert coverage([half], [T1]) == 0.5
    assert coverage([half], [T1, T2]) == 0.25
    assert coverage([], [T1]) == 0.0
