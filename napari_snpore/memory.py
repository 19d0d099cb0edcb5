"""How much memory may be used, what a step needs, and the sentence that refuses a step before it
starts.

What is free is the least of what the machine, a container and a limit of the process (``ulimit -v``)
leave. Needs are estimates from measured peaks; they are compared before anything is computed, because
a kernel that runs out of memory ends the process.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import psutil

from napari_snpore.errors import InputError
from napari_snpore.threads import thread_count

SHARE = 0.8
"""Share of the free memory that a step may take where no limit is given."""

_CGROUP = Path("/sys/fs/cgroup")
_THREAD_BYTES = 72 << 20
"""Address space that a thread takes beside its arrays: its stack, and a heap of its own."""

_PROGRAM_BYTES = 400 << 20
"""Address space of libraries and compiled kernels that are loaded while the program runs."""


_given: ContextVar[int | None] = ContextVar("memory limit that was given", default=None)


class NotEnoughMemoryError(InputError, MemoryError):
    """A step that needs more memory than may be used; nothing was started."""


def free_memory() -> int:
    """Return the bytes that this process can still take."""
    return _free()[0]


def _free() -> tuple[int, str]:
    """Return the bytes that can still be taken, and what leaves no more, in words."""
    limits: list[tuple[int | None, str]] = [
        (int(psutil.virtual_memory().available), "is free on this machine"),
        (_container_memory(), "the container leaves"),
        (_address_space_left(), "the limit of the process (ulimit -v) leaves beside the program"),
    ]
    size, words = min((size, words) for size, words in limits if size is not None)
    return max(0, size), words


def _container_memory() -> int | None:
    """Return what a container (cgroup 2) leaves; None without a limit."""
    try:
        most = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        cache = next(
            int(line.split()[1])
            for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
            if line.startswith("inactive_file ")
        )
    except (OSError, ValueError, StopIteration):
        return None
    return None if most == "max" else int(most) - used + cache


def _address_space_left() -> int | None:
    """Return what ``ulimit -v`` leaves beside threads and code; None without a limit."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return None
    code = _PROGRAM_BYTES + _THREAD_BYTES * thread_count()
    return int(most - psutil.Process().memory_info().vms - code)


def address_space_of_threads(count: int) -> int:
    """Return the address space that more threads take of what ``ulimit -v`` leaves; 0 without one."""
    return 0 if _address_space_left() is None else _THREAD_BYTES * count


_preferred_limit: int | None = None
"""Set by the window from its preferences; commands and Python leave it None."""


def use_at_most(size: int | None) -> None:
    """Let the steps of this process take at most ``size`` bytes each where no limit is given; None:
    80 % of what is free.
    """
    global _preferred_limit
    _preferred_limit = size


def _given_limit(given: int | None) -> int | None:
    """Return the limit of the caller, else of its context, else of the process; None without any."""
    given = _given.get() if given is None else given
    return _preferred_limit if given is None else given


def memory_limit(given: int | None = None) -> int:
    """Return the bytes that a step may take: what was given, here, by :func:`limited_to` or by
    :func:`use_at_most`, but no more than is free; else 80 % of what is free now.
    """
    given = _given_limit(given)
    free = free_memory()
    return int(SHARE * free) if given is None else min(given, free)


@contextmanager
def limited_to(limit: int | None) -> Iterator[None]:
    """Let the steps within ask for no more than a limit (bytes) that the caller was given; None
    changes nothing.
    """
    if limit is None:
        yield
        return
    before = _given.set(limit)
    try:
        yield
    finally:
        _given.reset(before)


def check_memory(what: str, needed: float, *, given: int | None = None, advice: str = "") -> None:
    """Refuse a step that needs more memory than may be used.

    Parameters
    ----------
    what : str
        The step and its size, such as ``"Measuring 512 × 512 × 512 voxels"``.
    needed : float
        Bytes beside what is held already.
    given : int, optional
        The limit that the caller set (bytes). Default: that of :func:`limited_to`, else of
        :func:`use_at_most`, else 80 % of what is free.
    advice : str
        What else to do, such as ``"--memory-limit-mb allows more"``.

    Raises
    ------
    NotEnoughMemoryError
        One sentence with both numbers and what to do.
    """
    given = _given_limit(given)
    most = memory_limit(given)
    if needed <= most:
        return
    free, words = _free()
    if given is not None and given <= free:
        why = f"the memory limit is {size_text(given)}"
    elif given is not None:
        why = f"{size_text(free)} are all that {words}"
    else:
        why = f"{size_text(most)} may be used, {100 * SHARE:.0f} % of what {words}"
    raise NotEnoughMemoryError(
        f"{what} needs about {size_text(needed)} of memory, and {why}; bin or crop the data, or close other programs"
        f"{'' if not advice else ', or ' + advice}."
    )


def size_text(size: float) -> str:
    """Return a number of bytes in MB, GB or TB.

    Examples
    --------
    >>> size_text(940e6), size_text(12.3e9)
    ('940 MB', '12.3 GB')
    """
    if size >= 1e12:
        return f"{size / 1e12:.3g} TB"
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as sentences have it.

    Examples
    --------
    >>> shape_text((61, 512, 512))
    '61 × 512 × 512'
    """
    return " × ".join(str(n) for n in shape)


def give_back_freed() -> None:
    """Return to the system what has been freed: glibc keeps arrays below 32 MB for later otherwise,
    so that a long run would hold the leftovers of all its steps.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
