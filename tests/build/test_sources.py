"""Reading annotated pages: the shipped sample, its original layout, and every defect that is reported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import comic_eval
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.errors import BenchmarkError

SAMPLE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"
PAGE = "pc_e17p02"


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def save(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two real pages in both languages, in the original layout (pages/, fr/pages/)."""
    target = tmp_path / "pages folder"
    for prefix, sub in (("", "en"), ("fr/", "fr")):
        entries = [e for e in load(SAMPLE / prefix / "manifest.json") if e["page_id"] in (PAGE, "pc_e22p04")]
        for entry in entries:
            name = f"{prefix}pages/{entry['page_id']}.jpg"
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SAMPLE / "images" / sub / f"{entry['page_id']}.jpg", target / name)
            entry["image"] = name
            labels = entry.get("annotation") or entry["texts"]
            save(target / labels, load(SAMPLE / labels))
        save(target / prefix / "manifest.json", entries)
    return target


def edit(path: Path, change: Callable[[Any], object]) -> None:
    value = load(path)
    change(value)
    save(path, value)


def test_the_sample() -> None:
    pages = read_pages(SAMPLE)
    assert [page.language for page in pages] == ["en"] * 40 + ["fr"] * 40
    english = pages[:40]
    assert sum(len(page.panels) for page in english) == 198
    assert sum(len(page.characters) for page in english) == 419
    assert sum(len(page.balloons) for page in english) == 279
    assert sum(len(page.questions) for page in english) == 258
    assert {page.book: page.split for page in english} == {
        **dict.fromkeys(("e03", "e04", "e06", "e11"), "train"),
        **dict.fromkeys(("e12", "e13"), "val"),
        **dict.fromkeys(("e17", "e19", "e21", "e22"), "test"),
    }
    for en, fr in zip(english, pages[40:], strict=True):
        assert (en.id, en.panels, en.characters, en.split) == (fr.id, fr.panels, fr.characters, fr.split)
        assert (en.image_name, fr.image_name) == (f"images/en/{en.id}.jpg", f"images/fr/{en.id}.jpg")
        assert en.image == SAMPLE / en.image_name
        assert fr.image == SAMPLE / fr.image_name
        assert en.license == fr.license == "CC-BY-4.0"
        assert "French version" in (fr.attribution or "")
        assert {q.author for q in en.questions} == {"AI-assisted"}


def test_the_sample_manifests_name_the_shipped_pictures_only() -> None:
    for prefix, sub in (("", "en"), ("fr", "fr")):
        entries = load(SAMPLE / prefix / "manifest.json")
        assert [e["image"] for e in entries] == [f"images/{sub}/{e['page_id']}.jpg" for e in entries]
        assert all("CC BY 4.0" in e["attribution"] for e in entries)


def test_french_pages_have_french_lettering_over_english_labels(folder: Path) -> None:
    pages = {(page.id, page.language): page for page in read_pages(folder)}
    en, fr = pages[PAGE, "en"], pages[PAGE, "fr"]
    assert (en.balloons[3].text, fr.balloons[3].text) == ("DRATS!", "ZUT !")
    assert (fr.balloons[3].speaker, fr.balloons[3].order, fr.balloons[3].kind) == ("c8", 4, "shout")
    assert fr.balloons[3].box != en.balloons[3].box
    assert fr.questions[1].question.startswith("Qu'est-ce que la sorcière maigre")
    assert len(fr.text_boxes) == len(fr.balloons) + 1  # one sound effect
    assert fr.balloons[0].text_box in fr.text_boxes


def test_original_and_shipped_layout_give_the_same_pages(folder: Path) -> None:
    shipped = {(page.id, page.language): page for page in read_pages(SAMPLE)}
    for page in read_pages(folder):
        same = shipped[page.id, page.language]
        assert page.model_copy(update={"image": same.image}) == same


