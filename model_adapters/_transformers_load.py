"""Loads a checkpoint's weights and processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comic_eval.errors import UserError

from ._checkpoint import Checkpoint


@dataclass(frozen=True)
class Loaded:
    """A model ready to generate, with its processor. ``revision``: the hub's commit, where it came from there."""

    model: Any
    processor: Any
    tokenizer: Any
    revision: str | None


def load(checkpoint: Checkpoint, *, device: str, dtype: str, attention: str | None, revision: str | None) -> Loaded:
    """Loads weights and processor; takes as long as reading the weights.

    Args:
        device: ``cpu`` or ``cuda``, where several GPUs share the layers.
        dtype: ``auto`` (the checkpoint's), ``bfloat16`` or ``float32``.

    Raises:
        UserError: the hub does not know it, files are missing or broken, or a package is.
    """
    import transformers
    from transformers.utils import logging

    # A run has a progress bar of its own.
    logging.disable_progress_bar()
    options: dict[str, Any] = {"revision": revision} if revision else {}
    attended = {"attn_implementation": attention} if attention else {}
    placed = {"device_map": "auto"} if device == "cuda" else {}
    try:
        model = transformers.AutoModelForImageTextToText.from_pretrained(
            checkpoint.base, dtype=dtype, **attended, **placed, **options
        )
        commit = getattr(model.config, "_commit_hash", None)
        if checkpoint.lora is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, checkpoint.lora)
        same = {} if checkpoint.processor != checkpoint.base else options
        processor = transformers.AutoProcessor.from_pretrained(checkpoint.processor, **same)
    except Exception as error:  # noqa: BLE001 - a missing, foreign or damaged file raises nearly anything in there
        # transformers hides a package that does not import behind an error of its own.
        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__
        words = " ".join((str(error) if first is error else f"{error} ({first})").split())[:600]
        raise UserError(f"transformers: {checkpoint.name} cannot be loaded ({type(error).__name__}): {words}") from None
    if getattr(processor, "chat_template", None) is None:
        raise UserError(f"transformers: {checkpoint.name} has no chat template, so it cannot be asked questions")
    tokenizer = getattr(processor, "tokenizer", processor)
    return Loaded(model.eval(), processor, tokenizer, commit)
