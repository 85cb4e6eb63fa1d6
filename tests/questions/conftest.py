"""The pages that the tests of questions start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.question_writer import copy_pages


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """One page in English and French."""
    return copy_pages(tmp_path / "pages")


@pytest.fixture
def english(tmp_path: Path) -> Path:
    """The same page in English only."""
    return copy_pages(tmp_path / "english", french=False)
