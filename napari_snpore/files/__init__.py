"""Image and table files: one module per format, one registry of formats, one place that decides on
scale and angles.

A reader returns what its file contains (:mod:`~napari_snpore.files.parsed_file`); what the files of
one input hold is decided in :mod:`~napari_snpore.files.image_input`, and which of several sources
of a voxel size or an angle is taken in
:mod:`~napari_snpore.files.scale`. Files are written under another name and then renamed
(:mod:`~napari_snpore.files.atomic`).
"""

from napari_snpore.files.formats import SUFFIXES
from napari_snpore.files.imod import read_xf, write_tlt, write_xf
from napari_snpore.files.raw import RawLayout
from napari_snpore.files.read import read_tilt_series, read_volume
from napari_snpore.files.surfaces import write_surface
from napari_snpore.files.write import write_table, write_volume

__all__ = [
    "SUFFIXES",
    "RawLayout",
    "read_tilt_series",
    "read_volume",
    "read_xf",
    "write_surface",
    "write_table",
    "write_tlt",
    "write_volume",
    "write_xf",
]
