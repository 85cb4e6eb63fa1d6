"""One environment, two drivers: evaluation's loop and TRL's give the same episodes for the same model turns.

On TRL's side all is real but the choice of tokens: a tiny Qwen2.5-VL generates what the script forces, TRL parses it,
calls the tool, feeds the crops to the next forward pass, and takes a training step on the whole.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from support.tiny_vlm import build_tiny_vlm

from comic_eval.errors import UserError
from comic_eval.images import resize_rule_for
from comic_eval.images.encode import encode
from comic_eval.plugins import get_task
from comic_eval.types import Box, Conversation, EncodedImage, Generation, Message, Region, Request, Sample, TextPart
from comic_eval.zoom.coords import family_named
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.episode import play
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace

training: Any = importlib.import_module("comic_eval.train.environment")

pytestmark = [
    # Environments are announced as experimental; the pin in constraints.txt is our answer.
    pytest.mark.filterwarnings("ignore:You are using 'environment_factory':UserWarning"),
]

FAMILY = family_named("qwen2.5-vl")
BUDGET = 16  # visual tokens: what the tiny model's processor leaves as it is
SETTINGS = ZoomSettings(dialect="qwen", malformed="stop", max_turns=3, crop_budget=BUDGET)
PAGE_SIZE = (400, 560)
SENT_SIZE = resize_rule_for(FAMILY)(*PAGE_SIZE, BUDGET)
T1, T2 = Box(x1=20, y1=40, x2=180, y2=200), Box(x1=220, y1=300, x2=380, y2=460)
RIGHT, WRONG = "Now I see. <answer>B</answer>", "<answer>A</answer>"


def call(box: Box | Sequence[float] | None, name: str = NAME, **more: Any) -> str:
    """A turn that asks for a box of the page, given in page pixels, or for raw numbers."""
    if isinstance(box, Box):
        fx, fy = SENT_SIZE[0] / PAGE_SIZE[0], SENT_SIZE[1] / PAGE_SIZE[1]
        box = [round(v * f, 1) for v, f in zip(box.as_list(), (fx, fy, fx, fy), strict=True)]
    arguments = more if box is None else {"bbox_2d": list(box), **more}
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


SCRIPTS: dict[str, list[str]] = {
    "one-crop": [call(T1, label="the runner"), RIGHT],
    "two-targets": [call(T1), call(T2), RIGHT],
    "both-at-once": [f"{call(T1)}\n{call(T2)}", RIGHT],
    "invalid-then-good": [call([60, 60, 20, 20]), call(T2), RIGHT],
    "no-call": [WRONG],
    "call-in-thoughts": [f"<think>Perhaps {call(T1)} helps.</think> {RIGHT}"],
    "crop-of-crop": [call(T1), call([10, 10, 60, 60], img_idx=1), RIGHT],
    "malformed": ['<tool_call>\n{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [1, 2\n</tool_call>'],
    "malformed-later": [call(T1), f"<tool_call>\nlook\n</tool_call> {RIGHT}"],
    "unknown-tool": [call(T1, name="rotate"), RIGHT],
    "no-box": [call(None, label="the runner"), RIGHT],
    "extra-argument": [call(T1, zoom=2), RIGHT],
    "bad-image": [call(T1, img_idx=7), WRONG],
    "early-answer": [f"{RIGHT} {call(T1)}", RIGHT],
    "never-answers": [call(T1), call(T2), call(T1)],
}
CROPS = {
    "one-crop": 1,
    "two-targets": 2,
    "both-at-once": 2,
    "invalid-then-good": 1,
    "crop-of-crop": 2,
    "malformed-later": 1,
    "extra-argument": 1,
    "early-answer": 1,
    "never-answers": 3,
}


class Episode(NamedTuple):
    trace: Trace
    crops: list[Image.Image]
    score: float | None


def page() -> Image.Image:
    """Every place of the page looks different, so that equal pixels mean equal regions."""
    picture = Image.merge("RGB", [Image.linear_gradient("L").rotate(a).resize(PAGE_SIZE) for a in (0, 90, 180)])
    picture.paste((200, 10, 10), (20, 40, 100, 120))
    return picture


def sample(name: str) -> Sample:
    return Sample(
        id=name,
        task="action_recognition",
        split="train",
        page="p",
        image="images/p.png",
        image_size=PAGE_SIZE,
        question=f"Script {name}. What goes on?",
        choices=("a run", "a fall", "a meal", "a dance"),
        answer="B",
        regions=tuple(Region(box=b, role="panel", target=True) for b in (T1, T2)),
    )


def scored(name: str, trace: Trace) -> float | None:
    task = get_task("action_recognition")
    return task.score(task.extract(trace.answer_text, sample(name)), sample(name)).value


def by_evaluation(name: str) -> Episode:
    crops: list[Image.Image] = []
    turns = iter(SCRIPTS[name])

    async def ask(_: Request) -> Generation:
        return Generation(text=next(turns))

    def keep(image: Image.Image) -> EncodedImage:
        crops.append(image)
        return encode(image, image.size)

    targets = sample(name).targets
    environment = ZoomEnvironment(
        page(),
        coords=FAMILY.coords,  # type: ignore[arg-type]
        resize=resize_rule_for(FAMILY),
        sent_size=SENT_SIZE,
        settings=SETTINGS,
        targets=targets,
    )
    conversation = Conversation(messages=(Message(role="user", content=(TextPart(text="Q"),)),))
    question = Request(conversation=conversation, question=sample(name).to_question())
    start = Trace(page_size=PAGE_SIZE, sent_size=SENT_SIZE, targets=targets)
    trace = asyncio.run(play(question, environment, ask, keep, SETTINGS, start))
    return Episode(trace, crops, scored(name, trace))


def force(model: Any, tokenizer: Any) -> list[int]:
    """Lets the model's real `generate` write the scripts; gives the pictures that each call brought."""
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList

    class Scripted(LogitsProcessor):  # type: ignore[misc]
        def __init__(self, start: int, scripts: list[list[int]]) -> None:
            self.start, self.scripts = start, scripts

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            forced = torch.full_like(scores, float("-inf"))
            for row, script in enumerate(self.scripts):
                forced[row, script[min(input_ids.shape[1] - self.start, len(script) - 1)]] = 0.0
            return forced

    generate = model.generate
    pictures: list[int] = []

    def scripted(*args: Any, **kwargs: Any) -> Any:
        scripts = []
        for text in tokenizer.batch_decode(kwargs["input_ids"]):
            (name,) = re.findall(r"Script ([\w-]+)\.", text)
            turn = text.count("<|im_start|>assistant") - 1
            scripts.append(tokenizer(SCRIPTS[name][turn] + "<|im_end|>", add_special_tokens=False)["input_ids"])
        pictures.append(len(kwargs["image_grid_thw"]))
        processor = Scripted(kwargs["input_ids"].shape[1], scripts)
        return generate(*args, **kwargs, logits_processor=LogitsProcessorList([processor]))

    model.generate = scripted
    return pictures


