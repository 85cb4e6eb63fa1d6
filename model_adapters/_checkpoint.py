"""Finds a checkpoint: a folder, a LoRA adapter's folder, or a model of the Hugging Face hub. Loads nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.errors import PluginError, UserError
from comic_eval.zoom.checkpoint import CheckpointSettings, read_checkpoint_settings
from comic_eval.zoom.coords import UNKNOWN
from comic_eval.zoom.coords import family_of as box_family

from ._family import family_of

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
        settings: what it was trained with, where training left a note.
        lora_rank: of the LoRA adapter.
    """

    name: str
    base: str
    lora: Path | None
    processor: str
    model_type: str | None
    digest: str | None
    settings: CheckpointSettings | None = None
    lora_rank: int | None = None

    @property
    def family(self) -> str | None:
        """The family by whose name its box convention is found, from the surest source."""
        if self.settings is not None:
            return self.settings.family
        names = [n.replace("_", "-") for n in (self.model_type, self.base, self.name) if n]
        known = (f.name for n in names if (f := box_family(n)) is not UNKNOWN)
        return next(known, None) or family_of(self.base)


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
            raise PluginError(f"there is no folder {name!r}; give a checkpoint's folder or a hub id")
        if base_model is not None:
            raise PluginError(f"{name}: base_model goes with the folder of a LoRA adapter")
        return Checkpoint(name, name, None, name, None, None)
    if (folder / LORA_CONFIG).is_file():
        return _find_lora(name, folder, base_model)
    if base_model is not None:
        raise PluginError(f"{name}: base_model goes with a LoRA adapter, but there is no {LORA_CONFIG}")
    if not (folder / "config.json").is_file():
        raise PluginError(f"{name} is no checkpoint: it has neither config.json nor {LORA_CONFIG}")
    return Checkpoint(
        name=name,
        base=str(folder),
        lora=None,
        processor=str(folder),
        model_type=_model_type(folder),
        digest=digest(folder),
        settings=read_checkpoint_settings(folder),
    )


def _find_lora(name: str, folder: Path, base_model: str | None) -> Checkpoint:
    config = _read(folder / LORA_CONFIG)
    base, rank = base_model or config.get("base_model_name_or_path"), config.get("r")
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
        settings=read_checkpoint_settings(folder),
        lora_rank=rank if isinstance(rank, int) else None,
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
