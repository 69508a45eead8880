"""Whether a failed attempt is followed by another, and when."""

from __future__ import annotations

import pytest

from archer.domain.request import Retry
from archer.domain.retry import MAX_BACKOFF_SECONDS, NEVER_AGAIN, backoff_seconds
from archer.domain.states import FAULT_OF, Fault, Reason

MANY = Retry(max_attempts=10, on=["user", "platform", "policy"], backoff_seconds=10)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 2560), (10, None)], ids=str
)
def test_the_pause_doubles_until_the_attempts_are_used_up(attempt, seconds):
    assert backoff_seconds(MANY, attempt=attempt, reason=Reason.NODE_LOST, fault=Fault.PLATFORM) == seconds


def test_the_pause_has_a_bound():
    retry = MANY.model_copy(update={"backoff_seconds": 3600})
    assert (
        backoff_seconds(retry, attempt=9, reason=Reason.NODE_LOST, fault=Fault.PLATFORM)
        == MAX_BACKOFF_SECONDS
    )


@pytest.mark.parametrize(
    ("reason", "is_tried_again"),
    [(Reason.NODE_LOST, True), (Reason.IMAGE, True), (Reason.USER_CODE, False), (Reason.QUOTA, False)],
)
def test_by_default_only_faults_of_the_platform_are_tried_again(reason, is_tried_again):
    retry = Retry.model_validate({"max_attempts": 2})
    found = backoff_seconds(retry, attempt=1, reason=reason, fault=FAULT_OF[reason])
    assert (found is not None) is is_tried_again


@pytest.mark.parametrize("reason", sorted(NEVER_AGAIN))
def test_what_would_end_the_same_way_is_never_tried_again(reason):
    assert backoff_seconds(MANY, attempt=1, reason=reason, fault=FAULT_OF[reason]) is None


def test_one_attempt_is_the_default():
    assert (
        backoff_seconds(Retry.model_validate({}), attempt=1, reason=Reason.NODE_LOST, fault=Fault.PLATFORM)
        is None
    )
