"""Phase fractions per slice and per shell of equal depth below the surface, whole and by sector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import Block, small_blocks, voxelwise
from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.engines import receive_from_blocks, run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.measurement.envelope_depth import envelope_depth
from napari_snpore.measurement.inputs import LARGEST_PHASE, TIE, phases_by_blocks
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.volume import Triple, Volume, origin_of, spacing_of

SECTORS = ("all", "facing the beam", "across the beam")


def slice_fractions(
    phases: Volume | NDArray[Any],
    *,
    axis: int,
    spacing: float | Sequence[float] | None = None,
    names: Sequence[str] = ("pore", "C", "Sn"),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the fractions of the phases in every slice along an axis.

    Parameters
    ----------
    phases : Volume or array of integers, shape (z, y, x)
        0 exterior, 1..N phases.
    axis : int
        0 z, 1 y, 2 x.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    names : sequence of str
        Of the phases.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row a slice and phase: ``axis, slice, position_nm`` (of the slice's middle, world),
        ``name, voxel_count, envelope_voxel_count, fraction_percent`` (of the envelope in that
        slice; NaN where there is none).

    Examples
    --------
    >>> table = slice_fractions(np.array([[[1, 2, 2]], [[1, 1, 2]]]), axis=0, spacing=0.5)
    >>> table.loc[table["name"] == "pore", ["position_nm", "fraction_percent"]].round(1).values.tolist()
    [[0.0, 33.3], [0.5, 66.7]]
    """
    labels = phases_by_blocks(phases)
    if axis not in (0, 1, 2):
        raise InputError(f"axis is {axis}; 0 (z), 1 (y) and 2 (x) exist.")
    voxel = spacing_of(phases, spacing)
    origin = origin_of(phases)[axis]

    def count(block: Block) -> NDArray[np.int64]:
        planes = np.moveaxis(np.asarray(labels[block]), axis, 0)
        found = [np.bincount(plane.ravel(), minlength=LARGEST_PHASE + 1) for plane in planes]
        return np.array(found)

    blocks, lock = small_blocks(labels), Lock()
    every = np.zeros((labels.shape[axis], LARGEST_PHASE + 1), np.int64)

    def add(number: int, part: NDArray[np.int64]) -> None:
        with lock:
            every[blocks[number][axis]] += part

    watch: dict[str, Any] = {"progress": progress, "should_stop": should_stop}
    receive_from_blocks(count, blocks, add, arrays=[labels], **watch)
    last = max(len(names), int(np.flatnonzero(every.any(axis=0)).max(initial=0)))
    counts = every[:, : last + 1]
    body = counts[:, 1:].sum(axis=1)
    called = [*names, *(f"phase {k}" for k in range(len(names) + 1, last + 1))]
    tables = []
    for phase, name in enumerate(called, 1):
        share = np.divide(
            100 * counts[:, phase], body, out=np.full(len(body), np.nan), where=body > 0
        )
        tables.append(
            pd.DataFrame(
                {
                    "axis": "zyx"[axis],
                    "slice": np.arange(len(body)),
                    "position_nm": origin + np.arange(len(body)) * voxel[axis],
                    "name": name,
                    "voxel_count": counts[:, phase],
                    "envelope_voxel_count": body,
                    "fraction_percent": share,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def radial_profile(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    shell_nm: float,
    objects: pd.DataFrame | None = None,
    cut_axes: Sequence[int] = (),
    names: Sequence[str] = ("pore", "C", "Sn"),
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return fractions and objects in shells of equal depth below the fibre's surface.

    Parameters
    ----------
    phases : Volume or array of integers, shape (z, y, x)
        0 exterior, 1..N phases; the fibre lies along y. On disk they are read block by block, where voxels are cubes.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    shell_nm : float
        Thickness of a shell.
    objects : DataFrame, optional
        As :func:`~napari_snpore.measurement.objects.measure_objects` returns it: counted where
        their centroids lie.
    cut_axes : sequence of int
        Axes along which the fibre extends beyond the box, such as ``(1,)``: these faces are no
        surface.
    names : sequence of str
        Of the phases.
    scratch : ScratchSpace
        Where the depth of each voxel lies, 4 bytes each; default in memory.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row a sector and shell: ``sector`` (``all``; ``facing the beam``: within 45° of z about
        the envelope's axis; ``across the beam``: the rest), ``depth_from_nm, depth_to_nm,
        voxel_count, volume_nm3``, ``<name>_percent``, and with objects ``object_count,
        object_density_per_nm3, object_mean_length_nm, object_length_sd_nm``. A difference between
        the sectors marks the missing wedge.

    Raises
    ------
    InputError
        A thickness that is not positive, no envelope or one without a surface.

    Examples
    --------
    A round fibre along y, pores at its core, carbon around them:

    >>> z, y, x = np.mgrid[:11, :3, :11]
    >>> radius = np.hypot(z - 5, x - 5)
    >>> phases = np.where(radius <= 5, np.where(radius <= 2, 1, 2), 0)
    >>> table = radial_profile(phases, spacing=1.0, shell_nm=2.5, cut_axes=(1,))
    >>> table.loc[table["sector"] == "all", "pore_percent"].round().tolist()
    [0.0, 62.0]
    """
    labels = phases_by_blocks(phases)
    voxel = spacing_of(phases, spacing)
    if not (math.isfinite(shell_nm) and shell_nm > 0):
        raise InputError(f"shell_nm is {shell_nm}; a positive length in nm is needed.")
    blocks = small_blocks(labels)
    watch: dict[str, Any] = {"should_stop": should_stop}
    area, last = _area(labels, blocks, should_stop)
    if not area.any():
        raise InputError("The envelope is empty: there is no fibre to cut into shells.")
    last = max(len(names), last)
    depth = envelope_depth(
        voxelwise(labels, lambda part: part > 0),
        spacing=voxel,
        cut_axes=cut_axes,
        scratch=scratch,
        should_stop=should_stop,
    )
    per_nm = np.float32((1 + TIE) / shell_nm)
    beam = _faces_beam(area, voxel)
    deepest = run_blocks(lambda block: float((depth[block] * per_nm).max()), blocks, **watch)
    shells = int(max(deepest)) + 1

    def count(block: Block) -> NDArray[np.int64]:
        part = np.asarray(labels[block])
        shell = (depth[block] * per_nm).astype(np.int32)
        code = (beam[block[0], None, block[2]] * shells + shell) * (last + 1) + part
        return np.bincount(code[part > 0], minlength=2 * shells * (last + 1))

    found = run_blocks(count, blocks, progress=progress, **watch)
    counts = np.sum(found, axis=0).reshape(2, shells, last + 1)
    place = (
        None
        if objects is None or objects.empty
        else _object_places(phases, objects, voxel, depth, beam, per_nm)
    )
    called = [*names, *(f"phase {k}" for k in range(len(names) + 1, last + 1))]
    rows = []
    for sector, chosen in zip(SECTORS, ([0, 1], [1], [0]), strict=True):
        table = counts[chosen].sum(axis=0)
        for k in range(shells):
            total = int(table[k].sum())
            row: dict[str, Any] = {
                "sector": sector,
                "depth_from_nm": k * shell_nm,
                "depth_to_nm": (k + 1) * shell_nm,
                "voxel_count": total,
                "volume_nm3": total * math.prod(voxel),
            }
            for phase, name in enumerate(called, 1):
                row[f"{name}_percent"] = 100 * table[k, phase] / total if total else math.nan
            if place is not None:
                row |= _object_figures(
                    place[(place["shell"] == k) & place["beam"].isin(chosen)], row["volume_nm3"]
                )
            rows.append(row)
    return pd.DataFrame(rows)


def _object_figures(part: pd.DataFrame, volume: float) -> dict[str, float]:
    return {
        "object_count": len(part),
        "object_density_per_nm3": len(part) / volume if volume else math.nan,
        "object_mean_length_nm": float(part["length_nm"].mean()) if len(part) else math.nan,
        "object_length_sd_nm": float(part["length_nm"].std(ddof=1)) if len(part) > 1 else math.nan,
    }


def _area(
    labels: Any, blocks: Sequence[Block], should_stop: ShouldStop | None
) -> tuple[NDArray[np.int64], int]:
    """Return the voxels of the fibre along y at each (z, x), and the greatest label."""

    def look(block: Block) -> tuple[NDArray[np.int64], int]:
        part = np.asarray(labels[block])
        return np.count_nonzero(part, axis=1), int(part.max())

    area = np.zeros((labels.shape[0], labels.shape[2]), np.int64)
    found = run_on_blocks(look, blocks, arrays=[labels], should_stop=should_stop)
    for block, (count, _) in zip(blocks, found, strict=True):
        area[block[0], block[2]] += count
    return area, max(last for _, last in found)


def _object_places(
    phases: Any,
    objects: pd.DataFrame,
    voxel: Triple,
    depth: NDArray[np.float32],
    beam: NDArray[np.bool_],
    per_nm: np.float32,
) -> pd.DataFrame:
    """Return shell, sector and length of the objects whose centroids lie inside the envelope and
    that the box does not cut.
    """
    origin = origin_of(phases)
    whole = objects[~objects["touches_border"]]
    index = tuple(
        np.clip(
            np.rint((whole[f"centroid_{axis}_nm"].to_numpy() - origin[k]) / voxel[k]).astype(int),
            0,
            depth.shape[k] - 1,
        )
        for k, axis in enumerate("zyx")
    )
    shell = depth[index] * per_nm
    kept = shell > 0  # the depth is 0 outside alone
    return pd.DataFrame(
        {
            "shell": shell[kept].astype(np.int32),
            "beam": beam[index[0], index[2]][kept].astype(int),
            "length_nm": whole["length_nm"].to_numpy()[kept],
        }
    )


def _faces_beam(area: NDArray[np.int64], voxel: Triple) -> NDArray[np.bool_]:
    """Return for each (z, x) whether it lies within 45° of the beam about the envelope's axis."""
    z, x = ((area.sum(axis=1 - k) @ np.arange(area.shape[k])) / area.sum() for k in (0, 1))
    along = np.abs(np.arange(area.shape[0]) - z) * voxel[0]
    across = np.abs(np.arange(area.shape[1]) - x) * voxel[2]
    faces: NDArray[np.bool_] = along[:, None] > across[None, :]
    return faces
