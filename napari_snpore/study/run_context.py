"""Context of a run: progress callbacks, the stop request, and the record of timings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.study.provenance import Record

Monitor = Callable[[str], AbstractContextManager[Progress | None]]
"""``with monitor("reconstruct") as progress``: shows that a step runs and returns its progress
callback.
"""


@dataclass(frozen=True)
class RunContext:
    """Context of a run: progress callbacks, the stop request, and the record of timings."""

    record: Record
    monitor: Monitor = field(default=lambda name: nullcontext(None))
    should_stop: ShouldStop | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Run a step: yields the keyword arguments ``progress`` and ``should_stop`` that every long
        function takes.
        """
        check_stop(self.should_stop)
        with self.record.timed(name), self.monitor(name) as progress:
            yield {"progress": progress, "should_stop": self.should_stop}
