"""The pages that questions are written for, and their files, as the new pages folder will hold them.

Pages come from a folder in our own format, whose files are kept as they are but for the questions, or from COCO-style
files (AI4VA), which are written in our format.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.build.coco import read_coco
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.errors import BenchmarkError
from comic_eval.files import sha256_of

# Main manifest and that of the second language, with the key under which an entry names its texts.
MAIN = ("manifest.json", "annotation")
SECOND = ("fr/manifest.json", "texts")
# Beside the pages: what a benchmark built from them must carry on.
COMPANIONS = ("LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "ATTRIBUTION.md", "agreement.json")


@dataclass(frozen=True)
class Files:
    """Relative path -> JSON value of every file with labels, and relative path -> source of what is copied."""

    labels: dict[str, Any]
    copies: dict[str, Path]


@dataclass(frozen=True)
class Source:
    """Where the pages come from. ``coco`` are COCO-style files, ``folder`` then holds their pictures."""

    folder: Path
    pages: tuple[Page, ...]
    coco: tuple[Path, ...] = ()

    def files(self) -> Files:
        """The files of a pages folder with these pages, without any new question."""
        files = _from_pages(self.pages) if self.coco else _from_folder(self.folder)
        companions = {name: self.folder / name for name in COMPANIONS if (self.folder / name).is_file()}
        return Files(files.labels, companions | files.copies)


def read_source(folder: Path, coco: Sequence[Path] = (), mapping: Path | None = None) -> Source:
    """Reads the pages of a folder, or of COCO-style files whose pictures it holds.

    Raises:
        BenchmarkError: the pages have defects (all are listed).
    """
    if mapping is None:
        return Source(folder, tuple(read_pages(folder)))
    pages = tuple(page for path in coco for page in read_coco(path, folder, mapping))
    for page_id, count in Counter(page.id for page in pages).items():
        if count > 1:
            raise BenchmarkError(f"{folder}: {count} pictures give the page id {page_id}; rename them")
    for page in pages:
        orders = Counter(balloon.order for balloon in page.balloons if balloon.order is not None)
        if twice := sorted(order for order, count in orders.items() if count > 1):
            raise BenchmarkError(
                f"{page.image}: several balloons have the order {twice[0]}; number them over the whole page, or leave "
                "the attribute out of the mapping: the order is then made from their boxes"
            )
    return Source(folder, pages, tuple(coco))


def _from_folder(folder: Path) -> Files:
    files = Files({}, {})
    for manifest, key in (SECOND, MAIN):
        if not (folder / manifest).is_file():
            continue
        entries = _load(folder / manifest)
        for entry in entries:
            files.labels[entry[key]] = _load(folder / entry[key])
            files.copies[entry["image"]] = folder / entry["image"]
        files.labels[manifest] = entries
    return files


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _from_pages(pages: Sequence[Page]) -> Files:
    """The files of pages in one language each."""
    files = Files({}, {})
    manifest = []
    for page in pages:
        entry: dict[str, Any] = {
            "page_id": page.id,
            "language": page.language,
            "image": page.image_name,
            "annotation": f"annotations/{page.id}.json",
            "split": page.split,
            "book": page.book,
            "width": page.width,
            "height": page.height,
            "sha256": sha256_of(page.image),
            "license": page.license,
            "attribution": page.attribution,
            "source": page.source,
        }
        entry = {key: value for key, value in entry.items() if value is not None}
        manifest.append(entry)
        files.copies[page.image_name] = page.image
        labels = page.model_dump(mode="json", include={"width", "height", "panels", "characters", "balloons"})
        # Lettering outside of balloons follows that of the balloons.
        other = [{"box": box.as_list()} for box in page.text_boxes[len(page.balloons) :]]
        files.labels[entry["annotation"]] = {"page_id": page.id, **labels, "other_text": other, "questions": []}
    files.labels[MAIN[0]] = manifest
    return files
