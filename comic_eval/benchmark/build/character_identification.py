"""Character Identification (paper, section 3.1): two marked characters in different panels, the same one or not?

Made of the pairs of characters in different panels of one page whose identities are known. Equally many pairs of each
kind are kept in every split. Of the many pairs of different characters those are kept that the boxes cannot tell from
pairs of the same one (size, shape and place of the boxes are as alike), and whose identities come up as often in pairs
of the same character: recognising the heroine settles nothing. At most three pairs of one kind are taken from an
identity (or from two identities) on a page. Target regions: the two panels, in mark order. The marks are 1 and 2 in
reading order, because the choices have letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from comic_eval.benchmark.annotations import Character, Page
from comic_eval.benchmark.build.balance import keep_balanced, ticket
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.pages import character_region, panel_region, panels_of, versions
from comic_eval.benchmark.geometry import similarity_features
from comic_eval.types import Mark

TASK = "character_identification"
PAIRS_PER_IDENTITY = 3
KEPT_SAME_SHARE = 0.9
# An identity's imbalance weighs less than a leak through the boxes, an unequal number of pairs weighs most.
IDENTITY_WEIGHT = 0.5
EQUAL_NUMBERS_WEIGHT = 20.0

QUESTION = {
    "en": "Are the characters marked 1 and 2 the same character?",
    "fr": "Les personnages marqués 1 et 2 sont-ils un seul et même personnage ?",
}
SAME = {"en": "the same character", "fr": "le même personnage"}
DIFFERENT = {"en": "two different characters", "fr": "deux personnages différents"}

Pair = tuple[list[Page], Character, Character]


def drafts(pages: Sequence[Page], seed: int) -> list[Draft]:
    """Drafts of one split's pages, in every language that a page has."""
    pairs = [pair for page in versions(pages) for pair in _limited(_pairs(page), seed)]
    same = [first.identity == second.identity for _, first, second in pairs]
    if not any(same) or all(same):
        return []
    kept = keep_balanced(
        _features(pairs),
        np.where(same, 1.0, -1.0),
        [_ticket(pair, seed) for pair in pairs],
        2 * round(KEPT_SAME_SHARE * min(sum(same), len(same) - sum(same))),
    )
    return [_draft(page, *pairs[i][1:]) for i in kept for page in pairs[i][0]]


def _ticket(pair: Pair, seed: int) -> str:
    page, first, second = pair
    return ticket(seed, TASK, page[0].id, first.id, second.id)


def _pairs(page: list[Page]) -> list[Pair]:
    """All pairs of known identities in different panels, the one that is read first in front."""
    order = {p.id: p.order for p in page[0].panels}
    known = sorted((c for c in page[0].characters if c.identity), key=lambda c: (order[c.panel], c.id))
    return [(page, a, b) for a, b in combinations(known, 2) if a.panel != b.panel]


def _limited(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    """At most `PAIRS_PER_IDENTITY` pairs for each pair of identities, so that no heroine fills the set."""
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(tuple(sorted(str(c.identity) for c in pair[1:])), []).append(pair)
    return [
        pair for group in groups.values() for pair in sorted(group, key=lambda p: _ticket(p, seed))[:PAIRS_PER_IDENTITY]
    ]


def _features(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """What must not tell the two kinds apart: the boxes' numbers and their quartiles, and who is marked how often."""
    boxes = np.array([list(similarity_features(a.box, b.box, (p[0].width, p[0].height)).values()) for p, a, b in pairs])
    quartiles = [boxes <= np.quantile(boxes, q, axis=0) for q in (0.25, 0.5, 0.75)]
    spread = boxes.std(axis=0)
    spread[spread == 0] = 1.0
    identities = sorted({str(c.identity) for pair in pairs for c in pair[1:]})
    who = np.array([[sum(c.identity == name for c in pair[1:]) for name in identities] for pair in pairs], dtype=float)
    return np.hstack(
        [
            (boxes - boxes.mean(axis=0)) / spread,
            *(q.astype(float) for q in quartiles),
            IDENTITY_WEIGHT * who,
            np.full((len(pairs), 1), EQUAL_NUMBERS_WEIGHT),
        ]
    )


def _draft(page: Page, first: Character, second: Character) -> Draft:
    panels = panels_of(page)
    is_same = first.identity == second.identity
    same, different = SAME[page.language], DIFFERENT[page.language]
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key=f"{first.id}-{second.id}",
        question=QUESTION[page.language],
        correct=same if is_same else different,
        wrong=(different if is_same else same,),
        regions=(
            *(panel_region(panels[c.panel], target=True) for c in (first, second)),
            *(character_region(c) for c in (first, second)),
        ),
        marks=(Mark(box=first.box, label="1"), Mark(box=second.box, label="2")),
        stratum="same" if is_same else "different",
    )
