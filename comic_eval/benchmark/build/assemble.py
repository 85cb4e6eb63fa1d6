"""Turns annotated pages into samples: collects the drafts of all tasks, deals the letters, gives ids and splits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.build import (
    action_recognition,
    character_counting,
    character_identification,
    depth_comparison,
    dialog_reordering,
    panel_reordering,
    panel_understanding,
)
from comic_eval.benchmark.build.balance import deal_places, seeded, ticket
from comic_eval.benchmark.build.draft import Draft
from comic_eval.errors import BenchmarkError
from comic_eval.types import CHOICE_LETTERS, Composite, Mark, Sample

# Module and the letters that its samples' ids begin with. The first three look at one page at a time; the others
# balance over all pages of a split.
PAGE_TASKS = {
    "panel_understanding": (panel_understanding, "pu"),
    "dialog_reordering": (dialog_reordering, "dr"),
    "panel_reordering": (panel_reordering, "pr"),
}
SPLIT_TASKS = {
    "action_recognition": (action_recognition, "ar"),
    "depth_comparison": (depth_comparison, "dc"),
    "character_identification": (character_identification, "ci"),
    "character_counting": (character_counting, "cc"),
}
PREFIX = {task: prefix for task, (_, prefix) in (PAGE_TASKS | SPLIT_TASKS).items()}

Pair = list[Draft]  # one question in its languages


def build_samples(pages: Sequence[Page], seed: int) -> list[Sample]:
    """Makes the samples of all seven tasks.

    The same pages and seed give the same samples in the same order, whatever the order of ``pages``. Samples of one
    question in two languages share everything but text; a question that one language of its page lacks, or asks about
    other places (lettering stands elsewhere in the other language), is left out.

    Raises:
        BenchmarkError: two pages have the same id and language, or the languages of a page differ in split.
    """
    _check(pages)
    pages = sorted(pages, key=lambda p: (p.split, p.id, p.language))
    pairs = _pairs(_drafts(pages, seed), pages)
    by_page = {(p.id, p.language): p for p in pages}
    digests = {path: _sha256(path) for path in sorted({p.image for p in pages})}
    splits = {pair[0].pair: _split(pair, by_page[pair[0].page, pair[0].language]) for pair in pairs}
    places = _places(pairs, splits, seed)
    samples = []
    for pair in pairs:
        for draft in pair:
            page = by_page[draft.page, draft.language]
            samples.append(_sample(draft, page, splits[draft.pair], places.get(draft.pair), digests[page.image], seed))
    return sorted(samples, key=lambda s: (s.split, s.page, s.task, _natural(s.pair_id or ""), s.language))


def _check(pages: Sequence[Page]) -> None:
    seen: dict[tuple[str, str], Page] = {}
    splits: dict[str, str] = {}
    for page in pages:
        if (page.id, page.language) in seen:
            raise BenchmarkError(f"page {page.id!r} appears twice in language {page.language!r}: give pages unique ids")
        seen[page.id, page.language] = page
        if splits.setdefault(page.id, page.split) != page.split:
            raise BenchmarkError(
                f"page {page.id!r} is in split {splits[page.id]!r} in one language and {page.split!r} in the other: "
                "give both the same split"
            )


def _drafts(pages: Sequence[Page], seed: int) -> list[Draft]:
    drafts: list[Draft] = []
    for split in sorted({p.split for p in pages}):
        of_split = [p for p in pages if p.split == split]
        for module, _ in SPLIT_TASKS.values():
            drafts += module.drafts(of_split, seed)
        for task, (page_module, _) in PAGE_TASKS.items():
            for page in of_split:
                # Without the language in the seed, so that both languages draw alike.
                drafts += page_module.candidates(page, seeded(seed, task, page.id))
    return drafts


def _pairs(drafts: Sequence[Draft], pages: Sequence[Page]) -> list[Pair]:
    languages: dict[str, set[str]] = {}
    for page in pages:
        languages.setdefault(page.id, set()).add(page.language)
    pairs: dict[tuple[str, str, str], Pair] = {}
    for draft in sorted(drafts, key=lambda d: (d.pair, d.language)):
        pairs.setdefault(draft.pair, []).append(draft)
    return [
        pair
        for pair in pairs.values()
        if {d.language for d in pair} == languages[pair[0].page] and len({_shared(d) for d in pair}) == 1
    ]


def _shared(draft: Draft) -> str:
    """What the languages of a question must have in common."""
    fields = {"regions", "marks", "composite", "stratum"} | ({"metadata"} if draft.wrong else set())
    return f"{len(draft.wrong)} {draft.model_dump_json(include=fields)}"


def _split(pair: Pair, page: Page) -> str:
    return f"{page.split}_guessable" if any(d.guessable for d in pair) else page.split


def _places(
    pairs: Sequence[Pair], splits: dict[tuple[str, str, str], str], seed: int
) -> dict[tuple[str, str, str], int]:
    """The place of the right choice of each question that has choices; equally many of each place a split and task."""
    groups: dict[tuple[str, str, int], dict[str, Draft]] = {}
    for draft in (pair[0] for pair in pairs):
        if draft.wrong:
            group = groups.setdefault((splits[draft.pair], draft.task, 1 + len(draft.wrong)), {})
            group["/".join(draft.pair)] = draft
    places: dict[tuple[str, str, str], int] = {}
    for (split, task, choices), group in groups.items():
        dealt = deal_places({name: d.stratum for name, d in group.items()}, choices, seed, split, task)
        places |= {group[name].pair: place for name, place in dealt.items()}
    return places


def _sample(draft: Draft, page: Page, split: str, place: int | None, digest: str, seed: int) -> Sample:
    pair_id = f"{PREFIX[draft.task]}-{draft.page}-{draft.key}"
    choices, marks, composite = _arranged(draft, place, seed)
    return Sample(
        id=f"{pair_id}-{draft.language}",
        task=draft.task,
        split=split,
        page=draft.page,
        image=page.image_name,
        image_size=(page.width, page.height),
        image_sha256=digest,
        question=draft.question,
        position=draft.position,
        choices=choices,
        answer=draft.correct if place is None else CHOICE_LETTERS[place],
        facts=draft.facts,
        language=draft.language,
        pair_id=pair_id,
        regions=draft.regions,
        marks=marks,
        composite=composite,
        source=page.source,
        license=page.license,
        metadata=draft.metadata,
    )


def _arranged(
    draft: Draft, place: int | None, seed: int
) -> tuple[tuple[str, ...] | None, tuple[Mark, ...], Composite | None]:
    """Choices, marks and composite with the right one at ``place``."""
    if place is None:
        return None, draft.marks, draft.composite
    # By number, not by text: the two languages must come out in the same order.
    order = sorted(range(1, 1 + len(draft.wrong)), key=lambda i: ticket(seed, *draft.pair, i))
    order.insert(place, 0)
    texts = (draft.correct, *draft.wrong)
    if draft.composite is not None:
        candidates = tuple(draft.composite.candidates[i] for i in order)
        return tuple(sorted(texts)), draft.marks, draft.composite.model_copy(update={"candidates": candidates})
    if draft.marks_are_choices:
        marks = tuple(
            Mark(box=draft.marks[i].box, label=letter) for i, letter in zip(order, CHOICE_LETTERS, strict=False)
        )
        return tuple(sorted(texts)), marks, None
    return tuple(texts[i] for i in order), draft.marks, draft.composite


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sorts ``c10`` after ``c9``."""
    return [(1, int(t)) if t.isdigit() else (0, t) for t in re.split(r"(\d+)", text) if t]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
