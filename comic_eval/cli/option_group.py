"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def with_options(command: F, options: Sequence[Callable[[F], F]]) -> F:
    """The command with these options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def names(value: str | None) -> tuple[str, ...] | None:
    """Comma-separated names; None where nothing was typed."""
    return None if value is None else tuple(part.strip() for part in value.split(",") if part.strip())
