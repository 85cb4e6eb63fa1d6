"""Which family, convention and resize rule a model gets."""

from __future__ import annotations

import pytest

from comic_eval.contracts import AdapterInfo
from comic_eval.errors import UserError
from comic_eval.run.frames import COORD_NAMES, coords_name, model_family, parse_coords, resolve
from comic_eval.zoom.coords import FAMILIES, CoordSpec
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.settings import ZoomSettings


@pytest.mark.parametrize("name", COORD_NAMES)
def test_names_of_conventions_lead_back(name: str) -> None:
    assert coords_name(parse_coords(name)) == name


def test_every_family_that_gives_boxes_has_a_named_convention() -> None:
    assert all(coords_name(f.coords) in COORD_NAMES for f in FAMILIES if f.coords is not None)


@pytest.mark.parametrize(
    ("model", "family", "found"),
    [
        ("openai:gpt-5-mini", "gpt", "gpt"),
        ("openai:o4-mini", None, "gpt"),
        ("openai:anything", "qwen2.5-vl", "qwen2.5-vl"),
        ("vllm:Qwen/Qwen3-VL-8B-Instruct", "qwen3-vl", "qwen3-vl"),
        ("transformers:./checkpoint", "internvl3.5", "internvl"),
        ("gemini:gemini-2.5-flash", "gemini", "gemini"),
        ("vllm:moonshotai/Kimi-VL-A3B", "kimi-vl", "kimi-vl"),
        ("scripted:answers.yaml", "scripted", "unknown"),
        ("local", "smollm2", "unknown"),
    ],
)
def test_the_family_of_a_model(model: str, family: str | None, found: str) -> None:
    assert model_family(AdapterInfo(id=model, family=family)).name == found


def reading(info: AdapterInfo, zoom: bool | ZoomSettings = True, **more: str) -> object:
    given = {"coords": None, "family": None} | more
    return resolve(info, zoom=zoom, view="page", budget=1024, **given)


def test_only_what_was_set_is_the_users_statement() -> None:
    tags = AdapterInfo(id="local", native_tools=False)
    settings = resolve(tags, zoom=ZoomSettings(max_turns=4), coords=None, family=None, view="page", budget=1024).zoom
    assert settings == ZoomSettings(max_turns=4, dialect="qwen", crop=CropRules())
    native = resolve(AdapterInfo(id="m"), zoom=True, coords=None, family=None, view="page", budget=1024)
    assert native.zoom == ZoomSettings()
    assert native.coords == CoordSpec()


def test_a_stated_convention_lets_a_family_without_boxes_zoom() -> None:
    molmo = AdapterInfo(id="vllm:allenai/Molmo-7B-D")
    with pytest.raises(UserError, match="--coords"):
        reading(molmo)
    assert reading(molmo, coords="xyxy-1")


def test_a_name_that_can_be_no_path_is_no_checkpoint() -> None:
    assert reading(AdapterInfo(id="openai:" + "x" * 5000))
    assert reading(AdapterInfo(id="openai:a\0b"))
