"""`datasets` loads a benchmark folder, with exact types, offline."""

from pathlib import Path

import orjson
import pytest
from support.small_benchmark import make_benchmark, page_samples

from comic_eval.benchmark import Benchmark, write_benchmark

datasets = pytest.importorskip("datasets")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    return make_benchmark(tmp_path / "small")


def test_samples_file(benchmark: Benchmark, offline: None, tmp_path: Path) -> None:
    files = str(benchmark.folder / "samples.jsonl")
    table = datasets.load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert list(table["id"]) == [s.id for s in benchmark.samples]
    assert table[2]["marks"] == [m.model_dump(mode="json") for m in benchmark.samples[2].marks]
    composite = benchmark.samples[4].composite
    assert composite is not None
    assert table[4]["composite"] == composite.model_dump(mode="json")
    assert table[0]["composite"] is None
    assert table[6]["choices"] is None


def test_folder_with_its_card(benchmark: Benchmark, offline: None, tmp_path: Path) -> None:
    table = datasets.load_dataset(str(benchmark.folder), cache_dir=str(tmp_path / "cache"))["samples"]
    lines = [orjson.loads(line) for line in (benchmark.folder / "samples.jsonl").read_bytes().splitlines()]
    assert [{k: v for k, v in row.items() if k != "stratum"} for row in table] == [
        {k: v for k, v in line.items() if k != "stratum"} for line in lines
    ]
    assert table.features["regions"].feature["box"].feature.dtype == "float64"
    assert table.features["composite"]["slots"].feature.feature.dtype == "float64"


@pytest.mark.parametrize("task", ["panel_understanding", "character_counting", "panel_reordering"])
def test_columns_that_hold_only_nulls_keep_their_type(task: str, offline: None, tmp_path: Path) -> None:
    drawn = make_benchmark(tmp_path / "small")
    chosen = [s for s in page_samples("one", "test", "en") if s.task == task]
    metadata: dict[str, object] = {"empty": [], "none": None, "deep": {"list": [[1], []], "word": "x"}}
    folder = write_benchmark(
        tmp_path / "one",
        name="one",
        version="1",
        license="CC0-1.0",
        description="One task.",
        samples=[s.model_copy(update={"metadata": metadata | {"metadata": 1}}) for s in chosen],
        images={"images/en/one.png": drawn.folder / "images/en/one.png"},
        card="# One\n",
    ).folder
    table = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["samples"]
    assert table.features["facts"].feature.dtype == "string"
    assert table.features["position"].dtype == "string"
    assert table[0]["deep"] == {"list": [[1], []], "word": "x"}
    assert table[0]["metadata"] == {"metadata": 1}
