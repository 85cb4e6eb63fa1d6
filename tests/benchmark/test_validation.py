"""Every defect is found, named with file, line, field and way out, and hides no other."""

import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.small_benchmark import edit_info, edit_lines, make_benchmark

from comic_eval.benchmark import Defect, validate

Lines = list[dict[str, Any]]
EN_ONE = "images/en/one.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_benchmark(tmp_path / "small").folder


def test_a_good_benchmark_has_no_defects(folder: Path) -> None:
    assert validate(folder) == []


def set_field(index: int, **fields: object) -> Callable[[Lines], object]:
    return lambda lines: lines[index].update(fields)


# Lines 1-7 are page one in English, in the order of the tasks; 8-14 the same in French; 15-28 page two.
@pytest.mark.parametrize(
    ("edit", "place", "word"),
    [
        (set_field(0, task="panel_understandin"), (1, "task"), "unknown task → write 'panel_understanding'"),
        (set_field(0, task="quux"), (1, "task"), "unknown task → use one of action_recognition"),
        (set_field(1, answer="Z"), (2, "answer"), "not among the choices A, B, C, D"),
        (set_field(1, answer="sleeps"), (2, "answer"), "write the choice's letter, 'C'"),
        (set_field(1, answer="c"), (2, "answer"), "not among the choices"),
        (set_field(1, answer=""), (2, "answer"), "at least 1 character"),
        (set_field(1, choices=None), (2, "choices"), "is null, but action_recognition is a choice task"),
        (set_field(1, choices=["runs", "sits", "sleeps", "runs "]), (2, "choices[3]"), "repeats choices[0]"),
        (set_field(1, choices=["runs", "sits", "sleeps", " "]), (2, "choices[3]"), "blank"),
        (set_field(1, choices=["runs"]), (2, "choices"), "1 entries"),
        (set_field(0, answer="  "), (1, "answer"), "is blank"),
        (set_field(0, choices=["a", "b"], answer="A"), (1, "choices"), "has no choices"),
        (set_field(0, facts=["cat", ""]), (1, "facts[1]"), "is blank"),
        (set_field(6, answer="three"), (7, "answer"), "not a number"),
        (set_field(6, answer="-1"), (7, "answer"), "not a number"),
        (set_field(6, answer="٣"), (7, "answer"), "not a number"),
        (set_field(6, choices=["1", "3"], answer="B"), (7, "choices"), "has no choices"),
        (set_field(6, answer="4"), (7, "regions"), "has 3 target regions, but character_counting needs 4"),
        (set_field(5, regions=[]), (6, "regions"), "has 0 target regions, but character_identification needs 2"),
        (set_field(0, id="a\tb"), (1, "id"), "control characters"),
        (set_field(1, id="one-panel_understanding-en"), (2, "id"), "stands in line 1 already"),
        (set_field(0, split="dev"), (1, "split"), "'dev' is not among the splits of benchmark.json: test, train"),
        (set_field(0, split="test"), (2, "split"), "leaks"),
        (set_field(0, page="two"), (2, "page"), "splits a cluster"),
        (set_field(0, image=EN_ONE.replace("one", "two")), (2, "image"), "two pictures"),
        (set_field(0, image="images/en/gone.png"), (1, "image"), "does not exist"),
        (set_field(0, image="../small-pages/" + EN_ONE), (1, "image"), "leaves the benchmark folder"),
        (set_field(0, image="images/../../small-pages/" + EN_ONE), (1, "image"), "leaves the benchmark folder"),
        (set_field(0, image="/etc/passwd"), (1, "image"), "is absolute"),
        (set_field(0, image="C:/page.png"), (1, "image"), "is absolute"),
        (set_field(0, image="images\\en\\one.png"), (1, "image"), "backslash"),
        (set_field(0, image="images/en/one.png\0"), (1, "image"), "control characters"),
        (set_field(0, image="https://example.org/one.png"), (1, "image"), "is a URL"),
        (set_field(0, image="images//en/one.png"), (1, "image"), "empty or '.' part"),
        (set_field(0, image="images/en"), (1, "image"), "no regular file"),
        (set_field(0, image="x" * 300 + ".png"), (1, "image"), "cannot be looked up"),
        (set_field(0, image_sha256="0" * 64), (1, "image_sha256"), "is not the sha256"),
        (
            set_field(0, image_size=[200, 301]),
            (1, "image_size"),
            "is [200, 301], but 'images/en/one.png' has [200, 300]",
        ),
        (set_field(0, image_size=[0, 300]), (1, "image_size"), "is [0, 300]"),
        (set_field(9, marks=[]), (10, "regions"), "differs from the pair's other sample in line 3"),
        (set_field(8, answer="A"), (9, "answer"), "differs from the pair's other sample in line 2"),
        (set_field(13, answer="2"), (14, "answer"), "differs from the pair's other sample in line 7"),
        (set_field(8, language="en", id="x-en"), (9, "language"), "'en' stands in line 2 of the same pair"),
        (set_field(8, id="one-action_recognition"), (9, "id"), "does not end in -fr"),
        (set_field(8, pair_id="one-depth_comparison"), (10, "language"), "'fr' stands in line 9"),
    ],
)
def test_one_defect(folder: Path, edit: Callable[[Lines], object], place: tuple[int, str], word: str) -> None:
    edit_lines(folder, edit)
    found = validate(folder)
    here = [d for d in found if (d.line, d.field) == place]
    assert any(word in str(d) for d in here), [str(d) for d in found]


