"""What a run is (`RunSpec`, which never changes under one name) and how it is carried out (`Operation`, which may)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from comic_eval.contracts import AdapterInfo
from comic_eval.run.files import digest, safe_name
from comic_eval.run.redact import redact_json
from comic_eval.types import Frozen, Language, SamplingParams
from comic_eval.zoom.crop import CropRules


class BenchmarkRef(Frozen):
    """Which data: ``digest`` covers every byte of the questions, ``revision`` is the publisher's word for it."""

    name: str
    version: str
    revision: str
    digest: str


class RunSpec(Frozen):
    """Everything that decides which questions are asked and what a right answer earns.

    Attributes:
        model: ``provider:name``.
        model_settings: what the adapter says changes its answers (endpoint, API, server options); no keys.
        tasks: names, in the order of the tables.
        budget: visual tokens an image may cost; T tokens mean that at most 784 T pixels are sent.
        limit: number of samples, spread evenly over the tasks; None for all.
        judge: id of the judge of open answers.
        seed: of everything random that is ours (random baselines, fitting); ``params.seed`` is the model's own.
        crop: how oracle crops are cut out; None for views without any.
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

    @property
    def digest(self) -> str:
        """sha256 of the specification, the same on every machine."""
        # What a view does not have is left out, so that it makes no difference to the runs of other views.
        return digest(self.model_dump(mode="json", exclude={"crop"} if self.crop is None else None))

    @property
    def short_digest(self) -> str:
        """The first 12 characters; every journal line carries them."""
        return self.digest[:12]

    def default_name(self) -> str:
        """A readable name that no other specification gets, such as ``openai-gpt-5-mini-pepper-carrot-page-1f3a5c``."""
        parts = (self.model, self.benchmark.name, self.view)
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
    """

    concurrency: int = Field(default=8, gt=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=5, ge=0)
    max_wait_s: float = Field(default=60.0, gt=0)
    retry_budget_s: float = Field(default=600.0, gt=0)
    timeout_s: float = Field(default=600.0, gt=0)
    use_cache: bool = True


class Prices(Frozen):
    """US dollars per million tokens, as the user states them."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)

    def cost(self, usage: dict[str, int]) -> float:
        """Dollars for ``usage`` (`input_tokens`, of which `cached_tokens`, and `output_tokens`)."""
        cached = usage.get("cached_tokens", 0) if self.cached_input is not None else 0
        fresh = usage.get("input_tokens", 0) - cached
        dollars = fresh * self.input + cached * (self.cached_input or 0.0) + usage.get("output_tokens", 0) * self.output
        return dollars / 1e6


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
