"""Coroutines as ordinary calls."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from comic_eval.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")


def blocking(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """``NAME_async`` as ``NAME``, which runs an event loop of its own and refuses to run inside another."""
    called = function.__name__
    name = called.removesuffix("_async")

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if _loop_runs():
            raise UserError(f"{name}() was called inside an event loop (a notebook?): use `await {called}(...)`")
        return asyncio.run(function(*args, **kwargs))

    call.__name__ = call.__qualname__ = name
    return call


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
