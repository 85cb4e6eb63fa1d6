"""Limits on requests and tokens a minute, and the pause that a server may ask for, over all workers of a run."""

from __future__ import annotations

from comic_eval.run.clock import Clock

# What a request is taken to cost until the first usage comes back.
FIRST_GUESS_TOKENS = 2000


class Pacer:
    """Spaces units of something (requests, tokens) evenly: whoever takes ``n`` pushes the next by ``n`` intervals.

    Even spacing rather than a burst a minute, because providers enforce their limits over shorter windows than they
    publish.
    """

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._interval = 60.0 / per_minute
        self._clock = clock
        self._next = clock.now()

    def reserve(self, units: float = 1.0) -> float:
        """Books ``units`` and says how many seconds to wait before using them."""
        now = self._clock.now()
        start = max(now, self._next)
        self._next = start + units * self._interval
        return start - now

    def correct(self, units: float) -> None:
        """Books ``units`` more (or, if negative, fewer) than were reserved before."""
        self._next += units * self._interval


class Gate:
    """What every attempt passes before it is sent."""

    def __init__(self, clock: Clock, *, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self._clock = clock
        self._requests = Pacer(requests_per_minute, clock) if requests_per_minute else None
        self._tokens = Pacer(tokens_per_minute, clock) if tokens_per_minute else None
        self._paused_until = clock.now()
        self._guess = float(FIRST_GUESS_TOKENS)

    async def enter(self) -> float:
        """Waits for the limits and for a pause to end; returns the tokens that were booked."""
        booked = self._guess if self._tokens else 0.0
        wait = max(
            self._requests.reserve() if self._requests else 0.0,
            self._tokens.reserve(booked) if self._tokens else 0.0,
        )
        if wait > 0:
            await self._clock.sleep(wait)
        while (rest := self._paused_until - self._clock.now()) > 0:
            await self._clock.sleep(rest)
        return booked

    def settle(self, booked: float, used: int | None) -> None:
        """Replaces the tokens that were booked by those that were used; None: the provider did not say."""
        if self._tokens and used is not None:
            self._tokens.correct(used - booked)
            self._guess += 0.2 * (used - self._guess)

    def pause(self, seconds: float) -> None:
        """Holds all further attempts back: the server asked for it."""
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)
