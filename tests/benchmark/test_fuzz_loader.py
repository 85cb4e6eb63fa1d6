"""Whatever stands in a benchmark's files, loading gives samples or a BenchmarkError, and validation gives defects."""

import json
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_benchmark import make_benchmark

from comic_eval.benchmark import Benchmark, load_benchmark, read_samples, validate
from comic_eval.errors import BenchmarkError

SCALAR = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["A", "3", "../x"])
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BOX = st.lists(st.floats() | st.integers(), max_size=5)
KEYS = ["id", "task", "split", "page", "image", "image_size", "question", "choices", "answer", "facts", "language"]
KEYS += ["pair_id", "regions", "marks", "composite", "metadata", "position", "image_sha256", "source", "license", "new"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_benchmark(tmp_path_factory.mktemp("fuzz") / "small").folder


@pytest.fixture(scope="module")
def original(folder: Path) -> bytes:
    return (folder / "samples.jsonl").read_bytes()


def attempt(folder: Path, samples: bytes) -> None:
    (folder / "samples.jsonl").write_bytes(samples)
    info = orjson.loads((folder / "benchmark.json").read_bytes())
    info.pop("samples_sha256", None)
    (folder / "benchmark.json").write_bytes(orjson.dumps(info))
    try:
        loaded: Benchmark | None = load_benchmark(folder)
    except BenchmarkError:
        loaded = None
    try:
        list(read_samples(folder / "samples.jsonl"))
    except BenchmarkError:
        assert loaded is None
    defects = validate(folder)
    assert all(d.message and d.fix and str(d).isprintable() for d in defects)
    if loaded is None:
        assert defects


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data())
def test_changed_values(data: st.DataObject, folder: Path, original: bytes) -> None:
    lines = original.splitlines()
    i = data.draw(st.integers(0, len(lines) - 1))
    line = orjson.loads(lines[i])
    for key in data.draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)):
        line[key] = data.draw(VALUE | BOX | st.builds(lambda b: [{"box": b, "role": "panel", "label": "A"}], BOX))
    lines[i] = json.dumps(line).encode()
    attempt(folder, b"\n".join(lines))


@FUZZ
@given(at=st.integers(0, 5000), new=st.binary(max_size=12), cut=st.integers(0, 12))
def test_changed_bytes(at: int, new: bytes, cut: int, folder: Path, original: bytes) -> None:
    attempt(folder, original[:at] + new + original[at + cut :])


@FUZZ
@given(info=VALUE | st.binary(max_size=30), data=st.data())
def test_changed_benchmark_json(info: object, data: st.DataObject, folder: Path, original: bytes) -> None:
    before = (folder / "benchmark.json").read_bytes()
    (folder / "samples.jsonl").write_bytes(original)
    value = orjson.loads(before)
    value[data.draw(st.sampled_from(sorted(value)))] = info
    text = info if isinstance(info, bytes) else json.dumps(value).encode()
    try:
        (folder / "benchmark.json").write_bytes(text)
        validate(folder)
        with suppress(BenchmarkError):
            load_benchmark(folder)
    finally:
        (folder / "benchmark.json").write_bytes(before)
