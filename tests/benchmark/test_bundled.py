"""The benchmarks that come with the package are without defect, and `datasets` loads them."""

from pathlib import Path

import pytest

from comic_eval.benchmark import bundled, load_benchmark, validate


def test_there_is_a_sample_benchmark() -> None:
    assert "pepper-carrot" in bundled()


@pytest.mark.parametrize("name", bundled())
def test_no_defects(name: str) -> None:
    assert [str(defect) for defect in validate(name)] == []


@pytest.mark.parametrize("name", bundled())
def test_datasets_loads_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    benchmark = load_benchmark(name)
    by_card = datasets.load_dataset(str(benchmark.folder), cache_dir=str(tmp_path))["samples"]
    by_file = datasets.load_dataset(
        "json", data_files=str(benchmark.folder / "samples.jsonl"), cache_dir=str(tmp_path)
    )["train"]
    for table in (by_card, by_file):
        assert list(table["id"]) == [s.id for s in benchmark.samples]
        assert list(table["answer"]) == [s.answer for s in benchmark.samples]
        assert table[0]["regions"] == [r.model_dump(mode="json") for r in benchmark.samples[0].regions]
