"""The workload: multiple-choice questions over 50 real pages, the 40 English ones of the sample and 10 French ones.

Questions are made up; what matters here is what is sent. Marked, each page has up to 20 different pictures (one or two
marks each), so most samples bring an image of their own; unmarked, a page goes out as the file that it is.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import comic_eval
from comic_eval.benchmark import write_benchmark
from comic_eval.types import Mark, Sample

SOURCE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"
CHOICES = ("running", "sitting on the ground", "holding a bottle up to the light", "talking to somebody")
PICTURES_PER_PAGE = 20


def pages() -> list[dict[str, Any]]:
    """50 manifest entries with their ``boxes``: those of the page's characters, then of its panels."""
    english = json.loads((SOURCE / "manifest.json").read_text(encoding="utf-8"))
    french = json.loads((SOURCE / "fr" / "manifest.json").read_text(encoding="utf-8"))[:10]
    found = []
    for language, entry in [("en", e) for e in english] + [("fr", e) for e in french]:
        labels = json.loads((SOURCE / "annotations" / f"{entry['page_id']}.json").read_text(encoding="utf-8"))
        boxes = [x["box"] for x in (*labels["characters"], *labels["panels"])]
        found.append({**entry, "id": f"{entry['page_id']}-{language}", "boxes": boxes})
    return found


def mark_sets(boxes: list[list[int]]) -> list[tuple[Mark, ...]]:
    """Up to `PICTURES_PER_PAGE` different sets of marks: every box alone, then pairs."""
    sets = [(box,) for box in boxes] + list(itertools.combinations(boxes, 2))
    return [
        tuple(Mark.model_validate({"box": box, "label": label}) for box, label in zip(chosen, "AB", strict=False))
        for chosen in sets[:PICTURES_PER_PAGE]
    ]


def build(folder: Path, *, count: int, marked: bool) -> None:
    """Writes a benchmark of ``count`` questions, spread evenly over the pages, into ``folder``."""
    samples = []
    images = {}
    for page in pages():
        image = f"images/{page['id']}.jpg"
        images[image] = SOURCE / page["image"]
        marks = mark_sets(page["boxes"]) if marked else [()]
        samples += [
            Sample(
                id=f"{page['id']}-{n}",
                task="action_recognition",
                split="test",
                page=page["id"],
                image=image,
                question=f"What is the marked character doing? (question {n} of this page)",
                choices=CHOICES,
                answer="ABCD"[n % 4],
                marks=marks[n % len(marks)],
                license="CC-BY-4.0",
            )
            for n in range(count // 50)
        ]
    write_benchmark(
        folder,
        name=folder.name,
        version="1",
        license="CC-BY-4.0",
        description="Made-up questions over pages of Pepper&Carrot by David Revoy, for measuring speed.",
        samples=samples,
        images=images,
        metadata={},
        card="Pages: Pepper&Carrot by David Revoy, www.peppercarrot.com, CC BY 4.0. Made for measuring speed.\n",
    )
