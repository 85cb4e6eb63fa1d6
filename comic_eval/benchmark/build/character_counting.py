"""Character Counting (paper, section 3.1): in how many panels of this page does the marked character appear? A number.

Made of the identities of a page, one question each; which appearance carries the mark is drawn by lot. Pages with a
character of unknown identity are skipped, because it might be one more appearance, and so are identities with an
appearance as a tiny silhouette, which a fair reader may or may not count. Most identities appear in one panel only, so
identities with frequent counts are dropped until no count is more common than the median one: a constant answer does
not pay. Target regions: every panel with the character, in reading order. The page's other panels are regions as well,
and ``page_panels`` says how many there are in all, since a view that shows panels must show every one: the number of
the right ones is the answer. The mark is the letter A, because the answer is a number.
"""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.benchmark.annotations import Character, Page
from comic_eval.benchmark.build.balance import even_out, seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.pages import (
    character_region,
    identity_on_page,
    other_panels,
    panel_region,
    panels_of,
    recognisable,
    versions,
)
from comic_eval.types import Mark

TASK = "character_counting"

QUESTION = {
    "en": "In how many panels of this page does the character marked A appear, the marked panel included?",
    "fr": (
        "Dans combien de cases de cette page le personnage marqué A apparaît-il, en comptant la case où il est marqué ?"
    ),
}


def drafts(pages: Sequence[Page], seed: int) -> list[Draft]:
    """Drafts of one split's pages, in every language that a page has."""
    found: dict[tuple[str, str], tuple[list[Page], list[Character]]] = {}
    for page in versions(pages):
        if any(c.identity is None for c in page[0].characters):
            continue
        for identity, appearances in identity_on_page(page[0]).items():
            if all(recognisable(c, page[0]) for c in appearances):
                found[page[0].id, identity] = (page, appearances)
    counts = {name: str(len({c.panel for c in appearances})) for name, (_, appearances) in found.items()}
    return [
        _draft(version, found[name][1], seeded(seed, TASK, *name).choice(found[name][1]))
        for name in sorted(even_out(counts, seed, TASK))
        for version in found[name][0]
    ]


def _draft(page: Page, appearances: Sequence[Character], marked: Character) -> Draft:
    panels = panels_of(page)
    shown = sorted({c.panel for c in appearances}, key=lambda p: panels[p].order)
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key=marked.id,
        question=QUESTION[page.language],
        correct=str(len(shown)),
        regions=(
            *(panel_region(panels[p], target=True) for p in shown),
            character_region(marked),
            *other_panels(page, shown),
        ),
        marks=(Mark(box=marked.box, label="A"),),
        metadata={"page_panels": len(page.panels)},
    )
