"""Token buckets."""

from __future__ import annotations

import pytest

from archer.limits import buckets
from archer.limits.buckets import Buckets


def test_so_many_at_once_and_then_so_many_a_second():
    made = Buckets(per_second=2, burst=3)
    assert [made.take("a", now=0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert made.take("a", now=0.5) == 0
    assert made.take("a", now=0.5) == 0.5
    assert [made.take("a", now=100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_name_has_its_own():
    made = Buckets(per_second=1, burst=1)
    assert [made.take(name, now=0) for name in ("a", "a", "b")] == [0, 1, 0]


def test_without_a_rate_everything_passes():
    assert [Buckets(per_second=0, burst=1).take("a", now=0) for _ in range(3)] == [0, 0, 0]


def test_more_than_it_holds_passes_when_it_is_full_and_is_paid_off():
    made = Buckets(per_second=1, burst=10)
    assert made.take("a", now=0, number=30) == 0
    assert made.take("a", now=0) == 21
    assert made.take("a", now=21) == 0


@pytest.mark.parametrize("later", [0, 1000])
def test_names_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch, later: int):
    monkeypatch.setattr(buckets, "MAX_NAMES", 10)
    made = Buckets(per_second=1, burst=5)
    for number in range(100):
        made.take(str(number), now=later * number)
    assert len(made._left) <= 11
