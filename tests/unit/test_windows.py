"""How much an operator is given, and how often a silent cluster is asked: both over a clock of the test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.dispatcher.breaker import LAST_PAUSE_SECONDS, THRESHOLD, Breaker
from archer.dispatcher.window import FIRST, LEAST, MOST, Window


def observed(*seen: tuple[float, int, float]) -> int:
    window = Window()
    for now, waiting, oldest_seconds in seen:
        window.observe(now, waiting=waiting, oldest_seconds=oldest_seconds)
    return window.size


def test_a_window_that_is_in_use_and_drained_quickly_doubles_each_second_up_to_its_bound():
    assert observed((0, FIRST, 1)) == 2 * FIRST
    assert observed((0, FIRST, 1), (0.5, 2 * FIRST, 1)) == 2 * FIRST
    assert observed((0, FIRST, 1), (1, 2 * FIRST, 1)) == 4 * FIRST
    assert observed(*((second, MOST, 1) for second in range(60))) == MOST


def test_a_window_that_is_not_in_use_stays():
    assert observed((0, FIRST // 2 - 1, 1)) == FIRST


def test_a_window_halves_when_something_waits_long_and_the_cut_has_its_time_to_show():
    assert observed((0, FIRST, 31)) == FIRST // 2
    assert observed((0, FIRST, 31), (29, FIRST, 60)) == FIRST // 2
    assert observed((0, FIRST, 31), (30, FIRST, 61)) == FIRST // 4


def test_a_dead_operator_is_left_with_the_least_window():
    assert observed(*((second * 30, FIRST, 30 * second + 31) for second in range(20))) == LEAST


def test_a_window_grows_slowly_after_its_first_cut():
    size = observed((0, FIRST, 31), (40, FIRST, 1))
    assert FIRST // 2 < size <= FIRST // 2 * 1.1 + 1


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 10_000), st.floats(0, 1e4))))
def test_a_window_is_never_out_of_its_bounds(seen):
    assert LEAST <= observed(*sorted(seen)) <= MOST


@pytest.fixture
def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(THRESHOLD):
        assert breaker.admits(0.0)
        breaker.failed(0.0)
    return breaker


def test_a_breaker_stays_closed_below_five_failures_in_a_row():
    breaker = Breaker()
    for _ in range(10):
        for _ in range(THRESHOLD - 1):
            breaker.failed(0.0)
        assert breaker.admits(0.0)
        breaker.succeeded()
    assert not breaker.is_open


def test_an_open_breaker_admits_nothing_and_then_one_trial(opened):
    assert opened.is_open
    assert not opened.admits(0.0)
    assert 0 < opened.remaining_seconds(0.0) <= 1
    assert opened.admits(1.0)
    assert not opened.admits(1.0)


def test_a_trial_that_succeeds_closes_it(opened):
    assert opened.admits(1.0)
    opened.succeeded()
    assert not opened.is_open
    assert opened.admits(1.0)


def test_trials_that_fail_come_ever_more_rarely_but_do_not_end(opened):
    now, pauses = 0.0, []
    for _ in range(12):
        pauses.append(opened.remaining_seconds(now))
        now += pauses[-1]
        assert opened.admits(now)
        opened.failed(now)
    assert pauses[-1] > 10 > pauses[0]
    assert max(pauses) <= LAST_PAUSE_SECONDS


def test_requests_that_were_under_way_when_it_opened_do_not_lengthen_the_pause(opened):
    before = opened.remaining_seconds(0.0)
    for _ in range(50):
        opened.failed(0.0)
    assert opened.remaining_seconds(0.0) == before


def test_a_trial_that_ended_without_a_word_lets_another_be_made(opened):
    assert opened.admits(1.0)
    opened.is_over()
    assert opened.admits(1.0)


def test_a_wish_to_be_left_alone_opens_it_at_once_for_as_long():
    breaker = Breaker()
    breaker.failed(0.0, retry_after_seconds=120)
    assert breaker.remaining_seconds(0.0) == 120
    assert not breaker.admits(119.0)
    assert breaker.admits(120.0)
