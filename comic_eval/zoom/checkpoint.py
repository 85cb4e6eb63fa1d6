"""What a checkpoint was trained with, kept beside its weights in ``comic_eval.json``.

A model trained to write boxes in one frame, at one budget and under one set of limits is only measured fairly under the
same ones, and nothing fails where they differ. So training writes them down and evaluation reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from comic_eval.errors import UserError
from comic_eval.files import write_atomic
from comic_eval.run.files import to_json
from comic_eval.types import Frozen
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.settings import ZoomSettings

FILE_NAME = "comic_eval.json"


class CheckpointSettings(Frozen):
    """The settings of a checkpoint.

    Attributes:
        format: version of this file.
        family: the model family's name, e.g. ``qwen2.5-vl`` (`comic_eval.zoom.coords.FAMILIES`).
        coords: how the model writes boxes; None for a model that gives none.
        patch: pixels a side that one visual token covers; its resize rule (`comic_eval.images.resize_rule_for`).
        budget: visual tokens of the page.
        zoom: limits and crop rules of its episodes; None for a model that was not trained to zoom.
        base_model, base_revision: what it was trained from.
        prompts_sha256: digest of the prompts that it was trained on.
    """

    format: Literal[1] = 1
    family: str = Field(min_length=1)
    coords: CoordSpec | None
    patch: Literal[28, 32] | None = None
    budget: int = Field(ge=1)
    zoom: ZoomSettings | None = None
    base_model: str | None = None
    base_revision: str | None = None
    prompts_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


def read_checkpoint_settings(folder: Path) -> CheckpointSettings | None:
    """The settings in a checkpoint folder; None where it has none.

    Raises:
        UserError: the file cannot be read or holds something else; names each wrong field.
    """
    path = folder / FILE_NAME
    try:
        return CheckpointSettings.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise UserError(
            f"{path}: {wrong}. Mend the file, or delete it to evaluate the checkpoint like any other model"
        ) from None


def write_checkpoint_settings(folder: Path, settings: CheckpointSettings) -> None:
    """Writes the settings into an existing checkpoint folder, atomically; earlier ones are replaced."""
    write_atomic(folder / FILE_NAME, to_json(settings.model_dump(mode="json")))
