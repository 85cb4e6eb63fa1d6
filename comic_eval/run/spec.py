"""What a run is (`RunSpec`, which never changes under one name) and how it is carried out (`Operation`, which may)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from comic_eval.contracts import AdapterInfo
from comic_eval.run.files import digest, safe_name
from comic_eval.run.redact import redact_json
from comic_eval.types import Frozen, Language, SamplingParams
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.settings import ZoomSettings


class BenchmarkRef(Frozen):
    """Which data: ``digest`` covers every byte of the questions, ``revision`` is the publisher's word for it."""

    name: str
    version: str
    revision: str
    digest: str


class Replay(Frozen):
    """What a probe takes from an earlier run.

    Attributes:
        run: its name.
        run_digest: digest of its specification.
        content_sha256: over the turns or boxes that are taken.
        source: what comes back for a zoom (`comic_eval.zoom.environment.CropSource`); ``crops`` shows the earlier run's
            crops alone to a model that does not zoom.
    """

    run: str
    run_digest: str
    content_sha256: str
    source: Literal["predicted", "ground-truth", "noise", "crops"]


class RunSpec(Frozen):
    """Everything that decides which questions are asked and what a right answer earns.

    Attributes:
        model: ``provider:name``.
        model_settings: what the adapter says changes its answers (endpoint, API, server options); no keys.
        tasks: names, in the order of the tables.
        budget: visual tokens an image may cost; T tokens mean that at most 784 T pixels are sent (1,024 T
            in families whose tokens cover 32 x 32).
        limit: number of samples, spread evenly over the tasks; None for all.
        judge: id of the judge of open answers.
        seed: of everything random that is ours (random baselines, fitting); ``params.seed`` is the model's own.
        crop: how oracle crops are cut out; None for views without any.
        family: the model's family, whose rule resizes the pictures; None where it is unknown.
        coords: how the model writes boxes; None without zooming.
        zoom: limits and crop rules of its episodes; None without zooming.
        replay: what a probe takes from an earlier run.
        system: the system prompt; None for none.
        repeats: answers that are asked of every question.
    """

    model: str
    model_settings: dict[str, Any] = Field(default_factory=dict)
    benchmark: BenchmarkRef
    split: str
    tasks: tuple[str, ...]
    language: Language
    view: str
    budget: int = Field(gt=0)
    limit: int | None = Field(default=None, gt=0)
    params: SamplingParams = SamplingParams()
    judge: str
    seed: int = 0
    crop: CropRules | None = None
    family: str | None = None
    coords: CoordSpec | None = None
    zoom: ZoomSettings | None = None
    replay: Replay | None = None
    system: str | None = None
    repeats: int = Field(default=1, gt=0)

    @property
    def digest(self) -> str:
        """sha256 of the specification, the same on every machine."""
        # What a run does not have is left out, so that it makes no difference to other runs.
        optional = {"crop", "family", "coords", "zoom", "replay", "system"}
        absent = {name for name in optional if getattr(self, name) is None}
        return digest(self.model_dump(mode="json", exclude=absent | ({"repeats"} if self.repeats == 1 else set())))

    @property
    def short_digest(self) -> str:
        """The first 12 characters; every journal line carries them."""
        return self.digest[:12]

    def default_name(self) -> str:
        """A readable name that no other specification gets, such as ``openai-gpt-5-mini-pepper-carrot-page-1f3a5c``."""
        parts = (self.model, self.benchmark.name, "zoom" if self.zoom else self.view)
        return "-".join(safe_name(p) for p in parts) + "-" + self.digest[:6]


class Operation(Frozen):
    """How a run is carried out; may differ from start to start, since no answer depends on it.

    Attributes:
        concurrency: samples in work at a time.
        requests_per_minute: limit over all workers; None for none.
        tokens_per_minute: limit on input and output tokens together; None for none.
        max_retries: further attempts after a request that may succeed later.
        max_wait_s: longest single wait between attempts; a server that asks for more has refused.
        retry_budget_s: longest time from the first attempt of a sample to the start of its last.
        timeout_s: longest time of one attempt.
        use_cache: whether answers that another run got to the same request are used, and ours kept.
        max_cost_usd: limit in dollars on everything that all starts of the run spend; None for none.
        batch: whether requests go through the provider's batch API: answered within a day, at a lower price.
        batch_poll_s: time between two looks at the batches.
    """

    concurrency: int = Field(default=8, gt=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=5, ge=0)
    max_wait_s: float = Field(default=60.0, gt=0)
    retry_budget_s: float = Field(default=600.0, gt=0)
    timeout_s: float = Field(default=600.0, gt=0)
    use_cache: bool = True
    max_cost_usd: float | None = Field(default=None, gt=0)
    batch: bool = False
    batch_poll_s: float = Field(default=30.0, gt=0)


class Prices(Frozen):
    """US dollars per million tokens, as the user states them or as a price table has them.

    Attributes:
        batch: what a batch costs, as a share of these prices.
        as_of: the day on which a price table saw them, ISO 8601; None for the user's own.
        source: where the provider publishes them.
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    batch: float = Field(default=0.5, gt=0, le=1)
    as_of: str | None = None
    source: str | None = None

    def cost(self, usage: dict[str, int], *, batch: bool = False) -> float:
        """Dollars for ``usage`` (`input_tokens`, of which `cached_tokens`, and `output_tokens`)."""
        cached = usage.get("cached_tokens", 0) if self.cached_input is not None else 0
        fresh = usage.get("input_tokens", 0) - cached
        dollars = fresh * self.input + cached * (self.cached_input or 0.0) + usage.get("output_tokens", 0) * self.output
        return dollars * (self.batch if batch else 1.0) / 1e6


def model_settings(info: AdapterInfo) -> dict[str, Any]:
    """The adapter's settings as they go into a specification: plain JSON without secrets."""
    settings: dict[str, Any] = redact_json(info.model_dump(mode="json")["settings"])
    return settings


def differences(old: Frozen, new: Frozen) -> list[str]:
    """The fields in which two specifications differ, as ``name: old, now new``."""
    before, after = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    return [
        f"{name}: {before.get(name, 'not set')!r}, now {after.get(name, 'not set')!r}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[prefix + key] = item
    return flat
