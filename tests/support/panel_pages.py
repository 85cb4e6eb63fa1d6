"""A benchmark for views: pages of four panels, with questions that have targets and questions that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comic_eval.benchmark import Benchmark, write_benchmark
from comic_eval.types import Box, Mark, Region, Sample
from support.art import busy_art

SIZE = (300, 420)
PANELS = tuple(Box(x1=x, y1=y, x2=x + 135, y2=y + 195) for y in (10, 215) for x in (10, 155))


def page_samples(page: int) -> list[Sample]:
    """An action (right answer C) about one panel, a count (2) over two, and an order of balloons (A) over the page."""
    common: dict[str, Any] = {
        "split": "test",
        "page": f"page{page:02}",
        "image": f"images/{page}.png",
        "image_size": SIZE,
        "marks": (Mark(box=Box(x1=40, y1=40, x2=90, y2=160), label="1"),),
    }
    panels = [Region(box=box, role="panel", target=i == 0) for i, box in enumerate(PANELS)]
    name = f"page{page:02}"
    return [
        Sample(
            id=f"{name}-action-en",
            pair_id=f"{name}-action",
            task="action_recognition",
            question="What is character 1 doing?",
            choices=("runs", "sits", "sleeps", "eats"),
            answer="C",
            regions=tuple(panels),
            **common,
        ),
        Sample(
            id=f"{name}-count-en",
            pair_id=f"{name}-count",
            task="character_counting",
            question="In how many panels does character 1 appear?",
            answer="2",
            regions=(*(r.model_copy(update={"target": i < 2}) for i, r in enumerate(panels)),),
            metadata={"page_panels": len(PANELS)},
            **common,
        ),
        Sample(
            id=f"{name}-order-en",
            pair_id=f"{name}-order",
            task="dialog_reordering",
            question="In which order?",
            choices=("1 → 2", "2 → 1"),
            answer="A",
            **(common | {"marks": ()}),
        ),
    ]


def make_panel_pages(folder: Path, pages: int = 12, *, name: str = "panels") -> Benchmark:
    """Writes a benchmark of ``pages`` test pages."""
    drawn = folder.parent / f"{folder.name}-drawn"
    drawn.mkdir(parents=True)
    images = {}
    for i in range(pages):
        busy_art(*SIZE).rotate(10 * i).save(drawn / f"{i}.png")
        images[f"images/{i}.png"] = drawn / f"{i}.png"
    return write_benchmark(
        folder,
        name=name,
        version="1.0",
        license="CC0-1.0",
        description="Pages of four panels.",
        samples=[sample for page in range(pages) for sample in page_samples(page)],
        images=images,
        card=f"# {name}\n",
    )
