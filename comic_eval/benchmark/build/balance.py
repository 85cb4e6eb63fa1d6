"""Takes shortcuts out of a set of questions: by letter, by label, by box. Deterministic under a seed.

Every random choice hangs on a digest of the seed and of the question's own name, never on a place in a list, so that
the order of input files does not matter and a page more changes little elsewhere.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, deque
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

NameT = TypeVar("NameT", bound=Hashable)


def ticket(*parts: object) -> str:
    """A number drawn from ``parts`` (seed, page, ...) as hexadecimal text; sorting by it shuffles reproducibly."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def seeded(*parts: object) -> random.Random:
    """A generator that depends on ``parts`` alone."""
    return random.Random(ticket(*parts))  # noqa: S311 - a shuffle, not a secret


def deal_places(strata: Mapping[str, str], places: int, *seed: object) -> dict[str, int]:
    """Gives each question the place of its right choice, such that all places come up equally often.

    Args:
        strata: question name -> stratum; the places are balanced over all, and nearly so within each stratum.
        places: number of choices.

    Returns:
        question name -> place from 0. The counts of any two places differ by at most one.
    """
    rng = seeded(*seed)
    dealt: dict[str, int] = {}
    hand: list[int] = []
    for name in sorted(strata, key=lambda n: (ticket(*seed, strata[n]), ticket(*seed, n))):
        if not hand:
            hand = list(range(places))
            rng.shuffle(hand)
        dealt[name] = hand.pop()
    return dealt


def keep_balanced(
    features: NDArray[np.float64],
    sides: NDArray[np.float64],
    tickets: Sequence[str],
    *,
    groups: Sequence[Hashable],
    group_limit: int,
    keep: int,
) -> list[int]:
    """Drops questions, one at a time, until what remains tells the two sides apart as little as possible.

    Minimises the length of ``sum(side * features)`` greedily: with a constant feature the sides get equal numbers, with
    the sign of a rule ("the bigger box") as a feature that rule ends at chance.

    Args:
        features: one row a question, columns of comparable scale.
        sides: +1 or -1 a question: same or different; or all +1 where the features themselves are signed by the answer.
        tickets: decide between equals.
        groups: the panel (or whatever else must not dominate) that each question belongs to.
        group_limit: at most so many questions of a group are kept; these are dropped first.
        keep: how many are kept in all, at most.

    Returns:
        the places of the kept questions, ascending.
    """
    order = sorted(range(len(features)), key=lambda i: tickets[i])
    signed = features * sides[:, None]
    alive = np.array(order, dtype=int)
    total = signed.sum(axis=0)
    sizes = Counter(groups)
    while len(alive) > keep or max(sizes.values(), default=0) > group_limit:
        after = ((total - signed[alive]) ** 2).sum(axis=1)
        if max(sizes.values()) > group_limit:
            after[[sizes[groups[i]] <= group_limit for i in alive]] = np.inf
        drop = int(np.argmin(np.round(after, 9)))
        total = total - signed[alive[drop]]
        sizes[groups[alive[drop]]] -= 1
        alive = np.delete(alive, drop)
    return sorted(int(i) for i in alive)


def count_within(groups: Sequence[Hashable], group_limit: int) -> int:
    """How many questions remain where no group keeps more than ``group_limit``."""
    return sum(min(n, group_limit) for n in Counter(groups).values())


