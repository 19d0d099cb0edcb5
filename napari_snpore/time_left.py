"""Estimate of the time that a step still takes; none where two estimates differ."""

from __future__ import annotations

from collections import deque

_AGREE = 1.3
"""Two estimates agree if neither is larger than the other by more than this factor."""

_FIRST_S = 2.0
"""No estimate before this time."""

_SHORTEST_S = 1.0
"""Less than this is not worth saying."""


class TimeLeft:
    """Estimates the time left from the steps done, and says none until two estimates agree.

    The two are made from the later half of the time so far and from its last quarter, and what they
    say has to hold from one call to the next: a step whose stages go at different speeds has none
    until its present stage has lasted long enough.

    Parameters
    ----------
    now : float
        Time at which the step started, s.
    """

    def __init__(self, now: float) -> None:
        self._begin(now, 0.0)

    def restart(self, now: float) -> None:
        """Forget the time before: it was spent on something else."""
        self._begin(now, self._seen[-1][1])

    def _begin(self, now: float, share: float) -> None:
        self._seen: deque[tuple[float, float]] = deque([(now, share)])
        self._start = now
        self._expected: float | None = None  # end of the step by the last estimate

    def after(self, share: float, now: float) -> float | None:
        """Return the time left (s) when a share of the work is done; None where it is unknown."""
        if share < self._seen[-1][1]:  # another count: of a new stage
            self._begin(now, share)
            return None
        self._seen.append((now, share))
        spent = now - self._start
        while len(self._seen) > 2 and self._seen[1][0] <= self._start + spent / 2:
            self._seen.popleft()
        if spent < _FIRST_S or share >= 1:
            return None
        late = self._from(self._seen[0], share, now)
        last = self._from(
            next(one for one in reversed(self._seen) if one[0] <= now - spent / 4), share, now
        )
        expected, self._expected = self._expected, None
        if late is None or last is None or not _agree(late, last):
            return None
        self._expected = now + late
        if expected is None or not _agree(expected - now, late) or late < _SHORTEST_S:
            return None
        return late

    @staticmethod
    def _from(past: tuple[float, float], share: float, now: float) -> float | None:
        """Return the time left at the speed since a time in the past; None where nothing moved."""
        earlier, before = past
        return None if share <= before else (now - earlier) * (1 - share) / (share - before)


def _agree(one: float, two: float) -> bool:
    return 0 < max(one, two) <= _AGREE * min(one, two)


def time_left_words(seconds: float | None) -> str:
    """Return what is said: nothing where it is unknown.

    Examples
    --------
    >>> time_left_words(75.2), time_left_words(130), time_left_words(None)
    ('about 75 s left', 'about 2 min left', '')
    """
    if seconds is None:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"
