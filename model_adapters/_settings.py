"""Settings of adapters: checked by pydantic, with messages that name the setting and what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from comic_eval.errors import PluginError
from comic_eval.types import Frozen

S = TypeVar("S", bound=Frozen)


def read_settings(model: type[S], provider: str, settings: Mapping[str, Any]) -> S:
    """The settings of an adapter as ``model``.

    Raises:
        PluginError: an unknown setting or a wrong value; names each, and lists the settings that exist.
    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        known = ", ".join(model.model_fields) or "none"
        raise PluginError(f"adapter {provider!r}: {wrong}. Its settings are: {known}") from None


def plain_url(value: str | None) -> str | None:
    """A server's address without its last slash; None stays None. For pydantic validators.

    Raises:
        ValueError: no http address, or one that holds more than an address: settings go into files.
    """
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must look like http://host:port/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no credentials, query or fragment: put the key into the environment")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine's own; no proxy could reach it."""
    return host in ("localhost", "::1") or host.startswith("127.")
