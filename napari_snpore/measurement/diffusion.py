"""Effective diffusivity and tortuosity factor of a phase by finite differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement._diffusion_kernels import (
    CLOSED,
    INTS,
    SINK,
    SOURCE,
    count_neighbors,
    fill_rows,
)
from napari_snpore.measurement._diffusion_solver import (
    Network,
    coarser_networks,
    solve_network,
    with_diagonal,
)
from napari_snpore.measurement.inputs import checked_phases
from napari_snpore.measurement.labelling import label_objects
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

Direction = Literal["z", "y", "x", "surface"]

TOLERANCE = 1e-5
"""Default of the estimated error of the flux, as a share of it."""

_NODE_BYTES, _VOXEL_BYTES = 130.0, 12.0
"""Peak in bytes per voxel of the network, and per voxel of the box; measured at 256³."""

_MOST_KINDS = 253
_SETUP = 0.3
"""Share of the time that goes before the first iteration, for progress."""


@dataclass(frozen=True)
class EffectiveDiffusivity:
    """Steady diffusion through a phase in one direction.

    Attributes
    ----------
    direction : {"z", "y", "x", "surface"}
        Between two faces of the box, or from the core of the fibre to its surface.
    volume_fraction : float
        Share of the conducting voxels in the body that the flux is compared with.
    connected_share : float
        Share of the conducting voxels that hang together (over faces) with both ends; only these carry
        flux. NaN where nothing conducts.
    relative_diffusivity : float
        D_eff / D0; 0 where no path joins both ends.
    tortuosity_factor : float
        volume_fraction / relative_diffusivity (τ of D_eff = D0 ε / τ), of several phases their mean
        conductivity / relative_diffusivity; inf without a path, NaN where nothing conducts.
    flux_error : float
        Estimated error of the flux as a share of it.
    iterations : int
        Of the solver.
    """

    direction: Direction
    volume_fraction: float
    connected_share: float
    relative_diffusivity: float
    tortuosity_factor: float
    flux_error: float
    iterations: int


@stops_at_once
def effective_diffusivity(
    phases: Volume | NDArray[Any],
    *,
    phase: int = 1,
    conductivities: Mapping[int, float] | None = None,
    direction: Direction = "y",
    core_nm: float | None = None,
    spacing: float | Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> EffectiveDiffusivity:
    """Solve steady diffusion through a phase and return its effective diffusivity.

    Parameters
    ----------
    phases : Volume or array of integers or bool, shape (z, y, x)
        0 exterior, 1..N phases; in a mask of booleans True conducts and False is solid: the whole box
        is the body.
    phase : int
        The phase that conducts, with the diffusivity D0.
    conductivities : mapping of int to float, optional
        Diffusivity of several phases in units of D0, in place of ``phase``; others do not conduct.
    direction : {"z", "y", "x", "surface"}
        Along an axis: concentration 1 and 0 on two opposite faces of the box, no flux through all other
        surfaces. ``surface``: 1 on the outer surface of a fibre along y and 0 in its core; the flux is
        compared with that of the same body, all of which conducts.
    core_nm : float, optional
        Radius of the core about the body's axis; needed for ``surface`` alone.
    spacing : float or (float, float, float), optional
        Voxel size in nm, needed for an array; voxels may be of any shape.
    tolerance : float
        Largest estimated error of the flux, as a share of it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    EffectiveDiffusivity

    Raises
    ------
    InputError
        Voxels that are no phases, a direction, radius, conductivity or tolerance out of range.
    NotEnoughMemoryError
        A network too large for the memory that is free.

    Notes
    -----
    Finite volumes on the voxels themselves: the conductance of the face between two voxels is that of
    half of each in series (harmonic mean), as in TauFactor (Kench et al. 2023,
    doi 10.21105/joss.05358; Cooper et al. 2016, doi 10.1016/j.softx.2016.09.002). Along an axis,
    D_eff = flux · length / (mean cross-section of the body). The flux is the dissipation, which exceeds
    the true flux of the voxels by the square of the error alone. What stays is the error of voxels:
    throats of one or two voxels conduct too little or too much.

    Examples
    --------
    A straight pore through a third of the section:

    >>> mask = np.zeros((3, 8, 3), bool)
    >>> mask[1] = True
    >>> found = effective_diffusivity(mask, direction="y", spacing=0.5)
    >>> round(found.relative_diffusivity, 6), round(found.tortuosity_factor, 6)
    (0.333333, 1.0)
    """
    whole = np.asarray(array_of(phases)).dtype == np.bool_
    labels = checked_phases(phases)
    voxel = spacing_of(phases, spacing)
    given = _checked_conductivities({phase: 1.0} if conductivities is None else conductivities)
    if not (math.isfinite(tolerance) and 0 < tolerance < 1):
        raise InputError(f"tolerance is {tolerance}; a number between 0 and 1 is needed.")
    if direction not in ("z", "y", "x", "surface"):
        raise InputError(f"direction is {direction!r}; 'z', 'y', 'x' and 'surface' are possible.")
    if (core_nm is not None) != (direction == "surface"):
        raise InputError(
            "core_nm is the radius of the core for the direction 'surface', and only for it."
        )
    body = np.ones(labels.shape, np.bool_) if whole else labels > 0
    if not any((labels == label).any() for label in given):
        return EffectiveDiffusivity(direction, 0.0, math.nan, 0.0, math.nan, 0.0, 0)
    if direction == "surface":
        assert core_nm is not None
        return _to_surface(
            labels, body, given, float(core_nm), voxel, tolerance, progress, should_stop
        )
    axis = "zyx".index(direction)
    network = _Box(labels, given, voxel)
    network.open_faces(axis)
    found = network.solve(tolerance, progress, should_stop)
    # conductance of a voxel along the axis is 1 / d² in units of its volume
    section = np.count_nonzero(body) / labels.shape[axis]
    relative = found.flux * labels.shape[axis] * voxel[axis] ** 2 / section
    return _result(direction, labels, body, given, found, float(relative))


def _result(
    direction: Direction,
    labels: NDArray[np.uint8],
    body: NDArray[np.bool_],
    given: Mapping[int, float],
    found: _Flux,
    relative: float,
) -> EffectiveDiffusivity:
    """Return a flux beside what conducts in the body."""
    counts = np.bincount(labels[body], minlength=256)
    voxels = max(int(counts.sum()), 1)
    fraction = sum(int(counts[label]) for label in given) / voxels
    mean = sum(value * int(counts[label]) for label, value in given.items()) / voxels
    factor = mean / relative if relative > 0 else math.inf
    return EffectiveDiffusivity(
        direction,
        fraction,
        found.connected_share,
        relative,
        factor,
        found.error,
        found.iterations,
    )


def _checked_conductivities(given: Mapping[int, float]) -> dict[int, float]:
    if not given or len(given) > _MOST_KINDS:
        raise InputError(
            f"conductivities names {len(given)} phases; 1 to {_MOST_KINDS} are needed."
        )
    for label, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(
                f"The conductivity of phase {label} is {value}; a positive number is needed "
                "(a phase that does not conduct is left out)."
            )
    return {int(label): float(value) for label, value in given.items()}


def _to_surface(
    labels: NDArray[np.uint8],
    body: NDArray[np.bool_],
    given: Mapping[int, float],
    core_nm: float,
    voxel: Triple,
    tolerance: float,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> EffectiveDiffusivity:
    """Compare the flux from the surface to the core through a phase with that through the body."""
    if not (math.isfinite(core_nm) and core_nm > 0):
        raise InputError(f"core_nm is {core_nm}; a positive length in nm is needed.")
    core = _core(body, core_nm, voxel) & body
    shell = body & ~core
    if not core.any() or not shell.any():
        return EffectiveDiffusivity("surface", math.nan, math.nan, math.nan, math.nan, 0.0, 0)
    fluxes = []
    for part, values, kinds in ((0, given, labels), (1, {1: 1.0}, body.view(np.uint8))):
        network = _Box(kinds, values, voxel)
        network.open_surface(body, core)
        watch = share_of(progress, part / 2, (part + 1) / 2)
        fluxes.append(network.solve(tolerance, watch, should_stop))
    through, reference = fluxes
    if reference.flux <= 0:
        return EffectiveDiffusivity("surface", math.nan, math.nan, math.nan, math.nan, 0.0, 0)
    both = replace(through, error=through.error + reference.error)
    return _result("surface", labels, shell, given, both, through.flux / reference.flux)


def _core(body: NDArray[np.bool_], core_nm: float, voxel: Triple) -> NDArray[np.bool_]:
    """Return the voxels within a radius of the body's axis, a line along y."""
    area = body.sum(axis=1)
    total = max(int(area.sum()), 1)
    middle = [(area.sum(axis=1 - k) @ np.arange(area.shape[k])) / total for k in (0, 1)]
    z = (np.arange(body.shape[0]) - middle[0]) * voxel[0]
    x = (np.arange(body.shape[2]) - middle[1]) * voxel[2]
    near = np.hypot(z[:, None], x[None, :]) <= core_nm
    return np.ascontiguousarray(np.broadcast_to(near[:, None, :], body.shape))


