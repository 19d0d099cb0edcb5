"""Compilation of numba kernels, and parallel computation over blocks with progress and cancel.

Kernels are serial and release the GIL; :func:`run_blocks` runs them in threads, one block each.
numba's own threading layers are not used: ``workqueue`` aborts the process when two Python threads
enter it, OpenMP does not survive a fork, and an exception inside ``prange`` can be lost. Between
blocks, progress is reported and a cancel is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures import thread as pools
from contextvars import copy_context
from functools import partial, wraps
from queue import SimpleQueue
from threading import Event, main_thread
from typing import Any, TypeVar, cast

from napari_snpore.errors import Stopped
from napari_snpore.kernels import kernel as kernel
from napari_snpore.kernels import part_of_kernel as part_of_kernel
from napari_snpore.threads import thread_count

Function = TypeVar("Function", bound=Callable[..., object])
Block = TypeVar("Block")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""``progress(done, total)``, called from the thread that started the work."""

ShouldStop = Callable[[], bool]
"""``should_stop()``; true makes the running step raise :class:`~napari_snpore.errors.Stopped`."""

_STOPPED = "Stopped on request; nothing was kept."

_POLL_S = 0.1
"""Longest wait before progress is reported and a cancel is noticed while long blocks run."""

_QUEUED_PER_WORKER = 2
"""Submitted blocks per thread: no thread waits for work, and a cancel discards few blocks."""


def _submit(pool: ThreadPoolExecutor, work: Callable[[], Result]) -> Future[Result]:
    """Run work in a pool, with the context of this thread.

    Raises
    ------
    Stopped
        The program ends: Python starts no work in threads any more.
    """
    try:
        return pool.submit(copy_context().run, work)
    except RuntimeError:
        if main_thread().is_alive():
            raise
        raise Stopped(_STOPPED) from None


def check_stop(should_stop: ShouldStop | None) -> None:
    """Raise :class:`Stopped` if ``should_stop()`` is true."""
    if should_stop is not None and should_stop():
        raise Stopped(_STOPPED)


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
    abandon: bool = False,
) -> list[Result]:
    """Run ``work`` on every block in threads and return the results in the order of the blocks.

    Parameters
    ----------
    work : callable
        Called with one block; uses several cores only where it releases the GIL (a kernel, numpy,
        scipy).
    blocks : iterable
        Slices, indices, tuples or the like. Results must not depend on the order in which blocks
        end.
    threads : int, optional
        Default :func:`thread_count`.
    progress : callable, optional
        ``progress(done, total)`` after each block, in the calling thread.
    should_stop : callable, optional
        Called between blocks, in the calling thread; true raises :class:`Stopped` once the running
        blocks end. With one block or one thread the work is done in the calling thread too.
    abandon : bool
        Do not wait for the running blocks after a stop: for blocks that take long inside a library.
        They end by themselves, so that they may write only into arrays that nobody else uses.

    Returns
    -------
    list
        One result per block.

    Raises
    ------
    Stopped
        ``should_stop`` returned true.

    Examples
    --------
    >>> run_blocks(lambda block: block**2, range(4))
    [0, 1, 4, 9]
    """
    all_blocks = list(blocks)
    if not abandon and min(threads or thread_count(), len(all_blocks)) <= 1:
        return _run_here(work, all_blocks, progress, should_stop)
    return run_stepped_blocks(
        lambda block, _: work(block),
        all_blocks,
        steps=1,
        threads=threads,
        progress=progress,
        should_stop=should_stop,
        abandon=abandon,
    )


