"""Importing data sets with questions about pictures, from local files of every kind."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from support.small_benchmark import SIZE, draw_page

from comic_eval.benchmark import Benchmark, load_benchmark, validate
from comic_eval.benchmark.importer import import_dataset
from comic_eval.errors import BenchmarkError
from comic_eval.types import Box

MAPPING: dict[str, Any] = {
    "name": "imported",
    "version": "1.0",
    "license": "CC0-1.0",
    "description": "Questions of somebody else.",
    "columns": {
        "id": "qid",
        "page": "page",
        "image": "picture",
        "question": "question",
        "choices": "options",
        "answer": "gold",
        "task": "type",
        "split": "part",
    },
    "constants": {"language": "en"},
    "values": {"task": {"action": "action_recognition", "count": "character_counting"}, "split": {"validation": "val"}},
    "answers": "text",
    "regions": [{"column": "panel", "role": "panel", "target": True}],
    "marks": [{"column": "characters"}],
    "metadata": ["episode"],
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    draw_page(tmp_path / "data" / "one.png", "pink", "one")
    draw_page(tmp_path / "data" / "two.jpg", "gold", "two")
    return tmp_path / "data"


def rows() -> list[dict[str, Any]]:
    action = {
        "qid": "q1",
        "page": "one",
        "picture": "one.png",
        "question": "What does A do?",
        "options": ["runs", "sits", "sleeps"],
        "gold": "sits",
        "type": "action",
        "part": "validation",
        "panel": [5, 5, 95, 95],
        "characters": [[10, 10, 40, 40]],
        "episode": 3,
    }
    count = action | {
        "qid": "q2",
        "page": "two",
        "picture": "two.jpg",
        "question": "How many?",
        "options": None,
        "gold": "2",
        "type": "count",
        "part": "test",
        "panel": [[5, 5, 95, 95], [105, 5, 195, 95]],
    }
    return [action, count]


def run(folder: Path, source: Path, mapping: dict[str, Any] | None = None, **arguments: Any) -> Benchmark:
    (folder / "mapping.yaml").write_text(yaml.safe_dump(MAPPING if mapping is None else mapping))
    return import_dataset(source, folder / "out", folder / "mapping.yaml", **arguments)[0]


def write_jsonl(folder: Path, content: list[dict[str, Any]]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return path


def check(benchmark: Benchmark) -> None:
    assert validate(benchmark.folder) == []
    action, count = benchmark.samples
    assert (action.id, action.task, action.split, action.page) == ("q1", "action_recognition", "val", "one")
    assert action.choices == ("runs", "sits", "sleeps")
    assert action.answer == "B"
    assert action.targets == (Box(x1=5, y1=5, x2=95, y2=95),)
    assert [(m.label, m.box.as_list()) for m in action.marks] == [("A", [10, 10, 40, 40])]
    assert str(action.metadata["episode"]) == "3"
    assert (count.task, count.answer, count.choices, len(count.targets)) == ("character_counting", "2", None, 2)
    assert action.image_size == SIZE
    assert benchmark.image_path(action).suffix == ".png"
    assert benchmark.image_path(count).suffix == ".jpg"


def test_jsonl_with_paths(pictures: Path, tmp_path: Path) -> None:
    benchmark = run(tmp_path, write_jsonl(pictures, rows()))
    check(benchmark)
    assert benchmark.image_path(benchmark.samples[1]).read_bytes() == (pictures / "two.jpg").read_bytes()
    assert benchmark.metadata["imported"]["rows"] == 2
    assert benchmark.targets


def test_json(pictures: Path, tmp_path: Path) -> None:
    (pictures / "questions.json").write_text(json.dumps(rows()))
    check(run(tmp_path, pictures / "questions.json"))


def test_csv_with_lists_as_json(pictures: Path, tmp_path: Path) -> None:
    with (pictures / "questions.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows()[0]))
        writer.writeheader()
        for row in rows():
            writer.writerow({k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()})
    check(run(tmp_path, pictures / "questions.csv"))


@pytest.mark.parametrize("form", ["bytes", "image"])
def test_parquet_with_embedded_pictures(pictures: Path, tmp_path: Path, form: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    content = rows()
    for row in content:
        data = (pictures / row["picture"]).read_bytes()
        row["picture"] = data if form == "bytes" else {"bytes": data, "path": "/nowhere/at/all.png"}
        row["panel"] = row["panel"] if isinstance(row["panel"][0], list) else [row["panel"]]
    parquet.write_table(pyarrow.Table.from_pylist(content), tmp_path / "questions.parquet")
    check(run(tmp_path, tmp_path / "questions.parquet"))


def test_folder_of_datasets_with_splits(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "hub"
    folder.mkdir()
    features = {key: datasets.Value("string") for key in ("qid", "page", "question", "gold", "type")}
    boxes = datasets.List(datasets.List(datasets.Value("int64")))
    features |= {"options": datasets.List(datasets.Value("string")), "panel": boxes, "characters": boxes}
    features |= {"picture": datasets.Image(), "episode": datasets.Value("int64")}
    for split, row in zip(("validation", "test"), rows(), strict=True):
        row["picture"] = {"bytes": (pictures / row["picture"]).read_bytes(), "path": None}
        row["panel"] = row["panel"] if isinstance(row["panel"][0], list) else [row["panel"]]
        del row["part"]
        table = datasets.Dataset.from_list([row], features=datasets.Features(features))
        table.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
    mapping = MAPPING | {"columns": {k: v for k, v in MAPPING["columns"].items() if k != "split"}}
    check(run(tmp_path, folder, mapping))


@pytest.mark.parametrize(
    ("answers", "gold", "letter"),
    [
        ("letter", "B", "B"),
        ("letter", "b", "B"),
        ("index", 1, "B"),
        ("index1", 1, "A"),
        ("index", "2", "C"),
        ("text", "runs", "A"),
    ],
)
def test_ways_to_name_the_answer(pictures: Path, tmp_path: Path, answers: str, gold: object, letter: str) -> None:
    source = write_jsonl(pictures, [rows()[0] | {"gold": gold}])
    assert run(tmp_path, source, MAPPING | {"answers": answers}).samples[0].answer == letter


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ({"order": "xywh"}, [10, 20, 30, 40], [10, 20, 40, 60]),
        ({"scale": "unit"}, [0.1, 0.1, 0.5, 1.0], [20, 30, 100, 300]),
        ({"scale": "thousand"}, [100, 100, 500, 1000], [20, 30, 100, 300]),
        ({"order": "xywh", "scale": "unit"}, [0.7, 0.9, 0.3, 0.1], [140, 270, 200, 300]),
        ({"order": "xywh", "scale": "thousand"}, "[100, 0, 333, 1000]", [20, 0, 86.6, 300]),
    ],
)
def test_boxes_become_page_pixels(
    pictures: Path, tmp_path: Path, form: dict[str, str], value: object, expected: list[float]
) -> None:
    source = write_jsonl(pictures, [rows()[0] | {"panel": value, "characters": None}])
    assert run(tmp_path, source, MAPPING | {"boxes": form}).samples[0].targets[0].as_list() == expected


def test_choices_over_several_columns_and_split_texts(pictures: Path, tmp_path: Path) -> None:
    columns = MAPPING["columns"] | {"choices": ["a", "b", "c", "d"]}
    row = rows()[0] | {"a": "runs", "b": "sits", "c": "eats", "d": ""}
    assert run(tmp_path, write_jsonl(pictures, [row]), MAPPING | {"columns": columns}).samples[0].choices == (
        "runs",
        "sits",
        "eats",
    )
    row = rows()[0] | {"options": "runs | sits | eats"}
    again = run(tmp_path, write_jsonl(pictures, [row]), MAPPING | {"separator": "|"})
    assert again.samples[0].choices == ("runs", "sits", "eats")


def test_open_questions_with_facts_and_no_regions(pictures: Path, tmp_path: Path) -> None:
    row = rows()[0] | {"type": "panel_understanding", "options": None, "gold": "A cat sits.", "facts": ["cat", "sits"]}
    mapping = {k: v for k, v in MAPPING.items() if k not in ("regions", "marks")}
    mapping["columns"] = {k: v for k, v in MAPPING["columns"].items() if k not in ("id", "page", "choices")}
    mapping["columns"]["facts"] = "facts"
    benchmark = run(tmp_path, write_jsonl(pictures, [row]), mapping)
    (sample,) = benchmark.samples
    assert (sample.id, sample.facts, sample.answer) == ("val-000001", ("cat", "sits"), "A cat sits.")
    assert sample.page == (sample.image_sha256 or "")[:20]
    assert not benchmark.targets
    assert validate(benchmark.folder) == []


def test_two_languages(pictures: Path, tmp_path: Path) -> None:
    columns = {k: v for k, v in MAPPING["columns"].items() if k not in ("id", "page")}
    mapping = MAPPING | {"columns": columns | {"language": "lang", "pair_id": "qid"}, "constants": {}}
    mapping["values"] = MAPPING["values"] | {"language": {"English": "en", "French": "fr"}}
    french = {"lang": "French", "options": ["court", "est assis", "dort"], "gold": "est assis"}
    source = write_jsonl(pictures, [rows()[0] | {"lang": "English"}, rows()[0] | french])
    benchmark = run(tmp_path, source, mapping)
    assert [(s.id, s.pair_id, s.answer) for s in benchmark.samples] == [("q1-en", "q1", "B"), ("q1-fr", "q1", "B")]


def test_other_formats_become_png(pictures: Path, tmp_path: Path) -> None:
    with Image.open(pictures / "one.png") as image:
        image.save(pictures / "one.webp", lossless=True)
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(pictures / "turned.jpg", exif=exif)
    turned = {"qid": "q9", "page": "turned", "picture": "turned.jpg", "panel": [0, 0, 300, 200], "characters": None}
    source = write_jsonl(pictures, [rows()[0] | {"picture": "one.webp"}, rows()[0] | turned])
    first, second = run(tmp_path, source).samples
    assert (first.image.endswith(".png"), first.image_size) == (True, SIZE)
    assert second.image_size == SIZE[::-1]


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "answer that is no choice": ({"gold": "swims"}, "gold", "'swims' is not among the 3 choices, read as text"),
    "no answer": ({"gold": None}, "gold", "string"),
    "box outside": ({"panel": [0, 0, 201, 50]}, "panel", "outside its page"),
    "three numbers": ({"panel": [1, 2, 3]}, "panel", "is no box"),
    "box of words": ({"characters": "left"}, "characters", "is no JSON"),
    "missing picture": ({"picture": "three.png"}, "picture", "does not exist"),
    "picture elsewhere": ({"picture": "../secret.png"}, "picture", "leaves the folder"),
    "absolute picture": ({"picture": "/etc/passwd"}, "picture", "leaves the folder"),
    "null byte": ({"picture": "a\0.png"}, "picture", "cannot be read"),
    "no picture": ({"picture": None}, "picture", "holds no picture"),
    "broken picture": ({"picture": "broken.png"}, "picture", "cannot be read"),
    "unknown task": ({"type": "poetry"}, "type", "unknown task"),
    "no question": ({"question": " "}, "question", "string"),
    "two equal choices": ({"options": ["a", "a"], "gold": "a"}, "gold", "not among"),
    "empty choice": ({"options": ["sits", None]}, "options", "empty entry"),
    "choices that are an object": ({"options": {"a": 1}}, "options", "is no list"),
    "count in words": ({"type": "count", "options": None, "gold": "two"}, "gold", "not a number"),
    "no target": ({"panel": None}, "panel", "0 target regions"),
    "same id": ({"qid": "q2"}, "qid", "is the id of row 2 already"),
    "page in two splits": ({"page": "two", "picture": "two.jpg"}, "part", "'val'"),
    "one page, two pictures": ({"page": "two", "part": "test"}, "picture", "which has"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_named_and_can_be_left_out(case: str, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes((pictures / "one.png").read_bytes())
    (pictures / "broken.png").write_bytes((pictures / "one.png").read_bytes()[:200])
    change, column, word = BAD[case]
    third = {"qid": "q3", "page": "three", "picture": "one.png"}
    source = write_jsonl(pictures, [rows()[0], rows()[1], rows()[0] | third | {"page": "one"} | change])
    with pytest.raises(BenchmarkError) as caught:
        run(tmp_path, source)
    assert f"questions.jsonl, row 3: {column}:" in str(caught.value)
    assert word in str(caught.value)
    assert not (tmp_path / "out").exists()
    benchmark, skipped = import_dataset(source, tmp_path / "out", tmp_path / "mapping.yaml", skip_bad=True)
    assert [s.id for s in benchmark.samples] == ["q1", "q2"]
    assert {d.line for d in skipped} == {3}
    listed = [json.loads(line) for line in (benchmark.folder / "skipped.jsonl").read_text().splitlines()]
    assert listed == [d.model_dump() for d in skipped]
    assert benchmark.metadata["imported"]["skipped_rows"] == 1
    assert validate(benchmark.folder) == []


def test_every_bad_row_is_listed(pictures: Path, tmp_path: Path) -> None:
    path = write_jsonl(pictures, [rows()[0] | {"gold": "x"}, rows()[1] | {"panel": [0, 0, 1, 9999]}])
    path.write_text(path.read_text() + '{"qid": \n[1]\n')
    with pytest.raises(BenchmarkError) as caught:
        run(tmp_path, path)
    for row in (1, 2, 3, 4):
        assert f"questions.jsonl, row {row}:" in str(caught.value)


def test_nothing_good_is_no_benchmark(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no row that can be imported"):
        run(tmp_path, write_jsonl(pictures, [rows()[0] | {"gold": "x"}]), skip_bad=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": MAPPING["columns"] | {"question": "Frage"}}, "no column 'Frage'; it has: 'characters'"),
        ({"columns": MAPPING["columns"] | {"anwser": "gold"}}, r"columns\.anwser"),
        ({"constants": {}}, r"no language → add columns\.language or constants\.language"),
        ({"constants": {"language": "en", "task": "x"}}, "task has both a column and a constant"),
        ({"name": ""}, "name: "),
        ({"answers": "guess"}, "answers: "),
        ({"boxes": {"order": "yxyx"}}, r"boxes\.order"),
        ({"images": "../elsewhere"}, "images: .* is no folder below"),
    ],
)
def test_mappings_that_do_not_fit(pictures: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        run(tmp_path, write_jsonl(pictures, rows()), MAPPING | change)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "{}", "no list"),
        ("x.json", "[", "no JSON"),
        ("x.txt", "", "unknown kind of file"),
        ("x.parquet", "PAR1", "cannot be read"),
        ("x.csv", "a,b\n1,\xff", "UTF-8"),
        ("x.jsonl", "", "no row"),
    ],
)
def test_sources_that_cannot_be_read(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(BenchmarkError, match=message):
        run(tmp_path, tmp_path / name)


@pytest.mark.parametrize("source", ["nowhere.parquet", "a/b/c", "../x", "-x", "?"])
def test_sources_that_do_not_exist(tmp_path: Path, source: str) -> None:
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(MAPPING))
    with pytest.raises(BenchmarkError):
        import_dataset(source, tmp_path / "out", tmp_path / "mapping.yaml")


@pytest.mark.parametrize("text", ["a: [", "- 1", "\x00", ""])
def test_mapping_files_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(BenchmarkError, match="mapping"):
        import_dataset("x.csv", tmp_path / "out", tmp_path / "mapping.yaml")


def test_images_folder(pictures: Path, tmp_path: Path) -> None:
    (pictures / "scans").mkdir()
    for name in ("one.png", "two.jpg"):
        (pictures / name).rename(pictures / "scans" / name)
    check(run(tmp_path, write_jsonl(pictures, rows()), MAPPING | {"images": "scans"}))


def test_import_twice_gives_the_same_benchmark(pictures: Path, tmp_path: Path) -> None:
    source = write_jsonl(pictures, rows())
    first = run(tmp_path, source)
    assert run(tmp_path, source) == first == load_benchmark(first.folder)


def test_rows_of_a_table_are_not_taken_for_its_lines(pictures: Path, tmp_path: Path) -> None:
    path = pictures / "questions.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ["characters", "episode", "options", "page", "panel", "part", "picture", "question", "type", "qid"]
        writer.writerows([[*columns, "gold"], ["x"] * 11, ["two\nlines"] * 11, ["x"] * 12])
    with pytest.raises(BenchmarkError) as caught:
        run(tmp_path, path)
    assert "questions.csv, row 3: has more cells than the header" in str(caught.value)
