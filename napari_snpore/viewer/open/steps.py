"""Paths read into layer data, or into a question where their files give too little; runs in a
worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_apart
from napari_snpore.errors import (
    DisagreementError,
    InputError,
    MissingAnglesError,
    MissingLayoutError,
)
from napari_snpore.files.image_input import (
    Contents,
    ImageInput,
    angles_agree,
    contents_of,
    grouped_inputs,
    parse_input,
)
from napari_snpore.files.image_series import image_series_of
from napari_snpore.files.parsed_file import Kind
from napari_snpore.files.read import tilt_series_of, volume_of
from napari_snpore.history import LabelStep, SegmentStep
from napari_snpore.viewer.in_situ.layers import frames_data
from napari_snpore.viewer.open.run_layers import find_runs, runs_layers, saved_phases_data
from napari_snpore.viewer.shared.layers import LayerData, name_from_path, series_data, volume_data
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class Question:
    """Parsed files whose kind, size or angles the user has to give, what they contain, and why the
    user is asked where they contradict each other.
    """

    source: ImageInput
    contents: Contents
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of the paths of one layer or run: its layer data, a question, or the reason why
    it is refused.
    """

    paths: tuple[str, ...]
    layers: tuple[LayerData, ...] = ()
    question: Question | None = None
    error: InputError | None = None

    @property
    def lacks_layout(self) -> bool:
        """Whether it is raw voxels whose shape and type the user has to give."""
        return isinstance(self.error, MissingLayoutError)


def read_paths(
    paths: Sequence[str | Path],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Outcome]:
    """Read paths; each file is parsed once, and files of one image each are joined into series.

    Parameters
    ----------
    paths : sequence of paths
        Files, folders of one image per file, and finished runs.
    progress, should_stop : callable, optional
        Progress counts paths.

    Returns
    -------
    list of Outcome
        First the runs and the refused paths, then the images.
    """
    outcomes: list[Outcome] = []
    sources: list[ImageInput] = []
    for done, path in enumerate(paths):
        if progress is not None:
            progress(done, len(paths))
        check_stop(should_stop)
        try:
            if find_runs(path):
                layers = run_apart(partial(runs_layers, path), should_stop)
                outcomes.append(Outcome((str(path),), tuple(layers)))
            else:
                sources.append(run_apart(partial(parse_input, path), should_stop))
        except (InputError, OSError) as error:
            outcomes.append(_refused((str(path),), error))
    for source in grouped_inputs(sources):
        outcomes.append(run_apart(partial(outcome_of, source), should_stop))
    return outcomes


def outcome_of(source: ImageInput) -> Outcome:
    """Return the layer of parsed files, the question about them, or the reason why they are
    refused.
    """
    paths = tuple(str(path) for path in source.paths)
    try:
        contents = contents_of(source)
        if not contents.is_complete:
            return Outcome(paths, question=Question(source, contents))
        try:
            return Outcome(paths, (layer_of(source, contents.kind),))
        except (
            DisagreementError,
            MissingAnglesError,
        ) as error:  # what the user gives counts more than the files
            apart = contents.kind == "tilt series" and not angles_agree(source)
            asked = replace(contents, lacks_angles=apart)
            return Outcome(paths, question=Question(source, asked, str(error)))
    except (InputError, OSError) as error:
        return _refused(paths, error)


def layer_of(
    source: ImageInput,
    kind: Kind,
    *,
    spacing_nm: float | None = None,
    angles_deg: ArrayLike | None = None,
    times_s: ArrayLike | None = None,
) -> LayerData:
    """Return the layer data of parsed files, opened as a kind with what the caller knows.

    Parameters
    ----------
    source : ImageInput
        One file, or several files of one image each.
    kind : {"tilt series", "images in time", "volume"}
        What they are.
    spacing_nm : float, optional
        Edge of a voxel or pixel in nm, where the files do not have it.
    angles_deg : array-like, shape (tilt,), optional
        Tilt angles in degrees of a tilt series, where the files do not have them.
    times_s : array-like, shape (frame,), optional
        Times in s of images in time, where the files do not have them.

    Raises
    ------
    FileFormatError, DisagreementError
        The files are not of that kind, or contradict what is given.
    MissingScaleError, MissingAnglesError
        Neither the files nor the caller give them.
    """
    first = source.paths[0]
    name = name_from_path(first.parent if len(source.paths) > 1 else first)
    if kind == "tilt series":
        return series_data(
            tilt_series_of(source, angles_deg=angles_deg, pixel_size_nm=spacing_nm), name
        )
    if kind == "images in time":
        times = None if times_s is None else np.asarray(times_s, np.float64)
        return frames_data(image_series_of(source, pixel_size_nm=spacing_nm, times_s=times), name)
    levels = source.files[0].levels if len(source.files) == 1 else ()
    volume = volume_of(source, spacing=spacing_nm)
    if _holds_phases(volume):
        return saved_phases_data(volume, name, levels=levels)
    return volume_data(volume, name, levels=levels)


def _holds_phases(volume: Volume) -> bool:
    """Return whether a volume says that it holds phases, and no objects that were labelled in them."""
    steps = [step.name for step in volume.history]
    return volume.dtype.kind == "u" and SegmentStep.NAME in steps and LabelStep.NAME not in steps


def _refused(paths: tuple[str, ...], error: InputError | OSError) -> Outcome:
    return Outcome(paths, error=error if isinstance(error, InputError) else InputError(str(error)))
