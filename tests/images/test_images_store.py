from __future__ import annotations

import logging
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.files import write_atomic
from comic_eval.images.store import DiskCache, MemoryCache, content_key, image_cost
from comic_eval.types import EncodedImage


def picture(data: bytes = b"jpeg bytes") -> EncodedImage:
    return EncodedImage(data=data, media_type="image/jpeg", size=(10, 20), source_size=(100, 200))


KEY = content_key({"a": 1})


def test_the_disk_gives_back_what_it_was_given(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "new" / "folder")
    assert cache.get(KEY) is None
    cache.put(KEY, picture(b"one\ntwo\n\n"))
    assert DiskCache(tmp_path / "new" / "folder").get(KEY) == picture(b"one\ntwo\n\n")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign", "list"])
def test_a_damaged_entry_is_not_used_and_is_replaced(tmp_path: Path, damage: str) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, picture())
    path = cache.path(KEY)
    raw = path.read_bytes()
    broken = {"flip": raw[:-1] + b"!", "cut": raw[:-3], "empty": b"", "foreign": b"{}\nx", "list": b"[1]\nx"}
    path.write_bytes(broken[damage])
    assert cache.get(KEY) is None
    cache.put(KEY, picture())
    assert cache.get(KEY) == picture()


def test_a_cache_that_cannot_be_written_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        cache.put(KEY, picture())
        cache.put(KEY, picture())
        assert cache.get(KEY) is None
    assert sum("cannot be written" in r.message for r in caplog.records) == 1


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    with pytest.raises(OSError, match="name"):
        write_atomic(tmp_path / "name", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["name"]


def _put_many(folder: Path, data: bytes) -> None:
    for _ in range(50):
        DiskCache(folder).put(KEY, picture(data))


def test_processes_share_the_folder(tmp_path: Path) -> None:
    data = [bytes([n]) * 200_000 for n in range(2)]
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(tmp_path, d)) for d in data]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        image = DiskCache(tmp_path).get(KEY)
        seen.add(image and image.data)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen <= {None, *data}
    assert [p.name for p in (tmp_path / KEY[:2]).iterdir()] == [KEY]


def test_keys_depend_on_every_part_and_not_on_their_order() -> None:
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key({"a": 1, "b": 2}) != content_key({"a": 1, "b": 3})


def test_the_cost_counts_the_data_url() -> None:
    for length in (0, 1, 2, 3, 1000):
        image = picture(b"x" * length)
        held = len(image.data) + len(image.data_url)
        assert held - 40 <= image_cost(image) <= held + 40


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60))
def test_memory_stays_within_its_capacity(requests: list[tuple[int, int]]) -> None:
    cache: MemoryCache[tuple[int, int], int] = MemoryCache(100, lambda value: value)
    kept: list[tuple[int, int]] = []

    def make(key: tuple[int, int], made: list[int]) -> int:
        made.append(1)
        return key[1]

    for key in requests:
        made: list[int] = []
        assert cache.get(key, partial(make, key, made)) == key[1]
        assert cache.used <= 100
        assert bool(made) == (key not in kept)
        kept = [k for k in kept if k != key] + [key]
        while sum(k[1] for k in kept) > 100:
            kept.pop(0)
        assert cache.used == sum(k[1] for k in kept)


def test_what_is_larger_than_the_memory_is_not_kept() -> None:
    cache: MemoryCache[str, int] = MemoryCache(10, lambda value: value)
    cache.get("small", lambda: 10)
    assert cache.get("large", lambda: 11) == 11
    assert cache.peek("large") is None
    assert cache.peek("small") == 10


def test_threads_that_ask_for_one_value_make_it_once() -> None:
    cache: MemoryCache[str, object] = MemoryCache(10, lambda value: 1)
    inside = threading.Barrier(2)
    made = []

    def make() -> object:
        made.append(1)
        inside.wait(timeout=10)
        return object()

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(cache.get, "key", make) for _ in range(8)]
        inside.wait(timeout=10)
        values = {id(future.result(timeout=10)) for future in futures}
    assert len(made) == 1
    assert len(values) == 1


def test_a_failure_reaches_every_waiting_thread_and_is_not_kept() -> None:
    cache: MemoryCache[str, int] = MemoryCache(10, lambda value: 1)
    entered, go = threading.Event(), threading.Event()

    def fail() -> int:
        entered.set()
        go.wait(timeout=10)
        raise ValueError("no picture")

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(cache.get, "key", fail) for _ in range(4)]
        assert entered.wait(timeout=10)
        go.set()
        for future in futures:
            with pytest.raises(ValueError, match="no picture"):
                future.result(timeout=10)
    assert cache.get("key", lambda: 7) == 7
