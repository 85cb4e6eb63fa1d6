"""Prices of models: a dated table that comes with the package, and the user's own.

Prices change; every entry says when it was true and where it was published, and every estimate repeats the date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError

import comic_eval
from comic_eval.contracts import AdapterInfo
from comic_eval.errors import UserError
from comic_eval.run.spec import Prices
from comic_eval.types import Frozen

BUNDLED = Path(comic_eval.__file__).parent / "data" / "prices.json"
# The bundled prices are those of the providers' own services. Another server may ask anything.
OFFICIAL_HOSTS = {"openai": "api.openai.com", "gemini": "generativelanguage.googleapis.com"}


class PriceEntry(Frozen):
    """US dollars per million tokens of one model.

    Attributes:
        model: ``provider:name``; a name with the date of a snapshot (``-2025-08-07``) has the price of its model.
        batch: what a batch costs, as a share of these prices.
        as_of: the day on which the price was seen.
        until: last day on which it holds, where the provider said so.
        source: where the provider publishes it; ``read_from`` is where it was read, if elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^[a-z][a-z0-9_-]*:.+$")
    input: float = Field(ge=0, lt=1e6)
    output: float = Field(ge=0, lt=1e6)
    cached_input: float | None = Field(default=None, ge=0, lt=1e6)
    batch: float = Field(default=0.5, gt=0, le=1)
    as_of: date
    until: date | None = None
    source: str | None = None
    read_from: str | None = None
    note: str | None = None

    def prices(self) -> Prices:
        """The entry as a run records it."""
        return Prices(
            input=self.input,
            output=self.output,
            cached_input=self.cached_input,
            batch=self.batch,
            as_of=self.as_of.isoformat(),
            source=self.source,
        )


class PriceTable(Frozen):
    """A file of prices: ``{"prices": [{"model": "openai:gpt-5-mini", "input": 0.25, "output": 2, ...}]}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str | None = None
    prices: tuple[PriceEntry, ...]


def read_prices(path: Path) -> PriceTable:
    """Reads a file of prices.

    Raises:
        UserError: it cannot be read, or a field is wrong; the message names it.
    """
    try:
        return PriceTable.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"{path}: {field}: {first['msg']}. An entry looks like "
            '{"model": "openai:gpt-5-mini", "input": 0.25, "cached_input": 0.025, "output": 2, "as_of": "2026-11-01"}'
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: is no JSON ({error})") from error


def find_prices(info: AdapterInfo, own: PriceTable | None = None, *, today: date | None = None) -> Prices | None:
    """The prices of an adapter's model: the user's first, then the bundled ones for the providers' own services.

    Returns:
        None where no price is known.
    """
    today = today or datetime.now(UTC).date()
    found = _lookup(info.id, own.prices, today) if own else None
    if found is None and _is_official(info):
        found = _lookup(info.id, read_prices(BUNDLED).prices, today)
    return found.prices() if found else None


def _lookup(model: str, entries: Sequence[PriceEntry], today: date) -> PriceEntry | None:
    valid = {e.model: e for e in entries if e.until is None or today <= e.until}
    return valid.get(model) or valid.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model))


def _is_official(info: AdapterInfo) -> bool:
    host = OFFICIAL_HOSTS.get(info.id.partition(":")[0])
    return host is not None and urlsplit(str(info.settings.get("base_url") or "")).hostname == host
