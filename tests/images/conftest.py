from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.art import busy_art

import comic_eval
from comic_eval.types import Composite, Mark, Question

SAMPLE_BENCHMARK = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"


@pytest.fixture(scope="session")
def real_pages() -> list[Image.Image]:
    """Six pages of the sample benchmark, dark and bright ones among them."""
    paths = sorted((SAMPLE_BENCHMARK / "images" / "en").glob("*.jpg"))[::7]
    return [Image.open(path).convert("RGB") for path in paths]


@pytest.fixture
def benchmark_folder(tmp_path: Path) -> Path:
    """A folder with one busy page of 600 x 800 pixels, ``images/page.jpg``."""
    (tmp_path / "images").mkdir()
    busy_art(600, 800).save(tmp_path / "images" / "page.jpg", quality=90)
    return tmp_path


@pytest.fixture
def ask() -> Callable[..., Question]:
    """Makes a question about ``images/page.jpg`` or another picture."""

    def make(
        image: str = "images/page.jpg",
        *,
        marks: tuple[Mark, ...] = (),
        composite: Composite | None = None,
        image_size: tuple[int, int] | None = None,
        image_sha256: str | None = None,
    ) -> Question:
        return Question(
            id="q1",
            task="depth_comparison",
            split="test",
            page="page",
            image=image,
            question="Who is nearer?",
            marks=marks,
            composite=composite,
            image_size=image_size,
            image_sha256=image_sha256,
        )

    return make
