"""A run that cannot succeed stops; one that can does not."""

from __future__ import annotations

import pytest

from comic_eval.run.breaker import Breaker, Refused, Unavailable
from comic_eval.run.record import Failure

AUTH = Failure(cause="auth", status=401, message="wrong key")
MISSING = Failure(cause="http_404", status=404, message="no such model")
GONE = Failure(cause="connection", message="refused")
QUOTA = Failure(cause="quota", status=429, message="pay first")
OTHER = Failure(cause="http_500", status=500, message="oops")

WRONG = Failure(cause="http_400", status=400, message="unknown parameter: 'top_k'")
TOO_LONG = Failure(cause="context_length", status=400, message="too long")


def breaker(pending: int = 100, answered_before: bool = False, workers: int = 2) -> Breaker:
    return Breaker(pending=pending, answered_before=answered_before, workers=workers)


@pytest.mark.parametrize("failure", [AUTH, MISSING])
def test_refusals_in_a_row(failure: Failure) -> None:
    watch = breaker()
    for _ in range(4):
        watch.failed(failure)
    with pytest.raises(Refused) as caught:
        watch.failed(failure)
    assert caught.value.failure == failure


def test_an_answer_or_another_failure_in_between_resets() -> None:
    watch = breaker()
    for _ in range(3):
        for _ in range(4):
            watch.failed(AUTH)
        watch.answered()
        for _ in range(4):
            watch.failed(AUTH)
        watch.failed(OTHER)


def test_a_small_run_stops_when_all_of_it_was_refused() -> None:
    watch = breaker(pending=2)
    watch.failed(AUTH)
    with pytest.raises(Refused):
        watch.failed(AUTH)


def test_the_last_samples_of_a_run_that_was_answered_may_be_refused() -> None:
    watch = breaker(pending=2, answered_before=True)
    watch.failed(AUTH)
    watch.failed(AUTH)


def test_a_server_is_gone_when_every_worker_says_so() -> None:
    watch = breaker(workers=32)
    for _ in range(31):
        watch.failed(GONE)
    with pytest.raises(Unavailable):
        watch.failed(GONE)


def test_a_used_up_quota_stops_a_run() -> None:
    watch = breaker()
    for _ in range(4):
        watch.failed(QUOTA)
    with pytest.raises(Unavailable):
        watch.failed(QUOTA)


def test_other_failures_never_stop_a_run() -> None:
    watch = breaker()
    for _ in range(1000):
        watch.failed(OTHER)


def test_a_parameter_that_no_request_gets_by_with_stops_a_run() -> None:
    watch = breaker()
    for _ in range(7):
        watch.failed(WRONG)
        watch.failed(TOO_LONG)
    with pytest.raises(Refused) as caught:
        watch.failed(WRONG)
    assert "--extra-body" in caught.value.way_out


def test_all_of_a_small_run_is_enough() -> None:
    watch = breaker(pending=2)
    watch.failed(WRONG)
    with pytest.raises(Refused):
        watch.failed(WRONG)


@pytest.mark.parametrize("answered_before", [True, False])
def test_after_an_answer_a_wrong_request_is_a_matter_of_its_sample(answered_before: bool) -> None:
    watch = breaker(answered_before=answered_before)
    if not answered_before:
        watch.answered()
    for _ in range(100):
        watch.failed(WRONG)


@pytest.mark.parametrize(("status", "cause"), [(400, "context_length"), (400, "content_filter"), (413, "http_413")])
def test_what_one_sample_holds_never_stops_a_run(status: int, cause: str) -> None:
    watch = breaker()
    for _ in range(100):
        watch.failed(Failure(cause=cause, status=status, message="no"))
