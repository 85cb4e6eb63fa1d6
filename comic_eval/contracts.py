"""What a plugin must be: the protocols of model adapters, tasks and judges.

A plugin is one module in ``model_adapters/``, ``tasks/`` or ``judges/`` (or an entry point of another package in the
group ``comic_eval.model_adapters``, ``comic_eval.tasks`` or ``comic_eval.judges``). The module's name is the plugin's
name. It defines

- an adapter: ``def create(name: str, **settings) -> Adapter``; ``provider:name`` on the command line calls it;
- a task: ``TASK``, an object that meets `Task`;
- a judge: ``def create(name="", **settings) -> Judge``; ``judge:name`` on the command line calls it. One that asks
  models is a `comic_eval.judging.protocol.ModelJudge` too.

`comic_eval.conformance` checks them (``check_adapter``, ``check_task``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from comic_eval.errors import RequestError
from comic_eval.types import Extraction, Frozen, Generation, Request, Sample, Score


class AdapterInfo(Frozen):
    """What an adapter says about itself; it is stored in the manifest and is part of every cache key.

    Attributes:
        id: ``provider:name`` as the user typed it.
        reads_images: False for models that are handed images but never see them; the table says so.
        needs_images: False for adapters that look at the question alone (baselines): no image is drawn for them.
        family: the model's family (``qwen2.5-vl``, ``gpt``, ...), where known.
        note: one honest line for tables ("reads text only"), where one is needed.
        settings: everything that changes answers (endpoint, API, server options); no key, no secret.
        deterministic: True if the same request always gives the same answer (baselines): nothing is cached then.
        max_concurrency: requests at a time that the adapter can take; None for no limit of its own.
        always_samples: True if answers are drawn by chance at every temperature (reasoning models take none): every
            sample then gets a draw of its own, as it does at temperatures above 0.
        native_tools: whether `Request.tools` reach the model and its calls come back as `Generation.tool_calls`; False
            for models that are told of tools in the text and answer with tags.
    """

    id: str
    reads_images: bool = True
    needs_images: bool = True
    family: str | None = None
    note: str | None = None
    settings: dict[str, str | int | float | bool | dict[str, object] | None] = Field(default_factory=dict)
    deterministic: bool = False
    max_concurrency: int | None = None
    native_tools: bool = True
    always_samples: bool = False


class RunContext(Frozen):
    """What an adapter may look at before the first request: the benchmark's training split, and a folder for caches."""

    train_samples: tuple[Sample, ...] = ()
    seed: int = 0
    cache_dir: Path


@runtime_checkable
class Adapter(Protocol):
    """A model behind one method. Adapters never retry, never cache and never print: the engine does."""

    @property
    def info(self) -> AdapterInfo: ...

    async def start(self, context: RunContext) -> None:
        """Get ready: load weights, start a server. Called once, before the first request."""

    async def generate(self, request: Request) -> Generation:
        """Answer one request.

        Raises:
            RetryableError: a later attempt may succeed; carries the server's Retry-After in seconds.
            RequestError: it will not.
        """

    async def close(self) -> None:
        """Release everything; called once, also after a failure."""


@runtime_checkable
class NamesItsModel(Protocol):
    """An `Adapter` that finds out at its start which model its server has loaded, whatever name it is asked by."""

    @property
    def served(self) -> str | None:
        """A digest that differs from model to model; None before ``start``, and where the server does not tell.

        It is part of every cache key, and a run that goes on with another model is refused.
        """


class Submitted(Frozen):
    """A batch at the provider: its ``handle``, and how many of the requests, from the front, it holds."""

    handle: str
    accepted: int


class BatchStatus(Frozen):
    """How far a batch is. ``total`` and ``finished`` count requests; ``message`` is the provider's word on a failure.

    A batch that expired or was cancelled may still have answers.
    """

    state: Literal["running", "completed", "expired", "cancelled", "failed"]
    total: int | None = None
    finished: int | None = None
    message: str | None = None

    @property
    def ended(self) -> bool:
        return self.state != "running"


@runtime_checkable
class BatchAdapter(Protocol):
    """An adapter whose provider also takes requests in bulk: answered within a day, at half the price.

    An `Adapter` may be one too. Between `Adapter.start` and `Adapter.close`, every method may raise a `RequestError` or
    a `RetryableError` as ``generate`` does; handles stay valid in other processes.
    """

    async def submit(self, requests: Sequence[tuple[str, Request]], *, label: str) -> Submitted:
        """Sends one batch.

        Args:
            requests: pairs of an id, unique in the batch, and a request without tools: a batch is one turn. As many as
                one batch can hold are taken from the front, at least one; the caller submits the rest.
            label: the caller's name for the batch, at most 64 letters, digits, ``-`` and ``_``.
        """

    async def find(self, label: str) -> list[str]:
        """Handles of the batches under a label: a process that died before it wrote its handle down finds it here."""

    async def poll(self, handle: str) -> BatchStatus:
        """Asks how far a batch is."""

    def collect(self, handle: str) -> AsyncIterator[tuple[str, Generation | RequestError]]:
        """The outcomes of a batch that has ended, by id. Requests that it does not name got no answer."""


class TaskInfo(Frozen):
    """What tables and cards say about a task (paper, Table 2)."""

    name: str
    title: str
    category: str
    kind: Literal["choice", "number", "open"]
    metric: str
    description: str
    citation: str


@runtime_checkable
class Task(Protocol):
    """Turns a sample into a prompt, and a model's text into a score. Pure functions; no I/O."""

    @property
    def info(self) -> TaskInfo: ...

    def prompt(self, sample: Sample, *, shown: Literal["page", "crop", "page+crop", "nothing"]) -> str:
        """The text that follows the image, in the sample's language.

        Args:
            shown: what the images before the text are. Position phrases and explanations of marks are left out where
                they would speak of something that is not shown.
        """

    def extract(self, text: str, sample: Sample) -> Extraction:
        """Reads the answer out of what the model wrote; ambiguous or missing answers have no value but a reason."""

    def score(self, extraction: Extraction, sample: Sample) -> Score:
        """Scores a parsed answer. Open tasks return an unscored `Score`: a judge decides."""

    def chance(self, sample: Sample) -> float | None:
        """The probability that a random answer is right; None where there is no such thing (open, numeric)."""


@runtime_checkable
class Judge(Protocol):
    """Grades answers to open questions."""

    @property
    def id(self) -> str:
        """Stored in manifests; changes whenever verdicts may change."""

    @property
    def comparable(self) -> bool:
        """Whether its scores may stand beside an LLM judge's."""

    async def grade(self, answer: str, sample: Sample) -> Score:
        """1.0 for correct, 0.0 for incorrect; value None (unscored) when no verdict was reached."""
