"""A limit in dollars on what a run may cost, over all its starts.

Before a request is sent, the most that it can be charged for is set aside; a request is sent only if everything spent
and everything set aside stay within the limit. What comes back replaces what was set aside. Failures after which the
provider may have charged all the same (a time-out, a broken connection) count at their most.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable
from dataclasses import dataclass

from comic_eval.costs.estimate import Bound, bound
from comic_eval.costs.image_tokens import ImageTokenRule
from comic_eval.costs.ledger import Ledger
from comic_eval.errors import RequestError
from comic_eval.run.spec import Prices
from comic_eval.types import Request, Usage

# Less than any provider's smallest unit; keeps sums of many small numbers from tripping over their own rounding.
EPSILON = 1e-9
BATCH = "batch:"


class MaxCostReached(Exception):  # noqa: N818 - ends a run, as StopIteration ends a loop
    """The next request might exceed the limit, and none is under way that could make room."""

    def __init__(self, *, limit: float, spent: float, needed: float) -> None:
        super().__init__(
            f"the limit of ${limit:.4f} leaves no room: ${spent:.4f} are spent, and the next request can cost up to "
            f"${needed:.4f}. Repeat the call with a higher --max-cost, or with fewer --max-tokens under another --name"
        )


@dataclass(eq=False)
class Ticket:
    """One request that was or may be sent. ``usd`` is the most that it can cost until it is known."""

    number: int
    group: Hashable
    bound: Bound
    usd: float


class Purse:
    """The money of one start of a run.

    Args:
        limit_usd: of all starts together.
        spent_usd: what the journal tells of earlier starts; what their ledger tells comes on top.
        rule: how the provider counts pictures; None bounds them by the densest patches known.
        batch: whether requests go into batches, at their price.
    """

    def __init__(
        self,
        limit_usd: float,
        prices: Prices,
        ledger: Ledger,
        *,
        spent_usd: float,
        rule: ImageTokenRule | None = None,
        batch: bool = False,
    ) -> None:
        self.limit = limit_usd
        self._prices = prices
        self._ledger = ledger
        self._rule = rule
        self._batch = batch
        self._batches = {name: usd for name, usd in ledger.before.items() if name.startswith(BATCH)}
        self._settled = spent_usd + sum(usd for name, usd in ledger.before.items() if name not in self._batches)
        self._groups: dict[Hashable, list[Ticket]] = {}
        self._waiting: list[tuple[Hashable, asyncio.Future[None]]] = []
        self._count = 0
        # Raised whenever a provider counts more than the bound said, so that a wrong rule errs once.
        self._input_factor = 1.0
        self._reached: MaxCostReached | None = None

    @property
    def committed(self) -> float:
        """Dollars spent, and set aside for requests whose cost is not known yet."""
        in_flight = sum(t.usd for tickets in self._groups.values() for t in tickets)
        return self._settled + in_flight + sum(self._batches.values())

    async def reserve(self, request: Request, group: Hashable) -> Ticket:
        """Sets aside the most that a request can cost; waits while requests under way may make room for it.

        Args:
            group: what the request belongs to (a sample and its repeat); `written` closes all of a group's tickets.

        Raises:
            MaxCostReached: there is no room, and there will be none.
            UserError: nothing bounds the request's answer.
        """
        most = bound(request, self._rule)
        while True:
            usd = self.cost(most)
            if self.has_room(usd):
                return self._ticket(most, usd, group)
            if self._reached is None and not self._others_active(group):
                self._reached = self.reached(usd)
                self._wake()
            if self._reached is not None:
                raise self._reached
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (group, future)
            self._waiting.append(entry)
            try:
                await future
            finally:
                self._waiting.remove(entry)

    def cost(self, most: Bound) -> float:
        """The most that a request can cost, in dollars."""
        tokens = math.ceil(most.input_tokens * self._input_factor)
        scaled = Bound(input_tokens=tokens, output_tokens=most.output_tokens)
        return scaled.cost(self._prices, batch=self._batch)

    def has_room(self, usd: float) -> bool:
        """Whether so much may still be committed."""
        return self.committed + usd <= self.limit + EPSILON

    def set_aside(self, batch: str, usd: float) -> None:
        """Commits ``usd`` to a batch that is about to be submitted; later starts know it by its label."""
        self._ledger.note_named(BATCH + batch, usd)
        self._batches[BATCH + batch] = usd

    def collected(self, batch: str) -> None:
        """The journal has all of a batch's answers, or there are none."""
        if self._batches.pop(BATCH + batch, None) is not None:
            self._ledger.note_named(BATCH + batch, 0.0)

    def reached(self, needed: float) -> MaxCostReached:
        """The exception that says that ``needed`` dollars are too many."""
        return MaxCostReached(limit=self.limit, spent=self.committed, needed=needed)

    def answered(self, ticket: Ticket, usage: Usage) -> None:
        """The request was answered; without usage it counts at its most."""
        if usage.input_tokens is not None:
            self._input_factor = max(self._input_factor, usage.input_tokens / ticket.bound.input_tokens)
            self._set(ticket, self._prices.cost(usage.model_dump(exclude_none=True), batch=self._batch))

    def failed(self, ticket: Ticket, error: Exception) -> None:
        """The request failed; an error status of the server costs nothing, everything else may have."""
        refused = isinstance(error, RequestError) and error.status is not None and error.status >= 400
        if refused:
            self._set(ticket, 0.0)
        self._wake()

    def written(self, group: Hashable, recorded_usd: float) -> None:
        """The journal has the group's line, which accounts for ``recorded_usd``; the ledger keeps what goes beyond."""
        tickets = self._groups.pop(group, [])
        total = sum(t.usd for t in tickets)
        self._settled += max(total, recorded_usd)
        beyond = max(0.0, total - recorded_usd)
        for ticket in tickets:
            self._ledger.note(ticket.number, beyond)
            beyond = 0.0
        self._wake()

    def _ticket(self, most: Bound, usd: float, group: Hashable) -> Ticket:
        self._count += 1
        ticket = Ticket(self._count, group, most, usd)
        self._ledger.note(ticket.number, usd)
        self._groups.setdefault(group, []).append(ticket)
        return ticket

    def _set(self, ticket: Ticket, usd: float) -> None:
        ticket.usd = usd
        self._ledger.note(ticket.number, usd)
        self._wake()

    def _others_active(self, group: Hashable) -> bool:
        """Whether any group but those that wait, and this one, may still free money."""
        waiting = {g for g, _ in self._waiting} | {group}
        return any(g not in waiting for g in self._groups)

    def _wake(self) -> None:
        for _, future in self._waiting:
            if not future.done():
                future.set_result(None)
