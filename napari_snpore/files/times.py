"""Times of images in seconds: units of time in files, even steps, and which values count as
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
}


def seconds_per(unit: Any) -> float | None:
    """Return how many seconds a unit has; None for what is no unit of time.

    Examples
    --------
    >>> seconds_per("[min]"), seconds_per("nm")
    (60.0, None)
    """
    text = unit.decode("utf-8", "replace") if isinstance(unit, bytes) else str(unit)
    return _SECONDS.get(text.strip().strip("[]").lower())


def even_times(step: Any, unit: Any, count: int) -> list[float] | None:
    """Return the times (s) of ``count`` images in even steps from 0; None where ``unit`` is no unit
    of time.

    Examples
    --------
    >>> even_times(0.5, "min", 3)
    [0.0, 30.0, 60.0]
    """
    factor = seconds_per(unit)
    try:
        interval = float(step)
    except (TypeError, ValueError):
        return None
    return None if factor is None else checked_times(interval * factor * np.arange(count), count)


def checked_times(times_s: ArrayLike | None, count: int) -> list[float] | None:
    """Return times (s) as a list, or None unless there is one finite, rising time per image and
    more than one image.
    """
    if times_s is None or count < 2:
        return None
    times = np.asarray(times_s, np.float64).reshape(-1)
    if len(times) != count or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        return None
    found: Sequence[float] = times.tolist()
    return list(found)
