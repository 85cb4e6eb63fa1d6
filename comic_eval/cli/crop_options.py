"""How oracle crops are cut out: the same options for every command that shows crops."""

from __future__ import annotations

from typing import Any

import click

from comic_eval.cli.option_group import F, with_options

_OPTIONS = (
    click.option(
        "--crop-padding",
        default=0.0,
        show_default=True,
        type=click.FloatRange(0, 2),
        help="Margin around a crop's region, as a share of its width and height.",
    ),
    click.option(
        "--crop-min-side",
        default=28,
        show_default=True,
        type=click.IntRange(min=1),
        help="Page pixels that a crop has at least on each side; it grows about its centre.",
    ),
    click.option(
        "--crop-min-pixels",
        default=0,
        show_default=True,
        type=click.IntRange(min=0),
        help="Enlarge smaller crops to about this many pixels.",
    ),
    click.option(
        "--crop-max-aspect",
        default=100.0,
        show_default=True,
        type=click.FloatRange(min=1, min_open=True),
        help="A longer crop grows on its short side.",
    ),
)


def crop_options(command: F) -> F:
    """Adds the options to a command."""
    return with_options(command, _OPTIONS)


def crop_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of `CropRules`, from the options."""
    return {name: options[f"crop_{name}"] for name in ("padding", "min_side", "min_pixels", "max_aspect")}
