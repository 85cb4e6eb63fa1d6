"""The line format: reading what was written gives the same sample, and nothing strange gets through."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.benchmark.format import KNOWN, duplicate_keys, encode_line, parse_line
from comic_eval.errors import BenchmarkError
from comic_eval.types import Box, Composite, Mark, Region, Sample

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NAME = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
NUMBER = st.integers(-(2**31), 2**31) | st.floats(-1e9, 1e9)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEY = TEXT | st.sampled_from([*KNOWN, "metadata"])


@st.composite
def box(draw: st.DrawFn) -> Box:
    x1, x2 = sorted(draw(st.lists(NUMBER, min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(NUMBER, min_size=2, max_size=2, unique=True)))
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


SAMPLE = st.builds(
    Sample,
    id=NAME,
    task=NAME,
    split=NAME,
    page=NAME,
    image=NAME,
    image_size=st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    image_sha256=st.none() | TEXT,
    question=NAME,
    position=st.none() | TEXT,
    choices=st.none() | st.lists(TEXT, max_size=4).map(tuple),
    answer=NAME,
    facts=st.lists(TEXT, max_size=3).map(tuple),
    language=st.sampled_from(["en", "fr"]),
    pair_id=st.none() | TEXT,
    regions=st.lists(
        st.builds(
            Region,
            box=box(),
            role=st.sampled_from(["panel", "character", "balloon"]),
            label=st.none() | TEXT,
            target=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    marks=st.lists(st.builds(Mark, box=box(), label=TEXT), max_size=2).map(tuple),
    composite=st.none()
    | st.builds(
        Composite, slots=st.lists(box(), max_size=2).map(tuple), candidates=st.lists(box(), max_size=2).map(tuple)
    ),
    source=st.none() | TEXT,
    license=st.none() | TEXT,
    metadata=st.dictionaries(KEY, JSON, max_size=3),
)
BARE = {"id": "a", "task": "t", "split": "s", "page": "p", "image": "i.png", "question": "q", "answer": "x"}


@given(SAMPLE)
def test_round_trip_is_the_identity(sample: Sample) -> None:
    line = encode_line(sample)
    again = parse_line(line.removesuffix(b"\n"), 1)
    assert again == sample
    assert isinstance(again, Sample)
    assert encode_line(again) == line
    assert line.count(b"\n") == 1


def test_line_has_all_known_keys_and_metadata_flat() -> None:
    sample = Sample(**BARE, metadata={"episode": 3, "id": "shadow"})
    line = orjson.loads(encode_line(sample))
    assert list(line)[: len(KNOWN)] == list(KNOWN)
    assert line["episode"] == 3
    assert line["id"] == "a"
    assert line["metadata"] == {"id": "shadow"}


def test_unknown_keys_and_a_metadata_object_become_metadata() -> None:
    sample = parse_line(orjson.dumps(BARE | {"mood": "dark", "metadata": {"episode": 3}, "facts": None}), 1)
    assert isinstance(sample, Sample)
    assert sample.metadata == {"mood": "dark", "episode": 3}
    assert sample.facts == ()


@pytest.mark.parametrize(
    ("line", "field", "word"),
    [
        (b"", None, "blank"),
        (b"{", None, "no JSON"),
        (b"[1]", None, "a list, not an object"),
        (b"null", None, "null, not an object"),
        (b'{"id": NaN}', None, "no JSON"),
        (b"\xef\xbb\xbf{}", None, "BOM"),
        (b'{"id": "\xff"}', None, "no JSON"),
        (b'{"id": "\\ud800"}', None, "no JSON"),
        (b"[" * 5000 + b"]" * 5000, None, "depth"),
        (orjson.dumps({k: v for k, v in BARE.items() if k != "answer"}), "answer", "missing"),
        (orjson.dumps(BARE | {"answer": 3}), "answer", "string"),
        (orjson.dumps(BARE | {"question": ""}), "question", "at least 1"),
        (orjson.dumps(BARE | {"choices": "AB"}), "choices", "valid"),
        (orjson.dumps(BARE | {"choices": ["x", 2]}), "choices[1]", "string"),
        (orjson.dumps(BARE | {"language": "de"}), "language", "'de'"),
        (orjson.dumps(BARE | {"image_size": ["10", 10]}), "image_size[0]", "integer"),
        (orjson.dumps(BARE | {"marks": [{"box": [1, 2, 1, 4], "label": "A"}]}), "marks[0].box", "x1 < x2"),
        (orjson.dumps(BARE | {"marks": [{"box": [True, 2, 3, 4], "label": "A"}]}), "marks[0].box.x1", "number"),
        (orjson.dumps(BARE | {"regions": [{"box": [1, 2, 3, 4], "role": "cat"}]}), "regions[0].role", "'panel'"),
        (orjson.dumps(BARE | {"regions": [{"box": [1, 2, 3, 4], "role": "panel", "x": 1}]}), "regions[0].x", "Extra"),
        (orjson.dumps(BARE | {"metadata": [1]}), "metadata", "not an object"),
        (orjson.dumps(BARE | {"mood": 1, "metadata": {"mood": 2}}), "mood", "stands in the line and"),
    ],
)
def test_bad_lines_are_named(line: bytes, field: str | None, word: str) -> None:
    found = parse_line(line, 7)
    assert isinstance(found, list)
    assert [d.line for d in found] == [7] * len(found)
    assert found[0].field == field
    assert word.lower() in found[0].message.lower()
    assert found[0].fix


def test_a_line_with_several_defects_names_all() -> None:
    found = parse_line(orjson.dumps({"id": 1, "task": "", "answer": None}), 1)
    assert isinstance(found, list)
    assert {d.field for d in found} == {"id", "task", "answer", "split", "page", "image", "question"}


def test_a_line_of_16_mib_is_refused() -> None:
    found = parse_line(b'{"id": "' + b"x" * 2**24 + b'"}', 1)
    assert isinstance(found, list)
    assert "longer than" in found[0].message


def test_duplicate_keys() -> None:
    assert duplicate_keys(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}') == ["c", "a"]
    assert duplicate_keys(b'{"a": [{"c": 1}, {"c": 2}]}') == []


@pytest.mark.parametrize("value", [float("nan"), 2**70, {1, 2}, b"bytes"])
def test_metadata_that_json_cannot_carry(value: object) -> None:
    sample = Sample(**BARE, metadata={"x": [value]})
    with pytest.raises(BenchmarkError, match=r"sample .a.*JSON"):
        encode_line(sample)
