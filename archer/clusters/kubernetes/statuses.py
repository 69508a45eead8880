"""What an API server's refusals mean: the only place where an HTTP status becomes an error of ours.

"There is none" is believed only from a Status that names the object; every other 404 is a server that was not
asked what we meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from archer.errors import (
    AlreadyExists,
    ClusterError,
    ClusterUnavailable,
    ManifestRejected,
    UidMismatch,
    WatchExpired,
)

Act = Literal["create", "read", "delete", "watch"]

MAX_MESSAGE: Final = 2000
MAX_RETRY_AFTER_SECONDS: Final = 300.0
REFUSES_THE_MANIFEST: Final = {400, 413, 422}
# Source: apimachinery meta/v1 types, CauseTypeResourceVersionTooLarge.
VERSION_TOO_LARGE: Final = "ResourceVersionTooLarge"


class Cause(msgspec.Struct):
    """One of several reasons."""

    reason: str = ""
    message: str = ""


class Details(msgspec.Struct, rename="camel"):
    """Which object a Status is about. A refusal by RBAC names none, one by admission does."""

    name: str = ""
    kind: str = ""
    causes: list[Cause] | None = None
    retry_after_seconds: float = 0


class Status(msgspec.Struct):
    """The API server's own account of a refusal."""

    kind: str = ""
    reason: str = ""
    message: str = ""
    code: int = 0
    details: Details | None = None

    @property
    def about(self) -> Details:
        """Details, empty when there are none."""
        return self.details or Details()


def read(body: bytes) -> Status:
    """Read a Status; what is none, such as a proxy's page, becomes one with a message only."""
    try:
        status = msgspec.json.decode(body, type=Status)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Status(message=body[:MAX_MESSAGE].decode(errors="replace").strip())
    return status if status.kind == "Status" else Status(message="the answer is no Status")


def is_absence(code: int, status: Status, *, name: str) -> bool:
    """Whether the API server says that there is no object *name*."""
    return code == 404 and status.reason == "NotFound" and status.about.name == name


def failure(act: Act, status: Status, *, code: int, headers: Mapping[str, str], cluster: str) -> ClusterError:
    """Turn a refusal into the error that says what to do about it.

    Args:
        act: What was asked; a refused manifest is only known from a create.
        status: The body.
        code: HTTP status, or the code inside an ERROR event.
        headers: Of the answer, for ``Retry-After``.
        cluster: Its name, for the message.
    """
    said = f"{cluster}: HTTP {code} {status.reason}: {status.message[:MAX_MESSAGE]}".strip(": ")
    if act == "watch" and _is_expired(code, status):
        return WatchExpired(said)
    if code == 409 and act == "create" and status.reason == "AlreadyExists":
        return AlreadyExists(said)
    if code == 409 and act == "delete":
        return UidMismatch(said)
    if act == "create" and _refuses_the_manifest(code, status):
        return ManifestRejected(status.message[:MAX_MESSAGE] or said)
    if code in (401, 403):
        return ClusterUnavailable(f"the credentials for {said}")
    return ClusterUnavailable(said, retry_after_seconds=_retry_after(code, status, headers=headers))


def _is_expired(code: int, status: Status) -> bool:
    too_large = any(cause.reason == VERSION_TOO_LARGE for cause in status.about.causes or ())
    return code == 410 or status.reason in ("Expired", "Gone") or too_large


def _refuses_the_manifest(code: int, status: Status) -> bool:
    if code == 403:
        # Admission (quota, policy, a namespace that ends) names the object; RBAC cannot, before it exists.
        return bool(status.about.name)
    if code == 404:
        # A missing namespace, not a missing definition of SparkApplications.
        return status.about.kind == "namespaces" and bool(status.about.name)
    return code in REFUSES_THE_MANIFEST


def _retry_after(code: int, status: Status, *, headers: Mapping[str, str]) -> float | None:
    if code not in (429, 503, 504):
        return None
    said: Any = headers.get("Retry-After") or status.about.retry_after_seconds
    try:
        seconds = float(said)
    except ValueError:  # a date, which no API server sends
        return None
    return min(seconds, MAX_RETRY_AFTER_SECONDS) if seconds > 0 else None
