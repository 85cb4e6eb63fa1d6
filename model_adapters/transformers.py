"""``transformers:MODEL``: a checkpoint's folder, a LoRA adapter's folder or a model of the hub, run in this process.

Requests that wait together are answered together, up to a budget of padded tokens; what a request is answered does not
depend on its company. Pictures go into the model with the pixels that the harness drew: the processor may not resize
them. Needs ``pip install 'comic-eval[transformers]'``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from typing import Any, Literal

from pydantic import Field

from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import PluginError
from comic_eval.types import Frozen, Generation, Request
from comic_eval.zoom.coords import family_of as box_family

from ._checkpoint import find
from ._settings import read_settings
from ._transformers_batching import Batcher
from ._transformers_inputs import InputMaker, Prepared
from ._transformers_load import load
from ._transformers_model import LocalModel

PACKAGES = ("torch", "transformers", "accelerate", "peft", "torchvision")
# Padded tokens of a batch, prompt and answer: a page of 16,384 tokens fills it by itself.
TOKEN_BUDGET = {"cpu": 8192, "cuda": 65536}


class TransformersSettings(Frozen):
    """Settings of `create`.

    Attributes:
        revision: commit, tag or branch of the hub; pin it, since a branch moves.
        device: ``auto`` takes the GPUs if there are any.
        dtype: ``auto`` is the checkpoint's own.
        attention: implementation of attention; ``auto`` is the library's choice.
        base_model: overrides the base model that a LoRA adapter names.
        batch_tokens: padded tokens of a batch, prompts and answers; by default 65,536 on GPUs and 8,192 on the CPU. It
            halves by itself where memory does not suffice.
        threads: CPU threads of torch; on a busy machine one is often fastest.
    """

    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto"
    base_model: str | None = None
    batch_tokens: int | None = Field(default=None, gt=0)
    threads: int | None = Field(default=None, gt=0)


class TransformersAdapter:
    """One local model; see the module."""

    def __init__(self, name: str, settings: TransformersSettings) -> None:
        self._settings = settings
        self._checkpoint = find(name, settings.base_model)
        self._device = _device(settings.device)
        self._patch = box_family(self._checkpoint.family or "").patch
        self.checkpoint_settings = self._checkpoint.settings
        self._batcher: Batcher[Request, Prepared, Generation] | None = None
        self._info = AdapterInfo(
            id=f"transformers:{name}",
            family=self._checkpoint.family,
            settings={
                "revision": settings.revision,
                "checkpoint_sha256": self._checkpoint.digest,
                "base_model": self._checkpoint.base if self._checkpoint.lora else None,
                "device": self._device,
                "dtype": settings.dtype,
                "attention": settings.attention,
                "pictures": f"as sent, sizes off the grid of {self._patch} pixels rounded to it"
                if self._patch
                else "resized by the processor's own rule",
                "sampling": "as requested; the checkpoint's generation_config is not used",
            },
            native_tools=False,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Loads the weights.

        Raises:
            UserError: they cannot be loaded.
        """
        model = await asyncio.to_thread(self._load)
        inputs = InputMaker(model.loaded.processor, context=model.context, patch=self._patch)
        budget = self._settings.batch_tokens or TOKEN_BUDGET[self._device]
        self._batcher = Batcher(inputs.prepare, model.answer, token_budget=budget)

    def _load(self) -> LocalModel:
        import torch

        if self._settings.threads is not None:
            torch.set_num_threads(self._settings.threads)
        attention = None if self._settings.attention == "auto" else self._settings.attention
        loaded = load(
            self._checkpoint,
            device=self._device,
            dtype=self._settings.dtype,
            attention=attention,
            revision=self._settings.revision,
        )
        return LocalModel.of(loaded, self._checkpoint.name)

    async def generate(self, request: Request) -> Generation:
        """Answers one request; see `comic_eval.contracts.Adapter`. A ``response_schema`` cannot be enforced here."""
        if self._batcher is None:
            raise RuntimeError("generate() was called before start() or after close()")
        started = time.perf_counter()
        generation = await self._batcher.submit(request)
        return generation.model_copy(update={"latency_s": time.perf_counter() - started})

    async def close(self) -> None:
        """Stops the model's thread and lets go of the weights; a second call does nothing."""
        batcher, self._batcher = self._batcher, None
        if batcher is not None:
            await asyncio.to_thread(batcher.close)


def _device(wanted: Literal["auto", "cpu", "cuda"]) -> Literal["cpu", "cuda"]:
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise PluginError(
            "transformers: device is cuda, but torch sees no GPU; give device=cpu or install torch for CUDA"
        )
    return "cpu"


def create(name: str, **settings: Any) -> TransformersAdapter:
    """Makes the adapter of ``transformers:name``; see `TransformersSettings`.

    Raises:
        PluginError: no such checkpoint, a wrong setting, no GPU, or a package is missing.
        UserError: an unreadable configuration file.
    """
    if not name:
        raise PluginError("transformers: the model is missing; write transformers:FOLDER or transformers:ORG/MODEL")
    if missing := [p for p in PACKAGES if importlib.util.find_spec(p) is None]:
        raise PluginError(
            f"transformers: not installed: {', '.join(missing)}. Run: pip install 'comic-eval[transformers]'"
        )
    return TransformersAdapter(name, read_settings(TransformersSettings, "transformers", settings))
