"""What a judge that asks models is, and what it is handed to ask them with."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from comic_eval.contracts import Adapter, Judge
from comic_eval.run.ask import Reply
from comic_eval.types import EncodedImage, Request, Sample, Usage


class Desk(Protocol):
    """Asks a judge's models, with the cache, limits, time limits and retries of a run."""

    async def ask(self, adapter: Adapter, request: Request, attempt: int) -> Reply:
        """Answers a request or says why not; ``attempt`` counts the times that one answer is graded."""

    def cost(self, adapter: Adapter, usage: Usage) -> float | None:
        """Dollars; None where no price is known."""

    async def show(self, sample: Sample) -> tuple[EncodedImage, ...]:
        """The panels that a question is about."""


@runtime_checkable
class ModelJudge(Judge, Protocol):
    """A judge that asks models. Between `open_judge`'s beginning and end it has a desk; without one it cannot grade."""

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """Its models."""

    @property
    def prompts(self) -> dict[str, str]:
        """Language -> sha256 of the prompt's words."""

    @property
    def crop(self) -> bool:
        """Whether it is shown the panel that a question is about."""

    @property
    def allow_self_judge(self) -> bool:
        """Whether one of its models may grade its own answers."""

    def bind(self, desk: Desk | None) -> None:
        """Hands over the desk, or takes it back."""
