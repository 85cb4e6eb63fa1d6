"""A journal loses nothing but a line that was torn by a kill."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.errors import RunFolderError
from comic_eval.run.journal import Journal, read_journal
from comic_eval.run.record import Failure, Key, Record, SentImage


def record(sample_id: str = "a", **fields: object) -> Record:
    base: dict[str, object] = {
        "run": "0123456789ab",
        "sample_id": sample_id,
        "task": "action_recognition",
        "page": "p1",
        "language": "en",
        "pair_id": None,
        "view": "page",
        "budget": 1024,
        "status": "scored",
        "prompt": "What?",
        "answer": "C",
        "time": "2026-01-01T00:00:00+00:00",
    }
    return Record.model_validate(base | fields)


def written(path: Path, *records: Record) -> bytes:
    with Journal(path) as journal:
        for r in records:
            journal.append(r)
    return path.read_bytes()


@given(
    text=st.one_of(st.none(), st.text()),
    reason=st.one_of(st.none(), st.text()),
    score=st.one_of(st.none(), st.floats(0, 1)),
    detail=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    usage=st.dictionaries(st.text(), st.integers(0, 2**60)),
)
def test_a_line_reads_back_as_the_record_and_is_one_line(
    text: str | None, reason: str | None, score: float | None, detail: dict[str, float], usage: dict[str, int]
) -> None:
    error = Failure(cause="http_400", status=400, message=reason or "")
    original = record(text=text, reason=reason, score=score, detail=detail, usage=usage, error=error)
    line = original.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Record.model_validate_json(line) == original


def test_the_agreed_keys_stand_in_every_line(tmp_path: Path) -> None:
    import json

    line = json.loads(written(tmp_path / "j", record(images=(SentImage(w=3, h=4, sha256="x"),))))
    assert {"sample_id", "task", "status", "text", "extracted", "answer", "score"} <= set(line)
    assert line["images"] == [{"w": 3, "h": 4, "sha256": "x"}]


def test_a_journal_that_is_torn_anywhere_loses_the_torn_line_only(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", record("a", text="é\n"), record("b"), record("c"))
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    near_ends = {end + offset for end in ends for offset in (-2, -1, 0, 1)}
    for cut in sorted({*range(0, len(whole), 37), *near_ends} - {len(whole) + 1}):
        path = tmp_path / "torn"
        path.write_bytes(whole[:cut])
        complete = sum(end <= cut for end in ends)
        # A last line that lacks nothing but its newline is whole.
        complete += any(end - 1 == cut for end in ends)
        assert len(list(read_journal(path))) == complete
        with Journal(path) as journal:
            journal.append(record("z"))
        assert [r.sample_id for r in read_journal(path)] == [*["a", "b", "c"][:complete], "z"]


def test_zeros_that_a_power_cut_left_at_the_end_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(written(tmp_path / "whole", record("a")) + bytes(5000))
    with Journal(path) as journal:
        journal.append(record("b"))
    assert [r.sample_id for r in read_journal(path)] == ["a", "b"]


def test_a_long_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(written(tmp_path / "whole", record("a")) + record("b", text="x" * 300_000).line()[:-100])
    with Journal(path) as journal:
        journal.append(record("c"))
    assert [r.sample_id for r in read_journal(path)] == ["a", "c"]


@pytest.mark.parametrize("damage", [b"{}\n", b"not json\n", b"\n", b"\xff\xfe\n"])
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(record("a").line() + damage + record("b").line())
    with pytest.raises(RunFolderError, match=r"line 2.*delete that line"):
        list(read_journal(path))


def test_no_journal_has_no_records(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "none")) == []


def test_a_folder_in_the_journals_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be opened for writing"):
        Journal(tmp_path)
    with pytest.raises(RunFolderError, match="cannot be read"):
        list(read_journal(tmp_path))


def test_appending_never_touches_earlier_lines(tmp_path: Path) -> None:
    path = tmp_path / "j"
    before = written(path, record("a"))
    assert written(path, record("b")).startswith(before)


def test_a_journal_is_written_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.append(record("a"))
        assert len(list(read_journal(path))) == 1
        journal.sync()


def test_the_key_tells_views_budgets_and_repeats_apart() -> None:
    assert record("a", repeat=1).key == Key("a", "page", 1024, 1)
    assert len({record("a").key, record("a", view="blind").key, record("a", budget=1).key}) == 3


def test_rows_are_flat() -> None:
    row = record(
        usage={"input_tokens": 7},
        detail={"abs_error": 1.0},
        error=Failure(cause="timeout", message="slow"),
        images=(SentImage(w=2, h=3, sha256="x"),),
    ).row()
    assert row["usage_input_tokens"] == 7
    assert row["detail_abs_error"] == 1.0
    assert (row["error_cause"], row["error_status"]) == ("timeout", None)
    assert (row["n_images"], row["sent_pixels"]) == (1, 6)
    assert not any(isinstance(value, dict | list | tuple) for value in row.values())


def test_descriptors_are_not_left_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        written(tmp_path / "j", record())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
