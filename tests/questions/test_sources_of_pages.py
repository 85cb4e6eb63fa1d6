"""Questions for French pages and for COCO-style files, which become a folder in our own format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from support.mock_openai import MockOpenAI
from support.pepper_carrot import pages as sample_pages
from support.question_writer import OTHER, PAGE, TETE, TIENT, Writer, as_json, copy_pages, step_of

from comic_eval.benchmark import load_benchmark, validate
from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.build.coco import read_coco
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.cli import main
from comic_eval.errors import BenchmarkError
from comic_eval.types import Box

CATEGORIES = {"Panel": "panel", "Character": "character", "Balloon": "balloon", "Onomatopoeia": "text"}
ATTRIBUTES = {"Name": "identity", "Action": "action", "Interdepth": "depth", "Transcription": "text", "Order": "order"}
FRENCH = Writer({"questions": as_json(TIENT, TETE), "caption": "Une sorcière tient un sac rouge."})


def call(*arguments: str | Path, server: MockOpenAI) -> Result:
    options = ["--model", "openai:gpt-4o-mini", "--base-url", server.base_url, "--blind-attempts", "1", "--no-cache"]
    runner = CliRunner(env={"OPENAI_API_KEY": "sk-of-nobody"})
    return runner.invoke(main, ["data", "questions", *map(str, arguments), *options])


def to_coco(pages: list[Page]) -> dict[str, Any]:
    """The pages in AI4VA's shape."""
    annotations: list[dict[str, Any]] = []

    def add(image: int, category: int, box: Box, **attributes: Any) -> None:
        known = {name: value for name, value in attributes.items() if value is not None}
        place = {"id": len(annotations) + 1, "image_id": image, "category_id": category}
        annotations.append(place | {"bbox": [box.x1, box.y1, box.width, box.height], "attributes": known})

    for image, page in enumerate(pages, 1):
        for panel in page.panels:
            add(image, 1, panel.box, Order=panel.order)
        for c in page.characters:
            add(image, 2, c.box, Name=c.identity, Action=c.action, Interdepth=None if c.depth is None else c.depth - 1)
        for b in page.balloons:
            add(image, 3, b.box, Transcription=b.text, Order=b.order)
        for box in page.text_boxes[len(page.balloons) :]:
            add(image, 4, box)
    return {
        "images": [
            {"id": i, "file_name": p.image.name, "width": p.width, "height": p.height} for i, p in enumerate(pages, 1)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, 1)],
        "annotations": annotations,
    }


def write_coco(folder: Path, language: str) -> Path:
    """Two pages with their pictures in AI4VA's shape, and a mapping."""
    folder.mkdir()
    chosen = [p for p in sample_pages() if p.language == language and p.id in (PAGE, OTHER)]
    for page in chosen:
        shutil.copyfile(page.image, folder / page.image.name)
    (folder / "annotations.json").write_text(json.dumps(to_coco(chosen)), encoding="utf-8")
    mapping = {
        "categories": CATEGORIES,
        "attributes": ATTRIBUTES,
        "language": language,
        "book_pattern": r"^(?P<book>.+)p\d+$",
        "license": "CC-BY-4.0",
        "attribution": "David Revoy",
    }
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return folder


@pytest.mark.parametrize("language", ["en", "fr"])
def test_coco_pages_become_a_folder_of_ours_with_questions(tmp_path: Path, language: str) -> None:
    folder, out = write_coco(tmp_path / "coco", language), tmp_path / "out"
    coco = ("--coco", folder / "annotations.json", "--mapping", folder / "mapping.yaml")
    writer = FRENCH if language == "fr" else Writer()
    with MockOpenAI(writer) as server:
        done = call(folder, out, *coco, server=server)
        assert done.exit_code == 0, done.output
        assert "translation" not in {step_of(r) for r in server.requests}
        asked = len(server.requests)
        assert call(folder, out, *coco, server=server).exit_code == 0
        assert len(server.requests) == asked
    read = {page.id: page for page in read_pages(out)}
    for page in read_coco(folder / "annotations.json", folder, folder / "mapping.yaml"):
        mine = read[page.id]
        assert len(mine.questions) == 2
        assert mine.model_copy(update={"image": page.image, "questions": ()}) == page
    built = CliRunner().invoke(main, ["data", "build", str(out), str(tmp_path / "benchmark")])
    assert built.exit_code == 0, built.output
    assert validate(tmp_path / "benchmark") == []
    open_questions = [s for s in load_benchmark(tmp_path / "benchmark").samples if s.task == "panel_understanding"]
    assert {(s.language, s.id.endswith(f"-{language}")) for s in open_questions} == {(language, True)}


def test_coco_balloons_with_one_order_are_refused(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "coco", "en")
    path = folder / "annotations.json"
    labels: dict[str, Any] = json.loads(path.read_text())
    for annotation in labels["annotations"]:
        if annotation["category_id"] == 3:
            annotation["attributes"]["Order"] = 1
    path.write_text(json.dumps(labels))
    with MockOpenAI() as server:
        done = call(folder, tmp_path / "out", "--coco", path, "--mapping", folder / "mapping.yaml", server=server)
    assert done.exit_code == 2
    assert "several balloons have the order 1; number them over the whole page" in done.output


def test_coco_needs_a_mapping(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "coco", "en")
    with MockOpenAI() as server:
        done = call(folder, tmp_path / "out", "--coco", folder / "annotations.json", server=server)
    assert done.exit_code == 2
    assert "--coco and --mapping go together" in done.output


def french_only(folder: Path) -> Path:
    """A folder whose main manifest holds a page in French."""
    copy_pages(folder, french=False)
    entries = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps([entry | {"language": "fr"} for entry in entries]))
    return folder


def test_pages_in_french_alone_get_french_questions(tmp_path: Path) -> None:
    with MockOpenAI(FRENCH) as server:
        done = call(french_only(tmp_path / "pages"), tmp_path / "out", server=server)
        assert done.exit_code == 0, done.output
        assert all("case de bande dessinée" in r.text for r in server.requests if step_of(r) == "caption")
    (page,) = read_pages(tmp_path / "out")
    assert page.language == "fr"
    assert page.image_name == f"images/fr/{PAGE}.jpg"
    assert [q.question for q in page.questions] == [TIENT["question"], TETE["question"]]


def test_a_french_page_of_the_main_manifest_has_no_second_version(tmp_path: Path) -> None:
    folder = copy_pages(tmp_path / "pages")
    french_only(folder)
    with pytest.raises(BenchmarkError, match="is a French page of the main manifest already; list it once"):
        read_pages(folder)
