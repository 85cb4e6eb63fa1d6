"""What models are shown and what comes back: conversations, requests, generations, extractions and scores."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from comic_eval.benchmark_types import Frozen, Question


class EncodedImage(Frozen):
    """An image exactly as it is sent.

    Attributes:
        data: the encoded bytes.
        media_type: ``image/jpeg`` or ``image/png``.
        size: width and height in pixels as sent.
        source_size: width and height of what was encoded before resizing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    data: bytes = Field(repr=False)
    media_type: Literal["image/jpeg", "image/png"]
    size: tuple[int, int]
    source_size: tuple[int, int]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def data_url(self) -> bytes:
        """``data:image/...;base64,...`` as ASCII bytes."""
        return b"data:" + self.media_type.encode() + b";base64," + base64.b64encode(self.data)


class TextPart(Frozen):
    type: Literal["text"] = "text"
    text: str


class ImagePart(Frozen):
    type: Literal["image"] = "image"
    image: EncodedImage


Part = TextPart | ImagePart


class ToolSpec(Frozen):
    """A tool that a model may call; ``parameters`` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolCall(Frozen):
    """A call as the model wrote it.

    Attributes:
        arguments: its raw text, which need not be valid JSON.
        opaque: what the provider wants back unchanged with this call (Gemini's thought signature); its adapter alone
            reads it.
    """

    id: str
    name: str
    arguments: str
    opaque: str | None = None


class Message(Frozen):
    """One turn. ``tool_calls`` belong to assistant messages; a ``tool`` message answers ``tool_call_id``.

    A tool message may hold images: each adapter sends them in the way that its protocol knows.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by newlines."""
        return "\n".join(p.text for p in self.content if isinstance(p, TextPart))

    @property
    def images(self) -> tuple[EncodedImage, ...]:
        return tuple(p.image for p in self.content if isinstance(p, ImagePart))


class Conversation(Frozen):
    messages: tuple[Message, ...]

    @property
    def images(self) -> tuple[EncodedImage, ...]:
        return tuple(i for m in self.messages for i in m.images)

    def outline(self) -> list[dict[str, Any]]:
        """The conversation with images as digests: what prompt hashes and cache keys are made of."""
        lines: list[dict[str, Any]] = []
        for m in self.messages:
            line: dict[str, Any] = {
                "role": m.role,
                "content": [
                    p.text if isinstance(p, TextPart) else {"image": p.image.sha256, "size": list(p.image.size)}
                    for p in m.content
                ],
            }
            if m.tool_calls:
                line["tool_calls"] = [
                    [c.id, c.name, c.arguments, *([] if c.opaque is None else [c.opaque])] for c in m.tool_calls
                ]
            if m.tool_call_id is not None:
                line["tool_call_id"] = m.tool_call_id
            lines.append(line)
        return lines


class SamplingParams(Frozen):
    """Decoding settings, in the same words for every provider. None leaves the provider's default.

    ``extra_body`` is passed on as it is (a server's own options) and is recorded like everything else.
    """

    temperature: float | None = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=2048, gt=0)
    seed: int | None = None
    reasoning_effort: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)


class Request(Frozen):
    """One request to a model: what it is shown, how it decodes, and the question for baselines that read no prompt.

    ``response_schema`` is a JSON schema that the answer's text must follow, for providers that can enforce one (openai
    and gemini do). OpenAI wants every property required and ``additionalProperties`` false.
    """

    conversation: Conversation
    params: SamplingParams = SamplingParams()
    question: Question
    tools: tuple[ToolSpec, ...] = ()
    response_schema: dict[str, Any] | None = None


class Usage(Frozen):
    """Tokens of one or more requests, as the provider counts them. None: the provider did not say.

    ``cached_tokens`` and ``image_tokens`` are parts of ``input_tokens``, ``reasoning_tokens`` of ``output_tokens``.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        def plus(a: int | None, b: int | None) -> int | None:
            return b if a is None else a if b is None else a + b

        return Usage(**{k: plus(getattr(self, k), getattr(other, k)) for k in type(self).model_fields})


class Generation(Frozen):
    """A model's answer to one `Request`.

    Attributes:
        text: the answer's text, reasoning tags included where the provider leaves them in.
        finish_reason: ``stop``, ``length``, ``content_filter``, ... in the provider's words.
        model: the model's id as the provider returned it (a pinned snapshot, where it has one).
        latency_s: seconds of the attempt that succeeded.
        retries: attempts that failed before it.
        reasoning: separate reasoning text, where the provider returns it apart from the answer.
        tool_calls: native tool calls, in order.
    """

    text: str
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage = Usage()
    latency_s: float | None = None
    retries: int = 0
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


class Extraction(Frozen):
    """The answer read out of a model's text: a letter, a whole number as a string, or text; None if there is no one.

    ``reason`` says why there is none: ``empty``, ``refusal``, ``ambiguous``, ``no_answer``, ``out_of_range`` or
    ``truncated``.
    """

    value: str | None
    reason: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value is None) == (self.reason is None):
            raise ValueError("an extraction has either a value or a reason")
        return self


Status = Literal["scored", "unparsed", "unscored", "failed"]


Verdict = Literal["CORRECT", "INCORRECT", "NOT_ATTEMPTED"]


class Judgement(Frozen):
    """How an open answer was graded; kept also where no verdict came of it, since its calls were paid for.

    Attributes:
        judge: the judge's id.
        verdict: None where there is none.
        by: ``rule`` (no model was asked), ``model`` or ``panel``.
        reason: the judge's own words.
        model: the judging model's id as the provider returned it.
        calls: requests that were answered or failed for good.
        cached: how many of them the response cache answered.
        unparsed: how many of the answers held no verdict.
        usage: tokens of all calls, the cached ones included.
        cost_usd: of the calls that were not cached; None where no price is known.
        cut: whether the judge saw the beginning of the answer only.
        prompt_sha256: of the prompt's words, without the sample's.
        votes: a panel's members, in order.
    """

    judge: str
    verdict: Verdict | None = None
    by: Literal["rule", "model", "panel"]
    reason: str | None = None
    model: str | None = None
    calls: int = 0
    cached: int = 0
    unparsed: int = 0
    usage: Usage = Usage()
    cost_usd: float | None = None
    cut: bool = False
    prompt_sha256: str | None = None
    votes: tuple[Judgement, ...] = ()


class Score(Frozen):
    """What an extracted answer earned.

    ``value`` is 1.0 for correct and 0.0 for wrong; None where nothing was decided (a judge that gave no verdict):
    *unscored* differs from wrong. ``detail`` holds further numbers (``abs_error`` of a count, ``token_f1``, ...), and
    ``judge`` what a judge that asks models did for it.
    """

    value: float | None = Field(ge=0, le=1)
    reason: str | None = None
    detail: dict[str, float] = Field(default_factory=dict)
    judge: Judgement | None = None

    @field_validator("detail")
    @classmethod
    def _finite(cls, value: Mapping[str, float]) -> dict[str, float]:
        if not all(math.isfinite(v) for v in value.values()):
            raise ValueError("score details must be finite")
        return dict(value)