def test_a_folder_without_french_pages(folder: Path) -> None:
    shutil.rmtree(folder / "fr")
    assert {page.language for page in read_pages(folder)} == {"en"}


def set_in(*keys: str | int, value: object) -> Callable[[Any], object]:
    def change(root: Any) -> None:
        for key in keys[:-1]:
            root = root[key]
        root[keys[-1]] = value

    return change


LABELS = f"annotations/{PAGE}.json"
TEXTS = f"fr/texts/{PAGE}.json"
DEFECTS = [
    (LABELS, set_in("panels", 2, "box", value=[10, 20, 5, 40]), "panels[2].box: a box needs x1 < x2"),
    (LABELS, set_in("panels", 2, "box", value=[10, 20, 5]), "a box has four numbers [x1, y1, x2, y2], not 3"),
    (LABELS, set_in("panels", 0, "box", value=[0, 0, 1241, 9]), "panels[0].box: [0, 0, 1241, 9] lies outside the page"),
    (LABELS, set_in("panels", 1, "order", value=1), "panels[].order: [1, 1, 3, 4, 5] is not 1 to 5"),
    (LABELS, set_in("panels", 1, "id", value="p1"), "panels[].id: 'p1' occurs twice"),
    (LABELS, set_in("panels", 1, "id", value="../p"), "panels[1].id: String should match pattern"),
    (LABELS, set_in("panels", value=[]), "panels: Tuple should have at least 1 item"),
    (LABELS, set_in("characters", 0, "panel", value="p9"), "characters[0].panel: there is no panel 'p9'"),
    (LABELS, set_in("characters", 1, "id", value="c1"), "characters[].id: 'c1' occurs twice"),
    (LABELS, set_in("characters", 1, "depth", value=0), "characters[1].depth: Input should be greater than"),
    (LABELS, set_in("characters", 1, "visible", value="legs"), "characters[1].visible: Input should be 'full'"),
    (LABELS, set_in("balloons", 1, "speaker", value="c99"), "balloons[1].speaker: there is no character 'c99'"),
    (LABELS, set_in("balloons", 1, "order", value=1), "balloons[].order: 1 occurs twice"),
    (LABELS, set_in("balloons", 0, "text_box", value=[0, 0, 9, 9999]), "balloons[0].text_box: [0, 0, 9, 9999] lies"),
    (LABELS, set_in("questions", 3, "answer", value=" "), "questions[3].answer: String should have at least 1"),
    (LABELS, set_in("questions", 3, "panel", value="p0"), "questions[3].panel: there is no panel 'p0'"),
    (LABELS, set_in("page_id", value="other"), f"page_id: is other, the manifest says {PAGE}"),
    (LABELS, set_in("split", value="train"), "split: is train, the manifest says test"),
    (LABELS, set_in("width", value=7), "width, height: differ from the manifest's 1240x1751"),
    (LABELS, lambda root: root.pop("panels"), "panels: Field required"),
    ("manifest.json", set_in(0, "image", value="../x.jpg"), "[0].image: the path '../x.jpg' leaves the folder"),
    ("manifest.json", set_in(0, "image", value="/etc/passwd"), "[0].image: the path '/etc/passwd' leaves the folder"),
    ("manifest.json", set_in(0, "image", value="pages/no.jpg"), "does not exist; add it, or correct its path"),
    ("manifest.json", set_in(0, "image", value="pages/no.tiff"), "no.tiff has no ending of .jpg"),
    ("manifest.json", set_in(0, "annotation", value="a/no.json"), "a/no.json: there is no such file"),
    ("manifest.json", set_in(0, "sha256", value="0" * 64), f"[0].image: the sha256 of {PAGE}.jpg is"),
    ("manifest.json", set_in(0, "width", value=1241), "is 1240x1751 pixels, the file says 1241x1751"),
    ("manifest.json", set_in(0, "page_id", value="pc_e22p04"), "[1].page_id: pc_e22p04 occurs twice"),
    ("manifest.json", set_in(0, "page_id", value="a/b"), "[0].page_id: String should match pattern"),
    ("manifest.json", lambda root: root[0].pop("episode"), "[0]: has neither episode nor book"),
    ("manifest.json", list.clear, "manifest.json: must be a list with one entry a page"),
    (TEXTS, lambda root: root["balloons"].pop(0), "balloons[].id: the ids differ from the English ones (b1)"),
    (TEXTS, set_in("balloons", 1, "id", value="b1"), "balloons[].id: 'b1' occurs twice"),
    (TEXTS, set_in("balloons", 1, "box", value=[0, 0, 9, 9999]), "balloons[1].box: [0, 0, 9, 9999] lies outside"),
    (TEXTS, lambda root: root["questions"].pop(), "questions[].panel: the questions do not ask about the panels"),
    (TEXTS, set_in("questions", 1, "guessable", value=True), "questions[].guessable: differ from the English"),
    (TEXTS, set_in("page_id", value="x"), f"page_id: is x, the manifest says {PAGE}"),
    ("fr/manifest.json", set_in(0, "page_id", value="new"), "[0].page_id: new is no usable English page"),
    ("fr/manifest.json", set_in(0, "texts", value="a\\b"), "leaves the folder"),
]


