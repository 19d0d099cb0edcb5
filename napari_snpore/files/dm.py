"""Gatan DM3 and DM4, parsed by nionswift-io: a stack with its tilt axis calibrated, a volume, or one image a tilt."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.units import in_nm, is_degree, is_radian


def read_dm(path: Path) -> ParsedFile:
    """Return the image of a DM file; angles come from a calibrated axis, or from the stage for a single image.

    The whole file is loaded, however large: the parser hands out values, and not the place where they lie in the file.
    """
    with path.open("rb") as file:
        start = file.read(4)
        if len(start) < 4 or struct.unpack(">I", start)[0] not in (3, 4):
            raise FileFormatError(f"{path} is not a Gatan DM3 or DM4 file.")
        file.seek(0)
        # 1.3 s of imports that only these files need
        from nionswift_plugin.DM_IO.dm3_image_utils import load_image

        try:
            image = load_image(file)
            data = np.asarray(image.data)
        except Exception as error:  # the parser asserts and indexes its way through a damaged file
            raise FileFormatError(f"{path} is damaged or cut short: its tags cannot be read.") from error
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
    return ParsedFile(data, (z, y, x), angles_deg=angles)


def _stage_alpha(metadata: Mapping[str, Any]) -> float | None:
    stage = metadata.get("Microscope Info", {}).get("Stage Position", {})
    alpha = stage.get("Stage Alpha")
    return None if alpha is None else float(alpha)