def _run_here(
    work: Callable[[Block], Result],
    blocks: Sequence[Block],
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> list[Result]:
    """Run blocks in the calling thread, where one other would do the work while this one waits.

    Iterations on small data make thousands of such calls, each of a millisecond; a thread begun for
    each took longer than its work.
    """
    results = []
    check_stop(should_stop)
    for done, block in enumerate(blocks, 1):
        if _program_ends():
            raise Stopped(_STOPPED)
        results.append(work(block))
        if progress is not None:
            progress(done, len(blocks))
        if done < len(blocks):
            check_stop(should_stop)
    return results


def _program_ends() -> bool:
    """Say whether the program ends: then no pool takes work (:func:`_submit`), and what is left of a
    long step must not keep the process alive.
    """
    return not main_thread().is_alive() or bool(getattr(pools, "_shutdown", False))


def run_apart(work: Callable[[], Result], should_stop: ShouldStop | None) -> Result:
    """Run a long call into a library in a thread of its own, and return its result.

    A stop raises :class:`Stopped` at once; the call ends by itself and its result is dropped.
    Without ``should_stop`` it runs in the calling thread.

    Examples
    --------
    >>> run_apart(lambda: 3, lambda: False)
    3
    """
    if should_stop is None:
        return work()
    return run_blocks(lambda _: work(), range(1), threads=1, should_stop=should_stop, abandon=True)[
        0
    ]


def stops_at_once(function: Function) -> Function:
    """Decorate a step with ``progress`` and ``should_stop`` that asks too seldom whether to stop.

    The step runs in a thread of its own; the calling thread reports its progress and raises
    :class:`Stopped` within a tenth of a second of the wish. The step then ends by itself where it
    next asks, and its result is dropped. Without ``should_stop`` it runs in the calling thread; so
    does a step that writes into an array of the caller's, ``out=``, which nothing may write to
    after a stop.

    Parameters
    ----------
    function : callable
        It may write only into ``out`` and arrays of its own, and asks ``should_stop`` from any thread.
    """

    @wraps(function)
    def run(
        *args: Any,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
        **options: Any,
    ) -> object:
        if should_stop is None or options.get("out") is not None:
            return function(*args, progress=progress, should_stop=should_stop, **options)
        wish, cancelled, reports = should_stop, Event(), SimpleQueue[tuple[int, int]]()
        report = None if progress is None else lambda *state: reports.put(state)

        def stops() -> bool:
            return cancelled.is_set() or wish()

        check_stop(wish)
        pool = ThreadPoolExecutor(1, thread_name_prefix="snpore-step")
        step = partial(function, *args, progress=report, should_stop=stops, **options)
        future = _submit(pool, step)
        try:
            while not future.done():
                wait([future], timeout=_POLL_S)
                while progress is not None and not reports.empty():
                    progress(*reports.get())
                if not future.done():
                    check_stop(wish)
            while progress is not None and not reports.empty():
                progress(*reports.get())
            return future.result()
        finally:
            cancelled.set()
            pool.shutdown(wait=False)

    return cast(Function, run)


class BlockSteps:
    """Steps of one block that runs in a thread: counted when it is called, and it raises where the
    work has been cancelled.
    """

    def __init__(self, steps: int, cancelled: Event) -> None:
        self.taken = 0  # written only by the thread that runs the block
        self._steps, self._cancelled = steps, cancelled

    def __call__(self) -> None:
        """Count a step.

        Raises
        ------
        Stopped
            After a cancel, or an error in another block.
        """
        self.taken = min(self.taken + 1, self._steps)
        self.look()

    def look(self) -> None:
        """Do not count, but raise as a call does: between the parts of a long step."""
        if self._cancelled.is_set():
            raise Stopped(_STOPPED)


def run_stepped_blocks(
    work: Callable[[Block, BlockSteps], Result],
    blocks: Iterable[Block],
    *,
    steps: int,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    abandon: bool = False,
) -> list[Result]:
    """Run ``work`` on every block in threads, with progress and cancel inside the blocks.

    For blocks that take long; :func:`run_blocks` reports progress per block only.

    Parameters
    ----------
    work : callable
        ``work(block, step)`` calls ``step()`` after each of its steps, and ``step.look()`` within
        long ones; after a cancel or an error in another block both raise :class:`Stopped`, which
        ends the block.
    blocks : iterable
        As in :func:`run_blocks`.
    steps : int
        Number of steps per block; a block that ends early counts as complete.
    threads, progress, should_stop, abandon
        As in :func:`run_blocks`; ``progress`` counts steps: ``progress(done, blocks * steps)``.

    Returns
    -------
    list
        One result per block.

    Raises
    ------
    Stopped
        ``should_stop`` returned true.
    """
    all_blocks = list(blocks)
    results: list[Result | None] = [None] * len(all_blocks)
    cancelled = Event()
    taken = [BlockSteps(steps, cancelled) for _ in all_blocks]
    check_stop(should_stop)
    workers = max(1, min(threads or thread_count(), len(all_blocks)))

    def run(index: int) -> Result:
        result = work(all_blocks[index], taken[index])
        taken[index].taken = steps
        return result

    pool = ThreadPoolExecutor(workers, thread_name_prefix="snpore")
    running: dict[Future[Result], int] = {}
    started = ended = reported = 0
    waits = True
    try:
        while ended < len(all_blocks):
            while started < len(all_blocks) and len(running) < _QUEUED_PER_WORKER * workers:
                running[_submit(pool, partial(run, started))] = started
                started += 1
            for future in wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED).done:
                results[running.pop(future)] = future.result()
                ended += 1
            done = sum(block.taken for block in taken)
            if progress is not None:
                for count in range(reported + 1, done + 1):
                    progress(count, len(all_blocks) * steps)
            reported = done
            if ended < len(all_blocks):
                check_stop(should_stop)
    except (Stopped, KeyboardInterrupt):
        waits = not abandon
        raise
    finally:
        cancelled.set()
        pool.shutdown(wait=waits, cancel_futures=True)
    return cast("list[Result]", results)
