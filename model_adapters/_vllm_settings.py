"""Settings of vLLM, once as flags of ``vllm serve`` and once as arguments of its engine."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, field_validator

from comic_eval.errors import RequestError
from comic_eval.types import Frozen, Request
from comic_eval.zoom.coords import family_of as box_family

from ._checkpoint import Checkpoint
from ._settings import plain_url

# Ranks that vLLM can be told to make room for.
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
LORA_NAME = "lora"
# Families whose own chat template knows no tools: their calls travel as text.
NO_TOOLS = frozenset({"qwen2-vl", "qwen2.5-vl"})


class VllmSettings(Frozen):
    """Settings of `create`.

    Attributes:
        mode: ``serve`` asks a server; ``engine`` runs the engine in this process.
        base_url: a server that runs already, usually ending in ``/v1``; None starts one and ends it afterwards.
        api_key_env: name of the environment variable that holds that server's key.
        revision, base_model, dtype: as of the `transformers` adapter.
        tensor_parallel: GPUs that share each layer. ``data_parallel``: copies of the model.
        max_model_len: tokens of prompt and answer together; None takes the model's.
        gpu_memory: share of each GPU's memory.
        prefix_caching: questions of one page share what they have in common.
        images_per_prompt: pictures of one request: the page and the crops of an episode.
        image_tokens: visual tokens that one picture may have; smaller ones go in as they are sent. At least the run's
            budget.
        tool_parser: reads native tool calls; None where the model has none. ``chat_template``: file of a template that
            knows tools, for models whose own does not.
        native_tools: overrides what is assumed from tool_parser, chat_template and the model's family.
        seed: of the engine, for requests without a seed of their own.
        extra_args: further flags of ``vllm serve``, as they are.
        start_timeout_s: longest wait for the weights to load. ``timeout_s``: longest wait for one answer.
        max_concurrency: requests at a time that the server can take.
    """

    mode: Literal["serve", "engine"] = "serve"
    base_url: str | None = None
    api_key_env: str | None = "VLLM_API_KEY"
    revision: str | None = None
    base_model: str | None = None
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    tensor_parallel: int = Field(default=1, ge=1)
    data_parallel: int = Field(default=1, ge=1)
    max_model_len: int | None = Field(default=None, gt=0)
    gpu_memory: float = Field(default=0.9, gt=0, le=1)
    prefix_caching: bool = True
    images_per_prompt: int = Field(default=13, ge=1)
    image_tokens: int = Field(default=16384, ge=4)
    tool_parser: str | None = "hermes"
    chat_template: str | None = None
    native_tools: bool | None = None
    seed: int = 0
    extra_args: tuple[str, ...] = ()
    start_timeout_s: float = Field(default=1800.0, gt=0)
    timeout_s: float = Field(default=600.0, gt=0)
    max_concurrency: int | None = Field(default=None, gt=0)

    _plain_url = field_validator("base_url")(plain_url)

    @field_validator("extra_args")
    @classmethod
    def _without_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(word.partition("=")[0] in ("--api-key", "--hf-token") for word in value):
            raise ValueError("must hold no key, since settings go into files: set VLLM_API_KEY or HF_TOKEN instead")
        return value


def has_native_tools(settings: VllmSettings, family: str | None) -> bool:
    """Whether tool calls travel natively."""
    if settings.mode == "engine":
        return False
    if settings.native_tools is not None:
        return settings.native_tools
    return settings.tool_parser is not None and (settings.chat_template is not None or family not in NO_TOOLS)


def processor_kwargs(settings: VllmSettings, family: str | None) -> dict[str, Any]:
    """Arguments that keep the model's processor from resizing a picture of the budget; empty for other families."""
    patch = box_family(family or "").patch
    if patch is None:
        return {}
    area = patch * patch
    return {"size": {"shortest_edge": 4 * area, "longest_edge": settings.image_tokens * area}}


def check_pictures(request: Request, settings: VllmSettings, family: str | None) -> None:
    """Makes sure that vLLM will not shrink a picture: it would do so without a word.

    Raises:
        RequestError: a picture has more visual tokens than ``image_tokens``.
    """
    patch = box_family(family or "").patch
    if patch is None:
        return
    for image in request.conversation.images:
        tokens = image.size[0] * image.size[1] / (patch * patch)
        if tokens > settings.image_tokens:
            raise RequestError(
                f"a picture of {image.size[0]}x{image.size[1]} pixels has {tokens:.0f} visual tokens, but vLLM was "
                f"started for {settings.image_tokens}: raise the setting image_tokens or lower the budget",
                cause="image_mismatch",
            )


def engine_arguments(checkpoint: Checkpoint, settings: VllmSettings) -> dict[str, Any]:
    """Keyword arguments of vLLM's ``AsyncEngineArgs``."""
    arguments: dict[str, Any] = {
        "model": checkpoint.base,
        "dtype": settings.dtype,
        "tensor_parallel_size": settings.tensor_parallel,
        "data_parallel_size": settings.data_parallel,
        "gpu_memory_utilization": settings.gpu_memory,
        "enable_prefix_caching": settings.prefix_caching,
        "limit_mm_per_prompt": {"image": settings.images_per_prompt, "video": 0},
        "seed": settings.seed,
        # The checkpoint's own sampling settings would change answers unseen: what a run records is all there is.
        "generation_config": "vllm",
    }
    if settings.revision is not None:
        arguments["revision"] = settings.revision
    if settings.max_model_len is not None:
        arguments["max_model_len"] = settings.max_model_len
    if resizing := processor_kwargs(settings, checkpoint.family):
        arguments["mm_processor_kwargs"] = resizing
    if checkpoint.lora is not None:
        rank = next((r for r in LORA_RANKS if r >= (checkpoint.lora_rank or 1)), LORA_RANKS[-1])
        arguments |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": rank}
    return arguments


def serve_arguments(checkpoint: Checkpoint, settings: VllmSettings, port: int) -> list[str]:
    """What follows ``vllm`` on the command line of a server on the loopback interface."""
    arguments = engine_arguments(checkpoint, settings)
    line = ["serve", arguments.pop("model"), "--host", "127.0.0.1", "--port", str(port)]
    line += ["--served-model-name", checkpoint.name]
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            line.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            line += [f"--{flag}", json.dumps(value) if isinstance(value, dict) else str(value)]
    if checkpoint.lora is not None:
        line += ["--lora-modules", json.dumps({"name": LORA_NAME, "path": str(checkpoint.lora)})]
    if settings.tool_parser is not None and has_native_tools(settings, checkpoint.family):
        line += ["--enable-auto-tool-choice", "--tool-call-parser", settings.tool_parser]
    if settings.chat_template is not None:
        line += ["--chat-template", settings.chat_template]
    return [*line, "--enable-prompt-tokens-details", "--disable-uvicorn-access-log", *settings.extra_args]
