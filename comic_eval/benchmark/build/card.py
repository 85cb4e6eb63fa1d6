"""The data card: what is in a benchmark, how it was made, and what it gives away."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.build.assemble import PAGE_TASKS, SPLIT_TASKS
from comic_eval.benchmark.build.shortcuts import Shortcut, measure
from comic_eval.benchmark.geometry import GeometryBaseline
from comic_eval.errors import BenchmarkError
from comic_eval.plugins import get_task
from comic_eval.types import Sample

# Optional files of a pages folder that the card quotes.
PROVENANCE = "PROVENANCE.md"
AGREEMENT = "agreement.json"

ORDER = (
    "panel_understanding",
    "action_recognition",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "character_identification",
    "character_counting",
)
MODULES: dict[str, ModuleType] = {task: module for task, (module, _) in (PAGE_TASKS | SPLIT_TASKS).items()}


def write_card(
    name: str,
    description: str,
    license_name: str,
    pages: Sequence[Page],
    samples: Sequence[Sample],
    folder: Path,
    seed: int,
) -> str:
    """The card in Markdown with its front matter; `write_benchmark` adds what loading with `datasets` needs.

    Args:
        folder: the pages folder; its ``PROVENANCE.md`` and ``agreement.json`` are quoted where they exist.
    """
    front = {
        "pretty_name": name,
        "license": license_name.lower(),
        "task_categories": ["visual-question-answering"],
        "tags": ["comics", "vision-language", "benchmark"],
        "size_categories": [_size_category(len(samples))],
    }
    sections = [
        f"# {name}\n\n{description}",
        _provenance(folder),
        _agreement(folder),
        _counts(samples),
        _splits(pages),
        _how_made(seed),
        _shortcuts(samples),
        _format(name),
        _attribution(pages, license_name),
    ]
    body = "\n\n".join(section.strip() for section in sections if section)
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{body}\n"


def _size_category(n: int) -> str:
    for limit, text in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if n < limit:
            return text
    return "100K<n<1M"


def _provenance(folder: Path) -> str:
    path = folder / PROVENANCE
    if path.is_file():
        return path.read_text(encoding="utf-8")
    return f"## Provenance\n\nThe pages folder holds no `{PROVENANCE}`, so where the labels come from is not recorded."


def _agreement(folder: Path) -> str:
    path = folder / AGREEMENT
    if not path.is_file():
        return ""
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BenchmarkError(f"{path} is no JSON ({error}): correct or remove it") from error
    if not isinstance(measured, dict):
        raise BenchmarkError(f"{path} must hold one JSON object: correct or remove it")
    rows = [[key.replace("_", " "), str(value)] for key, value in measured.items() if isinstance(value, int | float)]
    lead = str(measured.get("what", "Agreement of two labellings."))
    note = str(measured.get("note", ""))
    return (
        f"## Agreement of the labels\n\n{_sentence(lead)}\n\n{_table(['Measure', 'Value'], rows)}\n\n{_sentence(note)}"
    )


def _counts(samples: Sequence[Sample]) -> str:
    splits = sorted({s.split for s in samples}, key=_split_order)
    languages = sorted({s.language for s in samples})
    counted = Counter((s.task, s.split, s.language) for s in samples)
    rows = []
    for task in ORDER:
        info = get_task(task).info
        numbers = {len(s.choices) for s in samples if s.task == task and s.choices}
        cells = [_per_language([counted[task, split, x] for x in languages], languages) for split in splits]
        choices = "/".join(map(str, sorted(numbers))) or "–"
        rows.append([info.category, info.title, info.kind, choices, *cells])
    totals = [
        _per_language([sum(counted[t, split, x] for t in ORDER) for x in languages], languages) for split in splits
    ]
    rows.append(["", "**All**", "", "", *totals])
    table = _table(["Category", "Task", "Answer", "Choices", *(f"`{s}`" for s in splits)], rows)
    return (
        "## Tasks and counts\n\n"
        f"Questions in each language ({', '.join(languages)}). The two samples of a question share a `pair_id` and "
        "everything but text. Splits called `*_guessable` hold open questions that a language model answered right "
        f"from their wording alone; they are never part of the scored splits.\n\n{table}"
    )


def _per_language(counts: Sequence[int], languages: Sequence[str]) -> str:
    if len(set(counts)) == 1:
        return str(counts[0])
    return ", ".join(f"{language} {count}" for language, count in zip(languages, counts, strict=True))


def _split_order(split: str) -> tuple[int, str]:
    known = ("train", "val", "test")
    return (known.index(split) if split in known else len(known)), split


def _splits(pages: Sequence[Page]) -> str:
    rows = []
    for split in sorted({p.split for p in pages}, key=_split_order):
        of_split = [p for p in pages if p.split == split]
        books = sorted({p.book for p in of_split})
        rows.append([f"`{split}`", str(len({p.id for p in of_split})), ", ".join(books)])
    return "## Splits\n\nA book (an episode) lies in one split as a whole.\n\n" + _table(
        ["Split", "Pages", "Books"], rows
    )


def _how_made(seed: int) -> str:
    parts = [
        "## How the questions are made\n\n"
        f"Built by `comic-eval data build` with seed {seed}; the same pages and seed give the same file. The letter of "
        "the right choice is dealt so that all letters are right equally often in every split and task, and also "
        "within *same* and *different*."
    ]
    parts += [f"### {get_task(task).info.title}\n\n{inspect.getdoc(MODULES[task])}" for task in ORDER]
    return "\n\n".join(parts)


def _shortcuts(samples: Sequence[Sample]) -> str:
    train = [s for s in samples if s.split == "train"]
    rows = [_shortcut_row(s) for s in measure(samples) if s.split == "test"]
    if not train or not rows:
        return ""
    header = ["Task", "Language", "n", "Chance", "95 % of guesses", "first", "longest", "majority", "random"]
    chosen = GeometryBaseline.fit(train).chosen
    rules = [
        [get_task(task).info.title, language, choice.name, f"{choice.train_accuracy:.1%}"]
        for (task, language), choice in sorted(chosen.items())
    ]
    return (
        "## What the test split gives away\n\n"
        "Accuracy of baselines that do not look at the art. `first`, `longest`, `majority` and `random` read words "
        "only; `geometry` reads only boxes (rules, and a small classifier, fitted on `train`; the better one on "
        "unseen train pages answers). A model at or below `geometry` has not shown that it looked at the drawing. "
        "For counting, chance is the best constant answer and the interval is the one around it. – : the baseline has "
        f"nothing to say, so chance stands.\n\n{_table([*header, '**geometry**'], rows)}\n\n"
        "What `geometry` uses, with its accuracy on train pages that it was not fitted on. Where questions are "
        "balanced, this falls below chance by itself: the page that is left out takes its part of the balance with it."
        "\n\n"
        f"{_table(['Task', 'Language', 'Rule', 'Accuracy'], rules)}"
    )


def _shortcut_row(shortcut: Shortcut) -> list[str]:
    low, high = (x / shortcut.n for x in shortcut.interval)
    reached = ["–" if c is None else f"{c / shortcut.n:.1%}" for c in shortcut.correct.values()]
    reached[-1] = f"**{reached[-1]}**"
    title = get_task(shortcut.task).info.title
    return [
        title,
        shortcut.language,
        str(shortcut.n),
        f"{shortcut.chance:.1%}",
        f"{low:.1%} to {high:.1%}",
        *reached,
    ]


def _format(name: str) -> str:
    return (
        "## Format\n\n"
        "`benchmark.json` (name, version, licence, splits, digest, attribution of each image), `samples.jsonl` (one "
        "question a line) and `images/`. Boxes are `[x1, y1, x2, y2]` in page pixels. Marks and the composite of Panel "
        "Reordering are drawn when a question is rendered; the images are the untouched pages.\n\n"
        "```python\n"
        "from comic_eval.benchmark import load_benchmark\n\n"
        f'samples = load_benchmark("{name}").select(split="test", language="en")\n'
        "```"
    )


def _attribution(pages: Sequence[Page], license_name: str) -> str:
    lines = [f"- `{p.image_name}`: {p.attribution}" for p in pages if p.attribution]
    text = f"## Licence and attribution\n\nLicence: {license_name}."
    if lines:
        text += " Whoever shows a page shows its line too.\n\n" + "\n".join(lines)
    return text


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def attributions(pages: Sequence[Page]) -> dict[str, Any]:
    """Image path in the benchmark -> its attribution."""
    return {p.image_name: p.attribution for p in sorted(pages, key=lambda p: p.image_name) if p.attribution}
