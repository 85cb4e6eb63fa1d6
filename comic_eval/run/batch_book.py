"""``batches.json``: which batches a run has at its provider, so that no restart submits one twice or forgets one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from comic_eval.errors import RunFolderError
from comic_eval.files import write_atomic
from comic_eval.run.files import digest, to_json
from comic_eval.run.record import Key
from comic_eval.types import Frozen

FILE_NAME = "batches.json"


def request_id(key: Key) -> str:
    """The id of a sample's request in every batch of every start; 32 letters and digits, as any provider takes them."""
    return digest(list(key))[:32]


class Batch(Frozen):
    """One batch.

    Attributes:
        label: our name for it at the provider.
        requests: the ids that it was to hold, in order.
        created: when it was about to be submitted, ISO 8601 in UTC.
        state: ``intended`` before the provider was asked: whether it exists is not known; ``submitted``; ``collected``.
        handle: the provider's name for it.
        accepted: how many requests, from the front, the provider took; None where the answer to that was lost.
    """

    label: str
    requests: tuple[str, ...] = Field(min_length=1)
    created: str
    state: Literal["intended", "submitted", "collected"] = "intended"
    handle: str | None = None
    accepted: int | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """The ids that it holds, as far as is known."""
        return self.requests if self.accepted is None else self.requests[: self.accepted]


class _File(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid")

    batches: tuple[Batch, ...] = ()


class BatchBook:
    """The batches of a run; every change is on the disk before the call returns."""

    def __init__(self, folder: Path) -> None:
        """Reads the file, if there is one.

        Raises:
            RunFolderError: it is damaged.
        """
        self.path = folder / FILE_NAME
        try:
            self._batches = {b.label: b for b in _File.model_validate_json(self.path.read_bytes()).batches}
        except FileNotFoundError:
            self._batches = {}
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be read ({error.strerror})") from error
        except ValidationError as error:
            field = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
            raise RunFolderError(
                f"{self.path}: {field}: {error.errors()[0]['msg']}. The file was damaged; restore it, or delete it if "
                "the provider has no batch of this run any more"
            ) from error

    @property
    def open(self) -> list[Batch]:
        """Batches that are not collected, oldest first."""
        return [b for b in self._batches.values() if b.state != "collected"]

    def put(self, batch: Batch) -> Batch:
        """Adds a batch or replaces it.

        Raises:
            RunFolderError: the file cannot be written; the old one stands.
        """
        self._write({**self._batches, batch.label: batch}.values())
        self._batches[batch.label] = batch
        return batch

    def forget(self, batch: Batch) -> None:
        """Takes out a batch that was never submitted.

        Raises:
            RunFolderError: the file cannot be written; the old one stands.
        """
        self._write(b for b in self._batches.values() if b.label != batch.label)
        del self._batches[batch.label]

    def _write(self, batches: Iterable[Batch]) -> None:
        try:
            write_atomic(self.path, to_json(_File(batches=tuple(batches)).model_dump(mode="json")))
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be written ({error.strerror}). Free space and repeat the call: it goes on where "
                "it stopped"
            ) from error
