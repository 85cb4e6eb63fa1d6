"""Why a sample may have no such view. Nothing is ever made up in place of a missing region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from comic_eval.errors import UserError

Reason = Literal["no_target_region", "no_character_view", "panels_unknown", "no_wrong_panel"]

REASONS: Mapping[Reason, str] = {
    "no_target_region": "has no target region: it is about the page as a whole",
    "no_character_view": "needs more than its characters, unlike Action Recognition and Character Identification",
    "panels_unknown": "does not name every panel of its page, and showing only the right ones would be the answer",
    "no_wrong_panel": "has too few other panels on its page, clear of the right ones, to show wrong ones instead",
}


class NotApplicableError(UserError):
    """A sample has no such view.

    Args:
        sample: its id.
        reason: a stable word to count by; `REASONS` has the sentence.
    """

    def __init__(self, sample: str, reason: Reason) -> None:
        super().__init__(f"sample {sample!r} {REASONS[reason]}; use another view or leave its task out")
        self.reason: Reason = reason
