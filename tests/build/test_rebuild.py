import json
import shutil

import pytest
import yaml
from support.pepper_carrot import FOLDER, pages, samples

from comic_eval.benchmark import load_benchmark
from comic_eval.benchmark.build import build_benchmark
from comic_eval.errors import BenchmarkError

GENERATED = ("samples.jsonl", "benchmark.json", "README.md")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rebuilt") / "out"
    seed = json.loads((FOLDER / "benchmark.json").read_text(encoding="utf-8"))["seed"]
    return build_benchmark(FOLDER, folder, seed=seed)


@pytest.mark.parametrize("name", GENERATED)
def test_building_the_bundled_pages_reproduces_the_bundled_files(rebuilt, name):
    assert (rebuilt.folder / name).read_bytes() == (FOLDER / name).read_bytes(), (
        f"{name} is stale: rebuild with `comic-eval data build comic_eval/data/pepper-carrot "
        "comic_eval/data/pepper-carrot --seed 0`"
    )


def test_images_are_copied_untouched(rebuilt):
    for page in pages():
        assert (rebuilt.folder / page.image_name).read_bytes() == page.image.read_bytes()


def test_the_bundled_benchmark_holds_what_the_builder_makes():
    benchmark = load_benchmark("pepper-carrot")
    assert benchmark.samples == samples()
    assert benchmark.metadata["seed"] == 0
    assert benchmark.metadata["attribution"].keys() == {p.image_name for p in pages()}


def test_a_folder_can_be_built_in_place_twice(tmp_path):
    folder = tmp_path / "pepper-carrot"
    shutil.copytree(FOLDER, folder)
    for name in GENERATED:
        (folder / name).unlink()
    first = build_benchmark(folder, folder)
    second = build_benchmark(folder, folder)
    assert first.digest == second.digest == load_benchmark("pepper-carrot").digest
    assert (folder / "manifest.json").is_file()


def test_another_seed_is_recorded_and_gives_another_digest(tmp_path, rebuilt):
    other = build_benchmark(FOLDER, tmp_path / "other", seed=7)
    assert other.metadata["seed"] == 7
    assert other.digest != rebuilt.digest


def test_the_card_states_what_a_reader_must_know(rebuilt):
    card = (rebuilt.folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en", "fr"]
    for text in (
        "not AI4VA-FG",
        "AI\n  assistance",
        "our variant",
        "| identity agreement | 0.987 |",
        "Known weak spots",
        "guessable",
        "**geometry**",
        "e17, e19, e21, e22",
    ):
        assert text in card
    for page in pages():
        assert page.attribution in card


def test_without_provenance_the_card_says_that_nothing_is_recorded(tmp_path):
    folder = tmp_path / "pages"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(*GENERATED, "PROVENANCE.md", "agreement.json"))
    build_benchmark(folder, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "not recorded" in card
    assert "Agreement" not in card


def test_a_broken_agreement_file_is_named(tmp_path):
    folder = tmp_path / "pages"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(*GENERATED))
    (folder / "agreement.json").write_text("{", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"agreement\.json is no JSON"):
        build_benchmark(folder, tmp_path / "out")
