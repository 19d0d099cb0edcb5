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
from napari_snpore.tomography.options import Options, Sirt, Stoppable, Wbp
from napari_snpore.tomography.slice_preview import Slice

_QUICK_PIXELS = (
    15 * 512 * 512
)  # iterations times pixels of a plane that are made in well under half a second
_FEWEST_QUICK, _MOST_QUICK = 5, 20


@dataclass(frozen=True, eq=False)
class LivePlane:
    """One plane under the present settings, and its row of all images before and after alignment,
    sorted by angle.

    Attributes
    ----------
    plane : Slice
        The reconstructed (z, x) plane.
    final : bool
        Whether it was made with the options of the volume.
    before, after : array, float32, shape (tilt, x)
        The row of the images; ``after`` is None without an alignment.
    seconds : float
        Time that the plane took.
    pixel_size_nm : float
        Edge of a pixel in nm.
    """

    plane: Slice
    final: bool
    before: NDArray[np.float32]
    after: NDArray[np.float32] | None
    seconds: float
    pixel_size_nm: float


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
    if alignment is None:
        return LivePlane(plane, final, before, None, seconds, preview.series.pixel_size_nm)
    still = alignment.changed(shifts_px=np.zeros_like(alignment.shifts_px), tilt_axis_offset_px=0.0)
    before = preview.aligned_by(still).row(row)[order]
    return LivePlane(plane, final, before, after, seconds, preview.series.pixel_size_nm)


def _plane_options(section: ReconstructSection, columns: int, quick: bool) -> tuple[Options, bool]:
    """Return the options of one plane, and whether they are those of the volume."""
    options = section.options
    if isinstance(options, Stoppable):
        options = replace(options, iterations=options.limit, stop="iterations")
    if isinstance(options, Wbp) or not quick:
        return options, True
    depth = section.thickness_px or columns
    affordable = min(max(_FEWEST_QUICK, _QUICK_PIXELS // (depth * columns)), _MOST_QUICK)
    wanted = options.limit if isinstance(options, Stoppable) else options.iterations
    if isinstance(options, Sirt) and wanted <= affordable:
        return options, True
    nonnegative = getattr(options, "nonnegative", True)
    return Sirt(iterations=min(wanted, affordable), nonnegative=nonnegative), False
