"""Files in and out: one module a format, one place that decides on scales and angles, one way to write.

Reading parses with the format's library and hands out what the file really says; :mod:`~napari_snpore.files.scale` decides
what counts. Writing goes beside the place and is renamed into it (:mod:`~napari_snpore.files.atomic`).
"""

from napari_snpore.files.imod import read_xf, write_tlt, write_xf
from napari_snpore.files.read import SUFFIXES, describe, read_tilt_series, read_volume
from napari_snpore.files.write import write_table, write_volume

__all__ = [
    "SUFFIXES",
    "describe",
    "read_tilt_series",
    "read_volume",
    "read_xf",
    "write_table",
    "write_tlt",
    "write_volume",
    "write_xf",
]
