"""Dialog Reordering: in which order are these balloons read on the page? (paper, section 3.1)

The paper does not publish the task's exact form; this is our variant of it.

**What is asked.** The texts of 3 to 6 successive balloons are listed under numbers, in shuffled order, beside the whole
page. Two candidate orders of the numbers ("2 → 1 → 3") are the choices. There are no marks and no target regions.

**Which balloons.** The balloons of a page in reading order, without sound effects and without balloons that have no
reading order or no panel, are cut into windows that share at most one balloon, so that no two questions ask about the
same pair. A window is used only if its order is fair: its texts are told apart by more than punctuation, also from
every other balloon of the page; their panels follow each other under any fair reading (see `positions`); and of each
two balloons of one panel, the earlier one stands above the later one without lying to its right, or to its left on one
level or higher. Among all ways to cut, one that covers many balloons is taken, with sizes mixed at random.

**The wrong order** is the right one with one small change: two neighbours swapped, one balloon moved by two places, or
(from four balloons on) two pairs of neighbours swapped. Never is it the reverse, and never the same.

**No shortcut in the numbers.** The change and its undoing are equally likely, the listing is drawn uniformly, and all
conditions on it treat both candidates alike: neither is the listed order or its reverse, and which of the two is nearer
to the listed order (in swaps of neighbours) alternates from question to question of a page, beginning at random. So the
right order can be told from the wrong one by nothing but the texts and the page.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, permutations

from comic_eval.benchmark.annotations import Balloon, Page
from comic_eval.benchmark.build.balance import seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.positions import APART, Layout, overlap
from comic_eval.types import Language

TASK = "dialog_reordering"
SIZES = (3, 4, 5, 6)
LEVEL = 0.5  # of the lower text: two texts that share this much height stand on one level
SAME_TOP = 0.25  # of the lower text: upper edges that differ by no more are level

QUESTIONS: dict[Language, str] = {
    "en": "Here are the texts of {count} balloons from this page, in shuffled order:\n{list}\n"
    "In which order are these balloons read on the page?",
    "fr": "Voici les textes de {count} bulles de cette page, dans le désordre :\n{list}\n"
    "Dans quel ordre ces bulles se lisent-elles sur la page ?",
}
QUOTES: dict[Language, str] = {"en": "“{}”", "fr": "« {} »"}

Order = tuple[int, ...]


def candidates(page: Page, rng: random.Random) -> list[Draft]:
    """The questions of one page; ``rng`` must be seeded alike for both languages."""
    base = rng.getrandbits(64)
    nearer = bool(base & 1)
    drafts = []
    for window in windows(page, base):
        drafts.append(_draft(page, window, seeded(base, *(b.id for b in window)), nearer=nearer))
        nearer = not nearer
    return drafts


def windows(page: Page, base: int) -> list[tuple[Balloon, ...]]:
    """Fair windows over the page's balloons that share at most one balloon, covering as much as they can.

    Args:
        base: decides between cuts that cover equally much.
    """
    sequence = sorted(
        (b for b in page.balloons if b.order is not None and b.panel is not None and b.kind != "sfx"),
        key=lambda b: b.order or 0,
    )
    fair = _fairness(page, sequence)
    # best[i]: score and windows of the best cut of the balloons from place i on.
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])] * (len(sequence) + 1)
    for start in range(len(sequence) - 1, -1, -1):
        options = [best[start + 1]]
        for size in SIZES:
            end = start + size
            if end <= len(sequence) and all(pair in fair for pair in combinations(range(start, end), 2)):
                # Links between neighbours count most, so that coverage decides; the rest only mixes the sizes.
                score = (size - 1) * (1 + 0.4 * seeded(base, start, size).random()) + 0.2
                rest = best[end - 1]
                options.append((score + rest[0], [(start, end), *rest[1]]))
        best[start] = max(options, key=lambda option: option[0])
    return [tuple(sequence[start:end]) for start, end in best[0][1]]


def _fairness(page: Page, sequence: Sequence[Balloon]) -> set[tuple[int, int]]:
    """The pairs of places in ``sequence`` whose order is beyond doubt and whose texts cannot be confused."""
    layout = Layout(page.panels)
    panels = {panel.id: panel for panel in page.panels}
    texts = Counter(plain(balloon.text) for balloon in page.balloons)
    unique = [bool(b.text.strip()) and texts[plain(b.text)] == 1 for b in sequence]
    fair = set()
    for i, j in combinations(range(len(sequence)), 2):
        a, b = sequence[i], sequence[j]
        if not (unique[i] and unique[j]):
            continue
        if a.panel == b.panel:
            if reads_first(a, b):
                fair.add((i, j))
        elif layout.precedes(panels[a.panel or ""], panels[b.panel or ""]):
            fair.add((i, j))
    return fair


def plain(text: str) -> str:
    """Letters and digits alone, so that "Carrot ?" and "CARROT!" count as one text, and so do "..." and "?!"."""
    return "".join(c for c in text.casefold() if c.isalnum())


def reads_first(a: Balloon, b: Balloon) -> bool:
    """Whether, of two balloons of one panel, a is read before b under any fair reading of their places."""
    p, q = a.text_box or a.box, b.text_box or b.box
    x, y = overlap(p, q)
    low = min(p.height, q.height)
    if y <= SAME_TOP * low and p.center[1] < q.center[1]:
        return x > APART * min(p.width, q.width) or p.center[0] < q.center[0]
    if p.center[0] < q.center[0]:
        return p.y1 <= q.y1 + SAME_TOP * low or (y >= LEVEL * low and x <= 0)
    return False


def _draft(page: Page, window: tuple[Balloon, ...], rng: random.Random, *, nearer: bool) -> Draft:
    change = rng.choice(changes(len(window)))
    right, wrong = listing(change, rng, nearer=nearer)
    by_number = sorted(zip(right, window, strict=True), key=lambda pair: pair[0])
    quote = QUOTES[page.language]
    lines = [f"{number}. {quote.format(' '.join(balloon.text.split()))}" for number, balloon in by_number]
    question = QUESTIONS[page.language].format(count=len(window), list="\n".join(lines))
    return Draft(
        task=TASK,
        page=page.id,
        language=page.language,
        key="-".join(balloon.id for balloon in window),
        question=question,
        correct=_arrows(right),
        wrong=(_arrows(wrong),),
        metadata={"listed_balloons": [balloon.id for _, balloon in by_number]},
    )


def changes(size: int) -> list[Order]:
    """Small changes of an order of ``size`` items, as the places that the items of the new order had in the old one.

    With each change its undoing is among them.
    """
    swaps = [_moved(size, i, i + 1) for i in range(size - 1)]
    moves = [_moved(size, i, j) for i in range(size) for j in (i - 2, i + 2) if 0 <= j < size]
    doubles = [
        tuple(first[k] for k in second) for (i, first), (j, second) in combinations(enumerate(swaps), 2) if j - i >= 2
    ]
    return sorted({*swaps, *moves, *doubles})


def _moved(size: int, start: int, end: int) -> Order:
    order = list(range(size))
    order.insert(end, order.pop(start))
    return tuple(order)


def listing(change: Order, rng: random.Random, *, nearer: bool) -> tuple[Order, Order]:
    """Draws the numbers under which the balloons are listed.

    Args:
        change: what makes the wrong order of the right one.
        nearer: whether the right order shall be nearer to the listed one (1, 2, 3, ...) than the wrong order, where
            they are not equally near.

    Returns:
        The numbers in the right order, and in the wrong order.
    """
    size = len(change)
    listed = tuple(range(1, size + 1))
    plain_orders = (listed, listed[::-1])
    pool: dict[int, list[tuple[Order, Order]]] = {-1: [], 0: [], 1: []}
    for right in permutations(listed):
        wrong = tuple(right[place] for place in change)
        if right not in plain_orders and wrong not in plain_orders:
            difference = inversions(right) - inversions(wrong)
            pool[(difference > 0) - (difference < 0)].append((right, wrong))
    return rng.choice(pool[-1 if nearer else 1] or pool[0])


def inversions(order: Order) -> int:
    """How many swaps of neighbours sort ``order``."""
    return sum(a > b for a, b in combinations(order, 2))


def _arrows(order: Order) -> str:
    return " → ".join(map(str, order))
