"""Phantom of one fibre: a porous carbon cylinder along y with Sn clusters on its pore walls, and
its true numbers.

Steps: cylinder and random field (``body``, ``field``); Sn clusters of planned sizes
(``cluster_plan``) on the walls (``cluster_placement``); pores where the field is high, its level
fitted with the Sn in place (``pores``); sealed pores inside the walls (``sealed_pores``); grey
values and blur. The targets are in ``states``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_snpore.compute import Progress, ShouldStop, check_stop, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.history import MakePhantomStep
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.phantom.body import DIAMETER_SHARE, Body, make_body
from napari_snpore.phantom.cluster_placement import Clusters
from napari_snpore.phantom.cluster_plan import planned_clusters
from napari_snpore.phantom.pores import fit_pores
from napari_snpore.phantom.sealed_pores import planted_dead_pores, sealed_pores
from napari_snpore.phantom.states import SEALED_SHARE, TARGETS, State
from napari_snpore.phantom.truth_tables import cluster_table, pore_table
from napari_snpore.segmentation.phases import CARBON, PORE, TIN
from napari_snpore.volume import Triple, Volume, checked_spacing

BOOL = NDArray[np.bool_]

BLUR_SIGMA_NM = 0.15
"""Standard deviation of the blur: one voxel of the default size, a probe of 0.35 nm full width at
half maximum."""

GAP_NM = 0.3
"""Least distance of two clusters: two voxels of the default size; 26-connected
labels keep them apart."""

_SN_GRAY: dict[State, float] = {"pristine": 12.0, "sodiated": 3.5, "desodiated": 12.0}
"""Grey value of phase 3 in units of carbon's: tin, and in the sodiated state Na15Sn4, whose density
is 2.4 g/cm³ and whose atoms are mostly light."""

_EASY_SN_GRAY = 2.0
"""The same in an easy phantom, in every state."""

_LEAST_DIAMETER_NM = 10.0
"""Thinner fibres hold too few pores and clusters for the targets of a state."""

_LARGEST_SPACING_NM = 0.4
"""Coarser voxels do not resolve pores of 1 to 2 nm."""

_ROUNDS = 12
"""Largest number of alternations of pore fit and cluster placement."""

_STEPS = 4
"""Steps that ``progress`` counts: body, cluster plan, placement, grey values."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated fibre and its true phases, objects and fractions.

    Parameters
    ----------
    state : str
        "pristine", "sodiated" or "desodiated".
    seed : int
        Seed of all random numbers.
    easy : bool
        Phase 3 has the grey value 2 instead of that of its state.
    volume : Volume
        Grey values after the blur, float32 ``(z, y, x)``; the fibre lies along y.
    phases : array, uint8, shape (z, y, x)
        0 exterior, 1 pore, 2 C, 3 Sn.
    envelope : array, bool, shape (z, y, x)
        True inside the cylinder, pore mouths included.
    sn_labels : array, uint32, shape (z, y, x)
        The planted clusters, 1..N, longest first.
    sealed_labels : array, uint32, shape (z, y, x)
        The planted cavities, 1..N; they are pore in ``phases``.
    fractions : DataFrame
        Columns of ``volume_fractions``.
    dead_pores : DeadPores
        The planted cavities, at every connectivity.
    boxes : dict of str to ((float, float, float), float, float)
        ``"centre"`` and ``"edge"``: centre (z, y, x) of the cube in nm, its edge in nm, its pore
        fraction in % of the envelope.
    family : str
        "fibre" (``make_phantom``), or the family of ``make_random_phantom``, of which objects and
        cavities are not planted but labelled in ``phases``.
    """

    state: State
    seed: int
    easy: bool
    volume: Volume
    phases: NDArray[np.uint8]
    envelope: BOOL
    sn_labels: NDArray[np.uint32]
    sealed_labels: NDArray[np.uint32]
    fractions: pd.DataFrame
    dead_pores: DeadPores
    boxes: dict[str, tuple[Triple, float, float]]
    family: Literal["fibre", "field", "balls"] = "fibre"

    @property
    def spacing(self) -> Triple:
        """Voxel size (z, y, x) in nm."""
        return self.volume.spacing

    @property
    def gray_levels(self) -> tuple[float, float, float, float]:
        """Grey values of exterior, pore, C, Sn before the blur."""
        return gray_levels(self.state, easy=self.easy)

    @cached_property
    def objects(self) -> dict[str, pd.DataFrame]:
        """Truth tables of the objects, computed at the first access.

        ``"Sn"``: one row per planted cluster, with the columns of ``measure_objects`` that describe
        size and place (``label, voxel_count, volume_nm3, length_nm, width_nm, breadth_nm,
        aspect_ratio, centroid_*_nm, touches_border, convention, objects_from``). ``"pore"``: one
        row per connected (6) pore object, with ``sealed``. The pores are one network, a few open
        ones beside it, and the cavities; sizes of separated pores depend on the method of
        separation and are not planted.
        """
        open_pore = (self.phases == PORE) & (self.sealed_labels == 0)
        return {
            "Sn": cluster_table(self.sn_labels, spacing=self.spacing),
            "pore": pore_table(open_pore, self.sealed_labels, spacing=self.spacing),
        }


@stops_at_once
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
    """Return a simulated porous carbon fibre with Sn clusters and known phases, sizes and
    fractions.

    The fibre is a cylinder along y through the whole box, 10/11 of the box across: 24 nm at the
    default size, 80 nm for 512 voxels of 0.172 nm. Pores are 1 to 2 nm wide, interconnected, and
    open at the surface; their fraction rises from the axis to the surface. Every open pore voxel is
    joined to the exterior through faces inside the box: void that reaches only a cut face is filled
    with carbon, so that no void is "open to the cut". Sealed cavities, 0.4 % of the pore volume,
    have carbon on all 26 sides. Sn clusters are ellipsoids in random directions that touch both a
    pore and carbon, 0.3 nm apart or more (to the nearest voxel, at least one). Their lengths and
    widths lie between 0.25 and 4.00 nm, and the share by number of those below 2 nm is that of the
    state to the nearest whole cluster, among the whole clusters as well as among all (clusters cut
    by a face count with the size of the part inside the box). Grey values are blurred by a Gaussian
    of σ = 0.15 nm, the box mirrored at its faces. Fibres thinner than some 14 nm may miss the
    targets of their state slightly; the truth tables hold the values of the phantom itself.

    Parameters
    ----------
    state : {"pristine", "sodiated", "desodiated"}
        Targets of the phantom: see :mod:`napari_snpore.phantom.states`. States of one seed are
        different fibres, as in the source. In the sodiated state phase 3 is Sn-rich: swollen, in
        larger clusters.
    shape : (int, int, int)
        Voxels (z, y, x).
    spacing : float
        Edge of a voxel in nm; voxels are cubes.
    seed : int
        The same seed gives the same phantom, bit for bit, on any number of threads. ``easy``
        changes grey values only.
    easy : bool
        Grey values of pore, C, Sn are 0, 1, 2 instead of 0, 1, 12 (sodiated: 0, 1, 3.5).
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        An unknown state, a fibre thinner than 10 nm or shorter than 5 nm, voxels that are no cubes
        or larger than 0.4 nm, a seed below 0, or no position for a cluster or a sealed pore.
    Stopped
        ``should_stop`` returned true.

    References ---------- Numbers of the states: Ma et al., doi 10.1002/adma.202307151. Pores from a
    random field: Cahn, doi 10.1063/1.1695731.
    """
    edge = checked_request(state, shape, spacing, seed)
    shape = (int(shape[0]), int(shape[1]), int(shape[2]))
    rng = np.random.default_rng([seed, get_args(State).index(state)])
    tick = ticker(progress, should_stop)
    targets = TARGETS[state]
    body = make_body(shape, spacing_nm=edge, targets=targets, rng=rng)
    envelope = body.envelope
    tick()
    tin_voxels = targets.tin_fraction * np.count_nonzero(envelope)
    shapes = planned_clusters(
        tin_voxels, rows=shape[1], targets=targets, spacing_nm=edge, gap_nm=GAP_NM, rng=rng
    )
    tick()
    clusters = Clusters(shapes, body, rng)
    pore, sealed = _planted(body, clusters, spacing_nm=edge, rng=rng, should_stop=should_stop)
    phases = np.where(envelope, np.uint8(CARBON), np.uint8(0))
    phases[pore | (sealed > 0)] = PORE
    phases[clusters.labels > 0] = TIN
    tick()
    step = MakePhantomStep(state, seed, easy, BLUR_SIGMA_NM).step
    gray = gray_values(phases, gray_levels(state, easy=easy), spacing_nm=edge)
    tick()
    return Phantom(
        state=state,
        seed=seed,
        easy=easy,
        volume=Volume(gray, (edge, edge, edge), history=(step,)),
        phases=phases,
        envelope=envelope,
        sn_labels=clusters.labels,
        sealed_labels=sealed,
        fractions=volume_fractions(phases, spacing=edge),
        dead_pores=planted_dead_pores(sealed > 0, phases=phases, spacing_nm=edge),
        boxes={
            name: (cube.center_nm, cube.size_nm, pore_percent(phases[cube.box]))
            for name, cube in body.cubes.items()
        },
    )


def gray_levels(state: State, *, easy: bool) -> tuple[float, float, float, float]:
    """Return the grey values of exterior, pore, C, Sn in a state.

    Examples
    --------
    >>> gray_levels("sodiated", easy=False), gray_levels("pristine", easy=True)
    ((0.0, 0.0, 1.0, 3.5), (0.0, 0.0, 1.0, 2.0))
    """
    return (0.0, 0.0, 1.0, _EASY_SN_GRAY if easy else _SN_GRAY[state])


def gray_values(
    phases: NDArray[np.uint8], levels: Sequence[float], *, spacing_nm: float
) -> NDArray[np.float32]:
    """Return the grey values of phases after the blur, the box mirrored at its faces.

    Parameters
    ----------
    phases : array, uint8, shape (z, y, x)
        0 exterior, 1 pore, 2 C, 3 Sn.
    levels : sequence of 4 float
        Grey value of each of them.
    spacing_nm : float
        Edge of a voxel.

    Returns
    -------
    float32 array, shape (z, y, x)
    """
    gray = np.array(levels, np.float32)[phases]
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(
        gray, BLUR_SIGMA_NM / spacing_nm, mode="reflect"
    )
    return blurred


def _planted(
    body: Body,
    clusters: Clusters,
    *,
    spacing_nm: float,
    rng: np.random.Generator,
    should_stop: ShouldStop | None,
) -> tuple[BOOL, NDArray[np.uint32]]:
    """Place all clusters; return the open pores (mask) and the sealed ones (labels), which together
    meet the targets.

    Clusters need walls, and walls move when the pores are fitted around the clusters. The first
    guess of the pores is therefore made without Sn, from the linear model of the targets.
    """
    profile = np.asarray(np.linalg.solve(body.response(), body.target_values), np.float64)
    bare = (body.field > body.level(profile)) & body.envelope
    clusters.place(range(len(clusters.shapes)), bare, should_stop=should_stop)
    allowance = SEALED_SHARE * body.target_values
    # sealed pores lie in thick carbon, so that their share of each region is known only after the
    # first planting
    for _ in range(2):
        pore, profile = _fit_with_clusters(
            body, clusters, profile, body.target_values - allowance, should_stop
        )
        voxels = round(SEALED_SHARE / (1 - SEALED_SHARE) * np.count_nonzero(pore))
        carbon = body.envelope & ~pore & (clusters.labels == 0)
        sealed = sealed_pores(carbon, voxels=voxels, spacing_nm=spacing_nm, rng=rng)
        allowance = body.values(sealed > 0)
    return pore, sealed


def _fit_with_clusters(
    body: Body,
    clusters: Clusters,
    profile: NDArray[np.float64],
    target_values: NDArray[np.float64],
    should_stop: ShouldStop | None,
) -> tuple[BOOL, NDArray[np.float64]]:
    """Fit the pores and place clusters that lost their wall again, until each has faces on pore and
    carbon.
    """
    for _ in range(_ROUNDS):
        check_stop(should_stop)
        pore, profile = fit_pores(body, clusters.labels > 0, profile, target_values)
        moved = clusters.off_the_wall(pore)
        if not moved:
            return pore, profile
        clusters.remove(moved)
        clusters.place(moved, pore, should_stop=should_stop)
    raise InputError(
        "No place on a pore wall was found for every Sn cluster; another seed or a larger shape is needed."
    )


def pore_percent(phases: NDArray[np.uint8]) -> float:
    """Return the share of pore in the body, %."""
    return float(100 * np.count_nonzero(phases == PORE) / np.count_nonzero(phases))


def checked_request(state: str, shape: tuple[int, int, int], spacing: float, seed: int) -> float:
    """Check the arguments of a phantom and return the edge of a voxel in nm."""
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
        raise InputError(
            f"spacing is {spacing}; a phantom needs cubic voxels of at most {_LARGEST_SPACING_NM} nm."
        )
    diameter = DIAMETER_SHARE * min(sizes[0], sizes[2]) * edge
    if (
        diameter < _LEAST_DIAMETER_NM
        or sizes[1] * edge < _LEAST_DIAMETER_NM / 2
        or sizes[1] * edge < diameter / 4
    ):
        raise InputError(
            f"shape {tuple(sizes)} at {edge:g} nm makes a fibre {max(diameter, 0):.3g} nm thick, {sizes[1] * edge:.3g} nm long;"
            f" at least {_LEAST_DIAMETER_NM:g} nm, and a length of half of that and a quarter of the thickness, are needed."
        )
    return edge


def ticker(progress: Progress | None, should_stop: ShouldStop | None) -> Callable[[], None]:
    """Return a function that reports one more finished step and checks for a stop."""
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, _STEPS)
        check_stop(should_stop)

    check_stop(should_stop)
    return tick
