"""Errors of the numbers of a layer of phases: what runs in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.forms.tilt_images import TiltImages
from napari_snpore.volume import Volume

_SHARES = {
    "projection residual": (0.05, 0.12),
    "digital twin": (0.15, 0.8),
    "threshold ensemble": (0.8, 1.0),
}
"""Where the long steps lie in the work; all others take next to nothing."""


@dataclass(frozen=True, eq=False)
class ErrorRequest:
    """Phases, the volume and the images behind them, and what is asked for.

    Attributes
    ----------
    phases, volume : Volume
    images : TiltImages
    twins, draws, seed : int
    limit_nm : float
        Objects below this length count as short.
    boxes : sequence of NamedBox
        Of the window; those that lie in the volume get an error.
    """

    phases: Volume
    volume: Volume
    images: TiltImages
    twins: int
    draws: int
    seed: int
    limit_nm: float
    boxes: Sequence[NamedBox] = ()


def estimate(request: ErrorRequest, progress: Progress, should_stop: ShouldStop) -> RunErrors:
    """Estimate the errors of the numbers of phases, and of those of the boxes of the window."""
    # the study brings in every step, which takes half a second: not when the form is opened
    from napari_snpore.study.estimate_errors import estimate_errors
    from napari_snpore.study.measuring import boxes_inside
    from napari_snpore.study.provenance import Record
    from napari_snpore.study.recipe import MeasureSection, UncertaintySection, checked
    from napari_snpore.study.run_context import RunContext

    @contextmanager
    def monitor(name: str) -> Iterator[Progress | None]:
        yield share_of(progress, *_SHARES[name]) if name in _SHARES else None

    series = request.images.load(_part(progress, 0.0, 0.05), should_stop)
    boxes, _ = boxes_inside(request.phases, request.boxes)
    section = checked(MeasureSection, limit_nm=request.limit_nm, details=False, boxes=boxes)
    uncertainty = checked(
        UncertaintySection, twins=request.twins, draws=request.draws, seed=request.seed
    )
    return estimate_errors(
        request.phases,
        request.volume,
        series,
        section=section,
        uncertainty=uncertainty,
        context=RunContext(Record("estimate errors"), monitor, should_stop),
    )


def _part(progress: Progress, start: float, end: float) -> Progress:
    made = share_of(progress, start, end)
    assert made is not None
    return made
