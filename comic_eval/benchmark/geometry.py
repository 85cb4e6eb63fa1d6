"""The `geometry` baseline: what the boxes of the marks give away without a look at the drawing.

Marks leak. A bigger or lower box often holds the nearer character, boxes of one shape often hold one character. This
baseline reads nothing but boxes and page size. What it reaches stands beside chance in the data card and in every
table: a model below it has not shown that it looked at the art.

For each task it considers *rules*, which look at one number of the boxes ("the bigger one"), and a *classifier*, which
looks at all of them at once. Both are ridge regressions fitted on the train split. The one with the best
leave-one-page-out accuracy on the train split answers. It never sees a sample of the split that it is tested on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comic_eval.types import CHOICE_LETTERS, Box, Question, Sample

Array = NDArray[np.float64]
Features = dict[str, float]

RIDGE = 1.0  # penalty on standardised features


def single_features(box: Box, size: tuple[int, int]) -> Features:
    """What one box says, as shares of the page."""
    width, height = size
    x, y = box.center
    return {
        "size": math.log(box.area / (width * height)),
        "shape": math.log(box.width / box.height),
        "across": x / width,
        "down": y / height,
        "bottom edge": box.y2 / height,
        "off centre": abs(x / width - 0.5),
    }


def difference_features(first: Box, second: Box) -> Features:
    """What tells two boxes of one panel apart; each number changes its sign when the boxes are swapped."""
    span = max(first.y2, second.y2) - min(first.y1, second.y1)
    return {
        "bigger": math.log(first.area / second.area),
        "taller": math.log(first.height / second.height),
        "wider": math.log(first.width / second.width),
        "lower bottom edge": (first.y2 - second.y2) / span,
        "lower top edge": (first.y1 - second.y1) / span,
        "more upright": math.log(first.height / first.width) - math.log(second.height / second.width),
    }


def similarity_features(first: Box, second: Box, size: tuple[int, int]) -> Features:
    """How alike two boxes are and how far apart; the order of the boxes does not matter."""
    a, b = single_features(first, size), single_features(second, size)
    return {
        "difference in size": abs(a["size"] - b["size"]),
        "difference in shape": abs(a["shape"] - b["shape"]),
        "difference in height": abs(math.log(first.height / second.height)),
        "difference in width": abs(math.log(first.width / second.width)),
        "distance across": abs(a["across"] - b["across"]),
        "distance down": abs(a["down"] - b["down"]),
        "size of both": a["size"] + b["size"],
        "size of the smaller": min(a["size"], b["size"]),
        "shape of both": a["shape"] + b["shape"],
        "widest shape": max(a["shape"], b["shape"]),
    }


def _page_size(question: Question) -> tuple[int, int]:
    if question.image_size is not None:
        return question.image_size
    boxes = [m.box for m in question.marks]
    return math.ceil(max(b.x2 for b in boxes)), math.ceil(max(b.y2 for b in boxes))


def read_boxes(question: Question) -> tuple[Features, ...] | None:
    """The numbers that the boxes of a question give; None where it has no boxes or they say nothing.

    Questions whose choices *are* boxes (Depth Comparison: the marks; Panel Reordering: the candidates) give one set of
    numbers a choice, all others one set. Candidates are shown in one common shape, so only their width
    and height count: their place on the page is the answer and is not visible.
    """
    if question.composite is not None:
        first, second = question.composite.candidates[:2]
        slot = question.composite.slots[0]
        fits = [abs(math.log(b.width / b.height) - math.log(slot.width / slot.height)) for b in (first, second)]
        sizes = [math.log(b.area) for b in (first, second)]
        if fits[0] == fits[1] and sizes[0] == sizes[1]:
            return None
        signed = {"fits the slot": fits[1] - fits[0], "bigger": sizes[0] - sizes[1]}
        return signed, {k: -v for k, v in signed.items()}
    if len(question.marks) == 2:
        first, second = (m.box for m in question.marks)
        if question.choices is not None and question.task == "depth_comparison":
            signed = difference_features(first, second)
            return signed, {k: -v for k, v in signed.items()}
        return (similarity_features(first, second, _page_size(question)),)
    if len(question.marks) == 1:
        return (single_features(question.marks[0].box, _page_size(question)),)
    return None


@dataclass(frozen=True)
class _Example:
    """One train question: its numbers a choice (or once), its right answer, and what it might have been."""

    page: str
    features: tuple[Features, ...]
    options: tuple[str, ...]
    right: str


@dataclass(frozen=True)
class _Scorer:
    """A ridge regression on the features called ``names``.

    ``weights`` maps an option (the text of a choice, or a number) to its weights; choices that are boxes share the
    entry ``""``. The last weight is the intercept.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    weights: Mapping[str, Array]

    def pick(self, features: tuple[Features, ...], options: Sequence[str]) -> int | None:
        """The place of the best option; the first of equals; None if no option was seen in training."""
        rows = [self._row(f) for f in features]
        if "" in self.weights:
            scores = [float(r @ self.weights[""]) for r in rows]
        else:
            scores = [float(rows[0] @ self.weights[o]) if o in self.weights else -math.inf for o in options]
        best = max(range(len(scores)), key=lambda i: (scores[i], -i), default=None)
        return None if best is None or scores[best] == -math.inf else best

    def _row(self, features: Features) -> Array:
        values = np.array([features[n] for n in self.names])
        return np.append((values - self.mean) / self.scale, 1.0)


