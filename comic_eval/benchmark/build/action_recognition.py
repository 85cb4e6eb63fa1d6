"""Action Recognition (paper, section 3.1): which posture or action fits a marked character? Four choices.

Made of every character with an action, tiny silhouettes aside. Labels that a fair reader could accept too (`also`) are
never offered as wrong. Within a split, a label that is right n times is offered as wrong exactly 3n times, so that
wherever it is among the choices it is right in one case of four: knowing which actions are common, or picking the
longest text, gives nothing. Characters whose label may hardly ever be offered as wrong (standing, holding an object)
are left out as far as this needs. Target region: the panel. The mark is the character's box, numbered 1, because the
choices have letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from comic_eval.benchmark.annotations import Character, Page
from comic_eval.benchmark.build.actions import action_text
from comic_eval.benchmark.build.balance import LabelQuotas, seeded, ticket
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.pages import (
    character_region,
    other_panels,
    panel_region,
    panels_of,
    recognisable,
    versions,
)
from comic_eval.types import Mark

TASK = "action_recognition"
WRONG_CHOICES = 3
# Below this many characters in a split, equal shares would leave no question, and no habit can be learnt from so few.
SMALL_SPLIT = 20

QUESTION = {
    "en": "Which posture or action fits the character marked 1?",
    "fr": "Quelle posture ou action correspond au personnage marqué 1 ?",
}


def drafts(pages: Sequence[Page], seed: int) -> list[Draft]:
    """Drafts of one split's pages, in every language that a page has."""
    found = {
        f"{page[0].id}/{c.id}": (page, c)
        for page in versions(pages)
        for c in page[0].characters
        if c.action and recognisable(c, page[0])
    }
    right = {name: str(c.action) for name, (_, c) in found.items()}
    barred = {name: frozenset(c.also) for name, (_, c) in found.items()}
    if len(found) < SMALL_SPLIT:
        wrong = _any_labels(right, barred, seed)
    else:
        wrong = LabelQuotas(right, barred, WRONG_CHOICES).solve(seed, TASK)
    return [
        _draft(page, character, right[name], sorted(wrong[name], key=partial(ticket, seed, TASK, name)))
        for name, (versions_of_page, character) in found.items()
        if name in wrong
        for page in versions_of_page
    ]


def _any_labels(right: dict[str, str], barred: dict[str, frozenset[str]], seed: int) -> dict[str, tuple[str, ...]]:
    labels = sorted({*right.values(), *(n for names in barred.values() for n in names)})
    wrong: dict[str, tuple[str, ...]] = {}
    for name, action in right.items():
        allowed = [n for n in labels if n != action and n not in barred[name]]
        if len(allowed) >= WRONG_CHOICES:
            wrong[name] = tuple(seeded(seed, TASK, name).sample(allowed, WRONG_CHOICES))
    return wrong


def _draft(page: Page, character: Character, action: str, wrong: Sequence[str]) -> Draft:
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key=character.id,
        question=QUESTION[page.language],
        correct=action_text(action, page.language),
        wrong=tuple(action_text(n, page.language) for n in wrong),
        regions=(
            panel_region(panels_of(page)[character.panel], target=True),
            character_region(character),
            *other_panels(page, {character.panel}),
        ),
        marks=(Mark(box=character.box, label="1"),),
        stratum=action,
    )
