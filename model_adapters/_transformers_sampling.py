"""Decoding that does not depend on the batch: each request draws from a random generator of its own."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from comic_eval.errors import RequestError
from comic_eval.types import Frozen, SamplingParams


class Sampling(Frozen):
    """How a request decodes; requests that share a batch have equal ones. Temperature 0 is greedy."""

    temperature: float = Field(ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0)

    @classmethod
    def of(cls, params: SamplingParams) -> Sampling:
        """The settings of a request; ``extra_body`` may hold top_k, min_p and repetition_penalty, as vLLM has them.

        A checkpoint's own sampling settings are never used: what a run records is all there is.

        Raises:
            RequestError: settings that this adapter does not know.
        """
        if params.reasoning_effort is not None:
            raise RequestError("a local model has no reasoning_effort; leave it out", cause="bad_request")
        own = {
            "temperature": 1.0 if params.temperature is None else params.temperature,
            "top_p": 1.0 if params.top_p is None else params.top_p,
        }
        if taken := own.keys() & params.extra_body.keys():
            raise RequestError(f"extra_body may not set {', '.join(sorted(taken))}", cause="bad_request")
        try:
            return cls.model_validate({**own, **params.extra_body})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            known = ", ".join(sorted(cls.model_fields.keys() - own.keys()))
            raise RequestError(f"extra_body: {wrong}; a local model knows {known}", cause="bad_request") from None


def processors(sampling: Sampling, seeds: list[int | None], suppress: list[int], device: Any) -> Any:
    """The chain that turns logits into scores whose argmax is the next token.

    Sampling is the Gumbel-max trick: the argmax of log-probabilities plus Gumbel noise is a sample. With the noise of
    each row from a generator of its own, a request's answer does not change with what it shares a batch with.
    """
    import torch
    from transformers import (
        LogitsProcessor,
        LogitsProcessorList,
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        SuppressTokensLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    class GumbelNoise(LogitsProcessor):  # type: ignore[misc] # transformers is Any to the type checker
        def __init__(self) -> None:
            self._rows = [torch.Generator(device) for _ in seeds]
            for generator, seed in zip(self._rows, seeds, strict=True):
                generator.seed() if seed is None else generator.manual_seed(seed)

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            noise = torch.stack(
                [torch.empty(scores.shape[1], device=scores.device).exponential_(generator=g) for g in self._rows]
            )
            return torch.log_softmax(scores.float(), dim=-1) - noise.log()

    chain = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        chain.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if suppress:
        chain.append(SuppressTokensLogitsProcessor(suppress, device=device))
    if sampling.temperature == 0:
        return chain
    chain.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        chain.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        chain.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        chain.append(MinPLogitsWarper(sampling.min_p))
    chain.append(GumbelNoise())
    return chain
