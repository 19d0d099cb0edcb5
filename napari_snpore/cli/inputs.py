"""Arguments of the command line as values: tilt angles, phases, connectivity, cut axes.

Bad arguments raise :class:`~napari_snpore.errors.InputError` with one sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from napari_snpore.blocks import voxelwise
from napari_snpore.engines import anywhere, extremes
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.side_files import read_angles
from napari_snpore.segmentation.phases import PORE
from napari_snpore.study.measuring import phase_labels as labels_of_phases
from napari_snpore.study.recipe import Connectivity
from napari_snpore.tomography.detector_blur import LARGEST_BLUR_PX, check_blur_px
from napari_snpore.tomography.options import check_weight
from napari_snpore.volume import Volume

_STEP_TOLERANCE = 0.01
"""Distance, in steps, of the last angle from STOP: decimal steps such as 0.1 are not exact in
binary."""


def parse_angles(words: str) -> list[float]:
    """Return tilt angles in degrees from a file name, ``START:STOP:STEP`` (both ends included) or a
    list with commas.

    Examples
    --------
    >>> parse_angles("-2:2:2")
    [-2.0, 0.0, 2.0]
    >>> parse_angles("-60,0,60")
    [-60.0, 0.0, 60.0]
    """
    if Path(words).is_file():
        return [float(angle) for angle in read_angles(Path(words))]
    try:
        if ":" in words:
            start, stop, step = (float(word) for word in words.split(":"))
            count = round((stop - start) / step) + 1
            missed = abs(start + (count - 1) * step - stop)
            if count < 1 or missed > _STEP_TOLERANCE * abs(step):
                raise ValueError
            return [float(angle) for angle in start + step * np.arange(count)]
        return [float(word) for word in words.split(",")]
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"--angles is {words!r}; a file of angles, START:STOP:STEP in degrees, or numbers with commas are needed."
        ) from None


def parse_blur(words: str) -> float | Literal["auto"]:
    """Return a blur in pixels from ``auto``, ``none`` or a number.

    Examples
    --------
    >>> parse_blur("auto"), parse_blur("none"), parse_blur("1.2")
    ('auto', 0.0, 1.2)
    """
    if words == "auto":
        return "auto"
    try:
        blur_px = 0.0 if words == "none" else float(words)
        check_blur_px(blur_px)
    except ValueError:
        raise InputError(
            f"--blur is {words!r}; auto, none or a number of pixels from 0 to {LARGEST_BLUR_PX:g} is needed."
        ) from None
    return blur_px


def parse_weight(words: str) -> float | Literal["auto"]:
    """Return a weight λ of TV from ``auto`` or a number of grey units.

    Examples
    --------
    >>> parse_weight("auto"), parse_weight("1.5")
    ('auto', 1.5)
    """
    if words == "auto":
        return "auto"
    try:
        weight = float(words)
        check_weight(weight)
    except ValueError:
        raise InputError(
            f"--tv-weight is {words!r}; auto or a number of grey units, 0 or more, is needed."
        ) from None
    return weight


def parse_specks(words: list[str]) -> dict[str, int]:
    """Return the least number of voxels of an object per phase.

    Examples
    --------
    >>> parse_specks(["Sn:8", "pore:27"])
    {'Sn': 8, 'pore': 27}
    """
    found = {}
    for word in words:
        name, _, number = word.rpartition(":")
        if not name or not number.isdecimal():
            raise InputError(f"--specks is {word!r}; PHASE:VOXELS such as Sn:8 is needed.")
        found[name] = int(number)
    return found


def phase_labels(volume: Volume, path: Path) -> Any:
    """Return the labels of a phase volume, uint8; the refusal of anything else names the file and
    ``--objects``.
    """
    try:
        return labels_of_phases(volume)
    except InputError as error:
        raise FileFormatError(
            f"{path}: {error} Labels of objects are measured with --objects."
            if volume.dtype.kind in "iu"
            else f"{path}: {error}"
        ) from None


def checked_connectivity(connectivity: int | None, phase: int) -> Connectivity:
    """Return the connectivity of objects; the default is 6 for pores (phase 1) and 26 for other
    phases.
    """
    if connectivity is None:
        return 6 if phase == PORE else 26
    for allowed in get_args(Connectivity):
        if connectivity == allowed:
            return cast(Connectivity, allowed)
    raise InputError(f"--connectivity is {connectivity}; 6, 18 and 26 are possible.")


def cut_axes_of(wanted: list[int] | None, no_cut: bool) -> list[int] | None:
    """Return the axes along which the body extends beyond the box: none with ``--no-cut``, None by
    default.
    """
    if wanted and no_cut:
        raise InputError("--cut-axis and --no-cut contradict each other; give one of them.")
    return [] if no_cut else wanted


def phase_number(phase: str, labels: Any, names: tuple[str, ...]) -> int:
    """Return the label of a phase given by its name or its number; raise InputError if no voxel has
    it.
    """
    number = 0
    if phase in names:
        number = names.index(phase) + 1
    elif phase.isascii() and phase.isdecimal():
        number = int(phase)

    def is_there(label: int) -> bool:
        return anywhere(voxelwise(labels, lambda part: part == label))

    if number < 1 or not is_there(number):
        found = ", ".join(
            f"{label} {names[label - 1]}" if label <= len(names) else str(label)
            for label in range(1, extremes(labels)[1] + 1)
            if is_there(label)
        )
        raise InputError(
            f"--phase is {phase!r}, and no voxel carries it; the volume holds the phases {found or 'none'}."
        )
    return number
