"""Loading a benchmark folder, selecting samples, and what stands in the way."""

import os
from pathlib import Path

import pytest
from support.small_benchmark import edit_info, edit_lines, make_benchmark

from comic_eval.benchmark import load_benchmark, read_samples
from comic_eval.errors import BenchmarkError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_benchmark(tmp_path / "small").folder


def test_attributes(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    assert (benchmark.name, benchmark.version, benchmark.license) == ("small", "1.0", "CC0-1.0")
    assert benchmark.splits == {"test": 14, "train": 14}
    assert benchmark.languages == ("en", "fr")
    assert len(benchmark.tasks) == 7
    assert len(benchmark.samples) == 28
    assert benchmark.revision == f"1.0+{benchmark.digest[:12]}"
    assert benchmark.targets
    assert tuple(read_samples(folder / "samples.jsonl")) == benchmark.samples


def test_select_keeps_order_and_never_pools_languages(folder: Path) -> None:
    benchmark = load_benchmark(str(folder))
    chosen = benchmark.select()
    assert {(s.split, s.language) for s in chosen} == {("test", "en")}
    assert list(chosen) == [s for s in benchmark.samples if s.split == "test" and s.language == "en"]
    (french,) = benchmark.select("train", ["depth_comparison"], "fr")
    assert french.id == "one-depth_comparison-fr"
    assert benchmark.image_path(french) == folder / "images/fr/one.png"
    assert benchmark.image_path(french.to_question()).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "no split 'dev'; it has: test, train"),
        ({"tasks": ["depth"]}, "no task 'depth'; it has: action_recognition"),
        ({"language": "de"}, "no language 'de'; it has: en, fr"),
    ],
)
def test_select_names_what_exists(folder: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        load_benchmark(folder).select(**arguments)  # type: ignore[arg-type]


def test_selecting_nothing_is_an_error(folder: Path) -> None:
    edit_lines(folder, lambda lines: lines.__delitem__(slice(21, None)))  # the second page in French
    edit_info(folder, lambda info: info.update(splits=["train", "test"]))
    with pytest.raises(BenchmarkError, match="no sample in split 'test' and language 'fr'"):
        load_benchmark(folder).select(language="fr")


def test_digest_follows_samples_and_version_but_not_the_description(tmp_path: Path) -> None:
    first, second = make_benchmark(tmp_path / "a"), make_benchmark(tmp_path / "b")
    assert first.digest == second.digest
    edit_info(tmp_path / "b", lambda info: info.update(description="Two pages, drawn by hand."))
    assert load_benchmark(tmp_path / "b").digest == first.digest
    edit_info(tmp_path / "b", lambda info: info.update(version="1.1"))
    assert load_benchmark(tmp_path / "b").digest != first.digest
    edit_lines(tmp_path / "a", lambda lines: lines[0].update(question="Another one?"))
    assert load_benchmark(tmp_path / "a").digest != first.digest


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / "samples.jsonl"
    path.write_bytes(path.read_bytes().replace(b"A cat sleeps.", b"A dog sleeps."))
    with pytest.raises(BenchmarkError, match=r"was changed: its sha256.*(?s:.)*comic-eval data validate"):
        load_benchmark(folder)


def test_all_defects_are_listed_together(folder: Path) -> None:
    def spoil(lines: list[dict[str, object]]) -> None:
        lines[1]["answer"] = "E"
        lines[2]["answer"] = "B. the second"
        lines[3]["image"] = "../secret.png"
        lines[4]["id"] = lines[0]["id"]
        lines[6]["answer"] = "three"
        lines[7]["split"] = "dev"
        lines[8]["image"] = "images/en/gone.png"

    edit_lines(folder, spoil)
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(folder)
    text = str(caught.value)
    assert "7 defects" in text
    for line, field in (
        (2, "answer"),
        (3, "answer"),
        (4, "image"),
        (5, "id"),
        (7, "answer"),
        (8, "split"),
        (9, "image"),
    ):
        assert f"samples.jsonl:{line}: {field}:" in text


def test_many_defects_are_counted(folder: Path) -> None:
    edit_lines(folder, lambda lines: [line.update(question=" ") for line in lines])
    with pytest.raises(BenchmarkError, match=r"28 defects(?s:.)*… and 8 more"):
        load_benchmark(folder)


@pytest.mark.parametrize("name", ["no-such-benchmark", "", "a\0b", "x" * 5000])
def test_unknown_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchmarkError):
        load_benchmark(name)


def test_unknown_name_lists_the_bundled_ones() -> None:
    with pytest.raises(BenchmarkError, match="bundled"):
        load_benchmark("no-such-benchmark")


@pytest.mark.parametrize("file", ["benchmark.json", "samples.jsonl"])
def test_missing_files(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BenchmarkError, match=file):
        load_benchmark(folder)
    os.mkfifo(folder / file)  # opening it would block for ever
    with pytest.raises(BenchmarkError, match=file):
        load_benchmark(folder)


def test_info_in_other_spellings(folder: Path) -> None:
    def rewrite(info: dict[str, object]) -> None:
        info["licence"] = info.pop("license")
        info["splits"] = ["train", "test"]
        info["homepage"] = "https://example.org"

    edit_info(folder, rewrite)
    benchmark = load_benchmark(folder)
    assert benchmark.license == "CC0-1.0"
    assert benchmark.splits == {"train": 14, "test": 14}
    assert benchmark.metadata == {"homepage": "https://example.org"}


def test_missing_info_is_named(folder: Path) -> None:
    edit_info(folder, lambda info: [info.pop("license"), info.update(version=2)])
    with pytest.raises(BenchmarkError, match=r"version: should be a valid string(?s:.)*license: is missing"):
        load_benchmark(folder)


def test_image_path_stays_inside(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    outside = benchmark.samples[0].model_copy(update={"image": "../small-pages/images/en/one.png"})
    with pytest.raises(BenchmarkError, match="leaves the benchmark folder"):
        benchmark.image_path(outside)
