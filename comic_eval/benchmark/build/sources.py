"""Reads annotated pages from a folder in our own format (`read_pages`).

The folder holds::

    manifest.json             a list, one entry a page: page_id, image, annotation, split, episode (or book), width,
                              height, and optionally sha256, license, attribution, source, language (en unless it
                              says fr)
    annotations/PAGE.json     panels, characters, balloons, other_text (lettering outside balloons), questions
    fr/manifest.json          optional; the same page in French: page_id, image, texts, sha256, license, ...
    fr/texts/PAGE.json        French text and boxes under the ids of the English balloons, and the questions in French,
                              one for one in the order of the English ones

Paths are relative to the folder. Boxes are ``[x1, y1, x2, y2]`` in page pixels. Both languages of a page have one size
and one split; panels, characters, reading order and speakers of the French page are those of the English one. A
question without ``author`` counts as AI-assisted, which is the weaker claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from comic_eval.benchmark.annotations import Balloon, Character, OpenQuestion, Page, Panel
from comic_eval.benchmark.build.files import Defects, check_image, parse, read_json, resolve_inside
from comic_eval.types import Box, Language

DEFAULT_AUTHOR = "AI-assisted"

PageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
LocalId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Raw(BaseModel):
    """A part of a file; keys that the builder does not use are allowed."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Entry(_Raw):
    page_id: PageId
    image: str
    sha256: str | None = None
    license: str | None = None
    attribution: str | None = None
    source: str | None = None


E = TypeVar("E", bound=_Entry)


class _EnglishEntry(_Entry):
    """A page of the main manifest. It may be in French too: then it has no second version."""

    language: Language = "en"
    annotation: str
    split: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    episode: int | None = None
    book: str | None = None
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class _FrenchEntry(_Entry):
    texts: str


class _Panel(_Raw):
    id: LocalId
    order: int = Field(ge=1)
    box: Box


class _Character(_Raw):
    id: LocalId
    panel: str
    identity: str | None = None
    box: Box
    action: str | None = None
    also: tuple[str, ...] = ()
    depth: int | None = Field(default=None, ge=1)
    visible: Literal["full", "partial", "head"] | None = None


class _Lettering(_Raw):
    id: LocalId
    text: str
    box: Box
    text_box: Box | None = None


class _Balloon(_Lettering):
    order: int | None = None
    panel: str | None = None
    speaker: str | None = None
    kind: str | None = None


class _OtherText(_Raw):
    box: Box


class _Question(_Raw):
    panel: str
    question: Text
    answer: Text
    facts: tuple[Text, ...] = ()
    guessable: bool = False
    author: str = DEFAULT_AUTHOR
    metadata: dict[str, str] = Field(default_factory=dict)


class _Annotation(_Raw):
    page_id: str
    split: str | None = None
    width: int
    height: int
    panels: tuple[_Panel, ...] = Field(min_length=1)
    characters: tuple[_Character, ...] = ()
    balloons: tuple[_Balloon, ...] = ()
    other_text: tuple[_OtherText, ...] = ()
    questions: tuple[_Question, ...] = ()


class _FrenchTexts(_Raw):
    page_id: str
    balloons: tuple[_Lettering, ...] = ()
    other_text: tuple[_OtherText, ...] = ()
    questions: tuple[_Question, ...] = ()


def read_pages(folder: Path) -> list[Page]:
    """The pages of ``folder``: first all English ones in the manifest's order, then the French ones in theirs.

    Raises:
        BenchmarkError: lists every defect of the folder with file, field and way out.
    """
    folder = Path(folder)
    defects = Defects(folder)
    english = _read_english(folder, defects)
    french = _read_french(folder, english, defects) if (folder / "fr" / "manifest.json").exists() else []
    defects.raise_if_any()
    return [page for page, _ in english.values()] + french


def _read_english(folder: Path, defects: Defects) -> dict[str, tuple[Page, _Annotation]]:
    """Pages by id; those with a defect that leaves nothing to build on are missing."""
    manifest = folder / "manifest.json"
    pages: dict[str, tuple[Page, _Annotation]] = {}
    for entry, field in _entries(manifest, _EnglishEntry, defects):
        image = resolve_inside(folder, entry.image, manifest, f"{field}.image", defects)
        path = resolve_inside(folder, entry.annotation, manifest, f"{field}.annotation", defects)
        if entry.book is None and entry.episode is None:
            defects.add(manifest, field, "has neither episode nor book", "add one: pages of one book share a split")
        if image is not None:
            size = (entry.width, entry.height)
            check_image(image, size, entry.sha256, manifest, f"{field}.image", defects)
        raw = None if path is None else read_json(path, defects)
        labels = None if raw is None or path is None else parse(_Annotation, raw, path, "", defects)
        if image is None or labels is None or path is None:
            continue
        _check_annotation(labels, entry, path, defects)
        pages[entry.page_id] = (_english_page(entry, image, labels), labels)
    return pages


