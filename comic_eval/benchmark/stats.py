"""What a benchmark holds: Table 2 and Figure 3 of "Zooming into Comics" (arXiv:2511.06490) for any benchmark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from comic_eval import plugins
from comic_eval.benchmark.load import Benchmark
from comic_eval.benchmark.set_checks import GUESSABLE
from comic_eval.benchmark.task_checks import Kind
from comic_eval.types import Frozen, Sample

# The order of the paper's Table 2; tasks of other people follow by name.
TABLE_2 = (
    "panel_understanding",
    "action_recognition",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "character_identification",
    "character_counting",
)
SPLIT_ORDER = ("train", "val", "test")
TYPES: dict[Kind, str] = {"open": "open-ended", "choice": "multi-choice", "number": "numerical"}
POSITION_KIND = "position_kind"


class TaskRow(Frozen):
    """The samples of one task in one split and language.

    Attributes:
        type: ``open-ended``, ``multi-choice`` or ``numerical``.
        choices: number of choices -> number of samples with so many; empty where there are none.
        samples: number of samples.
        pages: number of pages that they are about.
        answers: letter or number -> how often it is right; empty for open answers.
        positions: Panel Understanding: kind of position phrase -> number of samples.
    """

    task: str
    title: str
    category: str
    type: str
    split: str
    language: str
    choices: dict[int, int]
    samples: int
    pages: int
    answers: dict[str, int]
    positions: dict[str, int]

    @property
    def scored(self) -> bool:
        """Whether the row belongs to the scored set; questions that can be guessed from their wording do not."""
        return not self.split.endswith(GUESSABLE)


class Stats(Frozen):
    """A benchmark's statistics; ``pages`` counts the pages of each split over all languages."""

    name: str
    revision: str
    license: str
    languages: tuple[str, ...]
    splits: tuple[str, ...]
    pages: dict[str, int]
    rows: tuple[TaskRow, ...]

    def select(self, *, language: str | None = None, scored: bool | None = None) -> tuple[TaskRow, ...]:
        """The rows of one language, and only those that are scored, or only those that are not."""
        return tuple(
            row for row in self.rows if language in (None, row.language) and (scored is None or row.scored == scored)
        )


def statistics(benchmark: Benchmark) -> Stats:
    """Counts a benchmark's samples by task, split and language."""
    groups: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    pages: dict[str, set[str]] = defaultdict(set)
    for sample in benchmark.samples:
        groups[sample.task, sample.split, sample.language].append(sample)
        pages[sample.split].add(sample.page)
    splits = tuple(sorted(pages, key=split_rank))
    ordered = sorted(groups, key=lambda key: (_task_rank(key[0]), split_rank(key[1]), key[2]))
    return Stats(
        name=benchmark.name,
        revision=benchmark.revision,
        license=benchmark.license,
        languages=benchmark.languages,
        splits=splits,
        pages={split: len(pages[split]) for split in splits},
        rows=tuple(_row(*key, groups[key]) for key in ordered),
    )


def split_rank(split: str) -> tuple[bool, int, str]:
    """Sorts train, val and test first, then other splits, then those kept apart."""
    base = split.removesuffix(GUESSABLE)
    place = SPLIT_ORDER.index(base) if base in SPLIT_ORDER else len(SPLIT_ORDER)
    return split != base, place, split


def choices_text(rows: Iterable[TaskRow]) -> str:
    """The column #Ch. of Table 2: ``4``, ``2–4``, or ``/`` where there are no choices."""
    numbers = sorted({n for row in rows for n in row.choices})
    if not numbers:
        return "/"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"


def panels_of(row: TaskRow) -> str:
    """``single-panel`` or ``multi-panel`` by the task's category, ``other`` for categories of other people."""
    for kind in ("single-panel", "multi-panel"):
        if row.category.lower().startswith(kind):
            return kind
    return "other"


def _task_rank(task: str) -> tuple[int, str]:
    return (TABLE_2.index(task) if task in TABLE_2 else len(TABLE_2)), task


def _row(task: str, split: str, language: str, samples: Sequence[Sample]) -> TaskRow:
    title, category, kind = _describe(task, samples)
    closed = [s for s in samples if kind != "open"]
    positions = Counter(str(s.metadata.get(POSITION_KIND, "unnamed")) for s in samples if s.position is not None)
    return TaskRow(
        task=task,
        title=title,
        category=category,
        type=TYPES[kind],
        split=split,
        language=language,
        choices=dict(sorted(Counter(len(s.choices) for s in samples if s.choices).items())),
        samples=len(samples),
        pages=len({s.page for s in samples}),
        answers=dict(sorted(Counter(s.answer for s in closed).items(), key=lambda item: (len(item[0]), item[0]))),
        positions=dict(positions.most_common()),
    )


def _describe(task: str, samples: Sequence[Sample]) -> tuple[str, str, Kind]:
    """Title, category and kind; of a task whose plugin is not installed, what its samples show."""
    if task in plugins.names("tasks"):
        info = plugins.get_task(task).info
        return info.title, info.category, info.kind
    kind: Kind = "choice" if any(s.choices for s in samples) else "open"
    return task, "(task not installed)", kind
