"""Preview of one cross-section, with few iterations or with the options of the volume."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop
from napari_snpore.study.recipe import PrepareSection, ReconstructSection
from napari_snpore.study.stages import Stages
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.options import Options, Sirt, Stoppable, Tv, Wbp
from napari_snpore.tomography.slice_preview import Slice

_QUICK_PIXELS = (
    15 * 512 * 512
)  # iterations times pixels of a plane that are made in well under half a second
_FEWEST_QUICK, _MOST_QUICK = 5, 20

_MOST_OF_TV, _FEWEST_OF_TV = 100, 50
"""Iterations of TV on one plane: the first hundred make what the eye sees, and of large planes fewer
are made, so that a plane is there within some seconds; 50 is ten after the first reweighting."""
_TV_PIXELS = _MOST_OF_TV * 512 * 512


@dataclass(frozen=True, eq=False)
class LivePlane:
    """One plane under the present settings, and its row of all images before and after alignment,
    sorted by angle.

    Attributes
    ----------
    plane : Slice
        The reconstructed (z, x) plane.
    final : bool
        Whether it was made with the options of the volume; TV with at most 100 iterations.
    before, after : array, float32, shape (tilt, x)
        The row of the images; ``after`` is None without an alignment.
    seconds : float
        Time that the plane took.
    pixel_size_nm : float
        Edge of a pixel in nm.
    most_iterations : int or None
        Where a plane gets fewer iterations than the volume: how many.
    """

    plane: Slice
    final: bool
    before: NDArray[np.float32]
    after: NDArray[np.float32] | None
    seconds: float
    pixel_size_nm: float
    most_iterations: int | None = None


def preview_plane(
    stages: Stages,
    preparation: PrepareSection,
    alignment: Alignment | None,
    section: ReconstructSection,
    share: float,
    *,
    quick: bool = False,
    should_stop: ShouldStop | None = None,
) -> LivePlane:
    """Reconstruct the plane at ``share`` (0 to 1) of the length along the tilt axis.

    ``quick`` takes as few iterations as half a second allows.
    """
    start = time.perf_counter()
    preview = stages.preview(preparation, alignment)
    rows, columns = preview.shape
    row = min(int(share * rows), rows - 1)
    options, final = _plane_options(section, columns, quick)
    plane = preview.reconstruct(
        row, method=options, thickness_px=section.thickness_px, should_stop=should_stop
    )
    seconds = time.perf_counter() - start
    order = np.argsort(preview.series.angles_deg, kind="stable")
    after = before = preview.row(row)[order]
    most = None
    if isinstance(options, Tv) and options.iterations < section.options.iterations:  # type: ignore[union-attr,operator]
        most = options.iterations
    size = preview.series.pixel_size_nm
    if alignment is None:
        return LivePlane(plane, final, before, None, seconds, size, most)
    still = alignment.changed(shifts_px=np.zeros_like(alignment.shifts_px), tilt_axis_offset_px=0.0)
    before = preview.aligned_by(still).row(row)[order]
    return LivePlane(plane, final, before, after, seconds, size, most)


def _plane_options(section: ReconstructSection, columns: int, quick: bool) -> tuple[Options, bool]:
    """Return the options of one plane, and whether they are those of the volume; TV runs for at
    most 100 iterations.
    """
    options = section.options
    if isinstance(options, Stoppable):
        options = replace(options, iterations=options.limit, stop="iterations")
    depth = section.thickness_px or columns
    if isinstance(options, Tv):
        most = max(_FEWEST_OF_TV, min(_MOST_OF_TV, _TV_PIXELS // (depth * columns)))
        options = replace(options, iterations=min(options.iterations, most))
    if isinstance(options, Wbp) or not quick:
        return options, True
    affordable = min(max(_FEWEST_QUICK, _QUICK_PIXELS // (depth * columns)), _MOST_QUICK)
    wanted = options.limit if isinstance(options, Stoppable) else options.iterations
    if isinstance(options, Sirt) and wanted <= affordable:
        return options, True
    nonnegative = getattr(options, "nonnegative", True)
    return Sirt(iterations=min(wanted, affordable), nonnegative=nonnegative), False
