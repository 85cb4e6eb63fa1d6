"""Keeps ``extra_body`` from contradicting what a run records of itself."""

from __future__ import annotations

from comic_eval.errors import UserError
from comic_eval.types import SamplingParams

# Field of a request -> what sets it, on the command line and in `SamplingParams`.
OWN = {
    "temperature": "--temperature (SamplingParams.temperature)",
    "top_p": "--top-p (SamplingParams.top_p)",
    "max_tokens": "--max-tokens (SamplingParams.max_tokens)",
    "max_completion_tokens": "--max-tokens (SamplingParams.max_tokens)",
    "max_output_tokens": "--max-tokens (SamplingParams.max_tokens)",
    "seed": "--sampling-seed (SamplingParams.seed)",
    "reasoning_effort": "--reasoning-effort (SamplingParams.reasoning_effort)",
    "n": "--repeats, which asks each answer by itself",
    "stream": "nothing: answers are always read whole",
}


def check_extra_body(params: SamplingParams) -> None:
    """Refuses fields that have an option of their own: the record would say one thing and the request another.

    Raises:
        UserError: names the field and the option.
    """
    for field, option in OWN.items():
        if field in params.extra_body:
            raise UserError(
                f"--extra-body may not set {field!r}: the run would record another value than was sent. Use {option} "
                "instead"
            )