@dataclass(frozen=True)
class _Flux:
    """Flux of a box in units of D0 · (volume of a voxel) / nm², and how exact it is."""

    flux: float
    error: float
    iterations: int
    connected_share: float


class _Box:
    """Kinds of the voxels of a box with a rim, and the conductances between them."""

    def __init__(
        self, labels: NDArray[np.uint8], given: Mapping[int, float], voxel: Triple
    ) -> None:
        kinds = np.zeros(256, np.uint8)
        for kind, label in enumerate(given, 1):
            kinds[label] = kind
        self.kinds = np.pad(kinds[labels], 1)
        self._scale = 1.0 / min(voxel) ** 2  # the largest conductance of a phase of 1 becomes 1
        values = np.array(list(given.values()))
        table = np.zeros((3, len(values) + 1, len(values) + 1))
        for axis in range(3):
            unit = 1.0 / voxel[axis] ** 2 / self._scale
            sums = values[:, None] + values[None, :]
            table[axis, 1:, 1:] = unit * 2 * values[:, None] * values[None, :] / sums
            table[axis, 1:, 0] = unit * 2 * values  # from the centre of a voxel to its face
        self._table = table
        self._values = values

    def open_faces(self, axis: int) -> None:
        """Give two opposite faces of the box the concentrations 1 and 0."""
        for end, kind in ((0, SOURCE), (-1, SINK)):
            self.kinds[(slice(None),) * axis + (end,)] = kind

    def open_surface(self, body: NDArray[np.bool_], core: NDArray[np.bool_]) -> None:
        """Give what lies outside the body the concentration 1, and the conducting core 0."""
        inner = self.kinds[1:-1, 1:-1, 1:-1]
        inner[(inner > CLOSED) & core] = SINK
        inner[~body] = SOURCE
        self.kinds[[0, -1]] = SOURCE
        self.kinds[:, :, [0, -1]] = SOURCE
        self.kinds[:, [0, -1]] = CLOSED  # the fibre goes on along y

    def solve(
        self, tolerance: float, progress: Progress | None, should_stop: ShouldStop | None
    ) -> _Flux:
        """Return the flux from 1 to 0."""
        nodes = (self.kinds > CLOSED) & (self.kinds < SOURCE)
        conducting = int(np.count_nonzero(nodes))
        self._close_loose(nodes)
        nodes = (self.kinds > CLOSED) & (self.kinds < SOURCE)
        count = int(np.count_nonzero(nodes))
        share = count / conducting if conducting else math.nan
        if not count:
            return _Flux(0.0, 0.0, 0, share)
        check_memory(
            f"Diffusion through {count:,} voxels of {shape_text(self.kinds.shape)}",
            _NODE_BYTES * count + _VOXEL_BYTES * self.kinds.size,
            advice="measure a smaller box",
        )
        number: INTS = np.cumsum(nodes.reshape(-1), dtype=np.int32)
        number -= 1
        del nodes
        finest, ends = self._network(number, count, should_stop)
        del number
        networks = coarser_networks(finest, finest_ends(ends), should_stop)
        report = None
        if progress is not None:
            notify = share_of(progress, _SETUP, 1.0)
            assert notify is not None
            notify(0, 1000)

            def report(error: float) -> None:
                # errors fall by about the same factor at each iteration
                done = math.log(max(min(error, 1.0), tolerance)) / math.log(tolerance)
                notify(int(1000 * done), 1000)

        found = solve_network(
            networks, ends, tolerance=tolerance, report=report, should_stop=should_stop
        )
        return _Flux(found.flux * self._scale, found.error, found.iterations, share)

    def _close_loose(self, nodes: NDArray[np.bool_]) -> None:
        """Close what does not hang together, over faces, with both ends."""
        groups = label_objects(nodes, connectivity=6)
        joins = np.zeros((2, int(groups.max(initial=0)) + 1), np.bool_)
        for axis in range(3):
            for here, there in (
                (slice(1, None), slice(None, -1)),
                (slice(None, -1), slice(1, None)),
            ):
                own = (slice(None),) * axis + (here,)
                near = (slice(None),) * axis + (there,)
                for end, kind in enumerate((SOURCE, SINK)):
                    joins[end][groups[own][self.kinds[near] == kind]] = True
        keep = joins.all(axis=0)
        keep[0] = True  # no node
        self.kinds[~keep[groups]] = CLOSED

    def _network(
        self, number: INTS, count: int, should_stop: ShouldStop | None
    ) -> tuple[Network, NDArray[np.float32]]:
        """Return the equations of the nodes, and their conductances to both ends."""
        _, height, width = self.kinds.shape
        plane = height * width
        steps = np.array([-plane, -width, -1, 1, width, plane], np.int64)
        kinds = self.kinds.reshape(-1)
        planes = [(k * plane, (k + 1) * plane) for k in range(1, self.kinds.shape[0] - 1)]
        degrees = np.zeros(count, np.int64)
        run_blocks(
            lambda part: count_neighbors(kinds, number, steps, degrees, *part),
            planes,
            should_stop=should_stop,
        )
        starts = np.zeros(count + 1, np.int64)
        np.cumsum(degrees, out=starts[1:])
        neighbors = np.empty(int(starts[-1]), np.int32)
        weights = np.empty(int(starts[-1]), np.float32)
        ends = np.zeros((2, count), np.float32)
        run_blocks(
            lambda part: fill_rows(
                kinds, number, steps, self._table, starts, neighbors, weights, ends, *part
            ),
            planes,
            should_stop=should_stop,
        )
        finest = Network(starts, neighbors, weights, finest_ends(ends))
        return with_diagonal(finest, should_stop), ends


def finest_ends(ends: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the conductance of each node to both ends together."""
    return ends[0].astype(np.float64) + ends[1]
