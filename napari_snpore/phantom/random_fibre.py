"""Phantoms of two other families of shapes, with random properties: nothing of them is a target of the
source.

A method that was tuned on the spinodal pores and wall clusters of :mod:`~napari_snpore.phantom.fibre`
may fail on other shapes. Here the pores are cut from a random field without a preferred wavelength,
or are a union of random balls; the Sn bodies are random ellipsoids anywhere in the fibre, which may
overlap; dead pores and loose pieces of carbon are left as they come. Pore fraction, Sn fraction,
lengths and the change with depth are drawn from the seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.history import MakePhantomStep
from napari_snpore.measurement.dead_pores import dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.phantom.body import center_and_edge_cubes, cylinder, standardized
from napari_snpore.phantom.fibre import (
    BLUR_SIGMA_NM,
    Phantom,
    checked_request,
    gray_levels,
    gray_values,
    pore_percent,
    ticker,
)
from napari_snpore.phantom.states import State
from napari_snpore.segmentation.phases import CARBON, PORE, TIN
from napari_snpore.volume import Volume

Family = Literal["field", "balls"]

Box = tuple[slice, slice, slice]

_PORE_FRACTION = (0.2, 0.5)
_TIN_FRACTION = (0.05, 0.2)
"""Ranges of both fractions of the envelope: around those of the source, wide enough to be others."""

_RISE = (-0.3, 0.8)
"""Range of the change of the pore field from axis to surface, in its standard deviations: from fewer
pores at the surface to about twice as many as at the axis."""

_CORRELATION_NM = (0.3, 0.6)
"""Range of the standard deviation of the Gaussian that correlates the field: pores of some 1 to 3
nm."""

_BALL_RADIUS_NM = (0.5, 1.1)
"""Range of the median radius of the balls."""

_BALL_SPREAD = 0.35
"""Standard deviation of the logarithm of their radii."""

_BALLS_PER_FILL = 3.0
"""Volume of all balls over that of the box: most of the box is inside one, so that the level that
cuts the pores lies inside the balls."""

_TIN_SEMIAXIS_NM = (0.35, 0.65)
"""Range of the median of the longest semi-axis of the Sn ellipsoids."""

_TIN_SPREAD = 0.4
"""Standard deviation of its logarithm."""

_TIN_LIMITS_NM = (0.2, 1.6)
"""Limits of the longest semi-axis."""

_FLATTEST = 0.6
"""Least share of the longest semi-axis for the two others."""


def make_random_phantom(
    family: Family,
    *,
    state: State = "pristine",
    shape: tuple[int, int, int] = (176, 176, 176),
    spacing: float = 0.15,
    seed: int = 0,
    easy: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Phantom:
    """Return a fibre of another family of shapes, with random pore and Sn fractions and known truth.

    Use it to test whether a result depends on the shapes; use :func:`make_phantom` for the numbers
    of the source. The envelope is the same cylinder. Pores take 20 to 50 % of it, Sn 5 to 20 %, both
    to the nearest voxel as far as the Sn ellipsoids allow; the pore fraction may rise or fall
    from axis to surface. Dead pores are whatever void no path joins to the exterior, not planted
    cavities, and void that reaches a cut face only is open to the cut.

    Parameters
    ----------
    family : {"field", "balls"}
        Pores: where a random field with a correlation length between 0.3 and 0.6 nm is high, or a
        union of balls with a median radius between 0.5 and 1.1 nm.
    state : {"pristine", "sodiated", "desodiated"}
        Sets the grey value of phase 3 only.
    shape, spacing, easy, progress, should_stop
        As for :func:`make_phantom`.
    seed : int
        The same seed gives the same phantom, bit for bit, on any number of threads.

    Returns
    -------
    Phantom
        ``sn_labels``: 26-connected Sn bodies; ``sealed_labels``: 6-connected pores that are dead at connectivity 6.

    Raises
    ------
    InputError
        An unknown family, or as :func:`make_phantom`.
    Stopped
        ``should_stop`` returned true.
    """
    if family not in get_args(Family):
        raise InputError(f"family is {family!r}; one of {', '.join(get_args(Family))} is needed.")
    edge = checked_request(state, shape, spacing, seed)
    shape = (int(shape[0]), int(shape[1]), int(shape[2]))
    rng = np.random.default_rng([seed, 1 + get_args(Family).index(family), len(get_args(Family))])
    tick = ticker(progress, should_stop)
    envelope, depth = cylinder(shape)
    pore_fraction, tin_fraction = rng.uniform(*_PORE_FRACTION), rng.uniform(*_TIN_FRACTION)
    if family == "field":
        field = _correlated_field(shape, rng.uniform(*_CORRELATION_NM) / edge, rng)
    else:
        field = _ball_field(shape, rng.uniform(*_BALL_RADIUS_NM) / edge, rng, should_stop)
    field = standardized(field, envelope)
    field += np.float32(rng.uniform(*_RISE)) * np.minimum(depth, 1).astype(np.float32) ** 2
    tick()
    tin = _tin(envelope, tin_fraction, edge, rng, should_stop)
    tick()
    phases = np.where(envelope, np.uint8(CARBON), np.uint8(0))
    phases[_highest(field, envelope & ~tin, round(pore_fraction * np.count_nonzero(envelope)))] = (
        PORE
    )
    phases[tin] = TIN
    dead = dead_pores(phases, spacing=edge, cut_axes=(1,), should_stop=should_stop)
    tick()
    step = MakePhantomStep(state, seed, easy, BLUR_SIGMA_NM, family).step
    gray = gray_values(phases, gray_levels(state, easy=easy), spacing_nm=edge)
    tick()
    return Phantom(
        state=state,
        seed=seed,
        easy=easy,
        volume=Volume(gray, (edge, edge, edge), history=(step,)),
        phases=phases,
        envelope=envelope,
        sn_labels=_pieces(tin, 26),
        sealed_labels=_pieces(dead.mask(6), 6),
        fractions=volume_fractions(phases, spacing=edge),
        dead_pores=dead,
        boxes={
            name: (cube.center_nm, cube.size_nm, pore_percent(phases[cube.box]))
            for name, cube in center_and_edge_cubes(envelope, spacing_nm=edge).items()
        },
        family=family,
    )


def _correlated_field(
    shape: tuple[int, int, int], sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return white noise through a Gaussian of ``sigma`` voxels: waves of all lengths above it."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    field: NDArray[np.float32] = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return field


def _ball_field(
    shape: tuple[int, int, int],
    radius: float,
    rng: np.random.Generator,
    should_stop: ShouldStop | None,
) -> NDArray[np.float32]:
    """Return the height above the surface of the nearest of many balls, in units of its radius.

    The height is 1 in the centre of a ball, 0 on its surface and not below −1: cut at any level, the
    field is a union of balls whose radii are scaled together.
    """
    field = np.full(shape, -1.0, np.float32)
    left = _BALLS_PER_FILL * math.prod(shape)
    while left > 0:
        check_stop(should_stop)
        size = radius * math.exp(_BALL_SPREAD * rng.standard_normal())
        left -= 4 / 3 * math.pi * size**3
        for box, offset in _places(shape, rng, 2 * size):
            height = 1 - np.sqrt(sum(one**2 for one in offset)) / size
            np.maximum(field[box], height.astype(np.float32), out=field[box])
    return field


def _tin(
    envelope: NDArray[np.bool_],
    fraction: float,
    spacing_nm: float,
    rng: np.random.Generator,
    should_stop: ShouldStop | None,
) -> NDArray[np.bool_]:
    """Return the union of random ellipsoids inside the envelope that first takes a share of it."""
    tin = np.zeros(envelope.shape, np.bool_)
    median = rng.uniform(*_TIN_SEMIAXIS_NM)
    left = fraction * np.count_nonzero(envelope)
    while left > 0:
        check_stop(should_stop)
        longest = median * math.exp(_TIN_SPREAD * rng.standard_normal())
        longest = min(max(longest, _TIN_LIMITS_NM[0]), _TIN_LIMITS_NM[1]) / spacing_nm
        semiaxes = longest * np.array([1.0, *rng.uniform(_FLATTEST, 1, size=2)])
        axes = Rotation.from_quat(rng.standard_normal(4)).as_matrix() / semiaxes
        for box, offset in _places(envelope.shape, rng, longest):
            along = [sum(axes[i, k] * offset[i] for i in range(3)) for k in range(3)]
            new = (sum(one**2 for one in along) <= 1) & envelope[box] & ~tin[box]
            tin[box] |= new
            left -= np.count_nonzero(new)
    return tin


def _places(
    shape: tuple[int, ...], rng: np.random.Generator, reach: float
) -> Iterator[tuple[Box, list[NDArray[np.float64]]]]:
    """Yield the box of the voxels within reach of a random point, and their offsets (z, y, x) from it.

    The point may lie up to the reach outside the box, so that bodies are as frequent at its faces as
    inside; nothing is yielded where none of their voxels lies in the box.
    """
    size = np.array(shape)
    point = rng.uniform(-reach, size - 1 + reach)
    low = np.maximum(np.ceil(point - reach), 0).astype(int)
    high = np.minimum(np.floor(point + reach) + 1, size).astype(int)
    if (high > low).all():
        ranges = [np.arange(a, b) - c for a, b, c in zip(low, high, point, strict=True)]
        box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        yield box, list(np.meshgrid(*ranges, indexing="ij", sparse=True))


def _highest(field: NDArray[np.float32], mask: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return the ``count`` voxels of a mask with the highest values; ties go by position."""
    inside = np.flatnonzero(mask)
    order = np.argsort(field.ravel()[inside], kind="stable")
    out = np.zeros(mask.size, np.bool_)
    out[inside[order[len(order) - count :]]] = True
    return out.reshape(mask.shape)


def _pieces(mask: NDArray[np.bool_], connectivity: Literal[6, 26]) -> NDArray[np.uint32]:
    """Return the connected pieces of a mask, labelled 1..N."""
    parts = cc3d.connected_components(mask, connectivity=connectivity, binary_image=True)
    return np.asarray(parts, np.uint32)
