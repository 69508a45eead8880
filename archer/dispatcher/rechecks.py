"""What the present policy says of requests that were accepted under an older one."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from archer.domain.tenancy.policy import Policy
from archer.domain.tenancy.rules.check import faults_of
from archer.store.claims import Claim

log = structlog.get_logger(__name__)

MOST: Final = 8192  # answers that are kept: those of jobs that wait are asked for each few seconds


class Rechecks:
    """Holds stored requests against a policy, each once for as long as that policy is the present one."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._said: dict[str, str | None] = {}

    def against(self, claim: Claim, policy: Policy | None) -> str | None:
        """Say in words what *policy* has against the request of *claim* first, or None."""
        if policy is None:
            return None
        if policy is not self._policy or len(self._said) >= MOST:
            self._policy, self._said = policy, {}
        if claim.id not in self._said:
            self._said[claim.id] = _first_fault(claim, policy)
        return self._said[claim.id]


def _first_fault(claim: Claim, policy: Policy) -> str | None:
    try:
        # its tenant and queue are those of its row: the request may have left them to the policy of that time
        raw = msgspec.json.decode(claim.request) | {"tenant": claim.tenant, "queue": claim.queue}
        faults = faults_of(raw, policy)
    except Exception:
        log.exception("a stored request cannot be held against the policy", job_id=claim.id)
        return "its request cannot be held against the policy"
    if not faults:
        return None
    return f"the policy does not allow it any more: {faults[0].field} {faults[0].message}"
