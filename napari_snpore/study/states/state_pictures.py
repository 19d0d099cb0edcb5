"""Slices of the states of a comparison: the middle one of each, from folders of finished runs or from
phases in memory, all at one scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_snpore.comparison.compare import Comparison
from napari_snpore.errors import InputError, MissingFileError
from napari_snpore.files import read_volume
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.study.provenance import check_record
from napari_snpore.study.recipe import ThresholdSection, checked
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari_snpore.figures.panels import Panel

PLANE = "XZ"
"""Across the fibre, which lies along y."""

_NORMAL = 1
_SUFFIXES = (".tif", ".ome.zarr")


@dataclass(frozen=True, eq=False)
class MiddleSlice:
    """The middle slice of phases across the fibre.

    Attributes
    ----------
    phases : Volume of integers, shape (z, 1, x)
        At its place in the volume.
    scheme : PhaseScheme
        Names and colours of the phases.
    """

    phases: Volume
    scheme: PhaseScheme = PORE_C_SN


@dataclass(frozen=True, eq=False)
class StatePictures:
    """A slice of each state.

    Attributes
    ----------
    slices : mapping of str to MiddleSlice
        By state, in the order of the states; that of its first fibre, which is named where a state has
        several.
    left_out : tuple of str
        A sentence for every state that has none.
    """

    slices: Mapping[str, MiddleSlice]
    left_out: tuple[str, ...] = ()

    def panels(self) -> list[Panel]:
        """Return the slices as panels of a plate, all at one scale; none where there is no slice."""
        if not self.slices:
            return []
        # matplotlib costs a second and belongs to figures alone
        from napari_snpore.figures.comparison_plate import state_slices

        scheme = next(iter(self.slices.values())).scheme
        phases = {state: one.phases for state, one in self.slices.items()}
        found: list[Any] = state_slices(phases, plane=PLANE, scheme=scheme)
        return found


NO_PICTURES = StatePictures({})


def middle_slice(phases: Volume, scheme: PhaseScheme = PORE_C_SN) -> MiddleSlice:
    """Return the middle slice of phases across the fibre, a copy.

    Examples
    --------
    >>> found = middle_slice(Volume(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), 0.5)).phases
    >>> found.data.ravel().tolist(), found.origin
    ([2, 3, 6, 7], (0.0, 0.5, 0.0))
    """
    middle = phases.shape[_NORMAL] // 2
    z, y, x = phases.origin
    place = (z, y + middle * phases.spacing[_NORMAL], x)
    values = np.array(phases.data[:, middle : middle + 1, :])
    return MiddleSlice(Volume(values, phases.spacing, place), scheme)


def slice_of_run(folder: str | Path) -> MiddleSlice:
    """Return the middle slice of the phases of a finished run.

    Raises
    ------
    MissingFileError
        The phases are not in the folder any more.
    FileFormatError
        A record or a volume that cannot be read.
    """
    folder = Path(folder)
    paths = [folder / "volumes" / f"phases{suffix}" for suffix in _SUFFIXES]
    path = next((one for one in paths if one.exists()), None)
    if path is None:
        raise MissingFileError("its phases are not in the folder of its run")
    parameters = check_record(folder / RECORD).get("parameters") or {}
    section = checked(ThresholdSection, **dict(parameters.get("threshold") or {}))
    return middle_slice(read_volume(path), section.scheme)


def fibre_names(comparison: Comparison) -> dict[str, list[str]]:
    """Return the names of the fibres of each state, in the order of the states."""
    return {state: [one.name for one in fibres] for state, fibres in comparison.results.items()}


def state_pictures(
    states: Mapping[str, Sequence[str]],
    *,
    runs: Mapping[tuple[str, str], Path] | None = None,
    slices: Mapping[tuple[str, str], MiddleSlice] | None = None,
) -> StatePictures:
    """Return a slice of each state.

    Parameters
    ----------
    states : mapping of str to sequence of str
        Names of the fibres by state; see :func:`fibre_names`.
    runs : mapping of (state, fibre) to path, optional
        Folders of the runs that were compared.
    slices : mapping of (state, fibre) to MiddleSlice, optional
        Of fibres that were compared from a window.

    Returns
    -------
    StatePictures
        A state whose phases are not there, or have other names than those of the first, is left out
        with a sentence.
    """
    found: dict[str, MiddleSlice] = {}
    left_out = []
    for state, fibres in states.items():
        reasons = []
        for fibre in fibres:
            try:
                one = _slice((state, fibre), runs or {}, slices or {}, found)
            except (InputError, OSError) as error:
                reasons.append(str(error).rstrip("."))
                continue
            found[state if len(fibres) == 1 else f"{state}, {fibre}"] = one
            break
        else:
            why = reasons[0] if reasons else "no fibre of it is there"
            left_out.append(f"No slice of '{state}': {why}.")
    return StatePictures(found, tuple(left_out))


def _slice(
    key: tuple[str, str],
    runs: Mapping[tuple[str, str], Path],
    slices: Mapping[tuple[str, str], MiddleSlice],
    before: Mapping[str, MiddleSlice],
) -> MiddleSlice:
    """Return the slice of one fibre, or say why there is none."""
    if key not in slices and key not in runs:
        raise MissingFileError("its phases are not known here")
    one = slices[key] if key in slices else slice_of_run(runs[key])
    if not np.any(one.phases.data):
        raise InputError("its middle slice holds no phase")
    for other in before.values():
        if other.scheme.names != one.scheme.names:
            raise InputError(
                f"its phases are {', '.join(one.scheme.names)}, not {', '.join(other.scheme.names)}"
            )
    return one