@pytest.fixture(scope="module")
def by_trl(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Episode], list[int]]:
    import trl
    from datasets import Dataset, Features, List, Value
    from datasets import Image as ImageColumn
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = tmp_path_factory.mktemp("trl")
    build_tiny_vlm(folder / "model")
    processor = AutoProcessor.from_pretrained(folder / "model", padding_side="left", truncation_side="left")
    processor.chat_template = (Path(trl.__file__).parent / "chat_templates/qwen3_vl.jinja").read_text("utf-8")
    message = {"role": Value("string"), "content": Value("string")}
    rows = [
        {
            "prompt": [{"role": "user", "content": sample(name).question}],
            "images": [page().resize(SENT_SIZE)],
            "page": page(),
            "sample": sample(name).model_dump_json(),
            "name": name,
        }
        for name in SCRIPTS
    ]
    columns = {"prompt": List(message), "images": List(ImageColumn()), "page": ImageColumn()}
    features = Features({**columns, "sample": Value("string"), "name": Value("string")})
    found: dict[str, Episode] = {}

    def reward(completions: Any, environments: Any, name: list[str], **_: Any) -> list[float]:
        scores = []
        for completion, environment, script in zip(completions, environments, name, strict=True):
            trace = training.trace_of(environment, completion)
            assert training.trace_of(environment, completion) is trace
            tool = [m["content"] for m in completion if m["role"] == "tool" and isinstance(m["content"], list)]
            crops = [part["image"] for content in tool for part in content if part["type"] == "image"]
            found[script] = Episode(trace, crops, scored(script, trace))
            scores.append(found[script].score or 0.0)
        return scores

    trainer = trl.GRPOTrainer(
        model=AutoModelForImageTextToText.from_pretrained(folder / "model"),
        reward_funcs=[reward],
        args=trl.GRPOConfig(
            output_dir=str(folder / "out"),
            use_cpu=True,
            bf16=False,
            per_device_train_batch_size=2 * len(SCRIPTS),
            num_generations=2,
            max_steps=1,
            save_strategy="no",
            report_to="none",
            max_completion_length=2048,
            max_tool_calling_iterations=SETTINGS.max_turns - 1,
            activation_checkpointing=False,
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=Dataset.from_list(rows, features=features),
        processing_class=processor,
        environment_factory=functools.partial(training.TrlZoomEnvironment, FAMILY, SETTINGS),
    )
    assert [t.__name__ for t in trainer.tools] == [NAME]
    pictures = force(trainer.accelerator.unwrap_model(trainer.model), processor.tokenizer)
    trainer.train()
    return found, pictures


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_drivers_play_the_same_episode(name: str, by_trl: tuple[dict[str, Episode], list[int]]) -> None:
    theirs, ours = by_trl[0][name], by_evaluation(name)
    assert theirs.trace.calls == ours.trace.calls
    assert theirs.trace.stop == ours.trace.stop
    assert [t.answered_early for t in theirs.trace.turns] == [t.answered_early for t in ours.trace.turns]
    # TRL takes thoughts out of the text, evaluation leaves them in it.
    assert theirs.trace.answer_text == re.sub(r"(?s)<think>.*</think> ?", "", ours.trace.answer_text)
    assert theirs.score == ours.score
    assert len([c for c in ours.trace.calls if c.crop]) == CROPS.get(name, 0)
    # Evaluation cuts the crops of the last allowed turn, though nobody looks at them; TRL does not.
    assert len(theirs.crops) == len(ours.crops) - (name == "never-answers")
    for a, b in zip(theirs.crops, ours.crops, strict=name != "never-answers"):
        assert a.size == b.size
        assert a.tobytes() == b.tobytes()


def test_the_crops_reach_the_next_forward_pass(by_trl: tuple[dict[str, Episode], list[int]]) -> None:
    """Each script runs twice: its page in the first turn, and with its crops in every later one."""
    episodes, pictures = by_trl
    expected = [0] * SETTINGS.max_turns
    for name, episode in episodes.items():
        for turn in range(len(SCRIPTS[name])):
            seen = sum(c.crop is not None and c.turn < turn for c in episode.trace.calls)
            expected[turn] += 2 * (1 + seen)
    assert pictures == expected


def test_a_tool_that_cannot_be_trained_as_asked_says_so() -> None:
    with pytest.raises(UserError, match="malformed='stop'"):
        training.TrlZoomEnvironment(FAMILY, ZoomSettings())
    with pytest.raises(UserError, match="molmo"):
        training.TrlZoomEnvironment(family_named("molmo"), SETTINGS)