@pytest.mark.parametrize(("file", "change", "message"), DEFECTS, ids=[message[:50] for _, _, message in DEFECTS])
def test_a_defect_names_file_field_and_way_out(
    folder: Path, file: str, change: Callable[[Any], object], message: str
) -> None:
    edit(folder / file, change)
    with pytest.raises(BenchmarkError) as caught:
        read_pages(folder)
    assert message in str(caught.value)
    assert all("; " in line for line in str(caught.value).splitlines()[1:]), "a way out stands behind the semicolon"


def test_no_defect_hides_another(folder: Path) -> None:
    edit(folder / LABELS, set_in("panels", 0, "box", value=[0, 0, 5000, 9]))
    edit(folder / "annotations/pc_e22p04.json", set_in("panels", 0, "order", value=7))
    edit(folder / TEXTS, set_in("page_id", value="x"))
    with pytest.raises(BenchmarkError, match="3 defects") as caught:
        read_pages(folder)
    assert len(str(caught.value).splitlines()) == 4


def test_at_most_twenty_defects_are_shown_with_the_number_of_all(folder: Path) -> None:
    edit(folder / LABELS, lambda root: [c.update(panel="p9") for c in [*root["characters"] * 1, *root["balloons"]]])
    edit(folder / "annotations/pc_e22p04.json", lambda root: [b.update(panel="p9") for b in root["balloons"]])
    with pytest.raises(BenchmarkError, match="27 defects") as caught:
        read_pages(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == 22
    assert lines[-1].strip() == "... and 7 more"


def test_broken_files(folder: Path) -> None:
    (folder / LABELS).write_text('{"page_id": ', encoding="utf-8")
    (folder / "annotations/pc_e22p04.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(BenchmarkError) as caught:
        read_pages(folder)
    assert "is not valid JSON" in str(caught.value)
    assert "cannot be read" in str(caught.value)


def test_broken_and_oversized_pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(folder / "manifest.json", lambda root: [entry.pop("sha256") for entry in root])
    (folder / f"pages/{PAGE}.jpg").write_bytes(b"no picture")
    with pytest.raises(BenchmarkError, match="is no picture that can be read"):
        read_pages(folder)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(BenchmarkError, match="too many pixels"):
        read_pages(folder)


def test_a_picture_behind_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    shutil.move(folder / f"pages/{PAGE}.jpg", outside)
    (folder / f"pages/{PAGE}.jpg").symlink_to(outside)
    with pytest.raises(BenchmarkError, match="leaves the folder"):
        read_pages(folder)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"manifest\.json: there is no such file"):
        read_pages(tmp_path / "nowhere")
