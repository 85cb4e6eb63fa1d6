"""The sample benchmark's pages and samples, read and built once a test process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import comic_eval
from comic_eval.benchmark.annotations import Character, Page
from comic_eval.benchmark.build.assemble import build_samples
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.types import Sample

FOLDER = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"


@cache
def pages() -> tuple[Page, ...]:
    return tuple(read_pages(FOLDER))


@cache
def samples(seed: int = 0) -> tuple[Sample, ...]:
    return tuple(build_samples(pages(), seed))


def of_task(task: str, split: str | None = None, language: str | None = "en") -> list[Sample]:
    """The built samples of a task; None for every split or language."""
    return [s for s in samples() if s.task == task and split in (None, s.split) and language in (None, s.language)]


def characters(page_id: str) -> dict[str, Character]:
    """The annotated characters of a page by id."""
    return {c.id: c for p in pages() if p.id == page_id for c in p.characters}


def marked(sample: Sample) -> list[Character]:
    """The annotated characters under the marks, in mark order."""
    by_box = {c.box: c for c in characters(sample.page).values()}
    return [by_box[m.box] for m in sample.marks]
