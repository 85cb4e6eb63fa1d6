"""The adapter on tiny random models: batching, decoding, pictures, limits, errors."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.adapters import ask, ask_all, ask_each, fail, request
from support.model_watch import patches, watch
from support.tiny_vlm import PATCH, Arch, build_tiny_internvl, build_tiny_lora, build_tiny_vlm

from comic_eval.conformance import check_adapter
from comic_eval.contracts import RunContext
from comic_eval.errors import PluginError, RequestError, UserError
from comic_eval.plugins import create_adapter
from comic_eval.types import EncodedImage, Generation, Message, Request, TextPart, ToolSpec
from comic_eval.zoom.checkpoint import CheckpointSettings, write_checkpoint_settings
from comic_eval.zoom.coords import family_of

CPU: dict[str, Any] = {"device": "cpu", "dtype": "float32", "threads": 1}
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 12}
ARCHS: list[Arch] = ["qwen2_5_vl", "qwen3_vl"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {arch: build_tiny_vlm(folder / arch, arch) for arch in ARCHS}


@pytest.fixture(scope="module")
def qwen(models: dict[Arch, Path]) -> Path:
    return models["qwen2_5_vl"]


def adapter(folder: Path, **settings: Any) -> Any:
    return create_adapter(f"transformers:{folder}", **{**CPU, **settings})


def together(model: Any, requests: list[Request]) -> list[Any]:
    """Sends all requests at once; failures are returned."""

    async def run() -> list[Any]:
        await model.start(RunContext(cache_dir=Path()))
        try:
            return await asyncio.gather(*map(model.generate, requests), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(run())


def noise(width: int, height: int, seed: int = 0) -> EncodedImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    size = (width, height)
    return EncodedImage(data=buffer.getvalue(), media_type="image/png", size=size, source_size=size)


def mixed_requests(side: int, **params: Any) -> list[Request]:
    """Requests of different lengths: without a picture, with one, with two."""
    small, large = noise(2 * side, 3 * side), noise(8 * side, 5 * side)
    return [
        request("How many?", **params),
        request(small, "Which of the two marked characters is nearer to the viewer?", **params),
        request(large, small, "0 1 2 3 4 5 6 7 8 9", **params),
        request(large, "Answer", **params),
    ]


def plain(answers: list[Any]) -> list[Any]:
    """Answers without their latency, the one thing that company may change."""
    return [a.model_copy(update={"latency_s": None}) for a in answers]


# --- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize(
    "params",
    [GREEDY, {"temperature": 0.9, "top_p": 0.8, "seed": 7, "max_tokens": 12}],
    ids=["greedy", "sampled"],
)
def test_a_batch_answers_as_each_request_alone(models: dict[Arch, Path], arch: Arch, params: dict[str, Any]) -> None:
    asked = mixed_requests(PATCH[arch], **params)
    alone = ask_each(adapter(models[arch]), *asked)
    with watch() as seen:
        batched = together(adapter(models[arch]), asked)
    # What has no picture goes apart.
    assert set(seen.batches) == {1, 3}
    assert len({a.text for a in alone}) == 4
    assert plain(batched) == plain(alone)


def test_requests_that_decode_differently_never_share_a_batch(qwen: Path) -> None:
    kinds = [GREEDY, {**GREEDY, "temperature": 0.5}, {**GREEDY, "max_tokens": 5}, {**GREEDY, "seed": 3}]
    with watch() as seen:
        together(adapter(qwen), [request("How many?", **kind) for kind in kinds])
    # A seed is each row's own, so the first and the last go together.
    assert sorted(set(seen.batches)) == [1, 2]


def test_the_token_budget_bounds_a_batch(qwen: Path) -> None:
    asked = [request("How many?", **GREEDY) for _ in range(6)]
    tokens = ask(adapter(qwen), asked[0]).usage.input_tokens or 0
    with watch() as seen:
        together(adapter(qwen, batch_tokens=2 * (tokens + 12)), asked)
    assert set(seen.batches) == {2}


def test_a_batch_beyond_the_memory_is_halved(qwen: Path) -> None:
    import torch

    def refuse(batch: int) -> None:
        if batch > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    asked = mixed_requests(28, **GREEDY)
    alone = ask_each(adapter(qwen), *asked)
    with watch(refuse) as seen:
        answers = together(adapter(qwen), asked)
    assert plain(answers) == plain(alone)
    assert max(seen.batches) == 3


def test_a_request_beyond_the_memory_fails_with_its_cause(qwen: Path) -> None:
    import torch

    def refuse(batch: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with watch(refuse):
        error = fail(adapter(qwen))
    assert error.cause == "out_of_memory"
    assert "budget" in str(error)


# --- decoding --------------------------------------------------------------------------------------------------------


def test_seeds_decide_what_is_sampled(qwen: Path) -> None:
    def texts(*seeds: int | None) -> list[str]:
        asked = [request("Answer", temperature=1.0, max_tokens=12, seed=seed) for seed in seeds]
        return [a.text for a in together(adapter(qwen), asked)]

    first = texts(1, 2, None, None)
    assert len(set(first)) == 4
    assert texts(2, 1) == [first[1], first[0]]


def test_narrow_sampling_is_greedy(qwen: Path) -> None:
    greedy = ask(adapter(qwen), request("Answer", **GREEDY)).text
    hot = {"temperature": 2.0, "max_tokens": 12, "seed": 1}
    narrow = [
        request("Answer", **hot, top_p=1e-6),
        request("Answer", **hot, extra_body={"top_k": 1}),
        request("Answer", **hot, extra_body={"min_p": 1.0}),
    ]
    assert [a.text for a in ask_each(adapter(qwen), *narrow)] == [greedy] * 3
    assert ask(adapter(qwen), request("Answer", **hot)).text != greedy


def test_samples_follow_the_distribution() -> None:
    import torch

    sampling = import_module("comic_eval.model_adapters._transformers_sampling")
    seeds = list(range(20_000))
    chain = sampling.processors(sampling.Sampling(temperature=2.0), seeds, [3], torch.device("cpu"))
    logits = torch.tensor([[2.0, 0.0, 1.0, 9.0]]).repeat(len(seeds), 1)
    drawn = chain(torch.zeros((len(seeds), 1), dtype=torch.long), logits).argmax(dim=-1)
    expected = torch.softmax(torch.tensor([1.0, 0.0, 0.5]), dim=0).tolist()
    shares = [(drawn == i).float().mean().item() for i in range(3)]
    assert shares == pytest.approx(expected, abs=0.015)
    assert not (drawn == 3).any()


def test_the_checkpoints_own_sampling_settings_are_not_used(qwen: Path) -> None:
    own = json.loads((qwen / "generation_config.json").read_text())
    assert own["repetition_penalty"] == 1.05
    asked = [request("Answer", **GREEDY, extra_body={"repetition_penalty": p}) for p in (1.0, 8.0)]
    unset = ask(adapter(qwen), request("Answer", **GREEDY)).text
    neutral, strong = (a.text for a in ask_each(adapter(qwen), *asked))
    assert unset == neutral != strong


def test_an_answer_ends_at_a_stop_token_or_at_its_limit(qwen: Path) -> None:
    asked = [request("Answer", temperature=1.5, seed=seed, max_tokens=300) for seed in range(8)]
    answers = together(adapter(qwen), asked)
    ends = {a.finish_reason for a in answers}
    assert "stop" in ends
    for answer in answers:
        assert "<|" not in answer.text
        assert (answer.usage.output_tokens < 300) == (answer.finish_reason == "stop")
    assert ask(adapter(qwen), request("Answer", temperature=0.0, max_tokens=1)).finish_reason == "length"


def test_tokens_of_pictures_are_never_written(models: dict[Arch, Path]) -> None:
    import transformers

    for folder in models.values():
        checkpoint, load, model = (
            import_module(f"comic_eval.model_adapters.{name}")
            for name in ("_checkpoint", "_transformers_load", "_transformers_model")
        )
        found = checkpoint.find(str(folder), None)
        loaded = load.load(found, device="cpu", dtype="float32", attention=None, revision=None)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        kept = model.LocalModel.of(loaded, "tiny").suppressed
        assert set(tokenizer.convert_ids_to_tokens(list(kept))) == {
            "<|image_pad|>", "<|video_pad|>", "<|vision_pad|>", "<|vision_start|>", "<|vision_end|>",
        }  # fmt: skip


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHS)
def test_the_model_sees_exactly_the_pixels_that_are_sent(models: dict[Arch, Path], arch: Arch) -> None:
    side = PATCH[arch]
    # The checkpoint's own image processor would shrink these to 16 tokens.
    sent = [noise(9 * side, 4 * side, 1), noise(2 * side, 2 * side, 2)]
    with watch() as seen:
        answer = ask(adapter(models[arch]), request(*sent, "How many?", **GREEDY))
    expected = [patches(Image.open(io.BytesIO(i.data)), side // 2) for i in sent]
    np.testing.assert_allclose(seen.pixels[0], np.concatenate(expected), atol=1e-5)
    assert answer.usage.image_tokens == 9 * 4 + 2 * 2


def test_a_size_off_the_grid_is_rounded_to_it_and_no_more(qwen: Path) -> None:
    with watch() as seen:
        answer = ask(adapter(qwen), request(noise(20 * 28 + 5, 10 * 28 - 5), "How many?", **GREEDY))
    assert answer.usage.image_tokens == 20 * 10
    assert seen.pixels[0].shape[0] == 4 * 20 * 10


def test_other_families_take_pictures_by_their_own_rule(tmp_path: Path) -> None:
    folder = build_tiny_internvl(tmp_path / "intern")
    assert adapter(folder).info.family == "internvl"
    assert "processor's own rule" in str(adapter(folder).info.settings["pictures"])
    asked = [
        request(noise(200, 100), "How many?", **GREEDY),
        request(noise(100, 300), noise(64, 64), "Which?", **GREEDY),
        request("How many?", **GREEDY),
    ]
    alone = ask_each(adapter(folder), *asked)
    # Tiles of 4 tokens each: two and an overview; three and an overview, and one of the second picture.
    assert [a.usage.image_tokens for a in alone[:1]] == [12]
    assert (alone[1].usage.image_tokens or 0) > 12
    assert alone[2].usage.image_tokens == 0
    assert len({a.text for a in alone}) == 3
    assert plain(together(adapter(folder), asked)) == plain(alone)
    assert fail(adapter(folder), request("An <IMG_CONTEXT>")).cause == "bad_request"


def test_earlier_turns_keep_their_pictures(qwen: Path) -> None:
    first, crop = noise(56, 56, 1), noise(84, 28, 2)
    asked = request(first, "Look closer.", **GREEDY)
    turns = (
        *asked.conversation.messages,
        Message(role="assistant", content=(TextPart(text='<tool_call>{"name": "zoom"}</tool_call>'),)),
        *request("<tool_response>", crop, "</tool_response>").conversation.messages,
    )
    longer = asked.model_copy(update={"conversation": asked.conversation.model_copy(update={"messages": turns})})
    with watch() as seen:
        answer = ask(adapter(qwen), longer)
    expected = [patches(Image.open(io.BytesIO(i.data)), 14) for i in (first, crop)]
    np.testing.assert_allclose(seen.pixels[0], np.concatenate(expected), atol=1e-5)
    assert answer.usage.image_tokens == 4 + 3


# --- what cannot be answered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "cause", "words"),
    [
        (request(noise(2800, 2800), "How many?"), "context_length", "10"),
        (request("An <|image_pad|> in the text"), "bad_request", "image_pad"),
        (request("Hello", reasoning_effort="low"), "bad_request", "reasoning_effort"),
        (request("Hello", extra_body={"colour": 1}), "bad_request", "colour"),
        (request("Hello", extra_body={"temperature": 1}), "bad_request", "temperature"),
        (
            request(EncodedImage(data=b"x", media_type="image/png", size=(28, 28), source_size=(28, 28))),
            "bad_request",
            "decoded",
        ),
        (request(noise(56, 56).model_copy(update={"size": (28, 28)})), "bad_request", "said to have"),
        (
            request().model_copy(update={"tools": (ToolSpec(name="zoom", description="", parameters={}),)}),
            "bad_request",
            "text tags",
        ),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(qwen: Path, bad: Request, cause: str, words: str) -> None:
    error = fail(adapter(qwen), bad)
    assert error.cause == cause
    assert words in str(error)


def test_one_such_request_does_not_disturb_the_others(qwen: Path) -> None:
    asked = [request("How many?", **GREEDY), request("<|image_pad|>"), request("How many?", **GREEDY)]
    first, bad, last = ask_all(adapter(qwen), *asked)
    assert isinstance(bad, RequestError)
    assert isinstance(first, Generation)
    assert isinstance(last, Generation)
    assert first.text == last.text


def test_an_answer_stays_within_the_context(tmp_path: Path) -> None:
    small = build_tiny_vlm(tmp_path / "small", context=64)
    answer = ask(adapter(small), request("How many?", temperature=0.0, max_tokens=1000))
    assert answer.finish_reason == "length"
    assert (answer.usage.input_tokens or 0) + (answer.usage.output_tokens or 0) == 64


# --- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_lora_checkpoint_answers_with_its_adapter(qwen: Path, tmp_path: Path) -> None:
    lora = build_tiny_lora(tmp_path / "lora", qwen)
    base = ask(adapter(qwen), request("How many?", **GREEDY))
    tuned = ask(adapter(lora), request(noise(56, 56), "How many?", **GREEDY))
    assert tuned.usage.image_tokens == 4
    assert ask(adapter(lora), request("How many?", **GREEDY)).text != base.text
    info = adapter(lora).info
    assert info.family == "qwen2.5-vl"
    assert info.settings["base_model"] == str(qwen)


def test_a_lora_whose_base_moved_is_told_where(qwen: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(qwen, base)
    lora = build_tiny_lora(tmp_path / "lora", base)
    there = ask(adapter(lora), request("How many?", **GREEDY)).text
    base.rename(tmp_path / "moved")
    with pytest.raises(UserError, match="base_model"):
        adapter(lora)
    assert ask(adapter(lora, base_model=str(tmp_path / "moved")), request("How many?", **GREEDY)).text == there


def test_the_settings_tell_apart_what_answers_differently(qwen: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    shutil.copytree(qwen, folder)
    info = adapter(folder).info
    assert info.settings["checkpoint_sha256"] == adapter(qwen).info.settings["checkpoint_sha256"]
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert adapter(folder).info.settings["checkpoint_sha256"] != info.settings["checkpoint_sha256"]
    assert adapter(folder, dtype="bfloat16").info.settings != info.settings


def test_another_familys_processor_is_refused(qwen: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(qwen, folder)
    settings = CheckpointSettings(family="qwen3-vl", coords=family_of("qwen3-vl").coords, patch=32, budget=1024)
    write_checkpoint_settings(folder, settings)
    with pytest.raises(UserError, match=r"32 pixels a side.* of 28"):
        ask(adapter(folder))


def test_large_files_are_sampled(tmp_path: Path) -> None:
    load = import_module("comic_eval.model_adapters._checkpoint")
    size = 3 * load.SAMPLED_BLOCKS * load.BLOCK
    first = tmp_path / "a"
    first.mkdir()
    (first / "w.safetensors").write_bytes(bytes(size))
    before = load.digest(first)
    (first / "w.safetensors").write_bytes(bytes(size - 1) + b"\1")
    assert load.digest(first) != before


def test_what_a_checkpoint_was_trained_with_is_read(qwen: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    shutil.copytree(qwen, folder)
    assert adapter(folder).checkpoint_settings is None
    family = family_of("Qwen3-VL")
    settings = CheckpointSettings(family=family.name, coords=family.coords, patch=28, budget=1024)
    write_checkpoint_settings(folder, settings)
    assert adapter(folder).checkpoint_settings == settings
    assert adapter(folder).info.family == "qwen3-vl"


def test_it_says_what_it_is(models: dict[Arch, Path]) -> None:
    info = adapter(models["qwen3_vl"]).info
    assert info.id == f"transformers:{models['qwen3_vl']}"
    assert info.family == "qwen3-vl"
    assert not info.native_tools
    assert info.settings["device"] == "cpu"
    assert create_adapter("transformers:Qwen/Qwen2.5-VL-7B-Instruct", device="cpu").info.family == "qwen2.5-vl"


@pytest.mark.parametrize("arch", ARCHS)
def test_conformance(models: dict[Arch, Path], arch: Arch) -> None:
    assert len(check_adapter(lambda: adapter(models[arch]))) > 5


def test_mistakes_are_named(qwen: Path, tmp_path: Path) -> None:
    for name, settings, words in [
        ("", {}, "transformers:FOLDER"),
        (str(tmp_path / "nowhere"), {}, "no folder"),
        (str(tmp_path), {}, "config.json"),
        (str(qwen), {"dtype": "int3"}, "dtype"),
        (str(qwen), {"base_model": "x"}, "LoRA"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", {"base_model": "x"}, "LoRA"),
    ]:
        with pytest.raises(PluginError, match=words):
            create_adapter(f"transformers:{name}", **{"device": "cpu", **settings})


@pytest.mark.parametrize("damage", ["weights", "config", "missing", "template"])
def test_a_damaged_checkpoint_is_the_users_to_mend(qwen: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(qwen, folder)
    if damage == "weights":
        (folder / "model.safetensors").write_bytes(b"not weights")
    elif damage == "config":
        (folder / "config.json").write_text('{"model_type": "nobody_knows"}')
    elif damage == "missing":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="damaged"):
        ask(adapter(folder))


def test_a_model_that_is_not_here_is_the_users_to_download() -> None:
    with pytest.raises(UserError, match="nobody/nothing"):
        ask(create_adapter("transformers:nobody/nothing", device="cpu"))
