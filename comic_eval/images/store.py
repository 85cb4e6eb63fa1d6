"""Keeps finished pictures: by content on disk, least recently used in memory, and never made twice at once."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

import orjson
from pydantic import ValidationError

from comic_eval.files import write_atomic
from comic_eval.types import EncodedImage

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class MemoryCache(Generic[K, V]):
    """A thread-safe LRU bounded by the sum of its values' costs, which makes each missing value once.

    Args:
        capacity: upper bound of the costs' sum; a value that costs more is handed out and not kept.
        cost: the cost of a value.
    """

    def __init__(self, capacity: int, cost: Callable[[V], int]) -> None:
        self._capacity = capacity
        self._cost = cost
        self._used = 0
        self._values: OrderedDict[K, V] = OrderedDict()
        self._pending: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """The sum of the costs of what is kept."""
        return self._used

    def peek(self, key: K) -> V | None:
        """The value if it is kept, without waiting for one that is being made."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of ``key``, made by ``make`` if it is not kept.

        Threads that ask for a value while it is being made wait for it, and get its exception if making it fails;
        a failure is not kept.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            pending = self._pending.get(key)
            if pending is None:
                mine: Future[V] = Future()
                self._pending[key] = mine
        if pending is not None:
            return pending.result()
        try:
            value = make()
        except BaseException as error:
            # Whoever waits must be woken, whatever went wrong (an interrupt too); the error itself goes on.
            with self._lock:
                del self._pending[key]
            mine.set_exception(error)
            raise
        with self._lock:
            self._keep(key, value)
            del self._pending[key]
        mine.set_result(value)
        return value

    def _keep(self, key: K, value: V) -> None:
        cost = self._cost(value)
        if cost > self._capacity:
            return
        self._values[key] = value
        self._used += cost
        while self._used > self._capacity:
            _, old = self._values.popitem(last=False)
            self._used -= self._cost(old)


def image_cost(image: EncodedImage) -> int:
    """Bytes that an image occupies once it has been sent: its data and their base64 form."""
    return len(image.data) + 4 * (len(image.data) // 3 + 1)


class DiskCache:
    """Encoded images in files named by a key that covers everything their pixels depend on.

    Processes may share the folder: files appear whole or not at all, and each is checked against its digest when it is
    read. A cache that cannot be written costs time, never an answer, so that is logged once and lived with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writable = True

    def path(self, key: str) -> Path:
        """Where the image of ``key`` (hexadecimal) lies."""
        return self._folder / key[:2] / key

    def get(self, key: str) -> EncodedImage | None:
        """The image, or None where there is none or a damaged one (which the next `put` replaces)."""
        path = self.path(key)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("image cache: %s cannot be read (%s)", path, error)
            return None
        head, _, data = raw.partition(b"\n")
        try:
            fields = orjson.loads(head)
            sha256 = fields.pop("sha256")
            image = EncodedImage(data=data, **fields)
        except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError, AttributeError):
            image = None
        if image is None or image.sha256 != sha256:
            logger.warning("image cache: %s is damaged and will be made anew", path)
            return None
        return image

    def put(self, key: str, image: EncodedImage) -> None:
        """Stores an image."""
        if not self._writable:
            return
        fields = {
            "media_type": image.media_type,
            "size": image.size,
            "source_size": image.source_size,
            "sha256": image.sha256,
        }
        path = self.path(key)
        try:
            write_atomic(path, orjson.dumps(fields) + b"\n" + image.data, lasting=False)
        except OSError as error:
            self._writable = False
            logger.warning("image cache: %s cannot be written (%s); going on without", path, error)


def content_key(parts: dict[str, object]) -> str:
    """A key for the disk: the SHA-256 of ``parts`` in canonical JSON."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
