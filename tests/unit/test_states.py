"""The table of states holds together, and the documents tell the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archer.domain.states import FAULT_OF, FINAL, FOLLOWS, JobState, Reason
from archer.translate.observe import RANK, STATE_OF

STATES_PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_every_state_has_its_followers():
    assert set(FOLLOWS) == set(JobState)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_is_never_left(state):
    assert FOLLOWS[state] == frozenset()
    assert state.is_final


def test_every_state_is_reached_from_queued_and_leads_to_an_end():
    reached, new = {JobState.QUEUED}, {JobState.QUEUED}
    while new:
        new = {after for state in new for after in FOLLOWS[state]} - reached
        reached |= new
    assert reached == set(JobState)
    for state in set(JobState) - FINAL:
        assert FOLLOWS[state] & (FINAL | {JobState.CANCELLING})


def test_a_cancel_that_was_answered_never_becomes_a_success():
    assert JobState.SUCCEEDED not in FOLLOWS[JobState.CANCELLING]


def test_every_reason_has_a_fault():
    assert set(FAULT_OF) == set(Reason)


def test_every_state_that_a_cluster_can_show_has_a_rank_and_final_ones_the_highest():
    assert set(STATE_OF.values()) <= set(RANK)
    assert all((state in FINAL) == (rank == max(RANK.values())) for state, rank in RANK.items())


def test_the_page_about_states_draws_the_same_table():
    drawn = set(re.findall(r"^\s*(\w+) *--> *(\w+)", STATES_PAGE.read_text(), re.MULTILINE))
    known = {state.value for state in JobState}
    told = {(one, other) for one, other in drawn if one in known and other in known}
    assert told == {(state.value, after.value) for state, followers in FOLLOWS.items() for after in followers}
