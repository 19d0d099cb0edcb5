"""The time left is said when two estimates agree, and not before."""

from __future__ import annotations

import pytest

from napari_snpore.time_left import TimeLeft


def said(pairs):
    left = TimeLeft(0.0)
    return [left.after(share, now) for now, share in pairs]


def test_a_steady_step_has_the_time_that_is_left():
    found = said([(t, t / 100) for t in range(1, 100)])
    assert found[0] is None, "one estimate is none"
    for t, one in zip(range(4, 99), found[3:], strict=False):
        assert one == pytest.approx(100 - t)


def test_a_slow_stage_after_a_quick_one_has_none_until_it_is_known():
    quick = [(t, 0.4 * t / 4) for t in range(1, 5)]
    slow = [(4 + t, 0.4 + 0.6 * t / 600) for t in range(1, 600)]
    found = said(quick + slow)
    right = [600 - t for t in range(1, 600)]
    for one, left in zip(found[4:], right, strict=True):
        if one is not None:
            assert left / 2 <= one <= 2 * left
    assert found[5] is None


def test_it_never_jumps_from_minutes_to_done():
    slow = [(t, 0.5 * t / 120) for t in range(1, 121)]
    quick = [(120 + t, 0.5 + 0.5 * t / 2) for t in (0.5, 1.0, 1.5, 2.0)]
    assert said(slow + quick)[-4:] == [None] * 4


def test_a_count_that_begins_again_is_a_new_stage():
    found = said([(1, 0.5), (2, 0.9), (3, 0.0), (4, 0.1)])
    assert found[2:] == [None, None]


def test_time_that_went_into_something_else_does_not_count():
    left = TimeLeft(0.0)
    left.after(0.1, 1.0)
    left.restart(61.0)  # a minute of preparation
    found = [left.after(0.1 + 0.1 * t, 61.0 + t) for t in range(1, 6)]
    assert found[:2] == [None, None]
    assert found[-1] == pytest.approx(4.0)


def test_nothing_is_said_of_less_than_a_second():
    assert said([(t / 2, t / 20) for t in range(1, 20)])[-1] is None