@pytest.mark.parametrize("field", ["regions[0].box", "marks[0].box", "composite.slots[0]", "composite.candidates[0]"])
@pytest.mark.parametrize("box", [[-1, 0, 50, 50], [0, 0, 200.5, 50], [0, 250, 50, 301], [500, 500, 600, 600]])
@pytest.mark.parametrize("with_size", [True, False])
def test_box_outside_its_page(folder: Path, field: str, box: list[float], with_size: bool) -> None:
    def spoil(lines: Lines) -> None:
        line = lines[4 if field.startswith("composite") else 1]
        if not with_size:
            line["image_size"] = None
        name, _, part = field.partition(".")
        if name == "composite":
            line["composite"][part.split("[")[0]][0] = box
        else:
            line[name.split("[")[0]][0]["box"] = box

    edit_lines(folder, spoil)
    defects = [d for d in validate(folder) if d.field == field]
    assert [d.line for d in defects if "outside its page of 200 x 300 pixels" in d.message]


@pytest.mark.parametrize(
    ("composite", "word"),
    [
        ({"slots": [[5, 5, 95, 95]], "candidates": [[5, 5, 95, 95]]}, "has 1 boxes"),
        ({"slots": [], "candidates": [[5, 5, 95, 95], [105, 5, 195, 95]]}, "is empty"),
        ({"slots": [[5, 5, 95, 95]], "candidates": [[5, 5, 95, 95], [105, 5, 195, 105]]}, "not as large as the first"),
        ({"slots": [[5, 5, 95, 95]], "candidates": [[5, 5, 95, 95]] * 3}, "3 boxes for 2 choices"),
    ],
)
def test_composites(folder: Path, composite: dict[str, Any], word: str) -> None:
    edit_lines(folder, lambda lines: [lines[i].update(composite=composite) for i in (4, 11)])
    assert {d.line for d in validate(folder) if word in d.message} == {5, 12}


def test_no_defect_hides_another(folder: Path) -> None:
    def spoil(lines: Lines) -> None:
        lines[0].update(task="quux", image="../x.png", image_size=[1, 1])
        lines[1].update(answer="Z", marks=[{"box": [0, 0, 999, 9], "label": "A"}])
        del lines[2]["question"]
        lines[3]["choices"] = "AB"

    edit_lines(folder, spoil)
    path = folder / "samples.jsonl"
    path.write_bytes(path.read_bytes() + b'{"id": \n\n"\xff"\n')
    (folder / EN_ONE).write_bytes(b"no picture")
    places = {(d.file, d.line, d.field) for d in validate(folder)}
    assert places >= {
        ("samples.jsonl", 1, "task"),
        ("samples.jsonl", 1, "image"),
        ("samples.jsonl", 1, "regions[0].box"),
        ("samples.jsonl", 2, "answer"),
        ("samples.jsonl", 2, "marks[0].box"),
        ("samples.jsonl", 3, "question"),
        ("samples.jsonl", 4, "choices"),
        ("samples.jsonl", 29, None),
        ("samples.jsonl", 30, None),
        ("samples.jsonl", 31, None),
        (EN_ONE, None, "image"),
        ("benchmark.json", None, "splits.train"),
    }


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes do not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def as_gif(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("P").save(path, format="GIF")


def turned(path: Path) -> None:
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(path, format="JPEG", exif=exif)


def animated(path: Path) -> None:
    with Image.open(path) as image:
        image.load()
        image.save(path, format="PNG", save_all=True, append_images=[image.rotate(90)])


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda path: path.write_bytes(png(60_000, 60_000)), "decompression bomb"),
        (lambda path: path.write_bytes(png(10_000, 10_000)), "pixels, more than the limit"),
        (lambda path: path.write_bytes(png(7_000, 7_500)), "pixels, more than the limit"),
        (lambda path: path.write_bytes(png(200, 300)), "corrupted"),
        (lambda path: path.write_bytes(truncated(path.read_bytes())), "corrupted"),
        (lambda path: path.write_bytes(b""), "no JPEG or PNG"),
        (lambda path: path.write_bytes(b"<html>"), "no JPEG or PNG"),
        (as_gif, "no JPEG or PNG"),
        (turned, "EXIF"),
        (animated, "animated"),
    ],
)
def test_bad_pictures(folder: Path, spoil: Callable[[Path], object], word: str) -> None:
    spoil(folder / EN_ONE)
    (defect,) = [d for d in validate(folder) if d.file == EN_ONE]
    assert word in defect.message
    assert "first used in samples.jsonl:1" in defect.message


