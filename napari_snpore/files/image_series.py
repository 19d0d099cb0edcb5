"""Reading of images in time: a stack or single images, with pixel size and, where the files have
them, times.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from napari_snpore.errors import FileFormatError
from napari_snpore.files.image_input import ImageInput, parse_input, pixel_size_of
from napari_snpore.history import HistoryStep
from napari_snpore.in_situ.frames import ImageSeries


def read_image_series(
    path: str | Path | Sequence[str | Path],
    *,
    pixel_size_nm: float | None = None,
    times_s: ArrayLike | None = None,
    image: str | None = None,
) -> ImageSeries:
    """Read images in time from a stack, from files of one image each, or from a folder of such
    files.

    Times come from ImageJ's frame interval, OME's times, or a first axis calibrated in a unit of
    time (DM3/DM4, HSPY, EMD).

    Parameters
    ----------
    path : path or sequence of paths
        What to read: any format that volumes and tilt series are read from. Files of a folder are
        taken in the order of the numbers in their names.
    pixel_size_nm : float, optional
        Pixel size in nm, where no file has it, or instead of that in files.
    times_s : array-like, shape (frame,), optional
        Time of each frame in s, where the file does not have it, or instead of what it has.
    image : str, optional
        Which image of files that hold several, by the name of its detector, data set or volume.
        Else one is chosen, the same in every file; the history names it and the others.

    Returns
    -------
    ImageSeries
        Images ``(frame, y, x)`` in the file's dtype, memory-mapped or lazy where the format allows;
        ``times_s`` is None where neither the file nor the caller has them.

    Raises
    ------
    FileFormatError, MissingFileError
        Unknown, damaged, truncated or missing file, or not grey images of one size.
    MissingScaleError
        No source has the pixel size.
    DisagreementError
        Two files contradict each other.
    """
    source = parse_input(path, image=image, kind="images in time")
    return image_series_of(source, pixel_size_nm=pixel_size_nm, times_s=times_s)


def image_series_of(
    source: ImageInput, *, pixel_size_nm: float | None = None, times_s: ArrayLike | None = None
) -> ImageSeries:
    """Return the images in time of parsed files; parameters and errors as in
    :func:`read_image_series`.
    """
    size, note = pixel_size_of(source, pixel_size_nm)
    if len(source.files) > 1:
        data = np.stack([np.asarray(image.data) for image in source.images()])
        times = times_s
        history: tuple[HistoryStep, ...] = (source.read_step(note).step,)
    else:
        path, parsed = source.paths[0], source.files[0]
        if parsed.data.ndim not in (2, 3):
            shape = tuple(parsed.data.shape)
            raise FileFormatError(
                f"{path} holds an array of shape {shape}; images (frame, y, x) or one image are needed."
            )
        data = parsed.data
        times = parsed.times_s if times_s is None else times_s
        history = (*parsed.history, source.read_step(note).step)
    return ImageSeries(
        data, size, None if times is None else np.asarray(times, np.float64), history
    )
