"""How an ended attempt is judged: the operator's verdict, the driver's evidence, and whether to try again.

Evidence that cannot be had now is asked for again a few times; after that the verdict goes without it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog
from pydantic import ValidationError

from archer.clusters.port import Cluster, DriverEvidence
from archer.domain.diagnosis import Diagnosis, diagnose
from archer.domain.request import JobRequest
from archer.domain.retry import backoff_seconds
from archer.domain.states import FAULT_OF, JobState, Reason
from archer.errors import ClusterUnavailable, LogNotFound
from archer.store import observations
from archer.store.engine import Database
from archer.store.observations import Ending, LiveAttempt, OpenAttempt
from archer.telemetry import ENDINGS
from archer.translate.observe import Application

log = structlog.get_logger(__name__)

TAIL_BYTES: Final = 128 * 1024
TAIL_LINES: Final = 1000  # one failed task of PySpark fills four hundred
MAX_EVIDENCE_TRIES: Final = 3


class Rechecks:
    """Judges the attempts of one cluster."""

    def __init__(self, database: Database, cluster: Cluster) -> None:
        self._database = database
        self._cluster = cluster
        self._tries: Counter[str] = Counter()
        self._owed: dict[str, Application] = {}

    @property
    def is_owed(self) -> bool:
        """Whether some ended attempt still waits for its evidence: list again soon."""
        return bool(self._owed)

    async def of(self, ended: Sequence[Application]) -> list[Ending]:
        """Judge applications that ended; those whose attempts are closed already need no verdict."""
        if not ended:
            return []
        pairs = [(a.job_id or "", a.attempt or 0) for a in ended]
        async with self._database.transaction() as tx:
            opened = await observations.open_attempts(tx, pairs)
        endings = []
        for application in ended:
            attempt = opened.get((application.job_id or "", application.attempt or 0))
            if attempt is None or (attempt.uid and attempt.uid != application.uid):
                self._settle(application.name)
                continue
            try:
                endings.append(await self._judge(application, attempt))
                self._settle(application.name)
            except ClusterUnavailable as error:
                self._tries[application.name] += 1
                self._owed[application.name] = application
                log.warning("no evidence yet", application=application.name, error=str(error))
        for ending in endings:
            ENDINGS.labels(ending.final_state, ending.reason or "none").inc()
        return endings

    async def of_missing(self, attempt: LiveAttempt) -> Ending:
        """Judge an attempt whose application is gone, which the cluster has confirmed.

        When its end was seen before it went and only the evidence was missing, that end counts.
        """
        last = self._owed.get(attempt.application)
        if last is not None:
            self._tries[attempt.application] = MAX_EVIDENCE_TRIES
            endings = await self.of([last])
            if endings:
                return endings[0]
        async with self._database.transaction() as tx:
            opened = await observations.open_attempts(tx, [(attempt.job_id, attempt.number)])
        reason = Reason.APPLICATION_DELETED
        found = opened.get((attempt.job_id, attempt.number))
        ENDINGS.labels("failed", reason.value).inc()
        return Ending(
            job_id=attempt.job_id,
            number=attempt.number,
            final_state="failed",
            application_state="",
            reason=reason.value,
            fault=FAULT_OF[reason].value,
            message="The SparkApplication was deleted before it ended; nobody saw how it would have ended.",
            retry_seconds=_retry(found.request, found.tries, reason) if found else None,
        )

    def _settle(self, name: str) -> None:
        self._tries.pop(name, None)
        self._owed.pop(name, None)

    async def _judge(self, application: Application, attempt: OpenAttempt) -> Ending:
        succeeded = application.state is JobState.SUCCEEDED
        evidence = await self._driver(application)
        found = None if succeeded else await self._diagnose(application, evidence)
        return Ending(
            job_id=attempt.job_id,
            number=attempt.number,
            final_state=application.state.value,
            application_state=application.application_state,
            reason=found.reason.value if found else None,
            fault=found.fault.value if found else None,
            message=found.message if found else "",
            evidence=json.dumps(found.evidence if found else []),
            exit_code=evidence.exit_code if evidence else None,
            uid=application.uid,
            spark_app_id=application.spark_app_id,
            executors_failed=application.executors_failed,
            executors_completed=application.executors_completed,
            created_at=application.created_at or None,
            # the operator's time is that of its submit: a driver that never ran was submitted, too
            started_at=evidence.started_at if evidence else application.driver_started_at,
            ended_at=application.ended_at,
            retry_seconds=_retry(attempt.request, attempt.tries, found.reason) if found else None,
        )

    async def _driver(self, application: Application) -> DriverEvidence | None:
        try:
            return await self._cluster.driver(application.namespace, application.name)
        except ClusterUnavailable:
            if self._tries[application.name] < MAX_EVIDENCE_TRIES:
                raise
            return None

    async def _diagnose(self, application: Application, evidence: DriverEvidence | None) -> Diagnosis:
        # the termination message holds the log's last lines, where the log itself is gone
        tail = await self._tail(application) or (_lines(evidence.message) if evidence else [])
        return diagnose(
            exit_code=evidence.exit_code if evidence else None,
            signal=evidence.signal if evidence else None,
            container_reason=evidence.reason if evidence else "",
            error_message=application.error_message,
            log_tail=tail,
        )

    async def _tail(self, application: Application) -> list[str]:
        try:
            chunk = await self._cluster.read_log(
                application.namespace, application.name, role="driver", offset=-TAIL_BYTES, limit=TAIL_BYTES
            )
        except LogNotFound:
            return []
        except ClusterUnavailable:
            if self._tries[application.name] < MAX_EVIDENCE_TRIES:
                raise
            return []
        return _lines(chunk.data.decode("utf-8", errors="replace"))


def _lines(text: str) -> list[str]:
    return text.replace("\x00", "\ufffd").splitlines()[-TAIL_LINES:]  # Postgres cannot store NUL


def _retry(request: str, attempt: int, reason: Reason) -> int | None:
    try:
        retry = JobRequest.model_validate_json(request).retry
    except ValidationError:
        return None
    return backoff_seconds(retry, attempt=attempt, reason=reason, fault=FAULT_OF[reason])
