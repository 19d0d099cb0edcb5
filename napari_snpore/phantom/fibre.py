"""One fibre with known truth: a porous carbon cylinder along y with Sn on its pore walls.

The way: a cylinder and a random field; pores where the field is high; Sn clusters of planned sizes on the walls; the level of the
field fitted again with the Sn in place; sealed pores in the walls; grey values and blur. What the numbers are comes from
``states``; each step has a room of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.phantom.cluster_placement import Clusters
from napari_snpore.phantom.cluster_shapes import planned_clusters
from napari_snpore.phantom.field import random_field
from napari_snpore.phantom.pores import Body, fit_pores
from napari_snpore.phantom.sealed_pores import planted_dead_pores, sealed_pores
from napari_snpore.phantom.states import SEALED_SHARE, TARGETS, State
from napari_snpore.phantom.truth_tables import cluster_table, pore_table
from napari_snpore.segmentation.phases import CARBON, PORE, TIN
from napari_snpore.subvolume import box_slices, centre_and_edge_boxes
from napari_snpore.volume import Step, Triple, Volume, checked_spacing

BOOL = NDArray[np.bool_]

BLUR_SIGMA_NM = 0.15
GAP_NM = 0.3
GREY = {False: (0.0, 0.0, 1.0, 12.0), True: (0.0, 0.0, 1.0, 2.0)}
"""Grey values of exterior, pore, C, Sn, for an ordinary and an easy phantom."""

_WAVELENGTH_NM = 2.9
_BANDWIDTH = 0.22
_DIAMETER_SHARE = 10 / 11  # of the box across the fibre: 160 of 176 voxels
_LEAST_DIAMETER_NM = 8.0
_LARGEST_SPACING_NM = 0.4
_ROUNDS = 12
_STEPS = 6


@dataclass(frozen=True, eq=False)
class Phantom:
    """A fibre and everything that is true of it.

    Parameters
    ----------
    state : str
        "pristine", "sodiated" or "desodiated".
    seed : int
        What it was made from.
    easy : bool
        Grey values 0, 1, 2 instead of 0, 1, 12.
    volume : Volume
        Grey values after the blur, float32 ``(z, y, x)``; the fibre lies along y.
    phases : array, uint8, shape (z, y, x)
        0 exterior, 1 pore, 2 C, 3 Sn.
    envelope : array, bool, shape (z, y, x)
        The cylinder, pore mouths included.
    sn_labels : array, uint32, shape (z, y, x)
        The planted clusters, 1..N, longest first.
    objects : dict of str to DataFrame
        ``"Sn"``: one row a cluster, columns as in ``measure_objects`` as far as they are known without measuring shapes
        (``label, voxel_count, volume_nm3, length_nm, width_nm, breadth_nm, aspect_ratio, centroid_*_nm, touches_border,
        convention, objects_from``). ``"pore"``: one row a connected (6) pore object, with ``sealed``; pores are one network and
        a few cavities: sizes of separated pores are a matter of measurement and no planted truth.
    fractions : DataFrame
        Columns of ``volume_fractions``.
    dead_pores : DeadPores
        The planted cavities, at every connectivity.
    boxes : dict of str to ((float, float, float), float, float)
        ``"centre"`` and ``"edge"``: centre (z, y, x) of the cube in nm, its edge in nm, its pore fraction in % of the envelope.
    """

    state: State
    seed: int
    easy: bool
    volume: Volume
    phases: NDArray[np.uint8]
    envelope: BOOL
    sn_labels: NDArray[np.uint32]
    objects: dict[str, pd.DataFrame]
    fractions: pd.DataFrame
    dead_pores: DeadPores
    boxes: dict[str, tuple[Triple, float, float]]

    @property
    def spacing(self) -> Triple:
        """Voxel size (z, y, x) in nm."""
        return self.volume.spacing


def make_phantom(
    state: State,
    *,
    shape: tuple[int, int, int] = (176, 176, 176),
    spacing: float = 0.15,
    seed: int = 0,
    easy: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Phantom:
    """Make a porous carbon fibre with Sn clusters whose every number is known.

    The fibre is a cylinder along y through the whole box, 10/11 of the box across: 24 nm at the default size, 80 nm for 512
    voxels of 0.172 nm. Pores are 1 to 2 nm wide, interconnected, and open at the surface; their fraction rises from the axis to
    the surface. Every open pore voxel is joined to the exterior through faces inside the box: what would reach only a cut face
    has been filled with carbon, so that nothing is "open to the cut". Sealed cavities, 0.4 % of the pore volume, have carbon on
    all 26 sides. Sn clusters are ellipsoids in random directions that touch both a pore and carbon; no two are nearer than
    0.3 nm, and none touches a cut face. Lengths and widths lie between 0.25 and 4.00 nm, and the share by number of those below
    2 nm is that of the state to the nearest whole cluster. Grey values are blurred by a Gaussian of σ = 0.15 nm, the box
    mirrored at its faces.

    Parameters
    ----------
    state : {"pristine", "sodiated", "desodiated"}
        What is planted: see :mod:`napari_snpore.phantom.states`. States of one seed are different fibres, as in the source. In
        the sodiated one phase 3 is Sn-rich: swollen, in larger clusters.
    shape : (int, int, int)
        Voxels (z, y, x).
    spacing : float
        Edge of a voxel in nm; voxels are cubes.
    seed : int
        Same seed, same phantom, bit for bit. ``easy`` changes grey values only.
    easy : bool
        Grey values of pore, C, Sn are 0, 1, 2 instead of 0, 1, 12.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        An unknown state, a fibre thinner than 8 nm or shorter than 4 nm, voxels that are no cubes or larger than 0.4 nm, a seed
        below 0.

    References
    ----------
    Numbers of the states: Ma et al., doi 10.1002/adma.202307151. Pores from a random field: Cahn, doi 10.1063/1.1695731.
    """
    edge = _checked(state, shape, spacing, seed)
    shape = (int(shape[0]), int(shape[1]), int(shape[2]))
    rng = np.random.default_rng([seed, get_args(State).index(state)])
    tick = _ticker(progress, should_stop)
    voxel = (edge, edge, edge)
    targets = TARGETS[state]
    envelope, depth = cylinder(shape)
    size = max(1, round(_DIAMETER_SHARE * min(shape[0], shape[2]) / 4)) * edge
    centers = centre_and_edge_boxes(envelope, spacing=edge, size_nm=size)
    cubes = {name: box_slices(shape, voxel, (0.0, 0.0, 0.0), center, size) for name, center in centers.items()}
    regions = cubes | {"whole": (slice(None), slice(None), slice(None))}
    field = random_field(shape, spacing_nm=edge, wavelength_nm=_WAVELENGTH_NM, bandwidth=_BANDWIDTH, rng=rng)
    body = Body(
        standardised(field, envelope),
        envelope,
        depth,
        [regions[name] for name in targets.pore_fraction],
        [(1 - SEALED_SHARE) * value for value in targets.pore_fraction.values()],
        targets.tin_fraction,
    )
    tick()
    shapes = planned_clusters(
        targets.tin_fraction * np.count_nonzero(envelope),
        spacing_nm=edge,
        short_share=targets.short_share,
        median_nm=targets.median_length_nm,
        gap_nm=GAP_NM,
        rng=rng,
    )
    tick()
    clusters = Clusters(shapes, body, rng)
    pore = _with_tin(body, clusters, tick, should_stop)
    carbon = envelope & ~pore & (clusters.labels == 0)
    wanted = round(SEALED_SHARE / (1 - SEALED_SHARE) * np.count_nonzero(pore))
    sealed, _ = sealed_pores(carbon, voxels=wanted, spacing_nm=edge, rng=rng)
    phases = np.where(envelope, np.uint8(CARBON), np.uint8(0))
    phases[pore | (sealed > 0)] = PORE
    phases[clusters.labels > 0] = TIN
    tick()
    fractions = volume_fractions(phases, spacing=voxel)
    boxes = {name: (centers[name], size, _pore_percent(phases[cubes[name]])) for name in centers}
    dead = planted_dead_pores(
        sealed > 0,
        pore_voxels=int(fractions["voxel_count"][0]),
        envelope_voxels=int(np.count_nonzero(envelope)),
        voxel_nm3=edge**3,
    )
    objects = {"Sn": cluster_table(clusters.labels, spacing=voxel), "pore": pore_table(pore, sealed, spacing=voxel)}
    tick()
    step = Step("make phantom", {"state": state, "seed": seed, "easy": easy, "blur_sigma_nm": BLUR_SIGMA_NM})
    volume = Volume(grey_values(phases, easy=easy, spacing_nm=edge), voxel, history=(step,))
    tick()
    return Phantom(state, seed, easy, volume, phases, envelope, clusters.labels, objects, fractions, dead, boxes)


def cylinder(shape: tuple[int, int, int]) -> tuple[BOOL, NDArray[np.float64]]:
    """Return the envelope (z, y, x) and the distance from the axis in units of the radius (z, 1, x)."""
    radius = _DIAMETER_SHARE * min(shape[0], shape[2]) / 2
    z = np.arange(shape[0])[:, None, None] - (shape[0] - 1) / 2
    x = np.arange(shape[2])[None, None, :] - (shape[2] - 1) / 2
    depth = np.hypot(z, x) / radius
    return np.ascontiguousarray(np.broadcast_to(depth <= 1, shape)), depth


def standardised(field: NDArray[np.float32], envelope: BOOL) -> NDArray[np.float32]:
    """Return the field with mean 0 and standard deviation 1 inside the envelope."""
    inside = field[envelope]
    mean, sd = inside.mean(dtype=np.float64), inside.std(dtype=np.float64)
    return (field - np.float32(mean)) / np.float32(sd)


def grey_values(phases: NDArray[np.uint8], *, easy: bool, spacing_nm: float) -> NDArray[np.float32]:
    """Return blurred grey values."""
    grey = np.array(GREY[easy], np.float32)[phases]
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(grey, BLUR_SIGMA_NM / spacing_nm, mode="reflect")
    return blurred


def _with_tin(body: Body, clusters: Clusters, tick: Callable[[], None], should_stop: ShouldStop | None) -> BOOL:
    """Place all clusters and return the open pores around them; each cluster touches both pore and carbon."""
    profile = np.linalg.solve(body.response(), np.asarray(body.targets))
    everywhere = (body.field > body.level(profile)) & body.envelope
    clusters.place(range(len(clusters.shapes)), everywhere, should_stop=should_stop)
    tick()
    for _ in range(_ROUNDS):
        check_stop(should_stop)
        pore, profile = fit_pores(body, clusters.labels > 0, profile)
        loose = clusters.loose(pore)
        if not loose:
            return pore
        clusters.take_away(loose)
        clusters.place(loose, pore, should_stop=should_stop)
    raise InputError(
        "No place on a pore wall was found for every Sn cluster; another seed or a larger shape is needed."
    )


def _pore_percent(phases: NDArray[np.uint8]) -> float:
    return float(100 * np.count_nonzero(phases == PORE) / np.count_nonzero(phases))


def _checked(state: str, shape: tuple[int, int, int], spacing: float, seed: int) -> float:
    """Refuse what cannot be made, and return the edge of a voxel in nm."""
    if state not in get_args(State):
        raise InputError(f"state is {state!r}; one of {', '.join(get_args(State))} is needed.")
    try:
        sizes = [operator.index(n) for n in shape]
        whole = operator.index(seed)
    except TypeError:
        raise InputError(f"shape is {shape} and seed {seed!r}; whole numbers are needed.") from None
    if len(sizes) != 3:
        raise InputError(f"shape is {shape}; three numbers of voxels (z, y, x) are needed.")
    if whole < 0:
        raise InputError(f"seed is {seed}; a whole number, 0 or more, is needed.")
    edge, *others = checked_spacing(spacing)
    if any(other != edge for other in others) or edge > _LARGEST_SPACING_NM:
        raise InputError(f"spacing is {spacing}; a phantom needs cubic voxels of at most {_LARGEST_SPACING_NM} nm.")
    diameter = _DIAMETER_SHARE * min(sizes[0], sizes[2]) * edge
    if diameter < _LEAST_DIAMETER_NM or sizes[1] * edge < _LEAST_DIAMETER_NM / 2 or sizes[1] * edge < diameter / 4:
        raise InputError(
            f"shape {tuple(sizes)} at {edge:g} nm makes a fibre {max(diameter, 0):.3g} nm thick, {sizes[1] * edge:.3g} nm long;"
            f" at least {_LEAST_DIAMETER_NM:g} nm, and a length of half of that and a quarter of the thickness, are needed."
        )
    return edge


def _ticker(progress: Progress | None, should_stop: ShouldStop | None) -> Callable[[], None]:
    """Return what each step calls at its end."""
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, _STEPS)
        check_stop(should_stop)

    check_stop(should_stop)
    return tick
