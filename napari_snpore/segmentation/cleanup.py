"""Clean-up of phases after thresholding: specks removed, holes filled, borders smoothed; off by
default.

Each step says how many voxels it changed. Exterior voxels stay what they are: the envelope was
found before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import cc3d
import fill_voids
import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.history import CleanupParameters, CleanUpStep
from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import majority
from napari_snpore.volume import VolumeOrArray, array_of, volume_like

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class CleanupStep:
    """One step and what it did."""

    name: str
    changed_voxel_count: int


@dataclass(frozen=True)
class CleanupOptions:
    """Settings of :func:`clean_up`, phases by their labels; all off by default."""

    majority_radius: int = 0
    fill: tuple[int, ...] = ()
    specks: tuple[tuple[int, int], ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anything is cleaned up."""
        return bool(self.majority_radius or self.fill or self.specks)

    def parameters(self, changed: Sequence[CleanupStep]) -> CleanupParameters:
        """Return these settings and what each part changed, for a history."""
        counts = tuple((step.name, step.changed_voxel_count) for step in changed)
        return CleanupParameters(self.majority_radius, self.fill, self.specks, counts)


@stops_at_once
def clean_up(
    phases: VolumeOrArray,
    *,
    specks: Sequence[tuple[int, int]] = (),
    fill: Sequence[int] = (),
    majority_radius: int = 0,
    connectivity: Literal[6, 18, 26] = 26,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[VolumeOrArray, list[CleanupStep]]:
    """Clean phases in a fixed order: majority filter, then holes, then specks.

    Parameters
    ----------
    phases : Volume or uint8 array, shape (z, y, x)
        0 exterior, 1..N; not changed.
    specks : sequence of (phase, min_voxels)
        See :func:`remove_specks`.
    fill : sequence of int
        Phases whose holes are filled; see :func:`fill_holes`.
    majority_radius : int
        See :func:`majority_filter`; 0: none.
    connectivity : {6, 18, 26}
        Of specks.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; the progress counts the parts of the clean-up. A stop is
        noticed between them, between planes of the majority filter and between specks.

    Returns
    -------
    (Volume or uint8 array, list of CleanupStep)
        The history of a Volume names the steps.

    Examples
    --------
    A hole in carbon that no path joins to the border of the box:

    >>> phases = np.full((3, 3, 3), 2, np.uint8)
    >>> phases[1, 1, 1] = 1
    >>> clean, steps = clean_up(phases, fill=[2])
    >>> int(clean[1, 1, 1]), steps
    (2, [CleanupStep(name='fill holes of phase 2', changed_voxel_count=1)])
    """
    labels: Labels = np.asarray(array_of(phases))
    tasks: list[tuple[str, Callable[[Labels], Labels]]] = []
    if majority_radius:
        name = f"majority filter, radius {majority_radius}"
        tasks.append(
            (name, partial(majority_filter, radius=majority_radius, should_stop=should_stop))
        )
    for phase in fill:
        tasks.append((f"fill holes of phase {phase}", partial(fill_holes, phase=phase)))
    for phase, fewest in specks:
        name = f"specks of phase {phase} below {fewest} voxels"
        removed = partial(
            remove_specks,
            phase=phase,
            min_voxels=fewest,
            connectivity=connectivity,
            should_stop=should_stop,
        )
        tasks.append((name, removed))
    steps = []
    for done, (name, task) in enumerate(tasks, 1):
        check_stop(should_stop)
        clean = task(labels)
        steps.append(CleanupStep(name, _differing(clean, labels)))
        labels = clean
        if progress is not None:
            progress(done, len(tasks))
    options = CleanupOptions(majority_radius, tuple(fill), tuple(specks))
    return volume_like(phases, labels, CleanUpStep(options.parameters(steps))), steps


def remove_specks(
    phases: Labels,
    phase: int,
    *,
    min_voxels: int,
    connectivity: Literal[6, 18, 26] = 26,
    should_stop: ShouldStop | None = None,
) -> Labels:
    """Relabel objects of fewer than ``min_voxels`` voxels with the commonest label of their
    neighbours.

    An object of ``phase`` with only exterior around it becomes exterior.

    Raises
    ------
    InputError
        No such phase, or fewer than 1 voxel.
    """
    _check_phase(phases, phase)
    if min_voxels < 1:
        raise InputError(f"min_voxels is {min_voxels}; a whole number, 1 or more, is needed.")
    mask = phases == phase
    labels, count = cc3d.connected_components(mask, connectivity=connectivity, return_N=True)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = sizes < min_voxels
    small[0] = False
    if not small.any():
        return phases.copy()
    out = phases.copy()
    boxes = scipy.ndimage.find_objects(labels)
    for label in np.flatnonzero(small):
        check_stop(should_stop)
        box = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in boxes[label - 1])
        here = labels[box] == label
        around = scipy.ndimage.binary_dilation(here, structure=np.ones((3, 3, 3), bool)) & (
            phases[box] != phase
        )
        neighbors = np.bincount(phases[box][around], minlength=2)
        if neighbors.any():
            out[box][here] = np.argmax(neighbors)
    return out


def fill_holes(phases: Labels, phase: int) -> Labels:
    """Give to a phase the darker phases that it encloses: those without a 6-connected path to the
    border of the box.

    Raises
    ------
    InputError
        No such phase.
    """
    _check_phase(phases, phase)
    filled = np.asarray(fill_voids.fill(phases >= phase)).astype(bool)
    out = phases.copy()
    out[filled & (phases > 0) & (phases < phase)] = phase
    return out


def majority_filter(
    phases: Labels, *, radius: int = 1, should_stop: ShouldStop | None = None
) -> Labels:
    """Give each voxel the phase that most voxels of the cube around it have; its own where that is
    as frequent.

    Parameters
    ----------
    phases : uint8 array, shape (z, y, x)
    radius : int
        Half of the cube's edge less one: 1 is 3 × 3 × 3 voxels. Voxels beyond the box and exterior
        ones do not vote.

    Raises
    ------
    InputError
        A radius below 1 or above 5.
    """
    if not 1 <= radius <= 5:
        raise InputError(f"radius is {radius}; 1 to 5 voxels are possible.")
    given = for_kernel(np.ascontiguousarray(phases))
    out = np.empty_like(given)
    count = int(given.max(initial=0)) + 1
    run_blocks(
        lambda z: majority(given, out, z, radius, np.empty(count, np.int64)),
        range(given.shape[0]),
        should_stop=should_stop,
    )
    return out


def _check_phase(phases: Any, phase: int) -> None:
    last = int(phases.max(initial=0))
    if not 1 <= phase <= max(last, 1):
        raise InputError(f"phase is {phase}; the volume holds phases 1 to {last}.")


def _differing(one: Labels, two: Labels) -> int:
    return int(np.count_nonzero(one != two))
