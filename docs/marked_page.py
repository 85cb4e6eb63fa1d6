"""Draws the picture that README.md shows: a page of the sample with the marks of one question, as a model sees it.

``python docs/marked_page.py`` writes ``docs/marked_page.jpg`` and prints the question, its choices and the attribution.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from comic_eval.benchmark import load_benchmark
from comic_eval.images import Renderer

SAMPLE = "dc-pc_e22p02-p1-c2-c4-en"
WIDTH = 760


def main() -> None:
    benchmark = load_benchmark("pepper-carrot")
    sample = next(s for s in benchmark.samples if s.id == SAMPLE)
    (shown,) = Renderer(benchmark.folder).render(sample, "page").images
    with Image.open(io.BytesIO(shown.data)) as page:
        small = page.resize((WIDTH, round(page.height * WIDTH / page.width)), Image.Resampling.LANCZOS)
    small.save(Path(__file__).with_name("marked_page.jpg"), quality=82, optimize=True)
    entries = json.loads((benchmark.folder / "manifest.json").read_text(encoding="utf-8"))
    print(sample.question, sample.choices, sample.answer)
    print(next(e["attribution"] for e in entries if e["image"] == sample.image))


if __name__ == "__main__":
    main()
