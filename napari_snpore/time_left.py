"""The time that a step still takes, where it can be told."""

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

    The two are made from all of the time so far and from the later half of it: a step whose stages
    go at different speeds has none until its present stage lasts long enough.

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
        self._first = (now, share)

    def after(self, share: float, now: float) -> float | None:
        """Return the time left (s) when a share of the work is done; None where it is unknown."""
        start, initial = self._first
        if share < self._seen[-1][1]:  # another count: of a new stage
            self._begin(now, share)
            return None
        self._seen.append((now, share))
        while len(self._seen) > 2 and self._seen[1][0] <= start + (now - start) / 2:
            self._seen.popleft()
        half, before = self._seen[0]
        if now - start < _FIRST_S or share <= before or half <= start or share >= 1:
            return None
        of_all = (now - start) * (1 - share) / (share - initial)
        of_late = (now - half) * (1 - share) / (share - before)
        if max(of_all, of_late) > _AGREE * min(of_all, of_late) or of_late < _SHORTEST_S:
            return None
        return of_late


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
