"""What the words of a command line mean: angles, phases, sections; each refusal is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.side_files import read_angles
from napari_snpore.history import phase_names_of
from napari_snpore.segmentation.phases import PORE, PORE_C_SN
from napari_snpore.study.recipe import Connectivity
from napari_snpore.volume import Volume


def parse_angles(words: str) -> list[float]:
    """Return tilt angles from a file name, ``START:STOP:STEP`` (both ends included) or a list with commas."""
    if Path(words).is_file():
        return [float(angle) for angle in read_angles(Path(words))]
    try:
        if ":" in words:
            start, stop, step = (float(word) for word in words.split(":"))
            count = round((stop - start) / step) + 1
            if count < 1 or abs(start + (count - 1) * step - stop) > abs(step) / 100:
                raise ValueError
            return [float(angle) for angle in start + step * np.arange(count)]
        return [float(word) for word in words.split(",")]
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"--angles is {words!r}; a file of angles, START:STOP:STEP in degrees, or numbers with commas are needed."
        ) from None


def parse_specks(words: list[str]) -> dict[str, int]:
    """Return the fewest voxels of an object by phase, from words such as ``Sn:8``."""
    found = {}
    for word in words:
        name, _, number = word.rpartition(":")
        if not name or not number.isdecimal():
            raise InputError(f"--specks is {word!r}; PHASE:VOXELS such as Sn:8 is needed.")
        found[name] = int(number)
    return found


def phase_labels(volume: Volume, path: Path) -> NDArray[np.uint8]:
    """Return the labels of a phase volume; grey values are refused."""
    data = np.asarray(volume.data)
    if data.dtype.kind not in "ui" or data.min() < 0 or data.max() > 16:
        raise FileFormatError(
            f"{path} does not hold phases: whole numbers from 0 (exterior) to 16 are needed, not {data.dtype}."
        )
    return data.astype(np.uint8, copy=False)


def checked_connectivity(wanted: int | None, phase: int) -> Connectivity:
    """Return the connectivity of objects: as wanted, else 6 for pores (phase 1) and 26 for what lies in them."""
    for known in get_args(Connectivity):
        if wanted == known or (wanted is None and known == (6 if phase == PORE else 26)):
            found: Connectivity = known
            return found
    raise InputError(f"--connectivity is {wanted}; 6, 18 and 26 are possible.")


def cut_axes_of(wanted: list[int] | None, no_cut: bool) -> list[int]:
    """Return the axes along which the body goes on: y unless others are named, none for a whole particle."""
    if wanted and no_cut:
        raise InputError("--cut-axis and --no-cut contradict each other; give one of them.")
    return [] if no_cut else [1] if wanted is None else wanted


def phase_names(volume: Volume) -> tuple[str, ...]:
    """Return the names of the phases 1..N: those that the volume was segmented with, else pore, C and Sn."""
    return phase_names_of(volume.history) or PORE_C_SN.names


def phase_number(phase: str, labels: NDArray[np.uint8], names: tuple[str, ...]) -> int:
    """Return the label of a phase given by its name or its number."""
    decimal = phase.isascii() and phase.isdecimal()
    number = names.index(phase) + 1 if phase in names else int(phase) if decimal else 0
    if number < 1 or not (labels == number).any():
        found = ", ".join(
            f"{label} {names[label - 1]}" if label <= len(names) else str(label) for label in np.unique(labels) if label
        )
        raise InputError(
            f"--phase is {phase!r}, and no voxel carries it; the volume holds the phases {found or 'none'}."
        )
    return number
