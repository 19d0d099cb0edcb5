"""Diameter of a fibre in time, grey values in boxes that follow it, profiles, break point of
growth.

Everything here takes images ``(frame, y, x)`` of one fibre, seen from the side, with their pixel
size in nm. Positions are in nm from the centre of pixel (0, 0); directions in the image are those
of a tilt axis: ``(dy, dx) = (cos φ, sin φ)``.
"""

from napari_snpore.in_situ.boxes import box_intensities
from napari_snpore.in_situ.breaks import BreakPoint, break_point
from napari_snpore.in_situ.diameter import fibre_diameter
from napari_snpore.in_situ.drift import image_drift
from napari_snpore.in_situ.frames import ImageSeries
from napari_snpore.in_situ.profile import rectangle_profile
from napari_snpore.in_situ.rectangle import Rectangle

__all__ = [
    "BreakPoint",
    "ImageSeries",
    "Rectangle",
    "box_intensities",
    "break_point",
    "fibre_diameter",
    "image_drift",
    "rectangle_profile",
]
