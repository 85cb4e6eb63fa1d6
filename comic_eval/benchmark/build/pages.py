"""Small helpers over annotated pages that several task modules need."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from comic_eval.benchmark.annotations import Character, Page, Panel
from comic_eval.types import Region


def versions(pages: Sequence[Page]) -> list[list[Page]]:
    """The pages with their languages together: a list a page id, sorted by id and language.

    The drawing, the panels and the characters are the same in every version; only the lettering differs. What is drawn
    by lot is therefore drawn once, from the first version.
    """
    by_id: dict[str, list[Page]] = {}
    for page in sorted(pages, key=lambda p: (p.id, p.language)):
        by_id.setdefault(page.id, []).append(page)
    return list(by_id.values())


# Shorter side of a box that can be marked, as a share of the page's width: 31 pixels of 1240, and still 19 where the
# whole page has 1,024 visual tokens.
SMALLEST_SIDE = 0.025


def recognisable(character: Character, page: Page) -> bool:
    """Whether the box is big enough to ask about; in tiny silhouettes neither action nor identity can be seen."""
    return min(character.box.width, character.box.height) >= SMALLEST_SIDE * page.width


def panels_of(page: Page) -> dict[str, Panel]:
    """The panels by id."""
    return {p.id: p for p in page.panels}


def panel_region(panel: Panel, *, target: bool) -> Region:
    return Region(box=panel.box, role="panel", label=panel.id, target=target)


def other_panels(page: Page, targets: Collection[str]) -> tuple[Region, ...]:
    """The panels that a question is not about, in reading order: views that show a wrong panel, or all, need them."""
    rest = sorted((p for p in page.panels if p.id not in targets), key=lambda p: p.order)
    return tuple(panel_region(p, target=False) for p in rest)


def character_region(character: Character) -> Region:
    """Where the character is. Never a target: targets are panels in every task."""
    return Region(box=character.box, role="character", label=character.id)


def identity_on_page(page: Page) -> dict[str, list[Character]]:
    """Identity -> its appearances in reading order of the panels; unknown identities are left out."""
    order = {p.id: p.order for p in page.panels}
    found: dict[str, list[Character]] = {}
    for character in sorted(page.characters, key=lambda c: (order[c.panel], c.id)):
        if character.identity is not None:
            found.setdefault(character.identity, []).append(character)
    return found
