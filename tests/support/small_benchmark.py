"""A small benchmark of two drawn pages in two languages with one question of each of the seven tasks a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from PIL import Image, ImageDraw

from comic_eval.benchmark import Benchmark, write_benchmark
from comic_eval.types import Box, Composite, Mark, Region, Sample

SIZE = (200, 300)
PANELS = tuple(Box(x1=x, y1=y, x2=x + 90, y2=y + 90) for y in (5, 105, 205) for x in (5, 105))


def draw_page(path: Path, colour: str, text: str) -> None:
    """A page of six framed panels."""
    page = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(page)
    for i, panel in enumerate(PANELS):
        draw.rectangle(tuple(panel.as_list()), outline="black", fill=colour)
        draw.text((panel.x1 + 10, panel.y1 + 10), f"{text} {i}", fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, quality=90)


def page_samples(page: str, split: str, language: str) -> list[Sample]:
    """One sample of each task about one page."""
    character = Box(x1=20, y1=20, x2=50, y2=80)
    other = Box(x1=60, y1=30, x2=80, y2=70)
    far = Box(x1=120, y1=20, x2=150, y2=80)
    panel = [Region(box=box, role="panel", label=f"p{i}", target=True) for i, box in enumerate(PANELS)]
    mark_a, mark_b = Mark(box=character, label="A"), Mark(box=other, label="B")

    def sample(task: str, answer: str, **fields: Any) -> Sample:
        question = {"en": f"What about {task}?", "fr": f"Et {task} ?"}[language]
        return Sample(
            id=f"{page}-{task}-{language}",
            pair_id=f"{page}-{task}",
            task=task,
            split=split,
            page=page,
            image=f"images/{language}/{page}.png",
            language=language,
            answer=answer,
            source="drawn for the tests",
            license="CC0-1.0",
            **{"question": question} | fields,
        )

    return [
        sample("panel_understanding", "A cat sleeps.", facts=("cat / kitten", "sleeps"), regions=(panel[0],)),
        sample(
            "action_recognition", "C", choices=("runs", "sits", "sleeps", "eats"), marks=(mark_a,), regions=(panel[0],)
        ),
        sample("depth_comparison", "B", choices=("A", "B"), marks=(mark_a, mark_b), regions=(panel[0],)),
        sample("dialog_reordering", "A", choices=("1, 2, 3", "2, 1, 3"), metadata={"stratum": "swap"}),
        sample(
            "panel_reordering",
            "B",
            choices=("panel A", "panel B"),
            composite=Composite(slots=PANELS[:2], candidates=(PANELS[1], PANELS[0])),
        ),
        sample(
            "character_identification",
            "A",
            choices=("same", "different"),
            marks=(mark_a, Mark(box=far, label="B")),
            regions=(panel[0], panel[1]),
        ),
        sample("character_counting", "3", marks=(mark_a,), regions=tuple(panel[:3])),
    ]


def make_benchmark(folder: Path, *, name: str = "small") -> Benchmark:
    """Writes the benchmark to ``folder``; its pages are drawn into a folder beside it."""
    drawn = folder.parent / f"{folder.name}-pages"
    samples, images = [], {}
    for page, split, colour in (("one", "train", "lightblue"), ("two", "test", "lightgreen")):
        for language in ("en", "fr"):
            relative = f"images/{language}/{page}.png"
            draw_page(drawn / relative, colour, f"{page} {language}")
            images[relative] = drawn / relative
            samples += page_samples(page, split, language)
    return write_benchmark(
        folder,
        name=name,
        version="1.0",
        license="CC0-1.0",
        description="Two drawn pages.",
        samples=samples,
        images=images,
        card=f"# {name}\n\nTwo drawn pages.\n",
    )


def edit_lines(folder: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    """Changes the samples as a user with an editor would; ``benchmark.json`` follows, so that only this is wrong."""
    path = folder / "samples.jsonl"
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    edit(lines)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    edit_info(folder, lambda info: [info.pop(key, None) for key in ("samples_sha256", "digest")])


def edit_info(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes ``benchmark.json``."""
    path = folder / "benchmark.json"
    info = orjson.loads(path.read_bytes())
    edit(info)
    path.write_bytes(orjson.dumps(info))
