from __future__ import annotations

import json
from pathlib import Path

import pytest

from comic_eval.errors import UserError
from comic_eval.zoom.checkpoint import (
    FILE_NAME,
    CheckpointSettings,
    read_checkpoint_settings,
    write_checkpoint_settings,
)
from comic_eval.zoom.coords import family_of
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.settings import ZoomSettings

SETTINGS = CheckpointSettings(
    family="qwen2.5-vl",
    coords=family_of("qwen2.5-vl").coords,
    patch=28,
    budget=1024,
    zoom=ZoomSettings(max_turns=5, dialect="qwen", crop=CropRules(padding=0.1)),
    base_model="Qwen/Qwen2.5-VL-7B-Instruct",
    prompts_sha256="0" * 64,
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_checkpoint_settings(tmp_path, SETTINGS)
    assert read_checkpoint_settings(tmp_path) == SETTINGS
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_a_checkpoint_of_somebody_else_has_none(tmp_path: Path) -> None:
    assert read_checkpoint_settings(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": 0}, "budget"),
        ({"patch": 14}, "patch"),
        ({"colour": "red"}, "colour"),
        ({"format": 2}, "format"),
        ({"zoom": {"max_turns": 0}}, "zoom.max_turns"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, object], words: str) -> None:
    data = SETTINGS.model_dump(mode="json") | change
    (tmp_path / FILE_NAME).write_text(json.dumps(data))
    with pytest.raises(UserError, match=words) as caught:
        read_checkpoint_settings(tmp_path)
    assert FILE_NAME in str(caught.value)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(UserError, match=FILE_NAME):
        read_checkpoint_settings(tmp_path)