def test_a_changed_picture_shows_in_every_sample_of_it(folder: Path) -> None:
    with Image.open(folder / EN_ONE) as image:
        image.rotate(180).save(folder / EN_ONE)
    assert [(d.line, d.field) for d in validate(folder)] == [(line, "image_sha256") for line in range(1, 8)]


def test_links_that_leave_the_folder(folder: Path, tmp_path: Path) -> None:
    target = folder / EN_ONE
    target.rename(tmp_path / "outside.png")
    target.symlink_to(tmp_path / "outside.png")
    assert {d.message for d in validate(folder)} == {f"'{EN_ONE}' leaves the benchmark folder through a symbolic link"}
    target.unlink()
    (folder / "inside.png").write_bytes((tmp_path / "outside.png").read_bytes())
    target.symlink_to(folder / "inside.png")
    assert validate(folder) == []
    target.unlink()
    target.symlink_to(target)
    assert {d.field for d in validate(folder)} == {"image"}
    target.unlink()
    os.mkfifo(target)
    assert all("no regular file" in d.message for d in validate(folder))


def test_one_picture_under_two_pages(folder: Path) -> None:
    data = (folder / EN_ONE).read_bytes()
    (folder / "images/en/two.png").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    edit_lines(folder, lambda lines: [line.update(image_sha256=digest) for line in lines[14:21]])
    (defect,) = validate(folder)
    assert (defect.line, defect.field) == (15, "page")


def test_a_page_in_two_splits_leaks(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[i].update(split="test") for i in (0, 7)])
    edit_info(folder, lambda info: info.update(splits=["train", "test"]))
    (defect,) = validate(folder)
    assert (defect.line, defect.field) == (2, "split")
    assert "leaks across splits" in defect.fix


def test_a_set_kept_apart_is_no_leak(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[i].update(split="test_guessable") for i in (14, 21)])
    edit_info(folder, lambda info: info.update(splits={"train": 14, "test": 12, "test_guessable": 2}))
    assert validate(folder) == []


def test_without_targets_where_the_benchmark_says_so(folder: Path) -> None:
    edit_lines(folder, lambda lines: [line.update(regions=[]) for line in lines])
    assert {d.field for d in validate(folder)} == {"regions"}
    edit_info(folder, lambda info: info.update(targets=False))
    assert validate(folder) == []


def test_counts(folder: Path) -> None:
    edit_info(folder, lambda info: info.update(splits={"train": 14, "test": 15, "val": 0}))
    assert [d.field for d in validate(folder)] == ["splits.test", "splits.val"]


def test_a_digest_that_does_not_fit(folder: Path) -> None:
    edit_info(folder, lambda info: info.update(version="1.1"))
    (defect,) = validate(folder)
    assert (defect.file, defect.field) == ("benchmark.json", "digest")


def test_mixed_columns_and_duplicate_keys(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[0].update(mood="dark"), lines[1].update(mood=3)])
    path = folder / "samples.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"language":"fr"', b'"language":"en","language":"fr"', 1))
    assert [(d.line, d.field) for d in validate(folder)] == [(None, "metadata"), (8, "language")]


def test_other_peoples_tasks_can_be_named(folder: Path) -> None:
    edit_lines(folder, lambda lines: [line.update(task="mine") for line in lines])
    assert {d.field for d in validate(folder)} == {"task"}
    assert validate(folder, tasks={"mine": "number"}) != []
    edit_lines(folder, lambda lines: [line.update(choices=None) for line in lines])
    assert validate(folder, tasks={"mine": "open"}) == []


@pytest.mark.parametrize("samples", [None, b"", b"\n", b"\xef\xbb\xbf"])
def test_no_samples(folder: Path, samples: bytes | None) -> None:
    (folder / "samples.jsonl").unlink()
    if samples is not None:
        (folder / "samples.jsonl").write_bytes(samples)
    defects = validate(folder)
    assert any(d.file == "samples.jsonl" for d in defects)


def test_an_unreadable_benchmark_json_does_not_hide_the_samples(folder: Path) -> None:
    edit_lines(folder, set_field(1, answer="Z"))
    (folder / "benchmark.json").write_text("{")
    found = {(d.file, d.field) for d in validate(folder)}
    assert found >= {("benchmark.json", None), ("samples.jsonl", "answer")}


def test_a_defect_reads_well() -> None:
    defect = Defect(file="samples.jsonl", line=1, field="answer", message="is blank", fix="write the answer")
    assert str(defect) == "samples.jsonl:1: answer: is blank → write the answer"


def test_terminal_codes_are_escaped(folder: Path) -> None:
    key = "\x1b[2J\u202e"
    edit_lines(folder, lambda lines: [lines[1].update(answer=key), lines[2].update(marks=[{key: 1}])])
    assert all(str(d).isprintable() for d in validate(folder))