class LabelQuotas:
    """Picks wrong labels so that no label is right more or less often than chance where it is among the choices.

    With ``k`` wrong choices a question, a label that is right ``n`` times must be wrong exactly ``k * n`` times. That
    is a flow problem; where a label cannot be wrong often enough (it is acceptable almost everywhere, so that it may
    not be offered), questions whose right answer it is are dropped until it can.

    Args:
        right: question name -> right label.
        barred: question name -> labels that must not be offered as wrong.
        wrong_choices: ``k``.
    """

    def __init__(self, right: Mapping[str, str], barred: Mapping[str, frozenset[str]], wrong_choices: int) -> None:
        self._right = dict(right)
        self._barred = barred
        self._k = wrong_choices
        self._chosen: dict[str, set[str]] = {q: set() for q in self._right}
        self._used: Counter[str] = Counter()

    def solve(self, *seed: object) -> dict[str, tuple[str, ...]]:
        """question name -> its wrong labels, sorted; questions that had to be dropped are missing."""
        rng = seeded(*seed)
        for question in sorted(self._chosen, key=lambda q: ticket(*seed, q)):
            self._fill_at_random(question, rng)
        while unfilled := self._unfilled(*seed):
            stuck = [q for q in unfilled if not self._fill_by_swaps(q)]
            if stuck:
                self._drop_one(*seed)
        return {q: tuple(sorted(labels)) for q, labels in sorted(self._chosen.items())}

    def _quota(self) -> dict[str, int]:
        return {label: self._k * n for label, n in sorted(Counter(self._right.values()).items())}

    def _may(self, question: str, label: str) -> bool:
        return (
            label != self._right[question]
            and label not in self._barred[question]
            and label not in self._chosen[question]
        )

    def _unfilled(self, *seed: object) -> list[str]:
        return sorted((q for q, c in self._chosen.items() if len(c) < self._k), key=lambda q: ticket(*seed, q))

    def _fill_at_random(self, question: str, rng: random.Random) -> None:
        quota = self._quota()
        while len(self._chosen[question]) < self._k:
            left = {n: q - self._used[n] for n, q in quota.items() if q > self._used[n] and self._may(question, n)}
            if not left:
                return
            self._add(question, rng.choices(list(left), list(left.values()))[0])

    def _fill_by_swaps(self, question: str) -> bool:
        """Fills the question, moving labels of other questions along the shortest chain that ends at a free label."""
        quota = self._quota()
        while len(self._chosen[question]) < self._k:
            came_from: dict[str, tuple[str, str] | None] = {n: None for n in quota if self._may(question, n)}
            queue = deque(came_from)
            end = None
            while queue:
                label = queue.popleft()
                if self._used[label] < quota[label]:
                    end = label
                    break
                for holder in (q for q, c in self._chosen.items() if label in c and q != question):
                    for other in (n for n in quota if n not in came_from and self._may(holder, n)):
                        came_from[other] = (holder, label)
                        queue.append(other)
            if end is None:
                return False
            while (step := came_from[end]) is not None:
                holder, label = step
                self._add(holder, end)
                self._remove(holder, label)
                end = label
            self._add(question, end)
        return True

    def _drop_one(self, *seed: object) -> None:
        """Drops a question that is right with the label furthest below its quota: both its needs shrink."""
        quota = self._quota()
        short = max(quota, key=lambda n: (quota[n] - self._used[n], n))
        ofthem = [q for q in self._right if self._right[q] == short]
        dropped = min(ofthem, key=lambda q: (len(self._chosen[q]), ticket(*seed, "drop", q)))
        for label in tuple(self._chosen[dropped]):
            self._remove(dropped, label)
        del self._chosen[dropped], self._right[dropped]
        for label, n in self._quota().items():
            holders = sorted((q for q, c in self._chosen.items() if label in c), key=lambda q: ticket(*seed, label, q))
            for holder in holders[: max(0, self._used[label] - n)]:
                self._remove(holder, label)
        for label in set(self._used) - set(self._quota()):
            for holder in [q for q, c in self._chosen.items() if label in c]:
                self._remove(holder, label)

    def _add(self, question: str, label: str) -> None:
        self._chosen[question].add(label)
        self._used[label] += 1

    def _remove(self, question: str, label: str) -> None:
        self._chosen[question].remove(label)
        self._used[label] -= 1


def even_out(answers: Mapping[NameT, str], *seed: object) -> list[NameT]:
    """Drops questions with frequent answers, so that no constant answer pays: at most the median count of an answer."""
    counts = sorted(Counter(answers.values()).values())
    if not counts:
        return []
    cap = counts[len(counts) // 2]
    kept: list[NameT] = []
    for answer in sorted(set(answers.values())):
        names = sorted((n for n, a in answers.items() if a == answer), key=lambda n: ticket(*seed, n))
        kept += names[:cap]
    return kept
