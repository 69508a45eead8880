"""Every error that Archer raises on purpose, as a class with a stable code.

What to do about an error follows from its class, never from its text. This module knows no HTTP:
``archer.api.problems`` maps each class to a status, and ``docs/errors.md`` explains each code to callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One wrong field of a request: where, which rule, in words, and what would have been allowed."""

    field: str
    rule: str
    message: str
    allowed: object | None = None


class ArcherError(Exception):
    """Root of all errors that Archer raises on purpose."""

    code: ClassVar[str] = "archer-error"


# --- what a caller did -------------------------------------------------------------------------------------


class RequestError(ArcherError):
    """The caller has to change something before trying again."""

    code = "request-error"

    def __init__(self, detail: str, faults: tuple[FieldFault, ...] = ()) -> None:
        super().__init__(detail)
        self.faults = faults


class MalformedBody(RequestError):
    """The body cannot be read: not JSON or YAML, too deep, a key twice, or not UTF-8."""

    code = "malformed-body"


class BodyTooLarge(RequestError):
    """The body is larger than Archer reads."""

    code = "body-too-large"


class UnsupportedMediaType(RequestError):
    """The body is neither JSON nor YAML, or it is compressed."""

    code = "unsupported-media-type"


class InvalidJob(RequestError):
    """The job request breaks a rule; ``errors`` names every wrong field."""

    code = "invalid-job"


class InvalidChange(RequestError):
    """The change that is asked for breaks a rule; ``errors`` names every wrong field."""

    code = "invalid-change"


class InvalidParameter(RequestError):
    """A path, query or header parameter is not of its form, or unknown."""

    code = "invalid-parameter"


class InvalidCursor(RequestError):
    """The page cursor is not one that Archer gave for this list with these filters."""

    code = "invalid-cursor"


class IdempotencyConflict(RequestError):
    """The Idempotency-Key came before, with another body."""

    code = "idempotency-conflict"


class CorrelationConflict(RequestError):
    """A job with this correlation_id is still under way, with another request."""

    code = "correlation-conflict"


class Unauthenticated(RequestError):
    """The request carries no token that Archer takes. Which check failed is in Archer's log only."""

    code = "unauthenticated"


class Forbidden(RequestError):
    """The caller is known, and may not do this."""

    code = "forbidden"


class TooSoon(RequestError):
    """The caller may do this again later; nothing was stored."""

    code = "too-soon"

    def __init__(
        self, detail: str, faults: tuple[FieldFault, ...] = (), *, retry_after_seconds: float = 1.0
    ) -> None:
        super().__init__(detail, faults)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(TooSoon):
    """Calls come faster than this caller or this queue is granted."""

    code = "rate-limited"


class QueueFull(TooSoon):
    """Too many jobs of this caller, tenant or queue are waiting already."""

    code = "queue-full"


class NotFound(RequestError):
    """There is no such job, attempt, cluster or route."""

    code = "not-found"


class MethodNotAllowed(RequestError):
    """The route exists, but not for this method."""

    code = "method-not-allowed"


class NoAttemptYet(RequestError):
    """The job has not been placed yet, so it has no manifest and no log."""

    code = "no-attempt-yet"


# --- what a part of the platform did -----------------------------------------------------------------------


class Unavailable(ArcherError):
    """A part that Archer needs does not answer; asking again later may help."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """Postgres is away, full, read-only or too slow. Nothing was half done."""

    code = "store-unavailable"


class Overloaded(Unavailable):
    """More submits are waiting than Archer holds in memory. Nothing of this request was stored."""

    code = "overloaded"


class IdentityUnavailable(Unavailable):
    """Who the caller is cannot be found out now: the issuer or the API server that knows does not answer."""

    code = "identity-unavailable"


class ClusterError(ArcherError):
    """A cluster refused, or could not be asked."""

    code = "cluster-error"
    retryable: ClassVar[bool] = False


class ClusterUnavailable(ClusterError):
    """No answer, a 5xx or a 429. Says nothing about what the cluster holds."""

    code = "cluster-unavailable"
    retryable = True

    def __init__(self, detail: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class AlreadyExists(ClusterError):
    """The cluster already holds an application of this name."""

    code = "already-exists"


class ManifestRejected(ClusterError):
    """The cluster refused the manifest itself; the same manifest will be refused again."""

    code = "manifest-rejected"


class UidMismatch(ClusterError):
    """The object under this name is not the one that was meant; nothing was deleted."""

    code = "uid-mismatch"


class WatchExpired(ClusterError):
    """The cluster no longer knows this resource version: list again."""

    code = "watch-expired"
    retryable = True


class LogNotFound(ClusterError):
    """The cluster holds no log of this driver or executor: not started yet, or removed."""

    code = "log-not-found"


class SettingsError(ArcherError):
    """The environment or a configuration file is wrong; the message names the entry."""

    code = "settings-error"
