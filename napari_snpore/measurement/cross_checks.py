"""What other methods say about the same numbers: mass share, BET surface area, growth in situ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement.inputs import checked_mask, checked_phases
from napari_snpore.measurement.scan import scan_objects
from napari_snpore.measurement.shape import surface_areas
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.volume import Triple, Volume, spacing_of

CARBON_DENSITY_G_CM3, TIN_DENSITY_G_CM3 = 1.8, 7.31
"""Turbostratic carbon without its pores, and white tin at room temperature."""

GROWTH_LIMIT_PERCENT = 420.0
"""Growth of the volume of tin that becomes Na15Sn4 (Ma et al. 2024, doi 10.1002/adma.202307151)."""

NITROGEN_NM = 0.364
"""Kinetic diameter of N2: a BET measurement sees no finer relief."""

_M2_PER_G = 1e3
"""1 nm² per (nm³ g/cm³) in m²/g."""


def volume_share(mass_percent: float, density_g_cm3: float, rest_g_cm3: float) -> float:
    """Return the share of the solid's volume (%) of a phase whose share of the mass is known.

    Parameters
    ----------
    mass_percent : float
        Of the phase, 0 to 100, such as 53.9 for Sn.
    density_g_cm3, rest_g_cm3 : float
        Of the phase and of all other solid.

    Raises
    ------
    InputError
        A share or a density out of range.

    Examples
    --------
    >>> round(volume_share(53.9, 7.31, 1.8), 1)
    22.4
    """
    if not 0 <= mass_percent <= 100:
        raise InputError(f"mass_percent is {mass_percent}; 0 to 100 is needed.")
    for name, value in (("density_g_cm3", density_g_cm3), ("rest_g_cm3", rest_g_cm3)):
        _positive(name, value)
    part, rest = mass_percent / density_g_cm3, (100 - mass_percent) / rest_g_cm3
    return 100 * part / (part + rest)


def mass_share(volume_percent: float, density_g_cm3: float, rest_g_cm3: float) -> float:
    """Return the share of the mass (%) of a phase from its share of the solid's volume.

    Examples
    --------
    >>> round(mass_share(22.36, 7.31, 1.8), 1)
    53.9
    """
    if not 0 <= volume_percent <= 100:
        raise InputError(f"volume_percent is {volume_percent}; 0 to 100 is needed.")
    part, rest = volume_percent * density_g_cm3, (100 - volume_percent) * rest_g_cm3
    return 100 * part / (part + rest)


def threshold_for_share(histogram: Histogram, share_percent: float, *, above: float) -> float:
    """Return the threshold that gives the brightest phase a share of the solid's voxels.

    Parameters
    ----------
    histogram : Histogram
        Of the grey values, best inside the envelope.
    share_percent : float
        Of all voxels from ``above`` on, 0 to 100.
    above : float
        Grey value from which on a voxel is solid (t1).

    Returns
    -------
    float
        Linear within the bin, the middle of a gap without voxels; NaN where no voxel is solid.

    Raises
    ------
    InputError
        A share out of range.

    Examples
    --------
    >>> from napari_snpore.segmentation.histogram import gray_histogram
    >>> grays = np.repeat(np.array([0, 10, 50], np.uint8), (60, 30, 10))
    >>> threshold_for_share(gray_histogram(grays), 25.0, above=5.0)
    30.0
    """
    if not 0 <= share_percent <= 100:
        raise InputError(f"share_percent is {share_percent}; 0 to 100 is needed.")
    edges, below = histogram.edges, histogram.cumulative.astype(np.float64)
    total = below[-1]
    solid = total - float(np.interp(above, edges, below))
    if solid <= 0:
        return math.nan
    wanted = total - solid * share_percent / 100
    tolerance = 1e-9 * total
    at = int(np.searchsorted(below, wanted - tolerance, side="left"))
    last = int(np.searchsorted(below, wanted + tolerance, side="right")) - 1
    if last >= at:  # an edge, or a gap without voxels
        return float(edges[at] + edges[last]) / 2
    part = (wanted - below[at - 1]) / (below[at] - below[at - 1])
    return float(edges[at - 1] + part * (edges[at] - edges[at - 1]))


@dataclass(frozen=True)
class SpecificSurface:
    """Area of the solid towards void that can be reached, per gram.

    Attributes
    ----------
    area_m2_per_g : float
        On the voxels as they are.
    coarse_m2_per_g : float
        On blocks of 2 x 2 x 2 voxels.
    dimension : float
        2 + the exponent by which the area grows with finer voxels: 2 for a resolved, smooth surface.
    voxel_nm : float
        Cube root of the volume of a voxel.
    """

    area_m2_per_g: float
    coarse_m2_per_g: float
    dimension: float
    voxel_nm: float

    def at(self, resolution_nm: float) -> float:
        """Return the area (m²/g) at voxels of another size, if it goes on as from two voxels to
        one.
        """
        return self.area_m2_per_g * (self.voxel_nm / resolution_nm) ** (self.dimension - 2)

    def resolution_for(self, area_m2_per_g: float) -> float:
        """Return the voxel size (nm) at which the area would be that of another method.

        NaN where the area does not grow with finer voxels.
        """
        exponent = self.dimension - 2
        if exponent <= 0 or not self.area_m2_per_g > 0:
            return math.nan
        return self.voxel_nm * (self.area_m2_per_g / area_m2_per_g) ** (1 / exponent)


@stops_at_once
def specific_surface(
    phases: Volume | NDArray[Any],
    *,
    densities_g_cm3: Mapping[int, float],
    dead: Volume | NDArray[np.bool_] | None = None,
    spacing: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> SpecificSurface:
    """Return the surface of the solid per gram, for a comparison with a BET area.

    Parameters
    ----------
    phases : Volume or array of integers, shape (z, y, x)
        0 exterior, 1 pore, 2.. solid.
    densities_g_cm3 : mapping of int to float
        Of every solid phase.
    dead : Volume or bool array, same shape, optional
        Pores that no gas reaches: their walls do not count.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    SpecificSurface

    Raises
    ------
    InputError
        No solid, a solid phase without a density, a density that is not positive.

    Notes
    -----
    Crofton formula over 13 directions (Legland, Kiêu and Devaux 2007, doi 10.5566/ias.v26.p83-92), as
    for objects. The area between solid and void is half of solid + void − both together, so that
    faces of the box do not count.
    """
    labels = checked_phases(phases)
    voxel = spacing_of(phases, spacing)
    for number, value in densities_g_cm3.items():
        _positive(f"The density of phase {number}", value)
    counts = np.bincount(labels.reshape(-1), minlength=256)
    solids = [int(k) for k in np.flatnonzero(counts) if k > 1]
    if not solids:
        raise InputError("These phases hold no solid: there is no surface.")
    missing = [k for k in solids if k not in densities_g_cm3]
    if missing:
        raise InputError(f"The density of phase {missing[0]} is missing.")
    nm3 = math.prod(voxel)
    mass = sum(densities_g_cm3[k] * int(counts[k]) for k in solids) * nm3
    kinds = np.where(labels > 1, np.uint8(1), np.uint8(2))
    if dead is not None:
        kinds[checked_mask(dead, name="dead", shape=labels.shape)] = 0
    fine = _interface(kinds, voxel, share_of(progress, 0.0, 0.8), should_stop)
    coarse_kinds, coarse_voxel = _blocks_of_two(kinds, voxel)
    coarse = _interface(coarse_kinds, coarse_voxel, share_of(progress, 0.8, 1.0), should_stop)
    # whole blocks alone are compared
    cut = tuple(slice(0, n // 2 * 2) for n in kinds.shape)
    share = float(np.count_nonzero(kinds[cut] == 1) / max(1, np.count_nonzero(kinds == 1)))
    coarse = coarse / share if share > 0 else math.nan
    exponent = math.log2(fine / coarse) if fine > 0 and coarse > 0 else math.nan
    return SpecificSurface(
        _M2_PER_G * fine / mass, _M2_PER_G * coarse / mass, 2 + exponent, nm3 ** (1 / 3)
    )


def _interface(
    kinds: NDArray[np.uint8],
    voxel: Triple,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> float:
    """Return the area (nm²) between voxels of kind 1 and of kind 2."""
    apart = scan_objects(kinds, progress=share_of(progress, 0.0, 0.5), should_stop=should_stop)
    check_stop(should_stop)
    joined = scan_objects(
        (kinds > 0).view(np.uint8), progress=share_of(progress, 0.5, 1.0), should_stop=should_stop
    )
    both, together = surface_areas(apart, voxel), surface_areas(joined, voxel)
    return float(max(both.sum() - together.sum(), 0.0)) / 2


def _blocks_of_two(kinds: NDArray[np.uint8], voxel: Triple) -> tuple[NDArray[np.uint8], Triple]:
    """Return the commonest kind of each 2 x 2 x 2 voxels (solid of two that are as common), and the
    size of these blocks.
    """
    z, y, x = (n // 2 for n in kinds.shape)
    cut = kinds[: 2 * z, : 2 * y, : 2 * x]
    counts = [
        (cut == kind).reshape(z, 2, y, 2, x, 2).sum(axis=(1, 3, 5), dtype=np.uint8)
        for kind in (1, 2, 0)
    ]
    found: NDArray[np.uint8] = np.array([1, 2, 0], np.uint8)[np.argmax(counts, axis=0)]
    return found, (2 * voxel[0], 2 * voxel[1], 2 * voxel[2])


def needed_expansion(
    growth_percent: float, tin_percent: float, *, length_grows: bool = False
) -> float:
    """Return by how much (% of its volume) tin must grow for the growth of a fibre in diameter, if
    carbon and pores keep their volume.

    Parameters
    ----------
    growth_percent : float
        Of the diameter.
    tin_percent : float
        Volume fraction of tin in the envelope before.
    length_grows : bool
        The fibre grows along its length as well, by the same share.

    Raises
    ------
    InputError
        A fraction that is not above 0 and up to 100, a growth of −100 % and less.

    Examples
    --------
    The fibre of the paper, +25.2 % in diameter, with 15 % of tin:

    >>> round(needed_expansion(25.2, 15.0)), round(needed_expansion(25.2, 15.0, length_grows=True))
    (378, 642)
    """
    if not 0 < tin_percent <= 100:
        raise InputError(f"tin_percent is {tin_percent}; above 0 and up to 100 is needed.")
    if not (math.isfinite(growth_percent) and growth_percent > -100):
        raise InputError(f"growth_percent is {growth_percent}; more than -100 is needed.")
    grown = (1 + growth_percent / 100) ** (3 if length_grows else 2) - 1
    return 100 * 100 * grown / tin_percent


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}; a positive number is needed.")
