"""``manifest.json``: everything that is known about a run but its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from comic_eval.contracts import AdapterInfo
from comic_eval.errors import RunFolderError
from comic_eval.files import write_atomic
from comic_eval.run.environment import Environment
from comic_eval.run.files import to_json
from comic_eval.run.spec import Operation, Prices, RunSpec
from comic_eval.types import Frozen

FORMAT = 1
FILE_NAME = "manifest.json"


class TaskPlan(Frozen):
    """What a run asks of one task, and what can be reached without looking at the drawing.

    Attributes:
        planned: number of samples.
        pages: number of pages they stand on.
        kind: ``choice``, ``number`` or ``open``.
        chance: mean probability that a random answer is right; None where there is no such thing.
        geometry: share that the `geometry` baseline gets right on exactly these samples; None where it says nothing.
    """

    title: str
    kind: Literal["choice", "number", "open"]
    metric: str
    planned: int
    pages: int
    chance: float | None = None
    geometry: float | None = None


class JudgePlan(Frozen):
    """The judge of open answers; its scores stand beside an LLM judge's only if ``comparable``.

    Attributes:
        models: ids of the models that it asks.
        settings: model id -> the adapter's settings.
        prompts: language -> sha256 of the prompt's words.
        self_judged: whether the evaluated model is one of them, because the user allowed it.
        notes: what a reader of its scores should know (families that judge and model share, ...).
    """

    id: str
    comparable: bool
    models: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    prompts: dict[str, str] = Field(default_factory=dict)
    self_judged: bool = False
    notes: tuple[str, ...] = ()


class Start(Frozen):
    """One start of the run: when, how, where, and with which arguments as they were passed (keys hidden).

    ``served`` tells which model the server had loaded, as far as it says (`comic_eval.contracts.NamesItsModel`).
    """

    time: str
    arguments: dict[str, Any]
    operation: Operation
    environment: Environment
    served: str | None = None


class Manifest(Frozen):
    """The manifest. Unknown keys are kept, so that later versions can add some.

    Attributes:
        format: of the run folder.
        spec: what the run is; never changes.
        spec_digest: sha256 of it.
        sample_ids_sha256: over the keys of all planned samples.
        prompts_sha256: over the prompts of all planned samples.
        scoring_sha256: over the code that reads and scores the answers; None in runs from before it was kept.
        images: how pictures are drawn, resized and encoded.
        left_out: task -> reason -> number of chosen samples that have no such view.
        warnings: where the run differs from what its checkpoint was trained with.
        adapter: what the adapter says about itself.
        tasks: by name, in the order of the tables.
        judged_from: the run whose answers were graded anew; None for a run that asked its own.
        prices: for the cost of the tokens, where the user stated them or a price table knows the model.
        starts: the first start, and every later one that went on with the run.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    format: int = FORMAT
    name: str
    created: str
    spec: RunSpec
    spec_digest: str
    sample_ids_sha256: str
    prompts_sha256: str
    scoring_sha256: str | None = None
    license: str
    images: dict[str, int | str] = Field(default_factory=dict)
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    adapter: AdapterInfo
    judge: JudgePlan
    judged_from: str | None = None
    tasks: dict[str, TaskPlan]
    prices: Prices | None = None
    starts: tuple[Start, ...] = Field(min_length=1)

    @property
    def planned(self) -> int:
        """Answers to get: samples times repeats."""
        return sum(t.planned for t in self.tasks.values()) * self.spec.repeats


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run folder.

    Raises:
        RunFolderError: there is none, or it cannot be read.
    """
    path = folder / FILE_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror}); is {folder} a run folder?") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise RunFolderError(
            f"{path}: {field}: {first['msg']}. The manifest was damaged or made by another version of comic-eval; "
            "restore it, or give another --name"
        ) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest atomically.

    Raises:
        OSError: it cannot be written; an older one stands.
    """
    write_atomic(folder / FILE_NAME, to_json(manifest.model_dump(mode="json")))
