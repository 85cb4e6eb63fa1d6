"""Asks one step of the work on a panel, at most once: what the journal holds already is read, not asked.

The journal is that of a run (`comic_eval.run.record.Record`), one line an answered or failed request. Its ``view`` says
which step it was: ``caption``, ``questions``, ``translation`` or ``blind``; ``repeat`` counts the attempts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal, NamedTuple, TypeVar

from comic_eval.run.ask import Asker, Reply
from comic_eval.run.breaker import Breaker
from comic_eval.run.journal import Journal
from comic_eval.run.record import Failure, Key, Record, SentImage
from comic_eval.types import Question, Request, Score

Step = Literal["caption", "questions", "translation", "blind"]
STEPS: tuple[Step, ...] = ("caption", "questions", "translation", "blind")
T = TypeVar("T")
# Finish reasons of Chat Completions, Responses and Gemini for an answer that hit the limit on output tokens.
_CUT_OFF = {"length", "max_output_tokens", "MAX_TOKENS"}


@dataclass(frozen=True)
class Said:
    """What a model said, as later steps need it; ``model`` is its id as returned, ``date`` the day in UTC."""

    text: str
    model: str
    date: str
    truncated: bool


class Reading(NamedTuple, Generic[T]):
    """What was read out of a reply: a value, or None and the reason. ``extracted`` and ``score`` go to the journal."""

    value: T | None
    reason: str | None = None
    extracted: str | None = None
    score: Score | None = None


class StepFailedError(Exception):
    """A request failed for good; the next start asks it again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class UnwritableError(Exception):
    """The journal takes no more lines."""


@dataclass(frozen=True)
class Voice:
    """A model that is asked: its requests pass one set of limits and one watch over failures in a row."""

    id: str
    asker: Asker
    breaker: Breaker


class Interviewer:
    """Asks, reads and records.

    Args:
        run: short digest of the specification, for the journal's lines.
        journal: open for appending.
        known: the records of earlier starts.
        budget: of the images, for the journal's lines.
        on_request: called after each request that was really made or came from the cache.
    """

    def __init__(
        self,
        run: str,
        journal: Journal,
        known: Mapping[Key, Record],
        budget: int,
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._run = run
        self._journal = journal
        self._known = {key: _said(record) for key, record in known.items() if record.answered}
        self._budget = budget
        self._on_request = on_request

    async def ask(
        self,
        voice: Voice,
        step: Step,
        question: Question,
        *,
        attempt: int,
        make: Callable[[], Awaitable[Request]],
        read: Callable[[Said], Awaitable[Reading[T]]],
        answer: str = "",
    ) -> tuple[Said, Reading[T]]:
        """What the model says to one request, from the journal if it has said it before.

        Args:
            make: makes the request; not called where the journal has the answer.
            read: reads the answer; a pure function of it.
            answer: the right answer, where there is one.

        Raises:
            StepFailedError: the request failed for good.
            Stop: the server refuses everything or is gone.
            UnwritableError: the journal cannot be written.
        """
        said = self._known.get(Key(question.id, step, self._budget, attempt))
        if said is not None:
            return said, await read(said)
        request = await make()
        reply = await voice.asker.ask(request, attempt)
        record = self._record(voice, step, question, attempt, answer, request, reply)
        if reply.failure is not None:
            self._append(record)
            voice.breaker.failed(reply.failure)
            raise StepFailedError(reply.failure)
        said = _said(record)
        reading = await read(said)
        self._append(_with_reading(record, reading))
        voice.breaker.answered()
        return said, reading

    def _append(self, record: Record) -> None:
        try:
            self._journal.append(record)
        except OSError as error:
            raise UnwritableError(error.strerror or str(error)) from error
        self._on_request()

    def _record(
        self, voice: Voice, step: Step, question: Question, attempt: int, answer: str, request: Request, reply: Reply
    ) -> Record:
        generation = reply.generation
        conversation = request.conversation
        return Record(
            run=self._run,
            sample_id=question.id,
            task=question.task,
            page=question.page,
            language=question.language,
            pair_id=None,
            view=step,
            budget=self._budget,
            repeat=attempt,
            status="failed" if generation is None else "unscored",
            prompt="\n".join(m.text for m in conversation.messages),
            text=generation.text if generation else None,
            reasoning=generation.reasoning if generation else None,
            answer=answer,
            finish_reason=generation.finish_reason if generation else None,
            usage=generation.usage.model_dump(exclude_none=True) if generation else {},
            latency_s=reply.latency_s,
            retries=reply.retries,
            error=reply.failure,
            images=tuple(SentImage(w=i.size[0], h=i.size[1], sha256=i.sha256) for i in conversation.images),
            cached=reply.cached,
            model=(generation.model if generation else None) or voice.id,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def _with_reading(record: Record, reading: Reading[T]) -> Record:
    score = reading.score
    if reading.value is None:
        return record.model_copy(update={"status": "unparsed", "reason": reading.reason})
    changes = {
        "status": "unscored" if score is None or score.value is None else "scored",
        "extracted": reading.extracted,
        "score": score.value if score else None,
        "detail": score.detail if score else {},
        "reason": reading.reason or (score.reason if score else None),
    }
    return record.model_copy(update=changes)


def _said(record: Record) -> Said:
    return Said(
        text=record.text or "",
        model=record.model or "unknown",
        date=record.time[:10],
        truncated=record.finish_reason in _CUT_OFF,
    )
