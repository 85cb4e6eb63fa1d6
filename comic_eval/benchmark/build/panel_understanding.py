"""Panel Understanding: an open question about one panel, which is given only by a phrase (paper, section 3.1).

The panel is never marked. Its phrase ("the second panel of the third row") is generated from the boxes of the panels by
`positions` and kept apart from the question, since oracle views, which show the panel alone, leave it out. Of the ways
in which the page allows the panel to be named without ambiguity (its place on the page, its row and place, a corner, an
edge), one is drawn for each question. A question about a panel that no phrase fits unambiguously gives no draft.
Questions that were answered right from their wording alone keep their flag ``guessable`` and stay out of the scored
splits. The target region is the panel; the other panels of the page are regions without being targets.
"""

from __future__ import annotations

import random

from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.build.balance import seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.positions import Layout, Position
from comic_eval.types import Region

TASK = "panel_understanding"


def candidates(page: Page, rng: random.Random) -> list[Draft]:
    """One draft for each question whose panel can be named; ``rng`` must be seeded alike for both languages."""
    base = rng.getrandbits(64)
    layout = Layout(page.panels)
    panels = {panel.id: panel for panel in page.panels}
    drafts = []
    for number, question in enumerate(page.questions, 1):
        key = f"{question.panel}-q{number}"
        position = _draw(layout.positions(panels[question.panel]), seeded(base, key))
        if position is None:
            continue
        regions = tuple(
            Region(box=panel.box, role="panel", label=panel.id, target=panel.id == question.panel)
            for panel in sorted(page.panels, key=lambda p: p.order)
        )
        draft = Draft(
            task=TASK,
            page=page.id,
            language=page.language,
            key=key,
            question=question.question,
            position=position.text[page.language],
            correct=question.answer,
            facts=question.facts,
            regions=regions,
            guessable=question.guessable,
            metadata={"position_kind": position.kind, "question_author": question.author}
            | {f"question_{name}": value for name, value in question.metadata.items()},
        )
        drafts.append(draft)
    return drafts


def _draw(positions: tuple[Position, ...], rng: random.Random) -> Position | None:
    """First the kind, then one of its phrases: a kind with many synonyms shall not crowd out the others."""
    if not positions:
        return None
    kind = rng.choice(sorted({position.kind for position in positions}))
    return rng.choice([position for position in positions if position.kind == kind])
