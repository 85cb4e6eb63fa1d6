"""Replies that ran out of tokens: what may still be read as an answer."""

from __future__ import annotations

import pytest

from comic_eval.answers.tags import survives_cut

LONG = "She stands in the first panel, then she walks past the gate, and here "


@pytest.mark.parametrize(
    ("text", "survives"),
    [
        ("<answer>1</answer>", True),
        (LONG + "<answer>B</answer> To be sure, I look at", True),
        (LONG + r"\boxed{B}", True),
        ("B", True),
        ("<answer>1", False),  # of 12?
        (LONG + "<answer>Two girls are", False),
        (LONG + "<answer>3</answer> But wait, <answer>", False),
        (LONG + "option B", False),
    ],
)
def test_what_a_cut_reply_may_hold(text: str, survives: bool) -> None:
    assert survives_cut(text) is survives
