"""What a generation of questions is (`GenerationSpec`), and the file that keeps it in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from comic_eval.benchmark.annotations import Page
from comic_eval.contracts import AdapterInfo
from comic_eval.errors import RunFolderError
from comic_eval.files import sha256_of, write_atomic
from comic_eval.run.environment import Environment, environment
from comic_eval.run.files import digest, to_json
from comic_eval.run.folder import JOURNAL
from comic_eval.run.manifest import FILE_NAME as MANIFEST
from comic_eval.run.redact import redact_json
from comic_eval.run.spec import Operation, differences
from comic_eval.types import Frozen, SamplingParams
from comic_eval.zoom.crop import CropRules

# Raised with any change to how replies are read, filtered or checked, which no prompt shows.
RULES_VERSION = 1


class GenerationSpec(Frozen):
    """Everything that decides which questions come out; never changes in one folder.

    Attributes:
        pages_digest: of all pages, their labels, pictures and questions, as they were read.
        model: ``provider:name`` of the model that writes; its ``family`` is part of every question's author.
        blind_model: the model that tries to answer without the picture.
        panel_questions: questions to ask for, and to keep at most, a panel.
        blind_attempts: answers a question without the picture; guessable are those answered right in half of them.
        read_attempts: requests for one step whose replies cannot be used, before the panel is given up.
        all_pages: whether pages that carry questions get more.
        response_schema: whether the provider is asked to enforce the form of the replies.
        crop: how a panel is cut out of its page.
        params: decoding settings of the writing requests; ``blind_params`` of the others.
        prompts_sha256: over all prompts.
    """

    pages_digest: str
    model: str
    model_settings: dict[str, Any] = Field(default_factory=dict)
    family: str | None = None
    blind_model: str
    blind_settings: dict[str, Any] = Field(default_factory=dict)
    judge: str
    panel_questions: int = Field(gt=0)
    blind_attempts: int = Field(gt=0)
    read_attempts: int = Field(gt=0)
    all_pages: bool
    response_schema: bool
    budget: int = Field(gt=0)
    crop: CropRules
    params: SamplingParams
    blind_params: SamplingParams
    prompts_sha256: str
    rules_version: int = RULES_VERSION

    @property
    def short_digest(self) -> str:
        """The first 12 characters of the digest; every journal line carries them."""
        return digest(self.model_dump(mode="json"))[:12]


class Start(Frozen):
    """One start: when, with which arguments as they were passed (keys hidden), and where."""

    time: str
    arguments: dict[str, Any]
    operation: Operation
    environment: Environment


class GenerationManifest(Frozen):
    """What stands in the manifest: the specification, what the adapters say about themselves, and every start."""

    format: int = 1
    spec: GenerationSpec
    adapter: AdapterInfo
    blind_adapter: AdapterInfo
    starts: tuple[Start, ...] = Field(min_length=1)


def make_start(arguments: dict[str, Any], operation: Operation) -> Start:
    """This start as the manifest holds it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Start(time=now, arguments=redact_json(arguments), operation=operation, environment=environment())


def pages_digest(pages: Sequence[Page]) -> str:
    """sha256 over what the pages say and show, wherever their folder lies."""
    return digest([[p.model_dump(mode="json", exclude={"image"}), sha256_of(p.image)] for p in pages])


def enter(folder: Path, wanted: GenerationManifest) -> None:
    """Writes the manifest of a new generation, or adds this start to an old one's. Call under the lock.

    As long as nothing was ever asked, a corrected call takes the folder over: nothing is lost.

    Raises:
        RunFolderError: the folder holds a generation with other settings, or cannot be used.
    """
    path, journal = folder / MANIFEST, folder / JOURNAL
    entered = wanted
    if path.exists() and journal.exists() and journal.stat().st_size:
        found = _read(path)
        if changed := differences(found.spec, wanted.spec):
            raise RunFolderError(
                f"{folder}: these questions were begun with other settings. {'; '.join(changed)}. Choose another OUT "
                "folder (answers that were got before come from the response cache), or repeat the call as it was"
            )
        entered = found.model_copy(update={"starts": (*found.starts, *wanted.starts)})
    try:
        write_atomic(path, to_json(entered.model_dump(mode="json")))
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror}). Free space or choose another OUT folder"
        ) from error


def _read(path: Path) -> GenerationManifest:
    try:
        return GenerationManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror}). Choose another OUT folder") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise RunFolderError(
            f"{path}: {field}: {first['msg']}. The manifest was damaged or made by another version of comic-eval; "
            "restore it, or choose another OUT folder"
        ) from error