def _fit(examples: Sequence[_Example], names: tuple[str, ...]) -> _Scorer:
    by_choice = len(examples[0].features) > 1
    rows, targets, options = [], [], sorted({e.right for e in examples})
    for e in examples:
        if by_choice:
            for option, features in zip(e.options, e.features, strict=True):
                rows.append([features[n] for n in names])
                targets.append([1.0 if option == e.right else -1.0])
        else:
            rows.append([e.features[0][n] for n in names])
            targets.append([1.0 if o == e.right else 0.0 for o in options])
    x, y = np.array(rows), np.array(targets)
    mean = np.zeros(x.shape[1]) if by_choice else x.mean(axis=0)
    scale = np.sqrt(((x - mean) ** 2).mean(axis=0))
    scale[scale == 0] = 1.0
    x = np.hstack([(x - mean) / scale, np.ones((len(x), 1))])
    penalty = np.diag([RIDGE] * len(names) + [1e-9])
    solution = np.linalg.solve(x.T @ x + penalty, x.T @ y)
    keys = [""] if by_choice else options
    return _Scorer(names, mean, scale, {k: solution[:, i] for i, k in enumerate(keys)})


def _accuracy_on_unseen_pages(examples: Sequence[_Example], names: tuple[str, ...]) -> float:
    pages = sorted({e.page for e in examples})
    correct = 0
    for page in pages:
        rest = [e for e in examples if e.page != page]
        if not rest:
            continue
        scorer = _fit(rest, names)
        held_out = [e for e in examples if e.page == page]
        for e in held_out:
            place = scorer.pick(e.features, e.options)
            correct += place is not None and e.options[place] == e.right
    return correct / len(examples)


@dataclass(frozen=True)
class Chosen:
    """What answers one task in one language: a rule's name or ``"classifier"``, and its accuracy on unseen train pages.

    ``options`` are the numbers seen in training (Character Counting); empty where questions bring choices.
    """

    name: str
    train_accuracy: float
    scorer: _Scorer
    options: tuple[str, ...]


class GeometryBaseline:
    """Answers from boxes alone. Make it with `fit`."""

    def __init__(self, chosen: Mapping[tuple[str, str], Chosen]) -> None:
        self.chosen = dict(chosen)

    @classmethod
    def fit(cls, train: Sequence[Sample], seed: int = 0) -> GeometryBaseline:
        """Fits rules and classifier for each task and language, and keeps the better one.

        Args:
            train: samples of the train split.
            seed: accepted so that all baselines are made alike; nothing here is random.
        """
        del seed
        groups: dict[tuple[str, str], list[_Example]] = {}
        for sample in sorted(train, key=lambda s: s.id):
            features = read_boxes(sample.to_question())
            if features is None:
                continue
            options = sample.choices or (sample.answer,)
            right = sample.choices[CHOICE_LETTERS.index(sample.answer)] if sample.choices else sample.answer
            groups.setdefault((sample.task, sample.language), []).append(
                _Example(sample.page, features, options, right)
            )
        return cls({key: _choose(examples) for key, examples in groups.items()})

    def answer(self, question: Question) -> str | None:
        """The letter or number that the boxes suggest; None where they say nothing, so that chance stands instead."""
        features, chosen = read_boxes(question), self.chosen.get((question.task, question.language))
        if features is None or chosen is None:
            return None
        place = chosen.scorer.pick(features, question.choices or chosen.options)
        if place is None:
            return None
        return CHOICE_LETTERS[place] if question.choices else chosen.options[place]


def _choose(examples: Sequence[_Example]) -> Chosen:
    names = tuple(examples[0].features[0])
    numbers: tuple[str, ...] = ()
    if len(examples[0].options) == 1:
        numbers = tuple(sorted({e.right for e in examples}))
        examples = [_Example(e.page, e.features, numbers, e.right) for e in examples]
    candidates: list[tuple[str, tuple[str, ...]]] = [(n, (n,)) for n in names]
    candidates.append(("classifier", names))
    scored = [(_accuracy_on_unseen_pages(examples, features), name, features) for name, features in candidates]
    accuracy, name, features = max(scored, key=lambda s: s[0])
    return Chosen(name, accuracy, _fit(examples, features), numbers)
