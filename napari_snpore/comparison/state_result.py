"""Result of one fibre of one state: the tables of a finished run, and the conditions it was made
under.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class StateResult:
    """What a finished run says of one fibre of one state; arrays stay on disk.

    Parameters
    ----------
    name : str
        Of the fibre, such as the name of the run's folder.
    numbers : DataFrame
        Columns of ``numbers.csv``: ``quantity, unit, value, twin_bias, corrected, low_95, high_95,
        fibre_low_95, fibre_high_95, dominant_source, calibrated, restoration``.
    objects : mapping of str to DataFrame
        Tables of :func:`~napari_snpore.measurement.objects.measure_objects` by phase, such as
        ``"Sn"`` and ``"pore"``. All objects; ``resolved`` and ``touches_border`` say which count.
    profile : DataFrame, optional
        Radial profile by depth below the surface, as
        :func:`~napari_snpore.measurement.profiles.radial_profile` returns it (``shells.csv``).
    tables : mapping of str to DataFrame
        Further tables by name: ``"slabs"`` (fractions per slice along y, the rows ``axis = y`` of
        ``fractions_by_slice.csv``), ``"sensitivity"`` (``threshold_sensitivity.csv``), ``"cube sizes"``,
        ``"nearest"``, ``"correlation"``, ``"diffusivity"``.
    conditions : mapping of str to object
        What has to be alike in a comparison; what is not known is left out or None:

        - ``voxel_nm``: (z, y, x), nm
        - ``tilt_min_deg, tilt_max_deg, tilt_step_deg, tilts`` (their number)
        - ``dose``: counts per pixel over the specimen
        - ``thickness_nm``, ``blur_px``: of the images
        - ``method``: of the reconstruction
        - ``threshold_rule``: its name
        - ``gray_calibrated``: whether the rule works on grey values of vacuum 0 and carbon 1
        - ``thresholds``: grey values; ``thresholds_calibrated``: the same with vacuum 0, carbon 1
        - ``contrast``: grey level of the brightest phase over that of carbon
        - ``convention, min_voxels, limit_nm, pore_connectivity, object_connectivity``: of the objects
        - ``edited_by_hand``: bool
        - ``version``: of napari-snpore
        - ``inputs``: mapping of what tells a file of images from others (path, sha256) to its name
    notes : tuple of str
        Sentences of the run on what its numbers are worth.
    """

    name: str
    numbers: pd.DataFrame
    objects: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    profile: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
