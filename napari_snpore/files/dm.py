"""Gatan DM3 and DM4, parsed by nionswift-io: a stack whose first axis is tilt or time, a volume, or
a single image.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.times import even_times
from napari_snpore.files.units import in_nm, is_degree, is_radian


def read_dm(path: Path) -> ParsedFile:
    """Return the image of a DM file, with tilt angles or times where its first axis is calibrated
    in degrees or seconds.

    The angle of a single image is the stage's alpha. The whole file is loaded, however large: the
    parser returns values and not their offset in the file.
    """
    with path.open("rb") as file:
        start = file.read(4)
        if len(start) < 4 or struct.unpack(">I", start)[0] not in (3, 4):
            raise FileFormatError(f"{path} is not a Gatan DM3 or DM4 file.")
        file.seek(0)
        # imported here: 1.3 s that only these files need
        from nionswift_plugin.DM_IO.dm3_image_utils import load_image

        try:
            image = load_image(file)
            data = np.asarray(image.data)
        except Exception as error:  # on a damaged file the parser fails with errors of many kinds
            raise FileFormatError(
                f"{path} is damaged or cut short: its tags cannot be read."
            ) from error
    if np.iscomplexobj(data) or data.dtype.fields or (data.ndim == 3 and image.is_data_rgb_type):
        raise FileFormatError(f"{path} holds a complex or colour image; grey values are needed.")
    axes = [(axis.scale, axis.units, axis.offset) for axis in image.dimensional_calibrations]
    sizes = [in_nm(scale, unit) for scale, unit, _ in axes]
    angles = None
    if data.ndim == 3 and (is_degree(axes[0][1]) or is_radian(axes[0][1])):
        steps = axes[0][2] + axes[0][0] * np.arange(len(data))
        angles = (np.degrees(steps) if is_radian(axes[0][1]) else steps).tolist()
    elif data.ndim == 2:
        alpha = _stage_alpha(image.metadata)
        angles = None if alpha is None else [alpha]
    z, y, x = [None] * (3 - len(sizes)) + sizes if len(sizes) <= 3 else [None] * 3
    times = even_times(axes[0][0], axes[0][1], len(data)) if data.ndim == 3 else None
    return ParsedFile(
        data, (z, y, x), angles_deg=angles, times_s=times, first_axis_is_time=times is not None
    )


def _stage_alpha(metadata: Mapping[str, Any]) -> float | None:
    stage = metadata.get("Microscope Info", {}).get("Stage Position", {})
    alpha = stage.get("Stage Alpha")
    return None if alpha is None else float(alpha)
