"""Finds and loads a checkpoint: a folder, a LoRA adapter's folder, or a model of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.errors import PluginError, UserError

LORA_CONFIG = "adapter_config.json"
# Enough of a large file to tell two checkpoints apart: training changes every block of a weight matrix.
SAMPLED_BLOCKS = 64
BLOCK = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """Where the parts of a model lie: a folder or a hub id each.

    Attributes:
        name: as the user typed it.
        base: the model's weights.
        lora: folder of the LoRA adapter over them, if any.
        processor: whose processor and chat template are used.
        model_type: architecture of a local folder (``qwen2_5_vl``); None where only a download would tell.
        digest: identifies the content of local folders; None for a hub id.
    """

    name: str
    base: str
    lora: Path | None
    processor: str
    model_type: str | None
    digest: str | None


def find(name: str, base_model: str | None) -> Checkpoint:
    """What ``name`` stands for; nothing is loaded.

    Args:
        base_model: overrides the base model that a LoRA adapter names.

    Raises:
        PluginError: a path without a checkpoint, or a ``base_model`` where there is no LoRA adapter.
        UserError: a configuration file that cannot be read.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise PluginError(f"transformers: there is no folder {name!r}; give a checkpoint's folder or a hub id")
        if base_model is not None:
            raise PluginError("transformers: base_model goes with the folder of a LoRA adapter")
        return Checkpoint(name, name, None, name, None, None)
    if (folder / LORA_CONFIG).is_file():
        return _find_lora(name, folder, base_model)
    if base_model is not None:
        raise PluginError(f"transformers: base_model goes with a LoRA adapter, but {name} has no {LORA_CONFIG}")
    if not (folder / "config.json").is_file():
        raise PluginError(f"transformers: {name} is no checkpoint: it has neither config.json nor {LORA_CONFIG}")
    return Checkpoint(name, str(folder), None, str(folder), _model_type(folder), digest(folder))


def _find_lora(name: str, folder: Path, base_model: str | None) -> Checkpoint:
    base = base_model or _read(folder / LORA_CONFIG).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UserError(f"{folder / LORA_CONFIG}: base_model_name_or_path is missing; give the setting base_model")
    local = Path(base).expanduser()
    if not local.is_dir() and (base.startswith((".", "/", "~")) or base.count("/") > 1):
        raise UserError(
            f"{folder / LORA_CONFIG}: the base model {base!r} is not there; give its place as the setting base_model"
        )
    own = (folder / "preprocessor_config.json").is_file() or (folder / "processor_config.json").is_file()
    parts = [digest(folder)] + ([digest(local)] if local.is_dir() else [])
    return Checkpoint(
        name=name,
        base=str(local) if local.is_dir() else base,
        lora=folder,
        processor=str(folder) if own else base,
        model_type=_model_type(local) if local.is_dir() else None,
        digest=hashlib.sha256("".join(parts).encode()).hexdigest(),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold a JSON object")
    return data


def _model_type(folder: Path) -> str | None:
    path = folder / "config.json"
    value = _read(path).get("model_type") if path.is_file() else None
    return value if isinstance(value, str) else None


def digest(folder: Path) -> str:
    """sha256 over names, sizes and content of a checkpoint's files; of large files over blocks spread evenly.

    Answers are kept by it, so that a folder that was trained on is another model.
    """
    total = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        size = path.stat().st_size
        total.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            if size <= SAMPLED_BLOCKS * BLOCK:
                total.update(file.read())
                continue
            for i in range(SAMPLED_BLOCKS):
                file.seek((size - BLOCK) * i // (SAMPLED_BLOCKS - 1))
                total.update(file.read(BLOCK))
    return total.hexdigest()


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
    from safetensors import SafetensorError
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
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        # What transformers, the hub and safetensors raise for missing, foreign and damaged files.
        words = " ".join(str(error).split())[:600]
        raise UserError(f"transformers: {checkpoint.name} cannot be loaded ({type(error).__name__}): {words}") from None
    if getattr(processor, "chat_template", None) is None:
        raise UserError(f"transformers: {checkpoint.name} has no chat template, so it cannot be asked questions")
    tokenizer = getattr(processor, "tokenizer", processor)
    return Loaded(model.eval(), processor, tokenizer, commit)
