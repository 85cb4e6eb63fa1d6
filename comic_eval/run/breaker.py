"""Stops a run that cannot succeed, before it burns through thousands of samples."""

from __future__ import annotations

from comic_eval.run.record import Failure

REFUSALS_IN_A_ROW = 5
# A wrong key, a key without the right, a wrong model name or base URL.
_REFUSED_STATUS = {401, 403, 404}
FIRST_REJECTED = 8
# Retryable ones, and 413: that one page is too large says nothing of the next.
_NOT_OF_THE_CALL = {408, 409, 413, 425, 429}


class Breaker:
    """Watches failures in a row, with no answer in between.

    The first 8 requests turned down for good as wrong (HTTP 400, 422, ...), with no answer at all before, stop too:
    what is wrong is then in every request, such as an unknown parameter. Once something was answered it is a matter of
    single samples, as are a text that is too long and a content filter at any time.

    Refusals (HTTP 401, 403, 404, cause ``auth``) stop after 5 in a row, as no later sample will fare better: it is the
    user's call that needs mending. A used-up quota stops after 5 in a row, connections that fail (each after all its
    retries) once every worker has seen one: the same call goes on when the server answers again.

    Args:
        pending: samples to ask in this start. A run in which nothing was ever answered stops when all were refused.
        answered_before: whether an earlier start got an answer.
        workers: samples in work at a time.
    """

    def __init__(self, *, pending: int, answered_before: bool, workers: int) -> None:
        self._refusal_limit = REFUSALS_IN_A_ROW if answered_before else min(REFUSALS_IN_A_ROW, pending)
        self._connection_limit = max(REFUSALS_IN_A_ROW, workers)
        self._refused = self._unconnected = self._over_quota = self._rejected = 0
        self._rejection_limit = min(FIRST_REJECTED, pending)
        self._ever_answered = answered_before

    def answered(self) -> None:
        self._ever_answered = True
        self._refused = self._unconnected = self._over_quota = 0

    def failed(self, failure: Failure) -> None:
        """Counts a failure.

        Raises:
            Refused: the server refuses everything, or turned down all that came first.
            Unavailable: the server is gone, or the quota is used up.
        """
        refused = failure.cause == "auth" or failure.status in _REFUSED_STATUS
        self._refused = self._refused + 1 if refused else 0
        self._unconnected = self._unconnected + 1 if failure.cause == "connection" else 0
        self._over_quota = self._over_quota + 1 if failure.cause == "quota" else 0
        self._rejected += _rejected(failure)
        if self._refused >= self._refusal_limit:
            raise Refused(failure)
        if not self._ever_answered and self._rejected >= self._rejection_limit and _rejected(failure):
            raise Refused(failure)
        if self._unconnected >= self._connection_limit or self._over_quota >= self._refusal_limit:
            raise Unavailable(failure)


class Stop(Exception):  # noqa: N818 - ends a run, as StopIteration ends a loop
    """Ends a run early; what was answered is kept."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Refused(Stop):
    """The server refuses every request."""

    @property
    def rejected(self) -> bool:
        """Whether it is what the requests say that is wrong, rather than key, model or URL."""
        return _rejected(self.failure)

    @property
    def way_out(self) -> str:
        """What to mend, in words."""
        if self.rejected:
            return (
                "Mend what the message names: a parameter that the server does not know or allow (--extra-body, "
                "--max-tokens, --temperature or --default-temperature, --reasoning-effort, --adapter-setting), or the "
                "model's name"
            )
        return "Check the key in the environment, the model's name and the base URL"


def _rejected(failure: Failure) -> bool:
    """Whether the request was turned down as wrong, and not for what one sample holds."""
    if failure.status is None:
        return failure.cause == "bad_request"
    return (
        failure.cause == f"http_{failure.status}"
        and 400 <= failure.status < 500
        and failure.status not in _REFUSED_STATUS | _NOT_OF_THE_CALL
    )


class Unavailable(Stop):
    """The server gives no answers for now."""
