"""Whatever stands in a data set's cells, an import gives a valid benchmark or a BenchmarkError."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_benchmark import draw_page

from comic_eval.benchmark import validate
from comic_eval.benchmark.importer import import_dataset
from comic_eval.errors import BenchmarkError

FIELDS = ["id", "page", "image", "question", "choices", "answer", "task", "split", "language", "facts"]
MAPPING: dict[str, Any] = {
    "name": "fuzz",
    "version": "1",
    "license": "none",
    "description": "Random cells.",
    "columns": {field: field for field in FIELDS},
    "regions": [{"column": "regions", "role": "panel"}],
    "marks": [{"column": "marks"}],
    "metadata": ["extra"],
}
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
NEAR = st.sampled_from(["A", "B", "3", "two", "[1,2,3,4]", "[[1,2,3,4]]", "[", "../page.png", "page.png", "en", "\0"])
VALUE = st.recursive(SCALAR | NEAR, lambda inner: st.lists(inner, max_size=4), max_leaves=6) | st.lists(
    st.floats(0, 300), min_size=4, max_size=4
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz-import")
    draw_page(folder / "page.png", "pink", "page")
    (folder / "mapping.yaml").write_text(yaml.safe_dump(MAPPING))
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from([*FIELDS, "regions", "marks", "extra"]), VALUE, max_size=3), max_size=3
    )
)
def test_hostile_cells(changes: list[dict[str, Any]], folder: Path) -> None:
    good = {
        "id": "a",
        "page": "one",
        "image": "page.png",
        "question": "What?",
        "choices": ["x", "y"],
        "answer": "A",
        "task": "depth_comparison",
        "split": "test",
        "language": "en",
        "facts": [],
        "regions": [],
        "marks": [[1, 2, 3, 4]],
        "extra": None,
    }
    rows = [good, *(good | {"id": f"b{i}"} | change for i, change in enumerate(changes))]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        benchmark, _ = import_dataset(folder / "rows.jsonl", folder / "out", folder / "mapping.yaml", skip_bad=True)
    except BenchmarkError:
        return
    assert validate(benchmark.folder) == []