def _read_french(folder: Path, english: dict[str, tuple[Page, _Annotation]], defects: Defects) -> list[Page]:
    manifest = folder / "fr" / "manifest.json"
    pages = []
    for entry, field in _entries(manifest, _FrenchEntry, defects):
        image = resolve_inside(folder, entry.image, manifest, f"{field}.image", defects)
        path = resolve_inside(folder, entry.texts, manifest, f"{field}.texts", defects)
        if entry.page_id not in english:
            # An English page that is listed but broken has its own defects; they explain this one.
            defects.add(manifest, f"{field}.page_id", f"{entry.page_id} is no usable English page", "see manifest.json")
            continue
        page, labels = english[entry.page_id]
        if page.language == "fr":
            problem = f"{entry.page_id} is a French page of the main manifest already"
            defects.add(manifest, f"{field}.page_id", problem, "list it once")
            continue
        if image is not None:
            check_image(image, (page.width, page.height), entry.sha256, manifest, f"{field}.image", defects)
        raw = None if path is None else read_json(path, defects)
        texts = None if raw is None or path is None else parse(_FrenchTexts, raw, path, "", defects)
        if image is None or texts is None or path is None:
            continue
        if _french_matches(texts, page, path, defects):
            pages.append(_french_page(entry, image, texts, page, labels))
    return pages


def _entries(manifest: Path, model: type[E], defects: Defects) -> Iterable[tuple[E, str]]:
    """The usable entries of a manifest, each with the field name that defects of it are reported under."""
    raw = read_json(manifest, defects)
    if raw is None:
        return
    if not isinstance(raw, list) or not raw:
        defects.add(manifest, "", "must be a list with one entry a page", "see the format in the documentation")
        return
    seen: set[str] = set()
    for index, value in enumerate(raw):
        entry = parse(model, value, manifest, f"[{index}]", defects)
        if entry is None:
            continue
        if entry.page_id in seen:
            defects.add(manifest, f"[{index}].page_id", f"{entry.page_id} occurs twice", "give every page one entry")
            continue
        seen.add(entry.page_id)
        yield entry, f"[{index}]"


def _check_annotation(labels: _Annotation, entry: _EnglishEntry, path: Path, defects: Defects) -> None:
    size = (entry.width, entry.height)
    if labels.page_id != entry.page_id:
        defects.add(path, "page_id", f"is {labels.page_id}, the manifest says {entry.page_id}", "make them agree")
    if (labels.width, labels.height) != size:
        defects.add(path, "width, height", f"differ from the manifest's {size[0]}x{size[1]}", "make them agree")
    if labels.split not in (None, entry.split):
        defects.add(path, "split", f"is {labels.split}, the manifest says {entry.split}", "make them agree")
    groups: list[tuple[str, Sequence[Any]]] = [
        ("panels", labels.panels),
        ("characters", labels.characters),
        ("balloons", labels.balloons),
        ("other_text", labels.other_text),
    ]
    _check_boxes(groups, size, path, defects)
    for name, items in groups[:3]:
        _check_unique([item.id for item in items], name, "id", path, defects)
    orders = [panel.order for panel in labels.panels]
    if sorted(orders) != list(range(1, len(orders) + 1)):
        defects.add(path, "panels[].order", f"{orders} is not 1 to {len(orders)}", "number the panels in reading order")
    balloon_orders = [balloon.order for balloon in labels.balloons if balloon.order is not None]
    _check_unique(balloon_orders, "balloons", "order", path, defects)
    _check_references(labels, path, defects)


def _check_references(labels: _Annotation, path: Path, defects: Defects) -> None:
    panels = {panel.id for panel in labels.panels}
    characters = {character.id for character in labels.characters}
    named: list[tuple[str, Sequence[Any]]] = [
        ("characters", labels.characters),
        ("balloons", labels.balloons),
        ("questions", labels.questions),
    ]
    for name, items in named:
        for index, item in enumerate(items):
            if item.panel is not None and item.panel not in panels:
                defects.add(path, f"{name}[{index}].panel", f"there is no panel {item.panel!r}", "use a panel's id")
    for index, balloon in enumerate(labels.balloons):
        speaker = balloon.speaker
        if speaker is not None and not speaker.startswith("off:") and speaker not in characters:
            way_out = "use a character's id, off:NAME, or null"
            defects.add(path, f"balloons[{index}].speaker", f"there is no character {speaker!r}", way_out)


