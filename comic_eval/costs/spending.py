"""The purse of a run: its limit, its prices, and what its earlier starts have spent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from comic_eval.contracts import AdapterInfo
from comic_eval.costs.image_tokens import resolve
from comic_eval.costs.ledger import FILE_NAME, Ledger
from comic_eval.costs.purse import Purse
from comic_eval.errors import UserError
from comic_eval.run.journal import read_journal
from comic_eval.run.record import Record
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import SamplingParams


def recorded_cost(record: Record, prices: Prices) -> float:
    """Dollars that a line of the journal accounts for; answers from the cache cost nothing."""
    return 0.0 if record.cached else prices.cost(record.usage, batch=record.batch)


def check_limit(operation: Operation, prices: Prices | None, params: SamplingParams, info: AdapterInfo) -> None:
    """Refuses a limit on cost that cannot be kept.

    Raises:
        UserError: no price is known, or nothing bounds an answer.
    """
    if operation.max_cost_usd is None:
        return
    if prices is None:
        raise UserError(
            f"--max-cost: no price is known for {info.id}. State it with --price IN,OUT (dollars per million tokens), "
            "or in a file of prices with --prices FILE"
        )
    if params.max_tokens is None:
        raise UserError("--max-cost: nothing limits the length of an answer; give --max-tokens")


@contextlib.contextmanager
def open_purse(
    folder: Path, journal: Path, info: AdapterInfo, operation: Operation, prices: Prices | None
) -> Iterator[Purse | None]:
    """The purse of a start, or None without a limit. Call under the run's lock.

    Raises:
        RunFolderError: the ledger or the journal is damaged.
    """
    if operation.max_cost_usd is None or prices is None:
        yield None
        return
    spent = sum(recorded_cost(record, prices) for record in read_journal(journal))
    with Ledger(folder / FILE_NAME) as ledger:
        yield Purse(
            operation.max_cost_usd,
            prices,
            ledger,
            spent_usd=spent,
            rule=resolve(info.id, info.settings),
            batch=operation.batch,
        )
