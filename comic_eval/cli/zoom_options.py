"""How a model may zoom: the options of ``comic-eval run``, and what they say."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from comic_eval.cli.option_group import F, with_options

_COORDS = "xyxy-1000, yxyx-1000, xyxy-1, xyxy-sent-pixels, xyxy-page-pixels, ..."
_OPTIONS = (
    click.option("--zoom", is_flag=True, help="Let the model zoom in on the page before it answers."),
    click.option(
        "--zoom-dialect",
        type=click.Choice(["native", "qwen", "deepeyes"]),
        help="How calls travel: native tool calls, or text tags in Qwen's or DeepEyes' form. Default: native where the "
        "model has tool calls, else qwen.",
    ),
    click.option("--coords", metavar="NAME", help=f"How it writes boxes: {_COORDS} Default: as its family does."),
    click.option(
        "--family", metavar="NAME", help="The model's family, such as qwen2.5-vl, where its name does not tell."
    ),
    click.option("--max-turns", type=click.IntRange(min=1), help="Turns of an episode; more is wrong. Default: 12."),
    click.option("--max-images", type=click.IntRange(min=0), help="Crops of an episode. Default: 12."),
    click.option("--max-pixels", type=click.IntRange(min=1), help="Pixels of all its crops. Default: 16384 * 784."),
    click.option("--crop-budget", type=click.IntRange(min=1), help="Visual tokens of a crop. Default: 4096."),
)
# Field of `ZoomSettings` -> option.
_SETTINGS = {
    "dialect": "zoom_dialect",
    "max_turns": "max_turns",
    "max_images": "max_images",
    "max_pixels": "max_pixels",
    "crop_budget": "crop_budget",
}


def zoom_options(command: F) -> F:
    """Adds the options to a command."""
    return with_options(command, _OPTIONS)


def zoom_settings(options: dict[str, Any], crop: dict[str, Any]) -> dict[str, Any]:
    """The arguments ``zoom``, ``coords`` and ``family`` of `evaluate_async`.

    Args:
        crop: the fields of `CropRules` that were typed.

    Raises:
        UserError: settings of episodes without ``--zoom``.
    """
    from comic_eval.errors import UserError
    from comic_eval.zoom.crop import CropRules
    from comic_eval.zoom.settings import ZoomSettings

    stated = {field: options[name] for field, name in _SETTINGS.items() if options[name] is not None}
    names = {"family": options["family"], "coords": options["coords"]}
    if not options["zoom"]:
        lost = [f"--{_SETTINGS[field].replace('_', '-')}" for field in stated]
        lost += ["--coords"] if options["coords"] is not None else []
        if lost:
            raise UserError(f"{', '.join(lost)}: only for episodes; add --zoom")
        return {"zoom": False, **names}
    if crop:
        stated["crop"] = CropRules(**crop)
    return {"zoom": ZoomSettings(**stated), **names}


def typed_crop(context: click.Context) -> dict[str, Any]:
    """The crop options that were typed, as fields of `CropRules`: a checkpoint's own rules give way to nothing else."""
    return {
        name.removeprefix("crop_"): value
        for name, value in context.params.items()
        if name.startswith("crop_")
        and name != "crop_budget"
        and context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
