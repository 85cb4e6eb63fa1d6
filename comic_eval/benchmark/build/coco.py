"""Reads annotated pages from a COCO-style file, as AI4VA has them, through a mapping that the user supplies.

**This was never tried on AI4VA's original files.** The keys are those that AI4VA's own scripts use; how its categories
are called and where it keeps identity, action and text is not public, which is why `CocoMapping` asks. It is tested on
files of this shape that are made from the Pepper&Carrot pages.

The file holds ``images`` (id, file_name, width, height), ``annotations`` (id, image_id, category_id, bbox, attributes)
and, where they have names, ``categories`` (id, name). ``bbox`` is ``[x, y, width, height]`` in page pixels.
``segmentation`` is not read, and may be ``[]`` or missing; ``attributes`` may be missing: such values are unknown.

Rules:

- A box may reach over the page's edge by one pixel and is clipped; more is a defect.
- A character or balloon belongs to the panel that holds the largest part of its box, and to the smallest of several
  that hold about as much (an inset in a panel), if that is at least half. A character's box is clipped at its panel. A
  balloon that no panel holds has no panel; for characters, ``outside`` in the mapping says what to do.
- Depth counts from 0 = nearest in the file and becomes rank 1. Where it is missing it is unknown, never 0.
- Reading order is that of the attribute, if the mapping names one: then every panel needs it, and a balloon without it
  has none. Else panels are ordered by `positions.reading_order` (cuts along gutters, rows first, from left to right),
  and balloons by their panels and in them by the same rule.
- An image without panels gives no page. There are no open questions in such a file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from comic_eval.benchmark.annotations import Balloon, Character, Page, Panel
from comic_eval.benchmark.build.coco_mapping import AttributeRole, CategoryRole, CocoMapping, SplitName, read_mapping
from comic_eval.benchmark.build.files import Defects, check_image, parse, read_json, resolve_inside
from comic_eval.benchmark.build.positions import reading_order
from comic_eval.types import Box

SLACK = 1.0  # pixels over the page's edge that count as rounding
MOST = 0.9  # of the largest part: a smaller panel that holds that much wins


class _Raw(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Image(_Raw):
    id: int | str
    file_name: str = Field(min_length=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class _Category(_Raw):
    id: int | str
    name: str


class _Annotation(_Raw):
    id: int | Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    attributes: dict[str, Any] = Field(default_factory=dict)

    @field_validator("attributes", mode="before")
    @classmethod
    def _missing(cls, value: object) -> object:
        return {} if value is None else value


class _Split(_Raw):
    split: SplitName


class _Item(_Raw):
    """An annotation whose box and attributes were checked."""

    id: str
    role: CategoryRole
    box: Box
    field: str
    values: dict[str, Any]


def read_coco(json_path: Path, images_dir: Path, mapping: CocoMapping | Path | str) -> list[Page]:
    """The pages of a COCO-style file, in the order of its images.

    Args:
        json_path: the annotation file.
        images_dir: the folder that the file names of the images are relative to.
        mapping: what categories and attributes mean, or the path of a file that says so.

    Raises:
        BenchmarkError: lists every defect with file, field and way out.
    """
    json_path, images_dir = Path(json_path), Path(images_dir)
    mapping = mapping if isinstance(mapping, CocoMapping) else read_mapping(Path(mapping))
    defects = Defects(json_path.parent)
    raw = read_json(json_path, defects)
    defects.raise_if_any()
    if not isinstance(raw, dict) or not all(isinstance(raw.get(k), list) for k in ("images", "annotations")):
        defects.add(json_path, "", "is no object with the lists images and annotations", "give a COCO-style file")
        defects.raise_if_any()
    reader = _Reader(json_path, images_dir, mapping, defects)
    pages = reader.read(raw)
    defects.raise_if_any()
    return pages


class _Reader:
    """One pass over one file; collects defects on the way."""

    def __init__(self, path: Path, images_dir: Path, mapping: CocoMapping, defects: Defects) -> None:
        self.path, self.images_dir, self.mapping, self.defects = path, images_dir, mapping, defects

    def read(self, raw: dict[str, Any]) -> list[Page]:
        images = self._list(raw["images"], _Image, "images")
        categories = self._list(raw.get("categories") or [], _Category, "categories")
        annotations = self._list(raw["annotations"], _Annotation, "annotations")
        for name, items in (("images", images), ("categories", categories), ("annotations", annotations)):
            ids = Counter(str(item.id) for item, _ in items)
            for value in sorted(value for value, count in ids.items() if count > 1):
                self._defect(f"{name}[].id", f"{value} occurs twice", "give each its own id")
        roles = self._roles([item for item, _ in categories], {str(item.category_id) for item, _ in annotations})
        self._check_attributes([item for item, _ in annotations])
        by_image: dict[str, list[_Item]] = {str(image.id): [] for image, _ in images}
        sizes = {str(image.id): (image.width, image.height) for image, _ in images}
        for annotation, field in annotations:
            image_id, role = str(annotation.image_id), roles.get(str(annotation.category_id))
            if image_id not in by_image:
                self._defect(f"{field}.image_id", f"there is no image {image_id}", "add the image or drop the box")
            elif role is not None and role != "ignore" and (box := self._box(annotation, field, sizes[image_id])):
                values = {r: annotation.attributes.get(name) for name, r in self.mapping.attributes.items()}
                item = _Item(id=str(annotation.id), role=role, box=box, field=field, values=values)
                by_image[image_id].append(item)
        pages: dict[str, Page] = {}
        for image, field in images:
            page = self._page(image, field, by_image[str(image.id)])
            if page is not None and page.id in pages:
                self._defect(f"{field}.file_name", f"gives the page id {page.id} again", "rename one of the pictures")
            elif page is not None:
                pages[page.id] = page
        return list(pages.values())

    def _list(self, raw: Any, model: type[Any], name: str) -> list[tuple[Any, str]]:
        values = raw if isinstance(raw, list) else []
        fields = [(value, f"{name}[{index}]") for index, value in enumerate(values)]
        parsed = [(parse(model, value, self.path, field, self.defects), field) for value, field in fields]
        return [(item, field) for item, field in parsed if item is not None]

    def _defect(self, field: str, problem: str, way_out: str) -> None:
        self.defects.add(self.path, field, problem, way_out)

    def _roles(self, categories: Sequence[_Category], used: set[str]) -> dict[str, CategoryRole]:
        """Category id -> role; every category that is used must be mapped, and every mapped one must be listed."""
        mapped = self.mapping.categories
        names = {str(category.id): category.name for category in categories} or {key: key for key in used}
        for key in sorted(set(mapped) - set(names.values()) - set(names)) if categories else ():
            known = ", ".join(sorted(names.values()))
            self._defect("categories", f"the mapping names {key!r}, the file has: {known}", "correct the mapping")
        roles: dict[str, CategoryRole] = {}
        for category in sorted(used):
            name = names.get(category)
            if name is None:
                self._defect("annotations[].category_id", f"{category} is not in categories", "add it there")
            elif (role := mapped.get(name) or mapped.get(category)) is None:
                way_out = "map it to panel, character, balloon, text or ignore"
                self._defect("categories", f"the mapping does not say what {name!r} (id {category}) is", way_out)
            else:
                roles[category] = role
        return roles

    def _check_attributes(self, annotations: Sequence[_Annotation]) -> None:
        present = {name for annotation in annotations for name in annotation.attributes}
        for name in sorted(set(self.mapping.attributes) - present):
            known = ", ".join(sorted(present)) or "none"
            problem = f"no annotation has the attribute {name!r} of the mapping (there are: {known})"
            self._defect("annotations[].attributes", problem, "correct the mapping")

    def _box(self, annotation: _Annotation, field: str, size: tuple[int, int]) -> Box | None:
        x, y, width, height = annotation.bbox
        place, shown = f"{field}.bbox", list(annotation.bbox)
        if not (width > 0 and height > 0):
            self._defect(place, f"{shown} has no area", "give [x, y, width, height] in page pixels, or drop the box")
            return None
        if min(x, y) < -SLACK or x + width > size[0] + SLACK or y + height > size[1] + SLACK:
            problem = f"{shown} lies outside the page of {size[0]}x{size[1]} pixels"
            self._defect(place, problem, "give [x, y, width, height] in page pixels")
            return None
        clipped = (max(x, 0.0), max(y, 0.0), min(x + width, size[0]), min(y + height, size[1]))
        box: dict[str, float] = dict(zip(("x1", "y1", "x2", "y2"), clipped, strict=True))
        return parse(Box, box, self.path, place, self.defects)

    def _page(self, image: _Image, field: str, items: Sequence[_Item]) -> Page | None:
        path = resolve_inside(self.images_dir, image.file_name, self.path, f"{field}.file_name", self.defects)
        if path is None:
            return None
        check_image(path, (image.width, image.height), None, self.path, f"{field}.file_name", self.defects)
        split = self._split(image, field)
        panels = self._panels(image, [item for item in items if item.role == "panel"])
        characters = self._characters([item for item in items if item.role == "character"], panels)
        balloons = self._balloons([item for item in items if item.role == "balloon"], panels)
        if not panels or split is None:
            return None
        stem = PurePosixPath(image.file_name).stem
        page_id = re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip("._-") or "page"
        book = re.search(self.mapping.book_pattern, stem)
        lettering = (*(b.box for b in balloons), *(item.box for item in items if item.role == "text"))
        return Page(
            id=page_id,
            language=self.mapping.language,
            book=book["book"] if book else stem,
            split=split,
            image=path.resolve(),
            image_name=f"images/{self.mapping.language}/{page_id}{path.suffix.lower()}",
            width=image.width,
            height=image.height,
            panels=tuple(panels),
            characters=tuple(characters),
            balloons=tuple(balloons),
            text_boxes=lettering,
            source=self.mapping.source,
            license=self.mapping.license,
            attribution=self.mapping.attribution,
        )

    def _split(self, image: _Image, field: str) -> str | None:
        match = re.search(self.mapping.split_pattern, image.file_name) if self.mapping.split_pattern else None
        value = {"split": match["split"] if match else self.mapping.default_split}
        split = parse(_Split, value, self.path, f"{field}.file_name", self.defects)
        return split.split if split else None

    def _panels(self, image: _Image, items: Sequence[_Item]) -> list[Panel]:
        """Panels numbered from 1 in reading order."""
        if self.mapping.attribute("order") is None:
            ranked = [items[i] for i in reading_order([item.box for item in items])]
        else:
            orders = [self._integer(item, "order") for item in items]
            if None in orders or len(set(orders)) < len(orders):
                problem = f"the panels of {image.file_name} have the orders {orders}"
                self._defect("annotations[].attributes", problem, "number every panel once, or map no order")
                return []
            ranked = [item for _, item in sorted(zip(orders, items, strict=True), key=lambda pair: pair[0] or 0)]
        return [Panel(id=f"p{item.id}", order=place, box=item.box) for place, item in enumerate(ranked, 1)]

    def _characters(self, items: Sequence[_Item], panels: Sequence[Panel]) -> list[Character]:
        characters = []
        for item in items:
            depth = self._integer(item, "depth")
            panel = holder(item.box, panels)
            if panel is None:
                if self.mapping.outside == "error":
                    problem = "less than half of the character lies in any panel"
                    self._defect(f"{item.field}.bbox", problem, "correct the box, or set outside: drop in the mapping")
                continue
            character = Character(
                id=f"c{item.id}",
                panel=panel.id,
                identity=self._text(item, "identity"),
                box=_clipped(item.box, panel.box),
                action=self._text(item, "action"),
                also=self._labels(item),
                depth=None if depth is None else depth + 1,
            )
            characters.append(character)
        return characters

    def _balloons(self, items: Sequence[_Item], panels: Sequence[Panel]) -> list[Balloon]:
        holders = [holder(item.box, panels) for item in items]
        orders: dict[str, int | None] = {}
        if self.mapping.attribute("order") is not None:
            orders = {item.id: self._integer(item, "order") for item in items}
        else:
            for panel in panels:
                inside = [item for item, found in zip(items, holders, strict=True) if found is panel]
                ranked = [inside[i] for i in reading_order([item.box for item in inside])]
                orders |= {item.id: len(orders) + place for place, item in enumerate(ranked, 1)}
        return [
            Balloon(
                id=f"b{item.id}",
                order=orders.get(item.id),
                panel=panel.id if panel else None,
                box=item.box,
                text=self._text(item, "text") or "",
                kind=self._text(item, "kind"),
            )
            for item, panel in zip(items, holders, strict=True)
        ]

    def _value(self, item: _Item, role: AttributeRole) -> Any:
        value = item.values.get(role)
        return None if value is None or str(value).strip().lower() in self.mapping.unknown_values else value

    def _text(self, item: _Item, role: AttributeRole) -> str | None:
        value = self._value(item, role)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self._bad(item, role, value, "give a text")
        return None

    def _integer(self, item: _Item, role: AttributeRole) -> int | None:
        """A whole number from 0, also where the file has it as text; None where it is unknown."""
        value = self._value(item, role)
        text = str(value).strip().removesuffix(".0")
        if value is None:
            return None
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            self._bad(item, role, value, "give a whole number from 0, or name the value in unknown_values")
            return None
        return int(text)

    def _labels(self, item: _Item) -> tuple[str, ...]:
        value = self._value(item, "also")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            self._bad(item, "also", value, "give a list of texts")
            return ()
        return tuple(value)

    def _bad(self, item: _Item, role: AttributeRole, value: object, way_out: str) -> None:
        place = f"{item.field}.attributes.{self.mapping.attribute(role)}"
        self._defect(place, f"{value!r} cannot be read as {role}", way_out)


def holder(box: Box, panels: Sequence[Panel]) -> Panel | None:
    """The panel that ``box`` belongs to; None if no panel holds at least half of it."""
    shares = [(panel.box.intersection(box) / box.area, panel) for panel in panels]
    most = max((share for share, _ in shares), default=0.0)
    if most < 0.5:
        return None
    return min((panel for share, panel in shares if share >= MOST * most), key=lambda panel: panel.box.area)


def _clipped(box: Box, panel: Box) -> Box:
    return Box(x1=max(box.x1, panel.x1), y1=max(box.y1, panel.y1), x2=min(box.x2, panel.x2), y2=min(box.y2, panel.y2))
