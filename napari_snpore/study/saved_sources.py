"""What a saved recipe says of its input and its measurement beside the history: voxel size and angles that
were given by hand, and how objects were measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.errors import (
    DisagreementError,
    InputError,
    MissingAnglesError,
    MissingScaleError,
)
from napari_snpore.files import read_volume
from napari_snpore.segmentation.phases import PORE
from napari_snpore.study.recipe import InputSection, MeasureSection, Recipe, checked
from napari_snpore.study.tomogram import load_series
from napari_snpore.volume import Triple

_CLOSE = 1e-6
"""Relative difference of a size, and difference of an angle in degrees, that rounding leaves."""

_CONNECTED, _SEPARATED = re.compile(r"connected (\d+)"), re.compile(r"separated h=(\S+) nm")


@dataclass(frozen=True, eq=False)
class KnownSource:
    """What is known of the input of a recipe, as it was opened; None where it is not known.

    Attributes
    ----------
    shape : tuple of int
        Of the images (tilt, y, x), or of the volume (z, y, x).
    angles_deg : sequence of float
    pixel_size_nm : float
        Of the images.
    spacing_nm : (float, float, float)
        Of a volume.
    """

    shape: tuple[int, ...] | None = None
    angles_deg: Sequence[float] | None = None
    pixel_size_nm: float | None = None
    spacing_nm: Triple | None = None


def fitted_to_source(recipe: Recipe, known: KnownSource) -> Recipe:
    """Return a recipe whose input names the sizes and angles that its files do not say, or say
    differently.

    Parameters
    ----------
    recipe : Recipe
        Its files are opened; images are not read.
    known : KnownSource
        Of the data as they were worked on.

    Raises
    ------
    InputError
        A file that cannot be read, that is another one by its shape, or whose size or angles are nowhere.
    """
    return recipe.model_copy(
        update={
            "input": _fitted_volume(recipe.input, known)
            if recipe.input.tilt_series is None
            else _fitted_series(recipe.input, known)
        }
    )


def _fitted_series(section: InputSection, known: KnownSource) -> InputSection:
    """Return the input with what is missing; what is known of the images wins over their files."""
    given: dict[str, Any] = {}
    for _ in range(3):  # the size is missed first, then the angles
        trial = _with(section, given)
        try:
            series = load_series(trial)
            break
        except MissingScaleError:
            if known.pixel_size_nm is None or "pixel_size_nm" in given:
                raise
            given["pixel_size_nm"] = known.pixel_size_nm
        except (MissingAnglesError, DisagreementError):
            if known.angles_deg is None or "angles_deg" in given:
                raise
            given["angles_deg"] = list(map(float, known.angles_deg))
            if known.pixel_size_nm is not None:
                given["pixel_size_nm"] = known.pixel_size_nm
    _check_shape(known.shape, series.shape, str(section.tilt_series))
    size = known.pixel_size_nm
    if size is not None and abs(series.pixel_size_nm - size) > _CLOSE * size:
        given["pixel_size_nm"] = size
    angles = known.angles_deg
    if angles is not None and not np.allclose(series.angles_deg, angles, rtol=0, atol=_CLOSE):
        given["angles_deg"] = list(map(float, angles))
    return _with(section, given)


def _fitted_volume(section: InputSection, known: KnownSource) -> InputSection:
    spacing = section.spacing_nm
    try:
        volume = read_volume(str(section.volume), spacing=spacing, image=section.image)
    except MissingScaleError:
        if known.spacing_nm is None:
            raise
        section = _with(section, {"spacing_nm": known.spacing_nm})
        volume = read_volume(str(section.volume), spacing=section.spacing_nm, image=section.image)
    _check_shape(known.shape, volume.shape, str(section.volume))
    wanted = known.spacing_nm
    if wanted is not None and not np.allclose(volume.spacing, wanted, rtol=_CLOSE, atol=0):
        return _with(section, {"spacing_nm": wanted})
    return section


def _with(section: InputSection, given: Mapping[str, Any]) -> InputSection:
    return checked(InputSection, **{**section.model_dump(exclude_none=True), **given})


def _check_shape(known: tuple[int, ...] | None, found: Sequence[int], name: str) -> None:
    if known is not None and tuple(found) != tuple(known):
        words = [" × ".join(str(n) for n in shape) for shape in (found, known)]
        raise InputError(
            f"{name} holds {words[0]} voxels, and the data of this window had {words[1]}: it is another file."
        )


def measure_section_of(
    tables: Mapping[str, pd.DataFrame], names: Sequence[str], **options: Any
) -> tuple[MeasureSection, tuple[str, ...]]:
    """Return how objects were measured, from their tables, and a sentence for each thing that a run does
    not repeat.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By phase, as :func:`~napari_snpore.measurement.objects.measure_objects` returns them.
    names : sequence of str
        Of the phases.
    **options
        Further options of the section, such as ``min_voxels``.

    Examples
    --------
    >>> table = pd.DataFrame({"objects_from": ["connected 18"], "convention": ["corners"]})
    >>> measure_section_of({"Sn": table}, ("pore", "C", "Sn"))[0].object_connectivity
    18
    """
    left_out = []
    usual = tuple(dict.fromkeys((names[0], names[-1]))) if names else ()
    others = [name for name in tables if name in names and name not in usual]
    if others:
        options["phases"] = [name for name in names if name in usual or name in others]
    for phase, table in tables.items():
        if phase not in names or table.empty:
            continue
        is_pore = names.index(phase) + 1 == PORE
        how = str(table["objects_from"].iloc[0]) if "objects_from" in table else ""
        if "convention" in table:
            options["convention"] = str(table["convention"].iloc[0])
        connected, separated = _CONNECTED.fullmatch(how), _SEPARATED.fullmatch(how)
        if connected is not None:
            key = "pore_connectivity" if is_pore else "object_connectivity"
            options[key] = int(connected[1])
        elif separated is not None and is_pore:
            options["separate_nm"] = float(separated[1])
        elif how:
            left_out.append(f"Objects of {phase} that are {how} are measured as connected ones.")
    return checked(MeasureSection, **options), tuple(left_out)
