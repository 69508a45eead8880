"""Who asks, and what each may do: roles in tenants. Nothing here depends on how a caller proved who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

EVERY_TENANT: Final = "*"  # in an access file; the form of a tenant's name does not allow it


class Role(StrEnum):
    """What a caller may do in a tenant; each may what those before it may."""

    VIEW = "view"
    SUBMIT = "submit"
    ADMIN = "admin"


RANK: Final[Mapping[Role | None, int]] = MappingProxyType(
    {None: 0, Role.VIEW: 1, Role.SUBMIT: 2, Role.ADMIN: 3}
)
Tenants = frozenset[str] | None  # that somebody may see; None: all of them


@dataclass(frozen=True)  # no slots: what may be seen is worked out once
class Principal:
    """A caller that is known. *everywhere* is its role in every tenant, those that come later too."""

    name: str
    method: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    everywhere: Role | None = None
    visible: Tenants = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "visible", None if self.everywhere else frozenset(self.roles))

    @property
    def is_granted(self) -> bool:
        """Whether it has a role in any tenant: whoever has none is nobody to Archer."""
        return self.everywhere is not None or bool(self.roles)

    @property
    def is_platform_admin(self) -> bool:
        """Whether it may change what all tenants share: clusters."""
        return self.everywhere is Role.ADMIN

    def may_view(self, tenant: str) -> bool:
        """Whether it may see the jobs of *tenant*."""
        return self._may(Role.VIEW, tenant)

    def may_submit(self, tenant: str) -> bool:
        """Whether it may submit and cancel jobs of *tenant*."""
        return self._may(Role.SUBMIT, tenant)

    def _may(self, wanted: Role, tenant: str) -> bool:
        return max(RANK[self.everywhere], RANK[self.roles.get(tenant)]) >= RANK[wanted]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, as the audit keeps it. The defaults are those of Archer's own loops."""

    method: str = "archer"
    ip: str = ""
    request_id: str = ""


INSIDE: Final = Origin()


@dataclass(frozen=True, slots=True)
class Caller:
    """One call: who makes it, and from where."""

    principal: Principal
    origin: Origin = INSIDE


def principal_of(name: str, method: str, grants: Mapping[str, Role]) -> Principal:
    """Make a principal of what an access file grants; the key ``*`` means every tenant."""
    roles = {tenant: Role(role) for tenant, role in grants.items() if tenant != EVERY_TENANT}
    everywhere = grants.get(EVERY_TENANT)
    return Principal(name, method, roles, Role(everywhere) if everywhere else None)


def united(several: list[Mapping[str, Role]]) -> dict[str, Role]:
    """The highest role in each tenant that any of *several* grants."""
    found: dict[str, Role] = {}
    for grants in several:
        for tenant, role in grants.items():
            found[tenant] = max(found.get(tenant, Role.VIEW), Role(role), key=lambda one: RANK[one])
    return found
