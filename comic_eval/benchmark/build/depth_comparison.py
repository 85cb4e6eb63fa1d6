"""Depth Comparison (paper, section 3.1): two marked characters of one panel, which is nearer to the viewer?

Made of the pairs of characters in one panel whose depth ranks are known and differ; ties are skipped, and so are tiny
silhouettes and boxes that nearly coincide. The nearer character often has the bigger and the lower box, so pairs are
dropped until the rules "bigger", "taller", "wider", "lower" (by sign and by amount) favour neither side as far as the
data allow, and no panel has more than 15. Target region: the panel. The marks A and B are the choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from comic_eval.benchmark.annotations import Character, Page
from comic_eval.benchmark.build.balance import count_within, keep_balanced, ticket
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.pages import (
    character_region,
    other_panels,
    panel_region,
    panels_of,
    recognisable,
    versions,
)
from comic_eval.benchmark.geometry import difference_features
from comic_eval.types import Mark

TASK = "depth_comparison"
SAME_PLACE_IOU = 0.7
PAIRS_PER_PANEL = 15
KEPT_SHARE = 0.65

QUESTION = {
    "en": "Which of the two marked characters is nearer to the viewer?",
    "fr": "Lequel des deux personnages marqués est le plus proche du spectateur ?",
}
CHOICES = {
    "en": ("the character marked A", "the character marked B"),
    "fr": ("le personnage marqué A", "le personnage marqué B"),
}


def drafts(pages: Sequence[Page], seed: int) -> list[Draft]:
    """Drafts of one split's pages, in every language that a page has."""
    pairs = [(page, near, far) for page in versions(pages) for near, far in _pairs(page[0])]
    if not pairs:
        return []
    rows = []
    for _, near, far in pairs:
        amounts = np.array(list(difference_features(near.box, far.box).values()))
        rows.append([*np.sign(amounts), *np.clip(amounts, -1, 1)])
    panels = [(page[0].id, near.panel) for page, near, _ in pairs]
    kept = keep_balanced(
        np.array(rows),
        np.ones(len(rows)),
        [ticket(seed, TASK, page[0].id, near.id, far.id) for page, near, far in pairs],
        groups=panels,
        group_limit=PAIRS_PER_PANEL,
        keep=round(KEPT_SHARE * count_within(panels, PAIRS_PER_PANEL)),
    )
    return [_draft(page, near, far) for i in kept for page in pairs[i][0] for near, far in [pairs[i][1:]]]


def _pairs(page: Page) -> list[tuple[Character, Character]]:
    """(nearer, farther) of every pair that can be decided."""
    found = []
    big_enough = [c for c in page.characters if recognisable(c, page)]
    for first, second in combinations(big_enough, 2):
        if first.panel != second.panel or first.depth is None or second.depth is None or first.depth == second.depth:
            continue
        if first.box.iou(second.box) > SAME_PLACE_IOU:
            continue
        found.append((first, second) if first.depth < second.depth else (second, first))
    return found


def _draft(page: Page, near: Character, far: Character) -> Draft:
    correct, wrong = CHOICES[page.language]
    by_id = sorted((near, far), key=lambda c: c.id)
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key=f"{near.panel}-{by_id[0].id}-{by_id[1].id}",
        question=QUESTION[page.language],
        correct=correct,
        wrong=(wrong,),
        regions=(
            panel_region(panels_of(page)[near.panel], target=True),
            *(character_region(c) for c in by_id),
            *other_panels(page, {near.panel}),
        ),
        marks=(Mark(box=near.box, label="A"), Mark(box=far.box, label="B")),
        marks_are_choices=True,
    )
