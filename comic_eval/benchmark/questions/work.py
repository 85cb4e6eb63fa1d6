"""The work on one panel: caption, questions, filters, translation, and the check without the picture.

After the paper's appendix D.1: (1) the panel is cut out and captioned; (2) from crop and caption the model writes
several questions with answers; (3) the panel's place in words comes from its box, and only panels with an unambiguous
phrase take part; (4) phrase and question are joined where the benchmark is built. Added here: facts, filters, the
second language, and the check for questions that can be answered blind.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from comic_eval.answers import tags
from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.benchmark.questions.asking import Interviewer, Reading, Said, Step, StepFailedError, Voice
from comic_eval.benchmark.questions.crops import PanelCrops
from comic_eval.benchmark.questions.filters import Filter, first_failure, sift
from comic_eval.benchmark.questions.job import TASK, Accepted, Job, Outcome
from comic_eval.benchmark.questions.prepare import Prepared
from comic_eval.benchmark.questions.prompts import SCHEMA, caption_prompt, questions_prompt, translation_prompt
from comic_eval.benchmark.questions.proposal import Proposal, Proposals, read_proposals
from comic_eval.errors import BenchmarkError
from comic_eval.run.ask import failure_of
from comic_eval.run.plan import conversation
from comic_eval.types import EncodedImage, Language, Question, Request, Sample

T = TypeVar("T")


class _UnreadableError(Exception):
    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


class Worker:
    """Works on panels, for all workers of a generation. Call `close` at the end."""

    def __init__(self, prepared: Prepared, interviewer: Interviewer, writer: Voice, guesser: Voice) -> None:
        self._prepared = prepared
        self._spec = prepared.spec
        self._interviewer = interviewer
        self._writer = writer
        self._guesser = guesser
        self._crops = PanelCrops(self._spec.crop, self._spec.budget)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="crop")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def work(self, job: Job) -> Outcome:
        """Does everything that is left to do about a panel. A damaged picture or a failed request is in the outcome.

        Raises:
            Stop: the server refuses everything or is gone.
            UnwritableError: the journal cannot be written.
        """
        language = job.page.language
        proposed, rejected = 0, Counter[Filter]()
        try:
            _, caption = await self._usable(
                job, job.page, "caption", lambda reason: caption_prompt(language, reason), _read_caption
            )
            said, proposals = await self._usable(
                job,
                job.page,
                "questions",
                lambda reason: questions_prompt(language, caption, self._spec.panel_questions, reason),
                _read_questions,
            )
            proposed = len(proposals.items)
            kept, failed = sift(
                proposals.items,
                language=language,
                phrases=job.phrases(language),
                known=job.known(),
                most=self._spec.panel_questions,
            )
            rejected.update(failed)
            texts: list[dict[Language, Proposal]] = [{language: proposal} for proposal in kept]
            for version in job.versions[1:]:
                translated = await self._translate(job, version, kept) if kept else []
                for text, proposal in zip(texts, translated, strict=True):
                    if proposal is not None:
                        text[version.language] = proposal
            whole = [text for text in texts if len(text) == len(job.versions)]
            if dropped := len(texts) - len(whole):
                rejected["translation"] += dropped
            accepted = [await self._check(job, text, said) for text in whole]
        except StepFailedError as error:
            return Outcome(job, failure=error.failure)
        except BenchmarkError as error:
            return Outcome(job, failure=failure_of(error, "image_error"))
        except _UnreadableError as error:
            return Outcome(job, proposed=proposed, rejected=rejected, unreadable=error.step)
        return Outcome(job, proposed=proposed, rejected=rejected, accepted=tuple(accepted))

    async def _translate(self, job: Job, version: Page, kept: Sequence[Proposal]) -> list[Proposal | None]:
        """The proposals in the version's language; None where there is no usable translation."""
        language = version.language

        async def read(said: Said) -> Reading[Proposals]:
            reading = await _read_questions(said)
            if reading.value is not None and not _fits(reading.value, kept):
                return Reading(None, "not_one_for_one")
            return reading

        try:
            _, translated = await self._usable(
                job, version, "translation", lambda reason: translation_prompt(language, kept, reason), read
            )
        except _UnreadableError:
            return [None] * len(kept)
        phrases = job.phrases(language)
        return [None if first_failure(item, language, phrases) else item for item in translated.items]

    async def _check(self, job: Job, texts: dict[Language, Proposal], said: Said) -> Accepted:
        """Asks the question without the picture, in every language: a pair is in one split."""
        right = {
            page.language: sum([await self._guess(job, page, texts[page.language], n) for n in self._attempts])
            for page in job.versions
        }
        guessable = any(2 * count >= self._spec.blind_attempts for count in right.values())
        return Accepted(texts, right, guessable, said.model, said.date)

    @property
    def _attempts(self) -> range:
        return range(self._spec.blind_attempts)

    async def _guess(self, job: Job, page: Page, proposal: Proposal, attempt: int) -> bool:
        digest = hashlib.sha256(proposal.model_dump_json().encode()).hexdigest()[:10]
        sample = Sample(
            **_of_page(page),
            id=f"{job.key}-{digest}-{page.language}",
            question=proposal.question,
            position=job.positions[0].text[page.language],
            answer=proposal.answer,
            facts=proposal.facts,
        )

        async def make() -> Request:
            prompt = self._prepared.task.prompt(sample, shown="nothing")
            return Request(
                conversation=conversation((), prompt), params=self._prepared.blind_params, question=sample.to_question()
            )

        async def read(said: Said) -> Reading[bool]:
            extraction = self._prepared.task.extract(said.text, sample)
            if extraction.value is None:
                return Reading(None, extraction.reason)
            score = await self._prepared.judge.grade(extraction.value, sample)
            return Reading(score.value == 1.0, extracted=extraction.value, score=score)

        _, reading = await self._interviewer.ask(
            self._guesser, "blind", sample.to_question(), attempt=attempt, make=make, read=read, answer=sample.answer
        )
        return reading.value is True

    async def _usable(
        self,
        job: Job,
        page: Page,
        step: Step,
        prompt: Callable[[str | None], str],
        read: Callable[[Said], Awaitable[Reading[T]]],
    ) -> tuple[Said, T]:
        """Asks one step until the reply can be used, telling the model what was wrong.

        Raises:
            _UnreadableError: none of the attempts could be used.
        """
        reason: str | None = None
        for attempt in range(self._spec.read_attempts):
            text = prompt(reason)
            question = Question(**_of_page(page), id=f"{job.key}-{page.language}", question=text)

            async def make(text: str = text, question: Question = question) -> Request:
                return Request(
                    conversation=conversation((await self._crop(page, job.panel),), text),
                    params=self._prepared.params,
                    question=question,
                    response_schema=SCHEMA if self._spec.response_schema and step != "caption" else None,
                )

            said, reading = await self._interviewer.ask(
                self._writer, step, question, attempt=attempt, make=make, read=read
            )
            if reading.value is not None:
                return said, reading.value
            reason = reading.reason or "unreadable"
        raise _UnreadableError(step)

    async def _crop(self, page: Page, panel: Panel) -> EncodedImage:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._crops.crop, page, panel)


def _of_page(page: Page) -> dict[str, object]:
    """What every question about a page states."""
    return {
        "task": TASK,
        "split": page.split,
        "page": page.id,
        "image": page.image_name,
        "image_size": (page.width, page.height),
        "language": page.language,
    }


async def _read_caption(said: Said) -> Reading[str]:
    caption = " ".join(tags.without_thoughts(said.text).body.split())
    if said.truncated:
        return Reading(None, "truncated")
    return Reading(caption, extracted=caption) if caption else Reading(None, "empty")


async def _read_questions(said: Said) -> Reading[Proposals]:
    found = read_proposals(said.text)
    if isinstance(found, str):
        return Reading(None, "truncated" if said.truncated else found)
    if found.items and not any(found.items):
        return Reading(None, "malformed")
    shown = [item.model_dump(mode="json") if item else None for item in found.items]
    return Reading(found, extracted=json.dumps(shown, ensure_ascii=False))


def _fits(translated: Proposals, kept: Sequence[Proposal]) -> bool:
    """Whether a translation has the same questions with as many facts each."""
    return len(translated.items) == len(kept) and all(
        item is not None and len(item.facts) == len(original.facts)
        for item, original in zip(translated.items, kept, strict=True)
    )
