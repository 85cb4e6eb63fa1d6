"""COCO-style files of AI4VA's shape, made from the Pepper&Carrot pages and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comic_eval
from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.build.assemble import build_samples
from comic_eval.benchmark.build.coco import holder, read_coco
from comic_eval.benchmark.build.coco_mapping import CocoMapping, read_mapping
from comic_eval.benchmark.build.sources import read_pages
from comic_eval.errors import BenchmarkError
from comic_eval.types import Box

SAMPLE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"
IMAGES = SAMPLE / "images" / "en"
CATEGORIES = {"Panel": "panel", "Character": "character", "Balloon": "balloon", "Onomatopoeia": "text"}
ATTRIBUTES = {
    "Name": "identity",
    "Action": "action",
    "Alternatives": "also",
    "Interdepth": "depth",
    "Transcription": "text",
    "Type": "kind",
    "Order": "order",
}
MAPPING = CocoMapping.model_validate(
    {
        "categories": CATEGORIES,
        "attributes": ATTRIBUTES,
        "language": "en",
        "book_pattern": r"^(?P<book>.+)p\d+$",
        "license": "CC-BY-4.0",
    }
)
NO_ORDER = MAPPING.model_copy(
    update={"attributes": {name: role for name, role in MAPPING.attributes.items() if role != "order"}}
)


def english() -> list[Page]:
    return [page for page in read_pages(SAMPLE) if page.language == "en"]


def to_coco(pages: list[Page]) -> dict[str, Any]:
    """The pages in the shape of AI4VA's files: depth from 0, left out where unknown; segmentation present but empty."""
    ids = {name: number for number, name in enumerate(CATEGORIES, 1)}
    annotations: list[dict[str, Any]] = []

    def add(image_id: int, category: str, box: Box, attributes: dict[str, Any]) -> None:
        known = {name: value for name, value in attributes.items() if value not in (None, ())}
        item = {
            "id": len(annotations) + 1,
            "image_id": image_id,
            "category_id": ids[category],
            "bbox": [box.x1, box.y1, box.width, box.height],
            "segmentation": [],
        }
        annotations.append({**item, "attributes": known} if known else item)

    for image_id, page in enumerate(pages, 1):
        for panel in page.panels:
            add(image_id, "Panel", panel.box, {"Order": panel.order})
        for c in page.characters:
            depth = {} if c.depth is None else {"Interdepth": c.depth - 1, "Intradepth": 0}
            labels = {"Name": c.identity, "Action": c.action, "Alternatives": c.also}
            add(image_id, "Character", c.box, labels | depth)
        for b in page.balloons:
            add(image_id, "Balloon", b.box, {"Transcription": b.text, "Type": b.kind, "Order": b.order})
        for box in page.text_boxes[len(page.balloons) :]:
            add(image_id, "Onomatopoeia", box, {})
    return {
        "images": [
            {"id": i, "file_name": page.image.name, "width": page.width, "height": page.height}
            for i, page in enumerate(pages, 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": annotations,
    }


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def two_pages() -> dict[str, Any]:
    return to_coco([page for page in english() if page.id in ("pc_e17p02", "pc_e22p04")])


def test_round_trip_of_all_sample_pages(tmp_path: Path) -> None:
    path = write(tmp_path / "train-annotations.json", to_coco(english()))
    for page, same in zip(read_coco(path, IMAGES, MAPPING), english(), strict=True):
        assert (page.id, page.image, page.image_name) == (same.id, same.image, same.image_name)
        assert (page.width, page.height, page.license) == (same.width, same.height, "CC-BY-4.0")
        assert page.book == f"pc_{same.book}"
        assert [(p.order, p.box) for p in page.panels] == [(p.order, p.box) for p in same.panels]
        for got, want in zip(page.characters, same.characters, strict=True):
            assert panel_box(page, got.panel) == panel_box(same, want.panel)
            fields = {"box", "identity", "action", "also", "depth"}
            assert got.model_dump(include=fields) == want.model_dump(include=fields)
        bridging = 0
        for balloon, source in zip(page.balloons, same.balloons, strict=True):
            assert balloon.model_dump(include={"box", "text", "kind", "order"}) == source.model_dump(
                include={"box", "text", "kind", "order"}
            )
            bridging += panel_box(page, balloon.panel) != panel_box(same, source.panel)
        assert bridging <= 1, "only a balloon that bridges two panels may be held by the other one"
        assert page.text_boxes[len(page.balloons) :] == same.text_boxes[len(same.balloons) :]


def panel_box(page: Page, panel_id: str | None) -> Box | None:
    return next((panel.box for panel in page.panels if panel.id == panel_id), None)


def test_reading_order_is_computed_where_the_mapping_names_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", to_coco(english()))
    differing = 0
    for page, same in zip(read_coco(path, IMAGES, NO_ORDER), english(), strict=True):
        assert [p.box for p in page.panels] == [p.box for p in same.panels]
        ranked = sorted((b for b in page.balloons if b.order is not None), key=lambda b: b.order or 0)
        assert [b.order for b in ranked] == list(range(1, len(ranked) + 1))
        held = {balloon.box for balloon in ranked}
        assert len(held) >= len(page.balloons) - 1
        by_labels = [b.box for b in sorted(same.balloons, key=lambda b: b.order or 0) if b.box in held]
        differing += [b.box for b in ranked] != by_labels
    # The computed order is a guess where balloons of one panel stand right above left.
    assert differing <= 8, differing


def test_the_builder_makes_samples_of_it(tmp_path: Path, two_pages: dict[str, Any]) -> None:
    samples = build_samples(read_coco(write(tmp_path / "a.json", two_pages), IMAGES, MAPPING), seed=0)
    assert {sample.task for sample in samples} >= {"dialog_reordering", "panel_reordering", "action_recognition"}
    assert {sample.split for sample in samples} == {"test"}


def test_missing_attributes_are_unknown_and_not_zero(tmp_path: Path, two_pages: dict[str, Any]) -> None:
    for annotation in two_pages["annotations"]:
        annotation.pop("segmentation")
        if annotation["category_id"] == 2:
            annotation["attributes"] = None if annotation["id"] % 2 else {"Interdepth": "0", "Name": "Unknown"}
    characters = [
        c for page in read_coco(write(tmp_path / "a.json", two_pages), IMAGES, loose()) for c in page.characters
    ]
    assert {c.depth for c in characters} == {None, 1}
    assert {c.identity for c in characters} == {None}


def loose() -> CocoMapping:
    """Without the attributes that the test above takes away."""
    gone = ("Action", "Alternatives")
    return MAPPING.model_copy(update={"attributes": {k: v for k, v in MAPPING.attributes.items() if k not in gone}})


def test_files_without_a_list_of_categories_are_mapped_by_id(tmp_path: Path, two_pages: dict[str, Any]) -> None:
    named = read_coco(write(tmp_path / "a.json", two_pages), IMAGES, MAPPING)
    del two_pages["categories"]
    by_id = CocoMapping.model_validate(
        MAPPING.model_dump() | {"categories": {1: "panel", 2: "character", 3: "balloon", 4: "text", 9: "ignore"}}
    )
    assert read_coco(write(tmp_path / "b.json", two_pages), IMAGES, by_id) == named


def test_split_and_book_come_from_the_file_name_or_from_safe_defaults(
    tmp_path: Path, two_pages: dict[str, Any]
) -> None:
    path = write(tmp_path / "a.json", two_pages)
    rules = {"split_pattern": r"_(?P<split>e17)", "default_split": "val", "book_pattern": r"(?P<book>e\d+)p"}
    pages = read_coco(path, IMAGES, MAPPING.model_copy(update=rules))
    assert [(page.split, page.book) for page in pages] == [("e17", "e17"), ("val", "e22")]
    plain = CocoMapping(categories=MAPPING.categories)
    assert [(page.split, page.book, page.language) for page in read_coco(path, IMAGES, plain)] == [
        ("test", "pc_e17p02", "fr"),
        ("test", "pc_e22p04", "fr"),
    ]


def test_the_default_book_of_ai4va_names(tmp_path: Path, two_pages: dict[str, Any]) -> None:
    images = tmp_path / "images" / "train"
    images.mkdir(parents=True)
    for number, image in enumerate(two_pages["images"], 3):
        name = f"Vaillant_0042_1946_05_0{number % 2}-{number:02d}.jpg"
        (images / name).write_bytes((IMAGES / image["file_name"]).read_bytes())
        image["file_name"] = f"train/{name}"
    pages = read_coco(
        write(tmp_path / "a.json", two_pages),
        tmp_path / "images",
        MAPPING.model_copy(update={"book_pattern": CocoMapping(categories=MAPPING.categories).book_pattern}),
    )
    assert [page.book for page in pages] == ["Vaillant_0042_1946_05_01", "Vaillant_0042_1946_05_00"]
    assert [page.id for page in pages] == ["Vaillant_0042_1946_05_01-03", "Vaillant_0042_1946_05_00-04"]


def test_images_without_panels_give_no_page_and_stray_characters_can_be_dropped(
    tmp_path: Path, two_pages: dict[str, Any]
) -> None:
    two_pages["annotations"] = [
        a for a in two_pages["annotations"] if not (a["image_id"] == 1 and a["category_id"] == 1)
    ]
    path = write(tmp_path / "a.json", two_pages)
    with pytest.raises(BenchmarkError, match="11 defects") as caught:
        read_coco(path, IMAGES, MAPPING)
    assert "less than half of the character lies in any panel; correct the box, or set outside: drop" in str(
        caught.value
    )
    (page,) = read_coco(path, IMAGES, MAPPING.model_copy(update={"outside": "drop"}))
    assert page.id == "pc_e22p04"


def test_an_inset_holds_what_lies_in_it() -> None:
    large = Panel(id="p1", order=1, box=Box(x1=0, y1=0, x2=100, y2=100))
    inset = Panel(id="p2", order=2, box=Box(x1=60, y1=60, x2=95, y2=95))
    assert holder(Box(x1=65, y1=65, x2=80, y2=90), [large, inset]) == inset
    assert holder(Box(x1=30, y1=65, x2=80, y2=90), [large, inset]) == large
    assert holder(Box(x1=90, y1=0, x2=120, y2=20), [large, inset]) is None


def at(*keys: str | int, value: Any) -> Callable[[Any], None]:
    def change(root: Any) -> None:
        for key in keys[:-1]:
            root = root[key]
        root[keys[-1]] = value

    return change


DEFECTS = [
    (at("annotations", 0, "category_id", value=77), "annotations[].category_id: 77 is not in categories"),
    (at("categories", 0, "name", value="Case"), "the mapping does not say what 'Case' (id 1) is; map it to panel"),
    (at("categories", 0, "name", value="Case"), "the mapping names 'Panel', the file has: Balloon, Case"),
    (at("annotations", 1, "id", value=1), "annotations[].id: 1 occurs twice"),
    (at("images", 1, "id", value=1), "images[].id: 1 occurs twice"),
    (at("categories", 1, "id", value=1), "categories[].id: 1 occurs twice"),
    (at("annotations", 5, "image_id", value=9), "annotations[5].image_id: there is no image 9"),
    (at("annotations", 5, "bbox", value=[-5, 0, 10, 10]), "annotations[5].bbox: [-5.0, 0.0, 10.0, 10.0] lies outside"),
    (at("annotations", 5, "bbox", value=[5, 0, 0, 10]), "annotations[5].bbox: [5.0, 0.0, 0.0, 10.0] has no area"),
    (at("annotations", 5, "bbox", value=[5, 0, 10]), "annotations[5].bbox[3]: Field required"),
    (at("annotations", 5, "bbox", value=[float("nan"), 0, 5, 5]), "annotations[5].bbox"),
    (
        at("annotations", 5, "attributes", value={"Interdepth": -1}),
        "annotations[5].attributes.Interdepth: -1 cannot be",
    ),
    (at("annotations", 5, "attributes", value={"Interdepth": 0.5}), "0.5 cannot be read as depth; give a whole number"),
    (at("annotations", 5, "attributes", value={"Interdepth": True}), "True cannot be read as depth"),
    (at("annotations", 5, "attributes", value={"Name": ["a"]}), "['a'] cannot be read as identity; give a text"),
    (at("annotations", 5, "attributes", value={"Alternatives": "a"}), "'a' cannot be read as also; give a list"),
    (at("annotations", 0, "attributes", value={"Order": 2}), "the panels of pc_e17p02.jpg have the orders [2, 2, 3"),
    (at("annotations", 0, "attributes", value={}), "the orders [None, 2, 3, 4, 5]; number every panel once"),
    (at("annotations", 0, "id", value="A/1"), "annotations[0].id"),
    (at("images", 0, "file_name", value="no.jpg"), "images[0].file_name: the picture"),
    (at("images", 0, "file_name", value="../en/pc_e17p02.jpg"), "images[0].file_name: the path"),
    (at("images", 0, "file_name", value="pc_e22p04.jpg"), "images[1].file_name: gives the page id pc_e22p04 again"),
    (at("images", 0, "width", value=1000), "is 1240x1751 pixels, the file says 1000x1751"),
    (at("annotations", value={}), "is no object with the lists images and annotations"),
]


@pytest.mark.parametrize(("change", "message"), DEFECTS, ids=[message[:60] for _, message in DEFECTS])
def test_defects_name_file_field_and_way_out(
    tmp_path: Path, two_pages: dict[str, Any], change: Callable[[Any], None], message: str
) -> None:
    change(two_pages)
    with pytest.raises(BenchmarkError) as caught:
        read_coco(write(tmp_path / "a.json", two_pages), IMAGES, MAPPING)
    assert message in str(caught.value)
    assert "a.json" in str(caught.value)


def test_an_attribute_that_no_annotation_has_is_a_mistake_in_the_mapping(
    tmp_path: Path, two_pages: dict[str, Any]
) -> None:
    wrong = MAPPING.model_copy(update={"attributes": {"Identity": "identity"}})
    with pytest.raises(BenchmarkError, match=r"no annotation has the attribute 'Identity' .*Interdepth.*correct"):
        read_coco(write(tmp_path / "a.json", two_pages), IMAGES, wrong)


def test_mapping_files(tmp_path: Path) -> None:
    yaml_file = tmp_path / "mapping.yaml"
    yaml_file.write_text(
        "categories:\n  Panel: panel\n  2: character\nattributes:\n  Interdepth: depth\n", encoding="utf-8"
    )
    mapping = read_mapping(yaml_file)
    assert mapping.categories == {"Panel": "panel", "2": "character"}
    assert mapping.attribute("depth") == "Interdepth"
    assert mapping.attribute("text") is None
    json_file = write(tmp_path / "mapping.json", mapping.model_dump(mode="json"))
    assert read_mapping(json_file) == mapping


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categories: {Panel: frame}", "categories.Panel: Input should be 'panel'"),
        ("categories: {Balloon: balloon}", "at least one category to panel"),
        ("categories: {P: panel}\nattributes: {a: depth, b: depth}", "more than one attribute to depth"),
        ("categories: {P: panel}\nsplit_pattern: '('", "split_pattern: is no regular expression"),
        ("categories: {P: panel}\nbook_pattern: abc", "book_pattern needs a group (?P<book>...)"),
        ("categories: {P: panel}\nsplits: x", "splits: Extra inputs are not permitted"),
        ("categories: {P: panel}\ndefault_split: Train/1", "default_split: String should match pattern"),
        ("- a", "mapping: Input should be a valid dictionary"),
        ("a: [", "is no readable YAML or JSON"),
    ],
)
def test_mistakes_in_a_mapping_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchmarkError) as caught:
        read_mapping(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_mapping_file_that_does_not_exist(tmp_path: Path, two_pages: dict[str, Any]) -> None:
    with pytest.raises(BenchmarkError, match="there is no such mapping file"):
        read_coco(write(tmp_path / "a.json", two_pages), IMAGES, tmp_path / "none.yaml")
