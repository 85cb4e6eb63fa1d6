"""The exceptions of comic-eval.

ComicEvalError
├── UserError                 the caller's mistake; the message names file, field and way out (exit status 2)
│   ├── BenchmarkError        a benchmark folder or sample that cannot be used
│   ├── PluginError           an unknown or unusable model adapter, task or judge
│   └── RunFolderError        a run folder that is locked, foreign, unreadable or of another specification
└── RequestError              a model request that failed; recorded against its sample, never dropped
    └── RetryableError        the same, but a later attempt may succeed (429, 5xx, time-out, broken connection)

Everything else that is raised is a defect of ours and fails loudly.
"""

from __future__ import annotations


class ComicEvalError(Exception):
    """Base class of every exception that comic-eval raises on purpose."""


class UserError(ComicEvalError):
    """The caller's mistake. The message says what is wrong, where, and what to do."""


class BenchmarkError(UserError):
    """A benchmark folder or sample that cannot be used."""


class PluginError(UserError):
    """An unknown or unusable model adapter, task or judge."""


class RunFolderError(UserError):
    """A run folder that is locked by another process, foreign, unreadable or made with another specification."""


class RequestError(ComicEvalError):
    """A model request that failed for good.

    Args:
        message: what happened, in words for the failure table. Never holds a key.
        cause: a short stable word to count by: ``http_400``, ``auth``, ``content_filter``, ``bad_response``,
            ``timeout``, ``connection``, ``rate_limit``, ``context_length``, ...
        status: the HTTP status, where there was one.
    """

    def __init__(self, message: str, *, cause: str, status: int | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.status = status


class RetryableError(RequestError):
    """A failed request that may succeed later.

    Args:
        retry_after: seconds that the server asked us to wait, where it did.
    """

    def __init__(
        self, message: str, *, cause: str, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, cause=cause, status=status)
        self.retry_after = retry_after
