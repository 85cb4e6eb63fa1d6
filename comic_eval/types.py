"""The vocabulary that every part shares: boxes, samples, conversations, generations and scores.

All of them are frozen pydantic models. A `Box` is always in page pixels; other coordinate frames exist only where a
model's answer is read.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

CHOICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# An A4 page scanned at 600 dpi has 35 million pixels; more than 50 million is a mistake or an attack.
MAX_PAGE_PIXELS = 50_000_000
Language = Literal["en", "fr"]
Role = Literal["panel", "character", "balloon"]


class Frozen(BaseModel):
    """Base of the value types: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(Frozen):
    """An axis-aligned rectangle in page pixels; x grows to the right, y downwards; x2 and y2 are exclusive.

    On disk it is the list ``[x1, y1, x2, y2]``. Coordinates are finite, ``x1 < x2`` and ``y1 < y2``.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) != 4:
                raise ValueError(f"a box has four numbers [x1, y1, x2, y2], not {len(value)}")
            return dict(zip(("x1", "y1", "x2", "y2"), value, strict=True))
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not all(map(math.isfinite, (self.x1, self.y1, self.x2, self.y2))):
            raise ValueError("box coordinates must be finite")
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError("a box needs x1 < x2 and y1 < y2")
        return self

    @model_serializer
    def as_list(self) -> list[int | float]:
        """``[x1, y1, x2, y2]``, whole numbers as ints so that files stay readable."""
        return [int(v) if v == int(v) else v for v in (self.x1, self.y1, self.x2, self.y2)]

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def intersection(self, other: Box) -> float:
        """The area of the overlap with ``other``, in square pixels."""
        w = min(self.x2, other.x2) - max(self.x1, other.x1)
        h = min(self.y2, other.y2) - max(self.y1, other.y1)
        return w * h if w > 0 and h > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        overlap = self.intersection(other)
        return overlap / (self.area + other.area - overlap)

    def within(self, width: float, height: float) -> bool:
        """Whether the box lies inside a page of ``width`` x ``height`` pixels."""
        return self.x1 >= 0 and self.y1 >= 0 and self.x2 <= width and self.y2 <= height


class Region(Frozen):
    """A labelled place on the page. ``target`` alone decides oracle crops, IoU and the expected number of zooms."""

    box: Box
    role: Role
    label: str | None = None
    target: bool = False


class Mark(Frozen):
    """A box with a letter or number that is drawn on the page when the question is rendered."""

    box: Box
    label: str


class Composite(Frozen):
    """How to lift panels out of a page (Panel Reordering): numbered empty slots, and candidates shown beside the page.

    ``slots`` are blanked and numbered 1, 2, ... in this order; ``candidates`` are cut from the untouched page and shown
    to its right as A, B, ... in this order. All candidates have one common shape. The page itself stays at (0, 0), so
    that boxes in page pixels remain valid in the composite image.
    """

    slots: tuple[Box, ...]
    candidates: tuple[Box, ...]


class Sample(Frozen):
    """One question about one page.

    Attributes:
        id: unique in the benchmark; bilingual samples end in ``-en`` / ``-fr`` and share a ``pair_id``.
        task: name of a task plugin, e.g. ``depth_comparison``.
        split: ``train``, ``val``, ``test``, or a set kept apart such as ``test_guessable``.
        page: the page's id; questions of one page are one cluster in every interval.
        image: path of the page's picture, relative to the benchmark folder, with ``/``.
        image_size: width and height of that picture in pixels.
        image_sha256: digest of the picture's bytes.
        question: the question itself, without choices, marks' explanation or answer format.
        position: Panel Understanding only: the phrase that locates the panel, kept apart because oracle views omit it.
        choices: the texts of the choices, lettered A, B, ... by place; None for counting and open questions.
        answer: a letter, a number as a string, or the reference text of an open question.
        facts: open questions: what a right answer must contain; alternatives inside a fact are separated by " / ".
        regions: labelled places, those with ``target`` being what the question is about.
        marks: what is drawn on the page.
        composite: Panel Reordering only.
        metadata: whatever else the file holds.
    """

    id: str = Field(min_length=1)
    task: str = Field(min_length=1)
    split: str = Field(min_length=1)
    page: str = Field(min_length=1)
    image: str = Field(min_length=1)
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None
    question: str = Field(min_length=1)
    position: str | None = None
    choices: tuple[str, ...] | None = None
    answer: str = Field(min_length=1)
    facts: tuple[str, ...] = ()
    language: Language = "en"
    pair_id: str | None = None
    regions: tuple[Region, ...] = ()
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    source: str | None = None
    license: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def letters(self) -> str:
        """The letters of the choices, ``"ABCD"`` for four; empty where there are none."""
        return CHOICE_LETTERS[: len(self.choices or ())]

    @property
    def targets(self) -> tuple[Box, ...]:
        """The target boxes, in mark order."""
        return tuple(r.box for r in self.regions if r.target)

    def to_question(self) -> Question:
        """What a model may know: the sample without answer, facts and regions (their number alone can tell)."""
        hidden = {"answer", "facts", "regions", "metadata"}
        return Question.model_validate({k: v for k, v in self if k not in hidden})


class Question(Frozen):
    """A `Sample` without anything that gives its answer away; what an adapter is handed. Fields as in `Sample`."""

    id: str
    task: str
    split: str
    page: str
    image: str
    image_size: tuple[int, int] | None = None
    image_sha256: str | None = None
    question: str
    position: str | None = None
    choices: tuple[str, ...] | None = None
    language: Language = "en"
    pair_id: str | None = None
    marks: tuple[Mark, ...] = ()
    composite: Composite | None = None
    source: str | None = None
    license: str | None = None

    @property
    def letters(self) -> str:
        return CHOICE_LETTERS[: len(self.choices or ())]


# --- what a model is shown ------------------------------------------------------------------------------------------


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


# --- what comes back ------------------------------------------------------------------------------------------------


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
