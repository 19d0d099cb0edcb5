"""How kernels are compiled and how blocks of work are dispatched: the one thread pool of the package.

Kernels are serial and release the GIL; parallelism is over blocks, from here. numba's own threading layers are not used:
``workqueue`` aborts the process when two Python threads enter it, OpenMP does not survive a fork, and an exception inside
``prange`` can vanish. Blocks also give progress and cancel for free.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar, cast

from numba import njit

from napari_snpore.errors import InputError, Stopped

Function = TypeVar("Function", bound=Callable[..., object])
Block = TypeVar("Block")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""``progress(done, total)``, called from the thread that started the work."""

ShouldStop = Callable[[], bool]
"""``should_stop()``; true makes the running step raise :class:`~napari_snpore.errors.Stopped`."""


def kernel(function: Function) -> Function:
    """Compile a serial numba kernel that releases the GIL and is cached on disk."""
    return cast(Function, njit(nogil=True, cache=True, error_model="numpy")(function))


def thread_count() -> int:
    """Threads that a step uses: ``SNPORE_THREADS`` if set, else the processors this process may run on."""
    wish = os.environ.get("SNPORE_THREADS", "")
    if wish:
        if not wish.isdigit() or int(wish) < 1:
            raise InputError(f"SNPORE_THREADS is {wish!r}; a whole number of threads, 1 or more, is needed.")
        return int(wish)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_stop(should_stop: ShouldStop | None) -> None:
    """Raise :class:`Stopped` when the caller asks for it."""
    if should_stop is not None and should_stop():
        raise Stopped("Stopped on request; nothing was kept.")


def share_of(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Return a progress callback that fills a bar of 1000 from share ``start`` to share ``end``.

    Examples
    --------
    >>> share_of(lambda done, total: print(done, total), 0.5, 1.0)(1, 2)
    750 1000
    """
    if progress is None:
        return None
    report = progress

    def fill(done: int, total: int) -> None:
        report(math.floor(1000 * (start + (end - start) * done / max(total, 1))), 1000)

    return fill


def run_blocks(
    work: Callable[[Block], Result],
    blocks: Iterable[Block],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Result]:
    """Run ``work`` on every block with all cores and return the results in the order of the blocks.

    Parameters
    ----------
    work : callable
        Called with one block; has to release the GIL (a kernel, numpy, scipy) for the cores to be used.
    blocks : iterable
        Anything: slices, indices, tuples. Results must not depend on the order in which blocks end.
    threads : int, optional
        Default :func:`thread_count`.
    progress : callable, optional
        ``progress(done, total)`` after each block, in the calling thread.
    should_stop : callable, optional
        Asked between blocks, in the calling thread; true raises :class:`Stopped` as soon as the running blocks end.

    Returns
    -------
    list
        One result a block.
    """
    return run_stepped_blocks(
        lambda block, _: work(block), blocks, steps=1, threads=threads, progress=progress, should_stop=should_stop
    )


def run_stepped_blocks(
    work: Callable[[Block, Callable[[], None]], Result],
    blocks: Iterable[Block],
    *,
    steps: int,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Result]:
    """Like :func:`run_blocks` for blocks that take long: progress and cancel reach inside them.

    Parameters
    ----------
    work : callable
        ``work(block, step)`` calls ``step()`` after each of its steps; once the caller wants to stop, that call raises
        :class:`Stopped` and so ends the block.
    blocks : iterable
        As in :func:`run_blocks`.
    steps : int
        Steps that a block takes; a block that ends early counts as complete.
    threads, progress, should_stop
        As in :func:`run_blocks`; ``progress`` counts steps: ``progress(done, blocks * steps)``.

    Returns
    -------
    list
        One result a block.
    """
    todo = list(blocks)
    results: list[Result | None] = [None] * len(todo)
    taken = [0] * len(todo)  # steps of each block; one writer each
    cancelled = Event()
    check_stop(should_stop)
    workers = max(1, min(threads or thread_count(), len(todo)))

    def run(index: int) -> Result:
        def step() -> None:
            taken[index] = min(taken[index] + 1, steps)
            if cancelled.is_set():
                raise Stopped("Stopped on request; nothing was kept.")

        result = work(todo[index], step)
        taken[index] = steps
        return result

    with ThreadPoolExecutor(workers, thread_name_prefix="snpore") as pool:
        running: dict[Future[Result], int] = {}
        started = ended = told = 0
        try:
            while ended < len(todo):
                while started < len(todo) and len(running) < 2 * workers:
                    running[pool.submit(run, started)] = started
                    started += 1
                # the wait has a limit so that steps are told and a cancel is noticed while long blocks run
                for future in wait(running, timeout=0.1, return_when=FIRST_COMPLETED).done:
                    results[running.pop(future)] = future.result()
                    ended += 1
                done = sum(taken)
                for count in range(told + 1, done + 1) if progress is not None else ():
                    progress(count, len(todo) * steps)  # type: ignore[misc]
                told = done
                if ended < len(todo):
                    check_stop(should_stop)
        finally:
            cancelled.set()
            for future in running:
                future.cancel()
    return cast("list[Result]", results)
