"""Bytes of an API server to applications and driver pods; decodes only the fields that Archer stores."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog

from archer.clusters.kubernetes import evidence, statuses
from archer.clusters.kubernetes.evidence import Pod
from archer.clusters.port import Change, DriverChange, DriverEvidence
from archer.errors import ClusterError, ClusterUnavailable
from archer.translate import names
from archer.translate.observe import Application, Resource, from_struct

log = structlog.get_logger(__name__)

# what a create answers when only metadata was asked for
KINDS: Final = (names.KIND, "PartialObjectMetadata")


class ListMetadata(msgspec.Struct, rename="camel"):
    """Version of a list, and where its next page begins."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """A part of a list of applications."""

    kind: str = ""
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[Resource] | None = None


class OddPage(msgspec.Struct):
    """The same, with an object in it that is not of its form."""

    kind: str = ""
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[Any] | None = None


class PodPage(msgspec.Struct):
    """A part of a list of pods."""

    kind: str = ""
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[Pod] | None = None


class Event(msgspec.Struct, gc=False):
    """One line of a watch."""

    type: str
    object: Resource


class PodEvent(msgspec.Struct, gc=False):
    """One line of a watch of pods."""

    type: str
    object: Pod


class OddEvent(msgspec.Struct):
    """A line whose object is not what was expected: an error, or an application that somebody bent."""

    type: str
    object: msgspec.Raw


_RESOURCE: Final = msgspec.json.Decoder(Resource)
_PAGE: Final = msgspec.json.Decoder(Page)
_EVENT: Final = msgspec.json.Decoder(Event)
_POD_PAGE: Final = msgspec.json.Decoder(PodPage)
_POD_EVENT: Final = msgspec.json.Decoder(PodEvent)
_ODD_EVENT: Final = msgspec.json.Decoder(OddEvent)
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, AttributeError, KeyError)


def application(body: bytes, *, cluster: str) -> Application:
    """Read one application.

    Raises:
        ClusterUnavailable: The answer is something else, such as a Status or a proxy's page.
    """
    try:
        resource = _resource(body)
    except _UNREADABLE as error:
        raise ClusterUnavailable(f"{cluster}: an answer that cannot be read: {error}") from error
    if resource.kind not in KINDS or not resource.metadata.name:
        raise ClusterUnavailable(f"{cluster}: an answer of the kind {resource.kind!r}, not an application")
    return from_struct(resource)


def page(body: bytes, *, cluster: str) -> tuple[list[Application], ListMetadata]:
    """Read a page of a list. One object that cannot be read is left out and said so.

    Raises:
        ClusterUnavailable: The answer is no list.
    """
    try:
        found = _PAGE.decode(body)
        applications = [from_struct(item) for item in found.items or ()]
    except _UNREADABLE:
        found, applications = _odd_page(body, cluster)
    if found.kind != f"{names.KIND}List" or not found.metadata.resource_version.isdecimal():
        raise ClusterUnavailable(f"{cluster}: an answer of the kind {found.kind!r}, not a list")
    return applications, found.metadata


def change(line: bytes, *, cluster: str) -> Change:
    """Read one line of a watch.

    Raises:
        WatchExpired: It says that the version is too old.
        ClusterUnavailable: It says another error, or cannot be read.
    """
    try:
        event = _EVENT.decode(line)
    except _UNREADABLE:
        return _odd_change(line, cluster)
    if event.type == "ERROR":
        return _odd_change(line, cluster)
    version = event.object.metadata.resource_version
    if not version.isdecimal():
        raise ClusterUnavailable(f"{cluster}: a watch event with the version {version!r}")
    if event.type == "BOOKMARK":
        return Change("bookmark", version, None)
    if event.object.kind != names.KIND:
        raise ClusterUnavailable(f"{cluster}: a watch told of the kind {event.object.kind!r}")
    kind = "deleted" if event.type == "DELETED" else "upserted"
    return Change(kind, version, from_struct(event.object))


def driver_page(body: bytes, *, cluster: str) -> tuple[list[DriverEvidence], ListMetadata]:
    """Read a page of a list of driver pods. One that cannot be read is left out and said so.

    Raises:
        ClusterUnavailable: The answer is no list of pods.
    """
    try:
        found = _POD_PAGE.decode(body)
        drivers = [evidence.from_struct(item) for item in found.items or ()]
    except _UNREADABLE:
        found, drivers = _odd_driver_page(body, cluster)
    if found.kind != "PodList" or not found.metadata.resource_version.isdecimal():
        raise ClusterUnavailable(f"{cluster}: an answer of the kind {found.kind!r}, not a list")
    return drivers, found.metadata


def driver_change(line: bytes, *, cluster: str) -> DriverChange:
    """Read one line of a watch of driver pods; raises what ``change`` does."""
    try:
        event = _POD_EVENT.decode(line)
    except _UNREADABLE as error:
        raise _told(line, cluster) or _unreadable(cluster, error) from error
    if event.type == "ERROR" or event.object.kind != "Pod":
        raise _told(line, cluster) or _unreadable(cluster, f"{event.type} of {event.object.kind!r}")
    version = event.object.metadata.resource_version
    if not version.isdecimal():
        raise ClusterUnavailable(f"{cluster}: a watch event with the version {version!r}")
    if event.type == "BOOKMARK":
        return DriverChange("bookmark", version, None)
    kind = "deleted" if event.type == "DELETED" else "upserted"
    return DriverChange(kind, version, evidence.from_struct(event.object))


def _odd_driver_page(body: bytes, cluster: str) -> tuple[OddPage, list[DriverEvidence]]:
    found, drivers = _loose_page(body, cluster), []
    for item in found.items or ():
        try:
            drivers.append(evidence.from_struct(msgspec.convert(item, Pod)))
        except _UNREADABLE as error:
            log.warning("a driver pod cannot be read", cluster=cluster, error=str(error))
    return found, drivers


def _loose_page(body: bytes, cluster: str) -> OddPage:
    try:
        return msgspec.json.decode(body, type=OddPage)
    except _UNREADABLE as error:
        raise ClusterUnavailable(f"{cluster}: a list that cannot be read: {error}") from error


def _told(line: bytes, cluster: str) -> ClusterError | None:
    """The error that a line tells of; None when it tells of something else."""
    try:
        event = _ODD_EVENT.decode(line)
    except _UNREADABLE:
        return None
    if event.type != "ERROR":
        return None
    status = statuses.read(bytes(event.object))
    return statuses.failure("watch", status, code=status.code, headers={}, cluster=cluster)


def _unreadable(cluster: str, why: object) -> ClusterError:
    return ClusterUnavailable(f"{cluster}: a watch event that cannot be read: {why}")


def _odd_change(line: bytes, cluster: str) -> Change:
    told = _told(line, cluster)
    if told is not None:
        raise told
    try:
        event = _ODD_EVENT.decode(line)
        found = from_struct(_resource(bytes(event.object)))
    except _UNREADABLE as error:
        raise _unreadable(cluster, error) from error
    kind = "deleted" if event.type == "DELETED" else "upserted"
    return Change(kind, found.resource_version, found)


def _odd_page(body: bytes, cluster: str) -> tuple[OddPage, list[Application]]:
    found, applications = _loose_page(body, cluster), []
    for item in found.items or ():
        try:
            applications.append(from_struct(_straightened(item)))
        except _UNREADABLE as error:
            log.warning("an application cannot be read", cluster=cluster, error=str(error))
    return found, applications


def _resource(body: bytes) -> Resource:
    try:
        return _RESOURCE.decode(body)
    except msgspec.ValidationError:
        return _straightened(msgspec.json.decode(body))


def _straightened(loose: Any) -> Resource:
    """Read an object without its status where that is not of its form: who it is can still be told."""
    try:
        return msgspec.convert(loose, Resource)
    except msgspec.ValidationError:
        known = {"kind": loose["kind"], "metadata": loose["metadata"]}
        return msgspec.convert(known, Resource)
