"""The LLM judge: one model reads question, reference, facts and answer, and gives a verdict with a reason.

``llm:PROVIDER:NAME``, such as ``llm:openai:gpt-5-mini``. What equals the reference but for spelling is CORRECT and what
holds no word is NOT_ATTEMPTED without asking anybody; the rest is graded pointwise, at temperature 0, in structured
output. After a reply without one readable verdict the model is asked again, more shortly; without any the
answer stays unscored.

Source: pointwise, reference-based grading with CORRECT / INCORRECT / NOT_ATTEMPTED as in Wei et al. (2024), "Measuring
short-form factuality in large language models", arXiv:2411.04368; the paper grades Panel Understanding with an LLM
judge, whose prompt is not public.
"""

from __future__ import annotations

from typing import Any

from comic_eval.answers.facts import is_same
from comic_eval.answers.normalise import words
from comic_eval.contracts import Adapter
from comic_eval.errors import PluginError, UserError
from comic_eval.judging.prompt import LONGEST_ANSWER, RULES, VERSION, judge_conversation, prompt_sha256
from comic_eval.judging.protocol import Desk
from comic_eval.judging.verdict import SCHEMA, read_verdict
from comic_eval.plugins import create_adapter
from comic_eval.run.files import digest
from comic_eval.run.spec import model_settings
from comic_eval.types import EncodedImage, Judgement, Request, Sample, SamplingParams, Score, Usage, Verdict

ATTEMPTS = 3
MAX_TOKENS = 1024
_CUT_OFF = {"length", "max_output_tokens"}


class LLMJudge:
    """One model that grades; see the module.

    Args:
        adapter: the model.
        crop: shows it the panels that the question is about.
        allow_self_judge: lets it grade answers of its own model.
        attempts: how often one answer is asked about until there is a verdict.
        params: decoding settings.
    """

    comparable = True

    def __init__(
        self,
        adapter: Adapter,
        *,
        crop: bool = False,
        allow_self_judge: bool = False,
        attempts: int = ATTEMPTS,
        params: SamplingParams | None = None,
    ) -> None:
        if attempts < 1:
            raise UserError(f"judge: attempts {attempts}: give 1 or more")
        self.adapters: tuple[Adapter, ...] = (adapter,)
        self.crop = crop
        self.allow_self_judge = allow_self_judge
        self.prompts = {language: prompt_sha256(language) for language in RULES}
        self._adapter = adapter
        self._attempts = attempts
        self._params = params or SamplingParams(temperature=0.0, max_tokens=MAX_TOKENS)
        self._desk: Desk | None = None
        parts = [self.prompts, model_settings(adapter.info), self._params.model_dump(mode="json"), attempts, crop]
        self.id = f"llm:{adapter.info.id}@{VERSION}-{digest(parts)[:8]}" + ("+crop" if crop else "")

    def bind(self, desk: Desk | None) -> None:
        """Hands over what it asks with, or takes it back."""
        self._desk = desk

    async def grade(self, answer: str, sample: Sample) -> Score:
        """1.0 for CORRECT, 0.0 for INCORRECT and NOT_ATTEMPTED (reason ``not_attempted``); unscored without a verdict.

        Raises:
            UserError: the judge was not opened with `comic_eval.judging.desk.open_judge`.
        """
        if not words(answer):
            return self._score(Judgement(judge=self.id, verdict="NOT_ATTEMPTED", by="rule", reason="no words"))
        if is_same(answer, sample.answer):
            return self._score(Judgement(judge=self.id, verdict="CORRECT", by="rule", reason="the reference itself"))
        if self._desk is None:
            raise UserError(f"{self.id} is not open: grade inside `async with open_judge(...)`")
        images = await self._desk.show(sample) if self.crop else ()
        return await self._ask(self._desk, answer, sample, images)

    async def _ask(self, desk: Desk, answer: str, sample: Sample, images: tuple[EncodedImage, ...]) -> Score:
        usage, cost, cached, unparsed = Usage(), None, 0, 0
        verdict: Verdict | None = None
        why: str | None = None
        model: str | None = None
        reason = "judge_unparsed"
        calls = 0
        while verdict is None and calls < self._attempts:
            request = Request(
                conversation=judge_conversation(answer, sample, images, again=calls > 0),
                params=self._params,
                question=sample.to_question(),
                response_schema=SCHEMA,
            )
            reply = await desk.ask(self._adapter, request, calls)
            calls += 1
            if reply.generation is None:
                failure = reply.failure
                reason, why = f"judge_{failure.cause if failure else 'failed'}", failure.message if failure else None
                break
            generation = reply.generation
            model = generation.model or model
            usage += generation.usage
            cached += reply.cached
            if not reply.cached:
                spent = desk.cost(self._adapter, generation.usage)
                cost = cost if spent is None else (cost or 0.0) + spent
            ruling = None if generation.finish_reason in _CUT_OFF else read_verdict(generation.text)
            if ruling is None:
                unparsed += 1
                why = generation.text[:200]
            else:
                verdict, why = ruling.verdict, ruling.reason
        found = Judgement(
            judge=self.id,
            verdict=verdict,
            by="model",
            reason=why,
            model=model,
            calls=calls,
            cached=cached,
            unparsed=unparsed,
            usage=usage,
            cost_usd=cost,
            cut=len(answer) > LONGEST_ANSWER,
            prompt_sha256=self.prompts[sample.language],
        )
        return self._score(found, reason)

    def _score(self, found: Judgement, undecided: str = "judge_unparsed") -> Score:
        if found.verdict is None:
            return Score(value=None, reason=undecided, judge=found)
        reason = "not_attempted" if found.verdict == "NOT_ATTEMPTED" else None
        return Score(value=float(found.verdict == "CORRECT"), reason=reason, judge=found)


def create(
    name: str = "",
    *,
    crop: bool = False,
    allow_self_judge: bool = False,
    attempts: int = ATTEMPTS,
    max_tokens: int = MAX_TOKENS,
    temperature: float | None = 0.0,
    reasoning_effort: str | None = None,
    **adapter_settings: Any,
) -> LLMJudge:
    """The judge ``llm:PROVIDER:NAME``; settings that are not its own go to the model's adapter.

    Raises:
        PluginError: no model is named, or its adapter takes no such setting.
    """
    if not name:
        raise PluginError("the llm judge needs a model: llm:PROVIDER:NAME, for instance llm:openai:gpt-5-mini")
    params = SamplingParams(temperature=temperature, max_tokens=max_tokens, reasoning_effort=reasoning_effort)
    adapter = create_adapter(name, **adapter_settings)
    return LLMJudge(adapter, crop=crop, allow_self_judge=allow_self_judge, attempts=attempts, params=params)
