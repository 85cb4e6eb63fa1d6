"""``scripted:FILE``: a test model that says what a file tells it to; for trying out a task, a judge or a harness.

The file is YAML or JSON::

    default: "<answer>A</answer>"
    tasks:
      character_counting: "I count <answer>2</answer>"
    rules:
      - pattern: "(?i)which .* nearer"
        reply: "<answer>B</answer>"
    samples:
      e12p01-depth-3-en: "The left one. <answer>A</answer>"
    faults:
      e12p01-depth-4-en: {cause: rate_limit, status: 429, retry_after_s: 0.1, times: 2}

The most special reply wins: the sample's, then the first rule whose regular expression is found in the prompt, then
the task's, then the default. A fault is raised for the first ``times`` requests about its sample, or for all of them.

In Python, ``ScriptedAdapter(reply)`` takes a text or a (sync or async) function of the `Request`.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import PluginError, RequestError, RetryableError
from comic_eval.types import Frozen, Generation, Request

Reply = str | Generation


class Rule(Frozen):
    """``reply`` answers every prompt in which the regular expression ``pattern`` is found."""

    pattern: str
    reply: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value


class Fault(Frozen):
    """A failure to raise: retryable or not, ``times`` times or always."""

    cause: str = Field(default="scripted", min_length=1)
    message: str = "a failure from the script"
    status: int | None = None
    retryable: bool = True
    retry_after_s: float | None = Field(default=None, ge=0)
    times: int | None = Field(default=None, gt=0)

    def error(self) -> RequestError:
        if self.retryable:
            return RetryableError(self.message, cause=self.cause, status=self.status, retry_after=self.retry_after_s)
        return RequestError(self.message, cause=self.cause, status=self.status)


class Script(Frozen):
    """What a script file holds; see the module."""

    default: str | None = None
    tasks: dict[str, str] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    samples: dict[str, str] = Field(default_factory=dict)
    faults: dict[str, Fault] = Field(default_factory=dict)
    latency_s: float = Field(default=0.0, ge=0)

    def reply(self, request: Request) -> str:
        """The text that answers a request.

        Raises:
            RequestError: the script has none.
        """
        question = request.question
        if question.id in self.samples:
            return self.samples[question.id]
        prompt = "\n".join(m.text for m in request.conversation.messages)
        for rule in self.rules:
            if re.search(rule.pattern, prompt):
                return rule.reply
        text = self.tasks.get(question.task, self.default)
        if text is None:
            raise RequestError(f"the script has no reply for {question.id!r} and no default", cause="not_scripted")
        return text


def read_script(path: Path) -> Script:
    """Reads a script file.

    Raises:
        PluginError: unreadable, or a wrong field; names the file and every such field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        return Script.model_validate({} if data is None else data)
    except OSError as error:
        raise PluginError(f"script {path}: cannot be read ({error.strerror}); write scripted:FILE") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, ValidationError):
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
            known = ", ".join(Script.model_fields)
            raise PluginError(f"script {path}: {wrong}. Its fields are: {known}") from None
        raise PluginError(f"script {path}: no YAML or JSON in UTF-8: {error}") from None


class ScriptedAdapter:
    """A model that answers with what it was told.

    Args:
        reply: the text, or a function that makes text or a `Generation` of a request; it may raise `RequestError`.
        name: completes the id, ``scripted:NAME``.
        deterministic: True tells the engine not to cache.
        native_tools: True for functions that make generations with tool calls.
    """

    def __init__(
        self,
        reply: Reply | Callable[[Request], Reply | Awaitable[Reply]],
        *,
        name: str = "python",
        deterministic: bool = False,
        settings: dict[str, str | int | float | bool | dict[str, object] | None] | None = None,
        native_tools: bool = False,
    ) -> None:
        self._reply = reply
        self._info = AdapterInfo(
            id=f"scripted:{name}",
            family="scripted",
            settings=settings or {},
            deterministic=deterministic,
            native_tools=native_tools,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Nothing to get ready."""

    async def generate(self, request: Request) -> Generation:
        """Answers as scripted."""
        made = self._reply(request) if callable(self._reply) else self._reply
        reply = await made if inspect.isawaitable(made) else made
        return Generation(text=reply, finish_reason="stop", model=self._info.id) if isinstance(reply, str) else reply

    async def close(self) -> None:
        """Nothing to release."""


def create(name: str, **settings: Any) -> ScriptedAdapter:
    """Makes the adapter of ``scripted:FILE``.

    Raises:
        PluginError: the file cannot be read or holds something else; or settings, which it has none of.
    """
    if settings:
        raise PluginError(
            f"adapter 'scripted' has no settings, but got {', '.join(settings)}; write them into the file"
        )
    path = Path(name)
    script = read_script(path)
    asked: Counter[str] = Counter()

    async def reply(request: Request) -> str:
        sample = request.question.id
        fault = script.faults.get(sample)
        asked[sample] += 1
        if script.latency_s:
            await asyncio.sleep(script.latency_s)
        if fault is not None and (fault.times is None or asked[sample] <= fault.times):
            raise fault.error()
        return script.reply(request)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ScriptedAdapter(reply, name=name, deterministic=not script.faults, settings={"script_sha256": digest})