def _check_boxes(
    groups: Iterable[tuple[str, Sequence[Any]]], size: tuple[int, int], path: Path, defects: Defects
) -> None:
    for name, items in groups:
        for index, item in enumerate(items):
            for field in ("box", "text_box"):
                box: Box | None = getattr(item, field, None)
                if box is not None and not box.within(*size):
                    place = f"{name}[{index}].{field}"
                    problem = f"{box.as_list()} lies outside the page of {size[0]}x{size[1]} pixels"
                    defects.add(path, place, problem, "clip it at the page")


def _check_unique(values: Sequence[object], name: str, field: str, path: Path, defects: Defects) -> None:
    for value in sorted({value for value in values if values.count(value) > 1}, key=str):
        defects.add(path, f"{name}[].{field}", f"{value!r} occurs twice", "make it unique on the page")


def _french_matches(texts: _FrenchTexts, page: Page, path: Path, defects: Defects) -> bool:
    """Whether the French texts belong one for one to the English labels."""
    english = {balloon.id for balloon in page.balloons}
    french = [balloon.id for balloon in texts.balloons]
    _check_unique(french, "balloons", "id", path, defects)
    _check_boxes(
        [("balloons", texts.balloons), ("other_text", texts.other_text)], (page.width, page.height), path, defects
    )
    fits = True
    if texts.page_id != page.id:
        defects.add(path, "page_id", f"is {texts.page_id}, the manifest says {page.id}", "make them agree")
    if set(french) != english:
        odd = ", ".join(sorted(english ^ set(french)))
        problem = f"the ids differ from the English ones ({odd})"
        defects.add(path, "balloons[].id", problem, "give every English balloon one French text")
        fits = False
    if [q.panel for q in texts.questions] != [q.panel for q in page.questions]:
        problem = "the questions do not ask about the panels of the English ones, in their order"
        defects.add(path, "questions[].panel", problem, "translate them one for one")
        fits = False
    elif [q.guessable for q in texts.questions] != [q.guessable for q in page.questions]:
        problem = "differ from the English questions"
        defects.add(path, "questions[].guessable", problem, "keep a pair in one split: make them agree")
        fits = False
    return fits


def _english_page(entry: _EnglishEntry, image: Path, labels: _Annotation) -> Page:
    return Page(
        id=entry.page_id,
        language=entry.language,
        book=entry.book or f"e{entry.episode or 0:02d}",
        split=entry.split,
        image=image.resolve(),
        image_name=_image_name(entry.language, entry.page_id, image),
        width=entry.width,
        height=entry.height,
        panels=tuple(Panel(**panel.model_dump()) for panel in sorted(labels.panels, key=lambda p: p.order)),
        characters=tuple(Character(**character.model_dump()) for character in labels.characters),
        balloons=tuple(Balloon(**balloon.model_dump()) for balloon in labels.balloons),
        questions=tuple(OpenQuestion(**question.model_dump()) for question in labels.questions),
        text_boxes=_text_boxes(labels.balloons, labels.other_text),
        source=entry.source,
        license=entry.license,
        attribution=entry.attribution,
    )


def _french_page(entry: _FrenchEntry, image: Path, texts: _FrenchTexts, english: Page, labels: _Annotation) -> Page:
    lettering = {balloon.id: balloon for balloon in texts.balloons}
    balloons = [{**balloon.model_dump(), **lettering[balloon.id].model_dump()} for balloon in labels.balloons]
    changes = {
        "language": "fr",
        "image": image.resolve(),
        "image_name": _image_name("fr", entry.page_id, image),
        "balloons": tuple(Balloon(**balloon) for balloon in balloons),
        "questions": tuple(OpenQuestion(**question.model_dump()) for question in texts.questions),
        "text_boxes": _text_boxes(texts.balloons, texts.other_text),
        "source": entry.source,
        "license": entry.license,
        "attribution": entry.attribution,
    }
    return english.model_copy(update=changes)


def _image_name(language: Language, page_id: str, image: Path) -> str:
    return f"images/{language}/{page_id}{image.suffix.lower()}"


def _text_boxes(balloons: Sequence[_Lettering], other: Sequence[_OtherText]) -> tuple[Box, ...]:
    """Where lettering stands on the page: marks must not cover it."""
    return (*(balloon.text_box or balloon.box for balloon in balloons), *(text.box for text in other))
