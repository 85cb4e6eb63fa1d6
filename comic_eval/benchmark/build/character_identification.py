"""Character Identification (paper, section 3.1): two marked characters in different panels, the same one or not?

Made of the pairs of characters in different panels of one page whose identities are known, tiny silhouettes aside.
Equally many pairs of each kind are kept in every split. Of the many pairs of different characters those are kept that
the boxes cannot tell from pairs of the same one (size, shape and place of the boxes are as alike), and whose identities
come up about as often in pairs of the same character: recognising the heroine settles little. Pairs of one that speaks
on some page (two words or more) and one that never does (a witch and a cat) are the first to go. At most three pairs of
the same two identities (or of one) are taken from a page. Target regions: the two panels, in mark order. The marks are
1 and 2 in reading order, because the choices have letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

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
from comic_eval.benchmark.geometry import similarity_features
from comic_eval.types import Mark

TASK = "character_identification"
PAIRS_PER_IDENTITY = 3
KEPT_SHARE = 0.9
# Against one standard deviation of a box's number, or one quartile of it.
IDENTITY_WEIGHT = 2.0
EASY_WEIGHT = 2.0
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
    pairs = [pair for page in versions(pages) for pair in _pairs(page)]
    same = [first.identity == second.identity for _, first, second in pairs]
    if not any(same) or all(same):
        return []
    who = [(page[0].id, *sorted((str(a.identity), str(b.identity)))) for page, a, b in pairs]
    of_same, of_different = (
        count_within([w for w, s in zip(who, same, strict=True) if s is kind], PAIRS_PER_IDENTITY)
        for kind in (True, False)
    )
    kept = keep_balanced(
        _features(pairs, _speakers(pages)),
        np.where(same, 1.0, -1.0),
        [_ticket(pair, seed) for pair in pairs],
        groups=who,
        group_limit=PAIRS_PER_IDENTITY,
        keep=2 * round(KEPT_SHARE * min(of_same, of_different)),
    )
    return [_draft(page, *pairs[i][1:]) for i in kept for page in pairs[i][0]]


def _ticket(pair: Pair, seed: int) -> str:
    page, first, second = pair
    return ticket(seed, TASK, page[0].id, first.id, second.id)


def _pairs(page: list[Page]) -> list[Pair]:
    """All pairs of known identities in different panels, the one that is read first in front."""
    order = {p.id: p.order for p in page[0].panels}
    known = [c for c in page[0].characters if c.identity and recognisable(c, page[0])]
    known.sort(key=lambda c: (order[c.panel], c.id))
    return [(page, a, b) for a, b in combinations(known, 2) if a.panel != b.panel]


def _speakers(pages: Sequence[Page]) -> set[str]:
    """The identities that say two words or more in a balloon on any of the pages: mostly people, hardly any animals."""
    spoken: set[str] = set()
    for page in pages:
        identities = {c.id: c.identity for c in page.characters}
        for balloon in page.balloons:
            if balloon.speaker and len(re.findall(r"[^\W\d_]{2,}", balloon.text)) >= 2:
                spoken.add(identities.get(balloon.speaker) or balloon.speaker.removeprefix("off:"))
    return spoken


def _features(pairs: Sequence[Pair], speakers: set[str]) -> NDArray[np.float64]:
    """What must not tell the two kinds apart: the boxes' numbers and their quartiles, and who is marked how often."""
    boxes = np.array([list(similarity_features(a.box, b.box, (p[0].width, p[0].height)).values()) for p, a, b in pairs])
    quartiles = [boxes <= np.quantile(boxes, q, axis=0) for q in (0.25, 0.5, 0.75)]
    spread = boxes.std(axis=0)
    spread[spread == 0] = 1.0
    identities = sorted({str(c.identity) for pair in pairs for c in pair[1:]})
    who = np.array([[sum(c.identity == name for c in pair[1:]) for name in identities] for pair in pairs], dtype=float)
    easy = np.array([[(a.identity in speakers) != (b.identity in speakers)] for _, a, b in pairs], dtype=float)
    return np.hstack(
        [
            (boxes - boxes.mean(axis=0)) / spread,
            *(q.astype(float) for q in quartiles),
            IDENTITY_WEIGHT * who,
            EASY_WEIGHT * easy,
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
            *other_panels(page, {first.panel, second.panel}),
        ),
        marks=(Mark(box=first.box, label="1"), Mark(box=second.box, label="2")),
        stratum="same" if is_same else "different",
    )
