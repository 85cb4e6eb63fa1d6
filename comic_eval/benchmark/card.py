"""The front matter of a data card: it lets ``datasets.load_dataset(folder)`` load a benchmark with its exact types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from comic_eval.benchmark.columns import features_yaml
from comic_eval.benchmark.format import SAMPLES
from comic_eval.errors import BenchmarkError
from comic_eval.types import Sample

CARD = "README.md"
# `datasets` wants a name for every file; the benchmark's own splits are a column of it.
DATASETS_SPLIT = "samples"


def with_front_matter(card: str, samples: Sequence[Sample]) -> str:
    """The card with a front matter that names file and column types; a front matter of its own is kept and completed.

    Raises:
        MixedTypesError: a metadata key holds values of different types.
        BenchmarkError: the card's own front matter is no YAML mapping.
    """
    own, body = _split(card)
    front = {
        **own,
        "language": sorted({s.language for s in samples}),
        "configs": [
            {"config_name": "default", "data_files": [{"split": DATASETS_SPLIT, "path": SAMPLES}], "default": True}
        ],
        "dataset_info": {"config_name": "default", "features": features_yaml(samples)},
    }
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{text}---\n{body}"


def _split(card: str) -> tuple[dict[str, Any], str]:
    if not card.startswith("---\n"):
        return {}, card
    head, mark, body = card[4:].partition("\n---\n")
    try:
        front = yaml.safe_load(head) if mark else None
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        raise BenchmarkError("the data card begins with --- but has no YAML mapping closed by --- → correct it")
    return front, body
