"""Context of a run: progress callbacks, the stop request, and the record of timings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.memory import check_memory, give_back_freed, limited_to, shape_text
from napari_snpore.outputs.free_space import check_free_space
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.provenance import Record

Monitor = Callable[[str], AbstractContextManager[Progress | None]]
"""``with monitor("reconstruct") as progress``: shows that a step runs and returns its progress
callback.
"""

_SLAB_BYTES_PER_VOXEL, _SLAB_BYTES = 20, 100_000_000
"""What the slabs that are worked on hold together, whatever the size of the volume, and less of a
volume that is no larger than one."""


def stated_bytes(shape: Sequence[int], bytes_per_voxel: float) -> float:
    """Return what work on a volume in memory needs, with the slabs that it works on."""
    voxels = math.prod(shape)
    return voxels * bytes_per_voxel + min(voxels * _SLAB_BYTES_PER_VOXEL, _SLAB_BYTES)


def _silent(sentence: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class RunContext:
    """Context of a run: progress callbacks, the stop request, the memory limit, and the record of
    timings and needs.

    Attributes
    ----------
    record : Record
    monitor : callable
    should_stop : callable, optional
    memory_limit : int, optional
        Bytes that a step may take; default 80 % of what is free when it starts.
    later_bytes_per_voxel : float
        What steps after the reconstruction will need, so that a run that cannot end does not start.
    output : Path, optional
        Where the results are written; beside it are the scratch files.
    output_bytes_per_voxel : float
        What the results take there at the least, for each voxel of a reconstruction; 0 where they
        are compressed, and nothing is known.
    say : callable
        Hears a sentence that cannot wait for the summary, such as what a step is going to cost.
    store : BlockStore, optional
        Where a run by blocks keeps what has the size of the volume; None: in memory.
    advice : str
        What else to do where memory is too small.
    """

    record: Record
    monitor: Monitor = field(default=lambda name: nullcontext(None))
    should_stop: ShouldStop | None = None
    memory_limit: int | None = None
    later_bytes_per_voxel: float = 0.0
    output: Path | None = None
    output_bytes_per_voxel: float = 0.0
    say: Callable[[str], None] = _silent
    store: BlockStore | None = None
    advice: str = ""

    def state_memory(self, what: str, shape: Sequence[int], bytes_per_voxel: float) -> None:
        """Note what work on a volume needs, and refuse it before it starts where that is too much.

        Parameters
        ----------
        what : str
            Such as ``"Measuring"``.
        shape : sequence of int
            Of the volume.
        bytes_per_voxel : float
            At the highest, beside what is held already.

        Raises
        ------
        NotEnoughMemoryError
            More than the limit, or than 80 % of what is free. Work by blocks needs no more than its
            blocks, which were chosen for the limit.
        """
        if self.store is not None:
            return
        needed = stated_bytes(shape, bytes_per_voxel)
        needs = self.record.results.setdefault("memory_bytes", {})
        needs[what.lower()] = round(needed)
        check_memory(
            f"{what} {shape_text(shape)} voxels",
            needed,
            given=self.memory_limit,
            advice=self.advice,
        )

    def state_disk(self, what: str, shape: Sequence[int], scratch_bytes: float) -> None:
        """Refuse work whose results and scratch files the disk has no space for, before it starts.

        Parameters
        ----------
        what : str
            Such as ``"Reconstructing"``.
        shape : sequence of int
            Of the volume.
        scratch_bytes : float
            Of scratch files that do not exist yet.

        Raises
        ------
        OutputError
            The disk has less.
        """
        needed = scratch_bytes + math.prod(shape) * self.output_bytes_per_voxel
        if self.output is not None:
            check_free_space(self.output, needed, f"{what} {shape_text(shape)} voxels")

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Run a step: yields the keyword arguments ``progress`` and ``should_stop`` that every long
        function takes.
        """
        check_stop(self.should_stop)
        with (
            limited_to(self.memory_limit),
            self.record.timed(name),
            self.monitor(name) as progress,
        ):
            yield {"progress": progress, "should_stop": self.should_stop}
        give_back_freed()
