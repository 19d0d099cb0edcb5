"""Where the blocks of a volume are worked on: in threads of this process, or by an engine that has
other processes.

An engine is asked only for arrays that all processes read and write (:func:`is_shared`): what lies
in the memory of one of them stays in its threads. Tasks may run twice, where a process is lost
after it has written: each writes its own block of an array, and none reads what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import DTypeLike

from napari_snpore.blocks import Block, BoxArray, VoxelwiseArray, grid_of
from napari_snpore.compute import Progress, ShouldStop, run_blocks

Item = TypeVar("Item")
Result = TypeVar("Result")
Kept = TypeVar("Kept")


class Engine(Protocol):
    """Processes that work on blocks.

    Attributes
    ----------
    at_a_time : int
        Blocks that are in work together on one machine: they share its memory.
    memory : int
        Bytes that may be used on the machine that has the least.
    """

    at_a_time: int
    memory: int

    def check_sees(self, folder: Path, files: Sequence[str]) -> None:
        """Refuse processes that do not see the folder of a run or the files that it reads."""

    def run(
        self,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        receive: Callable[[int, Any], Any],
        *,
        progress: Progress | None,
        should_stop: ShouldStop | None,
    ) -> list[Any]:
        """Return ``receive(number, work(item))`` of each item, in their order; ``receive`` is called
        in this process, one item at a time.
        """


_engine: ContextVar[Engine | None] = ContextVar("engine in use", default=None)

MakeArray = Callable[[Sequence[int], Sequence[int], DTypeLike], Any]
"""``make(shape, block_shape, dtype)``: a new array that all processes of an engine open."""

_make_array: ContextVar[MakeArray | None] = ContextVar("arrays for the engine", default=None)


@contextmanager
def using(engine: Engine | None, make_array: MakeArray | None = None) -> Iterator[None]:
    """Let the steps within give their blocks to an engine; None changes nothing.

    ``make_array``: for what such a step has in the memory of this process; without it that stays in
    threads.
    """
    if engine is None:
        yield
        return
    before, arrays = _engine.set(engine), _make_array.set(make_array)
    try:
        yield
    finally:
        _engine.reset(before)
        _make_array.reset(arrays)


def engine_with_arrays() -> tuple[Engine, MakeArray] | None:
    """Return the engine in use and what makes arrays for it; None without both."""
    engine, make_array = _engine.get(), _make_array.get()
    return None if engine is None or make_array is None else (engine, make_array)


def is_shared(array: Any) -> bool:
    """Return whether an array is one that other processes can open: it says so by ``shared``."""
    if isinstance(array, VoxelwiseArray) and array.other is not None:
        return is_shared(array.source) and is_shared(array.other)
    if isinstance(array, (VoxelwiseArray, BoxArray)):
        return is_shared(array.source)
    return bool(getattr(array, "shared", False))


def beside(out: Any) -> Any:
    """Return where a step keeps what it writes before its result: the array for the result itself,
    or another one where that may be written by several processes, and so only once.
    """
    return out.another() if is_shared(out) else out


def drop(array: Any, out: Any) -> None:
    """Remove what :func:`beside` made for an array."""
    if array is not out:
        array.remove()


def blocks_at_a_time(arrays: Sequence[Any]) -> int:
    """Return how many blocks of some arrays are in work together on one machine; 1 where each block
    has all threads of the process.
    """
    engine = _engine_for(arrays)
    return 1 if engine is None else engine.at_a_time


def run_on_blocks(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    arrays: Sequence[Any],
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Result]:
    """Run ``work`` on every block and return the results in the order of the blocks.

    Parameters
    ----------
    work : callable
        Called with one item, in any process: it needs nothing but that and the arrays.
    items : iterable
        Blocks, or blocks with what is known of them.
    arrays : sequence of array
        All that is read and written.
    progress, should_stop : callable, optional
        See :func:`~napari_snpore.compute.run_blocks`.

    Returns
    -------
    list
    """
    return receive_from_blocks(
        work,
        items,
        lambda _, result: result,
        arrays=arrays,
        progress=progress,
        should_stop=should_stop,
    )


def receive_from_blocks(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    receive: Callable[[int, Result], Kept],
    *,
    arrays: Sequence[Any],
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Kept]:
    """Run ``work`` on every block, as :func:`run_on_blocks`, and return what ``receive(number, result)``
    keeps of each result: it is called as they come, in this process, in any thread.
    """
    given = list(items)
    engine = _engine_for(arrays)
    watch: dict[str, Any] = {"progress": progress, "should_stop": should_stop}
    if engine is not None:
        return cast("list[Kept]", engine.run(work, given, receive, **watch))
    return run_blocks(
        lambda number: receive(number, work(given[number])), range(len(given)), **watch
    )


def anywhere(mask: Any) -> bool:
    """Return whether an array, which may be lazy, is true anywhere."""
    if isinstance(mask, np.ndarray):
        return bool(mask.any())
    found = run_on_blocks(
        lambda block: bool(np.asarray(mask[block]).any()), grid_of(mask).blocks, arrays=[mask]
    )
    return any(found)


def extremes(labels: Any) -> tuple[int, int]:
    """Return the least and the greatest of some whole numbers, which may be lazy."""
    if isinstance(labels, np.ndarray):
        return int(labels.min()), int(labels.max())

    def look(block: Block) -> tuple[int, int]:
        part = np.asarray(labels[block])
        return int(part.min()), int(part.max())

    found = run_on_blocks(look, grid_of(labels).blocks, arrays=[labels])
    return min(one for one, _ in found), max(one for _, one in found)


def _engine_for(arrays: Sequence[Any]) -> Engine | None:
    engine = _engine.get()
    return engine if engine is not None and all(map(is_shared, arrays)) else None
