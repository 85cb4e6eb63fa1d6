"""Writing a benchmark folder: complete or not at all, and never over something else."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from support.small_benchmark import draw_page, make_benchmark, page_samples

from comic_eval.benchmark import Benchmark, load_benchmark, validate, write_benchmark
from comic_eval.errors import BenchmarkError
from comic_eval.types import Sample


def write(folder: Path, page: Path, samples: list[Sample] | None = None, **changes: object) -> Benchmark:
    arguments: dict[str, object] = {
        "name": "one",
        "version": "1",
        "license": "CC0-1.0",
        "description": "One page.",
        "samples": page_samples("one", "test", "en") if samples is None else samples,
        "images": {"images/en/one.png": page},
        "card": "# One\n",
    }
    return write_benchmark(folder, **(arguments | changes))  # type: ignore[arg-type]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    draw_page(tmp_path / "page.png", "pink", "page")
    return tmp_path / "page.png"


def test_what_was_written_is_valid_and_complete(tmp_path: Path, page: Path) -> None:
    benchmark = write(tmp_path / "deep" / "one", page, metadata={"homepage": "https://example.org"})
    assert validate(benchmark.folder) == []
    assert benchmark.samples[0].image_size == (200, 300)
    assert benchmark.metadata == {"homepage": "https://example.org"}
    assert sorted(p.name for p in benchmark.folder.iterdir()) == [
        "README.md",
        "benchmark.json",
        "images",
        "samples.jsonl",
    ]
    assert [p.name for p in benchmark.folder.parent.iterdir()] == ["one"]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = make_benchmark(tmp_path / "small")
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()}
    assert make_benchmark(tmp_path / "small") == first
    assert {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()} == before


def test_in_place_over_a_pages_folder(tmp_path: Path, page: Path) -> None:
    folder = tmp_path / "pages"
    draw_page(folder / "images/en/one.png", "pink", "page")
    (folder / "manifest.json").write_text("[]")
    benchmark = write(folder, folder / "images/en/one.png")
    assert benchmark.folder == folder
    assert (folder / "manifest.json").read_text() == "[]"


@pytest.mark.parametrize("content", ["file", "full", "other"])
def test_other_things_are_not_overwritten(tmp_path: Path, page: Path, content: str) -> None:
    folder = tmp_path / "target"
    if content == "file":
        folder.write_text("precious")
    elif content == "full":
        folder.mkdir()
        (folder / "thesis.tex").write_text("precious")
    else:
        make_benchmark(folder, name="another")
    before = sorted(folder.rglob("*"))
    with pytest.raises(BenchmarkError, match="→ name a"):
        write(folder, page)
    assert sorted(folder.rglob("*")) == before


def test_nothing_is_left_of_a_refused_benchmark(tmp_path: Path, page: Path) -> None:
    samples = page_samples("one", "test", "en")
    samples[1] = samples[1].model_copy(update={"answer": "Z"})
    samples[2] = samples[2].model_copy(update={"id": samples[0].id})
    samples[3] = samples[3].model_copy(update={"image": "images/other.png"})
    with pytest.raises(BenchmarkError, match=r"3 defects(?s:.)*Nothing was changed"):
        write(tmp_path / "one", page, samples)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.png"]


def test_an_interrupted_rewrite_shows(tmp_path: Path) -> None:
    folder = make_benchmark(tmp_path / "small").folder
    with (folder / "samples.jsonl").open("ab") as file:  # as after a crash between samples.jsonl and benchmark.json
        file.write(b"\n")
    with pytest.raises(BenchmarkError, match="was changed"):
        load_benchmark(folder)
    make_benchmark(folder)
    assert validate(folder) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": []}, "no sample"),
        ({"images": {"../one.png": Path("x.png")}}, "no valid name"),
        ({"metadata": {"digest": "0"}}, "uses itself: digest"),
        ({"card": "---\nno end"}, "closed by ---"),
    ],
)
def test_bad_arguments(tmp_path: Path, page: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        write(tmp_path / "one", page, **changes)
    assert not (tmp_path / "one").exists()


def test_images_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(b"GIF89a no")
    with pytest.raises(BenchmarkError, match="no JPEG or PNG"):
        write(tmp_path / "one", tmp_path / "page.png")
    Image.new("1", (8000, 8000)).save(tmp_path / "page.png")
    with pytest.raises(BenchmarkError, match="more than the limit"):
        write(tmp_path / "one", tmp_path / "page.png")


def test_metadata_of_mixed_types_is_refused(tmp_path: Path, page: Path) -> None:
    samples = [
        s.model_copy(update={"metadata": {"place": {"row": value}}})
        for s, value in zip(page_samples("one", "test", "en"), (1, 2.5, None, "third", 1, 1, 1), strict=True)
    ]
    with pytest.raises(BenchmarkError, match=r"place\.row holds float64 in one place and string in another"):
        write(tmp_path / "one", page, samples)


def test_front_matter_of_the_card_is_kept(tmp_path: Path, page: Path) -> None:
    write(tmp_path / "one", page, card="---\nlicense: cc0-1.0\npretty_name: One\n---\n# One\n")
    text = (tmp_path / "one" / "README.md").read_text()
    _, front, body = text.split("---\n")
    assert yaml.safe_load(front).items() >= {"license": "cc0-1.0", "pretty_name": "One", "language": ["en"]}.items()
    assert body == "# One\n"


def test_file_modes_follow_the_umask(tmp_path: Path) -> None:
    folder = make_benchmark(tmp_path / "small").folder
    (tmp_path / "plain").write_text("")
    assert (folder / "samples.jsonl").stat().st_mode == (tmp_path / "plain").stat().st_mode
