"""Finds model adapters, tasks and judges: modules of our plugin folders, and entry points of other packages.

Nothing is imported before it is asked for, so that a missing heavy package hurts only those who need it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Literal

from comic_eval.contracts import Adapter, Judge, Task
from comic_eval.errors import PluginError

Kind = Literal["model_adapters", "tasks", "judges"]

# Model ids that may be typed without their provider.
SHORTHANDS = {name: f"baseline:{name}" for name in ("random", "majority", "first", "longest", "geometry")}

_GPT = re.compile(r"(?:gpt|chatgpt|o\d)(?:[-\d]|$)", re.IGNORECASE)
_GEMINI = re.compile(r"gemini-", re.IGNORECASE)
_OPEN_WEIGHTS = re.compile(
    r"(?:[\w.-]+/)?(?:qwen|internvl|llama|llava|molmo|gemma|mistral|pixtral|phi|glm|kimi)", re.IGNORECASE
)


@cache
def _sources(kind: Kind) -> dict[str, Any]:
    """Name -> module name (ours) or entry point (others'). A name that two sources offer is an error."""
    package = importlib.import_module(f"comic_eval.{kind}")
    found: dict[str, Any] = {
        m.name: f"{package.__name__}.{m.name}"
        for m in pkgutil.iter_modules(package.__path__)
        if not m.name.startswith("_")
    }
    for point in entry_points(group=f"comic_eval.{kind}"):
        if point.name in found:
            raise PluginError(
                f"two packages offer the {kind} plugin {point.name!r}: {found[point.name]} and {point.value}; "
                "uninstall one of them or rename its entry point"
            )
        found[point.name] = point
    return found


def names(kind: Kind) -> list[str]:
    """The names of all plugins of a kind, sorted; nothing is imported."""
    return sorted(_sources(kind))


def load(kind: Kind, name: str) -> ModuleType | Any:
    """Imports one plugin: our module, or whatever the entry point names.

    Raises:
        PluginError: there is no such plugin.
    """
    sources = _sources(kind)
    if name not in sources:
        close = difflib.get_close_matches(name, sources, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        known = ", ".join(sorted(sources)) or "none"
        raise PluginError(f"unknown {kind.removesuffix('s').replace('_', ' ')} {name!r}{hint} Known: {known}")
    source = sources[name]
    return importlib.import_module(source) if isinstance(source, str) else source.load()


def get_task(name: str) -> Task:
    """The task plugin called ``name``."""
    task = load("tasks", name).TASK
    if not isinstance(task, Task):
        raise PluginError(f"task plugin {name!r}: TASK lacks info, prompt, extract, score or chance")
    return task


def parse_model_id(model: str) -> tuple[str, str]:
    """Splits ``provider:name``; baselines may be typed bare, and a provider alone has the name ``""``."""
    provider, _, name = SHORTHANDS.get(model, model).partition(":")
    return provider, name


def _with_provider(model: str) -> str | None:
    """``gpt-4o`` as ``openai:gpt-4o``; None for what is no model's name."""
    if _GPT.match(model):
        return f"openai:{model}"
    if _GEMINI.match(model):
        return f"gemini:{model}"
    if _OPEN_WEIGHTS.match(model):
        # Ollama's names have a colon of their own.
        return f"openai:{model}" if ":" in model else f"vllm:{model}"
    return None


def check_settings(
    plugin: str, create: Callable[..., Any], given: tuple[str, ...], settings: Mapping[str, Any]
) -> None:
    """Checks that ``create(*given, **settings)`` can be called.

    Raises:
        PluginError: a setting that it does not take, or one that it needs is missing; the message names those it takes.
    """
    try:
        signature = inspect.signature(create)
    except ValueError:  # a callable written in C may tell nothing of its parameters
        return
    try:
        signature.bind(*given, **settings)
    except TypeError as error:
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        # What was given by place is the model's name, or what follows the judge's.
        by_place = [p.name for p in signature.parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        taken = by_place[: len(given)]
        accepted = [p.name for p in signature.parameters.values() if p.kind in kinds and p.name not in taken]
        hints = ""
        for setting in settings:
            close = difflib.get_close_matches(setting, accepted, n=1)
            if setting not in accepted and close:
                hints = f"; did you mean {close[0]!r}?"
        raise PluginError(
            f"{plugin}: settings: {error}{hints}{'' if hints else '.'} It takes: {', '.join(accepted) or 'none'}"
        ) from error


def create_adapter(model: str, **settings: Any) -> Adapter:
    """Makes the adapter of ``provider:name``.

    Raises:
        PluginError: unknown provider, or settings that it does not take.
    """
    provider, name = parse_model_id(model)
    if provider not in names("model_adapters"):
        full = _with_provider(model)
        if full is not None:
            raise PluginError(
                f"{model!r} names no provider; did you mean {full!r}? A server of your own is asked as "
                f"openai:{model} with --base-url"
            )
    create = load("model_adapters", provider).create
    check_settings(f"adapter plugin {provider!r}", create, (name,), settings)
    adapter = create(name, **settings)
    if not isinstance(adapter, Adapter):
        raise PluginError(f"adapter plugin {provider!r}: create() returned something that is no Adapter")
    return adapter


def create_judge(name: str, **settings: Any) -> Judge:
    """Makes the judge called ``name``: ``reference``, ``llm:openai:gpt-5-mini``, ...; what follows the first colon is
    the judge's to read.

    Raises:
        PluginError: there is no such judge, or it takes no such settings.
    """
    name, _, rest = name.partition(":")
    create, given = load("judges", name).create, (rest,) if rest else ()
    check_settings(f"judge plugin {name!r}", create, given, settings)
    judge = create(*given, **settings)
    if not isinstance(judge, Judge):
        raise PluginError(f"judge plugin {name!r}: create() returned something that is no Judge")
    return judge
