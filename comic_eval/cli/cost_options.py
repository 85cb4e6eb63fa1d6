"""What answers cost and how many are asked: the options of ``comic-eval run``, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from comic_eval.cli.option_group import F, with_options

if TYPE_CHECKING:
    from comic_eval.costs.forecast import Forecast
    from comic_eval.costs.prices import PriceTable

_OPTIONS = (
    click.option("--system", metavar="TEXT|@FILE", help="A system prompt; @FILE reads it from a file."),
    click.option(
        "--repeats",
        "-n",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="Answers a question: scores are means over them; pass@k and the majority's vote stand beside.",
    ),
    click.option(
        "--prices",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A file of prices, used before those that come with comic-eval.",
    ),
    click.option(
        "--max-cost",
        type=click.FloatRange(min=0, min_open=True),
        metavar="USD",
        help="Stop before the run, with all its starts, can cost more; repeat with more to go on.",
    ),
    click.option(
        "--batch", is_flag=True, help="Use the provider's batch API: half the price, answered within a day. Resumable."
    ),
    click.option(
        "--batch-poll",
        default=30.0,
        show_default=True,
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds between two looks at the batches.",
    ),
)


def cost_options(command: F) -> F:
    """Adds the options to a command."""
    return with_options(command, _OPTIONS)


def system_prompt(text: str | None) -> str | None:
    """The system prompt that ``--system`` gives.

    Raises:
        UserError: its file cannot be read.
    """
    from comic_eval.errors import UserError

    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--system {text}: cannot be read ({error})") from error


def price_table(file: Path | None) -> PriceTable | None:
    """The user's table of prices.

    Raises:
        UserError: the file is wrong.
    """
    from comic_eval.costs.prices import read_prices

    return read_prices(file) if file is not None else None


def forecast_lines(found: Forecast) -> list[str]:
    """What a run will cost, in words."""
    rule = found.image_token_rule
    counted = f"{rule} rule" if rule else "784 pixels each, since the provider's rule is not known"
    lines = [
        f"{'':6}  {found.image_tokens:,} image tokens by {counted}; about {found.text_tokens:,} text tokens at four "
        "characters each"
    ]
    if found.image_token_source:
        lines.append(f"{'':6}  rule: {found.image_token_source}")
    if found.output_tokens_bound is None:
        lines.append(f"{'':6}  answers of any length: --max-tokens is not set")
    else:
        turns = f" in up to {found.requests_bound:,} turns" if found.zooming else ""
        lines.append(f"{'':6}  at most {found.output_tokens_bound:,} output tokens{turns}")
    if found.prices is None:
        return [*lines, f"{'':6}  cost: no price is known; state it with --price or --prices"]
    prices = found.prices
    as_of = f"as of {prices.as_of}, {prices.source or 'your file'}" if prices.as_of else "as you state them"
    most = "no upper bound" if found.cost_high is None else f"at most ${found.cost_high:,.4f}"
    share = f" x {prices.batch:g} in batches" if found.batch else ""
    lines.append(
        f"{'':6}  cost: ${found.cost_low or 0.0:,.4f} for the input alone, {most}, at ${prices.input:g} in and "
        f"${prices.output:g} out a million tokens{share} ({as_of})"
    )
    return lines
