"""Panel Reordering: two panels are lifted out of the page; which of them belongs at place 1? (paper, section 3.1)

The paper does not publish the task's exact form; this is our variant of it.

**What is shown.** One image: the page, with the places of two panels blanked and numbered 1 and 2 in reading order, and
to the right of it two pictures A and B, one cut from each of the two panels. The choices are A and B. There are no
marks and no target regions.

**Which panels.** Two panels with at most two others between them in reading order. Neither is narrower than 70 % of the
other's width or lower than 70 % of its height. Panels that overlap another panel (slanted frames, insets) are left out,
and so are panels with a balloon or lettering that reaches out of the blanked place or into it: its rest would show
where a picture belongs. Each panel stands in at most two questions. Pairs of neighbours go first, then pairs with one
panel between them; otherwise pairs are taken at random.

**The places.** A place is the panel's box, grown on every side by 2.5 % of the page's width, but by less than half of
the gap to the next panel: the frame goes too, and so does lettering that touches it.

**The pictures.** Both have one size in page pixels, at one scale: 90 % of the smaller width by 90 % of the smaller
height of the two panels. So neither fills its panel, both are cut on all four sides, and the shape of a place says
nothing. Each is cut at least 2.5 % of the panel's sides inside its box, so that neither frame nor neighbour is
in it, and within that where it shows the largest share of the panel's characters (summed over the characters; of
equally good places the one nearest to the panel's middle). This rule looks at one panel alone, never at its place, and
the letter of the right picture is drawn by lot.

**What can still tell.** A picture from the larger panel shows a smaller part of it. Colours and backgrounds that run on
from panel to panel help, as they do in reading.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.build.balance import seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.positions import overlap
from comic_eval.types import Box, Composite, Language

TASK = "panel_reordering"
MAX_DISTANCE = 3  # in reading order
MAX_USES = 2  # of one panel
MIN_RATIO = 0.70
GROWTH = 0.025  # of the page's width
CROP = 0.90
INSET = 0.025
TOLERANCE = 4.0  # pixels by which lettering may miss a place: boxes are no more exact than that
STEPS = 8

# What was done to the page is explained by the task's prompt, which knows whether the page is shown at all.
QUESTIONS: dict[Language, str] = {
    "en": "Which panel belongs at place 1?",
    "fr": "Quelle case va à la place 1 ?",
}
CHOICES: dict[Language, tuple[str, str]] = {"en": ("panel A", "panel B"), "fr": ("case A", "case B")}


def candidates(page: Page, rng: random.Random) -> list[Draft]:
    """The questions of one page; ``rng`` must be seeded alike for both languages."""
    base = rng.getrandbits(64)
    uses: Counter[str] = Counter()
    drafts = []
    for first, second in sorted(pairs(page), key=lambda pair: _rank(pair, base)):
        if uses[first.id] < MAX_USES and uses[second.id] < MAX_USES:
            uses.update((first.id, second.id))
            drafts.append(_draft(page, first, second))
    return drafts


def _rank(pair: tuple[Panel, Panel], base: int) -> tuple[int, float]:
    first, second = pair
    return second.order - first.order, seeded(base, first.id, second.id).random()


def pairs(page: Page) -> list[tuple[Panel, Panel]]:
    """The pairs of panels that can be lifted out together, each in reading order."""
    free = sorted((panel for panel in page.panels if _is_free(panel, page)), key=lambda p: p.order)
    return [
        (a, b)
        for a, b in combinations(free, 2)
        if b.order - a.order <= MAX_DISTANCE
        and _ratio(a.box.width, b.box.width) >= MIN_RATIO
        and _ratio(a.box.height, b.box.height) >= MIN_RATIO
    ]


def place(panel: Panel, page: Page) -> Box:
    """What is blanked when ``panel`` is lifted out."""
    growth = GROWTH * page.width
    left, up, right, down = (growth,) * 4
    for other in page.panels:
        if other.id == panel.id:
            continue
        dx, dy = overlap(panel.box, other.box)
        if dy > -growth and dx <= 0:
            if other.box.center[0] < panel.box.center[0]:
                left = min(left, max(0.0, -dx / 2 - 1))
            else:
                right = min(right, max(0.0, -dx / 2 - 1))
        if dx > -growth and dy <= 0:
            if other.box.center[1] < panel.box.center[1]:
                up = min(up, max(0.0, -dy / 2 - 1))
            else:
                down = min(down, max(0.0, -dy / 2 - 1))
    return Box(
        x1=round(max(0.0, panel.box.x1 - left)),
        y1=round(max(0.0, panel.box.y1 - up)),
        x2=round(min(page.width, panel.box.x2 + right)),
        y2=round(min(page.height, panel.box.y2 + down)),
    )


def crop(panel: Panel, page: Page, width: int, height: int) -> Box:
    """The picture of ``width`` x ``height`` pixels that stands for ``panel``."""
    box = panel.box
    inset_x, inset_y = INSET * box.width, INSET * box.height
    characters = [character.box for character in page.characters if character.panel == panel.id]
    lefts = _spread(box.x1 + inset_x, box.x2 - inset_x - width)
    tops = _spread(box.y1 + inset_y, box.y2 - inset_y - height)
    crops = [Box(x1=x, y1=y, x2=x + width, y2=y + height) for y in tops for x in lefts]

    def rank(candidate: Box) -> tuple[float, float]:
        shown = sum(candidate.intersection(character) / character.area for character in characters)
        (x, y), (middle_x, middle_y) = candidate.center, box.center
        return -round(shown, 3), (x - middle_x) ** 2 + (y - middle_y) ** 2

    return min(crops, key=rank)


def _spread(low: float, high: float) -> list[int]:
    """Whole numbers from low to high, the middle among them; the middle alone where there is no room."""
    middle = (low + high) / 2
    half = max(0.0, high - low) / 2
    return sorted({int(middle + half * step / STEPS) for step in range(-STEPS, STEPS + 1)})


def _is_free(panel: Panel, page: Page) -> bool:
    """Whether nothing outside the panel's place continues what is drawn in it, as far as boxes can tell."""
    for other in page.panels:
        if other.id != panel.id and min(overlap(panel.box, other.box)) > TOLERANCE:
            return False
    room = place(panel, page)
    lettering: Sequence[Box] = (*page.text_boxes, *(balloon.box for balloon in page.balloons))
    return not any(min(overlap(box, room)) > TOLERANCE and _reaches_out(box, room) for box in lettering)


def _reaches_out(box: Box, room: Box) -> bool:
    outside = (room.x1 - box.x1, room.y1 - box.y1, box.x2 - room.x2, box.y2 - room.y2)
    return max(outside) > TOLERANCE


def _ratio(a: float, b: float) -> float:
    return min(a, b) / max(a, b)


def _draft(page: Page, first: Panel, second: Panel) -> Draft:
    width = int(CROP * min(first.box.width, second.box.width))
    height = int(CROP * min(first.box.height, second.box.height))
    right, wrong = CHOICES[page.language]
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key=f"{first.id}-{second.id}",
        question=QUESTIONS[page.language],
        correct=right,
        wrong=(wrong,),
        composite=Composite(
            slots=(place(first, page), place(second, page)),
            candidates=(crop(first, page, width, height), crop(second, page, width, height)),
        ),
        metadata={"panels_apart": second.order - first.order},
    )
