"""One line of a journal."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, field_serializer

from comic_eval.types import Frozen, Judgement, Language, Status
from comic_eval.zoom.trace import Trace, Turn

# Letters and numbers; texts hardly ever agree to the letter.
LONGEST_VOTE = 16


class Key(NamedTuple):
    """What a journal line answers. Of several lines with one key the last counts."""

    sample_id: str
    view: str
    budget: int
    repeat: int


class Outcome(NamedTuple):
    """What counting needs of a record; small, so that the outcomes of a large run fit into memory.

    ``trace`` has no texts. ``vote`` is the extracted answer where it is short enough for answers to agree on.
    """

    task: str
    page: str
    status: Status
    score: float | None
    reason: str | None
    cause: str | None
    detail: dict[str, float]
    usage: dict[str, int]
    retries: int
    cached: bool
    latency_s: float | None
    trace: Trace | None = None
    repeat: int = 0
    vote: str | None = None
    batch: bool = False
    judge: Judgement | None = None


class Failure(Frozen):
    """Why a sample has no answer: ``cause`` to count by, the HTTP ``status`` if any, and a message without keys."""

    cause: str
    status: int | None = None
    message: str


class SentImage(Frozen):
    """An image as it was sent: width and height in pixels, and the sha256 of its bytes."""

    w: int
    h: int
    sha256: str


class Record(Frozen):
    """One finished sample.

    Attributes:
        run: first characters of the digest of the run's specification, so that a line tells where it belongs.
        status: ``scored``; ``unparsed`` (text, but no answer in it); ``unscored`` (an answer, but no verdict);
            ``failed`` (no answer, see ``error``).
        prompt: the text that followed the images; what a zoom episode says of its tool is not part of it.
        text: what the model wrote; None if the request failed. Of a zoom episode the turn that the answer is read from.
        extracted: the answer read out of it; None if there was none.
        answer: the right answer.
        score: 1.0 right, 0.0 wrong, None undecided.
        detail: further numbers of the scorer (``abs_error``, ``token_f1``, ...).
        reason: why there is no extracted answer or no verdict.
        usage: tokens as the provider counted them, all turns together; empty where it did not say.
        latency_s: seconds of the attempt that succeeded, all turns together; for a cached answer, of the one that was
            cached.
        retries: attempts that failed before the last.
        cached: whether the answer came from the response cache, so that nothing was spent now.
        images: what the first turn sent.
        model: the model's id as the provider returned it.
        batch: whether the provider's batch API answered, at its price.
        trace: the zoom episode; None where the model could not zoom or a request failed.
        judge: what a judge that asks models did with the answer: verdict, reason, calls, tokens, cost.
        time: when the line was written, ISO 8601 in UTC.
    """

    run: str
    sample_id: str
    task: str
    page: str
    language: Language
    pair_id: str | None
    view: str
    budget: int
    repeat: int = 0
    status: Status
    prompt: str
    text: str | None = None
    reasoning: str | None = None
    extracted: str | None = None
    answer: str
    score: float | None = None
    detail: dict[str, float] = Field(default_factory=dict)
    reason: str | None = None
    finish_reason: str | None = None
    usage: dict[str, int] = Field(default_factory=dict)
    latency_s: float | None = None
    retries: int = 0
    error: Failure | None = None
    images: tuple[SentImage, ...] = ()
    cached: bool = False
    model: str | None = None
    batch: bool = False
    trace: Trace | None = None
    judge: Judgement | None = None
    time: str

    @field_serializer("trace", "judge", mode="wrap")
    def _lean(self, value: Trace | Judgement | None, handler: SerializerFunctionWrapHandler) -> Any:
        return None if value is None else value.model_dump(mode="json", exclude_none=True)

    @property
    def key(self) -> Key:
        return Key(self.sample_id, self.view, self.budget, self.repeat)

    @property
    def answered(self) -> bool:
        """Whether the model answered; what is not answered is asked again by the next start of the run."""
        return self.status != "failed"

    def outcome(self) -> Outcome:
        return Outcome(
            task=sys.intern(self.task),
            page=sys.intern(self.page),
            status=self.status,
            score=self.score,
            reason=self.reason,
            cause=self.error.cause if self.error else None,
            detail=self.detail,
            usage=self.usage,
            retries=self.retries,
            cached=self.cached,
            latency_s=self.latency_s,
            trace=_without_texts(self.trace) if self.trace else None,
            repeat=self.repeat,
            vote=sys.intern(self.extracted) if self.extracted and len(self.extracted) <= LONGEST_VOTE else None,
            batch=self.batch,
            judge=_without_words(self.judge) if self.judge else None,
        )

    def line(self) -> bytes:
        """The journal line, newline included."""
        return self.__pydantic_serializer__.to_json(self) + b"\n"

    def row(self) -> dict[str, Any]:
        """Flat columns for a data frame: nested values become ``usage_*``, ``detail_*``, ``error_*`` and counts."""
        plain = self.model_dump(exclude={"usage", "detail", "error", "images", "trace", "judge"})
        plain |= {f"usage_{k}": v for k, v in self.usage.items()}
        plain |= {f"detail_{k}": v for k, v in self.detail.items()}
        plain |= {"error_cause": None, "error_status": None, "error_message": None}
        if self.error:
            plain |= {f"error_{k}": v for k, v in self.error}
        plain["n_images"] = len(self.images)
        plain["sent_pixels"] = sum(i.w * i.h for i in self.images)
        plain |= {"n_turns": None, "n_zooms": None}
        if self.trace:
            plain |= {"n_turns": len(self.trace.turns), "n_zooms": len(self.trace.calls)}
        plain |= {"judge_verdict": None, "judge_reason": None, "judge_calls": None, "judge_cost_usd": None}
        if self.judge:
            plain |= {f"judge_{k}": getattr(self.judge, k) for k in ("verdict", "reason", "calls", "cost_usd")}
        return plain


def _without_texts(trace: Trace) -> Trace:
    turns = tuple(Turn(text="", answered_early=t.answered_early) for t in trace.turns)
    calls = tuple(c.model_copy(update={"arguments": "", "label": None}) for c in trace.calls)
    return trace.model_copy(update={"turns": turns, "calls": calls})


def _without_words(judgement: Judgement) -> Judgement:
    votes = tuple(_without_words(v) for v in judgement.votes)
    return judgement.model_copy(update={"reason": None, "prompt_sha256": None, "votes": votes})
