"""How many threads a step has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from napari_snpore.errors import InputError

_WORTH_THREADS = 4_000_000
"""Operations of a kernel (a voxel that a ray meets, once) in about two milliseconds."""

_preferred_threads: int | None = None
"""Set by the window from its preferences; commands and Python leave it None."""


def use_threads(count: int | None) -> None:
    """Let the steps of this process use so many threads from now on; None: one per processor.

    ``SNPORE_THREADS`` is stronger.

    Raises
    ------
    InputError
        Fewer than 1.
    """
    global _preferred_threads
    if count is not None and count < 1:
        raise InputError(f"threads is {count}; a whole number of 1 or more is needed.")
    _preferred_threads = count


@contextmanager
def use_at_most_threads(count: int | None) -> Iterator[None]:
    """Let the steps within use so many threads, as :func:`use_threads`; None changes nothing."""
    earlier = _preferred_threads
    if count is not None:
        use_threads(count)
    try:
        yield
    finally:
        if count is not None:
            use_threads(earlier)


_of_a_task: ContextVar[int | None] = ContextVar("threads of a task", default=None)


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """Let the work within, in this context, use so many threads, whatever else is set: that of a task
    beside which other tasks run in this process.
    """
    earlier = _of_a_task.set(count)
    try:
        yield
    finally:
        _of_a_task.reset(earlier)


def thread_count() -> int:
    """Return the number of threads of a step.

    It is that of :func:`with_threads`, else ``SNPORE_THREADS`` if that is set, else what
    :func:`use_threads` set, else the number of processors that this process may use.

    Raises
    ------
    InputError
        ``SNPORE_THREADS`` is not a whole number of 1 or more.
    """
    of_a_task = _of_a_task.get()
    if of_a_task is not None:
        return of_a_task
    setting = os.environ.get("SNPORE_THREADS", "")
    if setting:
        if not setting.isdigit() or int(setting) < 1:
            raise InputError(
                f"SNPORE_THREADS is {setting!r}; a whole number of threads, 1 or more, is needed."
            )
        return int(setting)
    if _preferred_threads is not None:
        return _preferred_threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_for(operations: int, threads: int | None = None) -> int:
    """Return the number of threads for so many operations of a kernel: one where they take so little
    time that threads would take as long to begin.

    Examples
    --------
    >>> threads_for(1000, threads=4), threads_for(10**9, threads=4)
    (1, 4)
    """
    count = threads or thread_count()  # refuses a bad setting whatever the operations
    return 1 if operations < _WORTH_THREADS else count
