"""Pores that are one network lead with their local width."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.study.measurement_report import measurement_text
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.volume import Volume


def slab(crumb: bool):
    """Return carbon with a pore of five voxels of 2 nm thickness through all of it, and one pore of
    a voxel.
    """
    labels = np.full((15, 40, 40), 2, np.uint8)
    labels[5:10] = 1
    if crumb:
        labels[12, 20, 20] = 1
    return Volume(labels, 2.0)


def test_a_slab_of_pore_leads_with_its_thickness():
    section = MeasureSection(details=False, phases=["pore"])
    measured = measure_phases(slab(crumb=True), section)
    width = measured.widths["pore"]
    assert width.median_nm == pytest.approx(10.0), "five voxels of 2 nm"
    assert width.network_share == pytest.approx(8000 / 8001)
    words = measurement_text(measured)
    block = words[words.index("Objects, pore") :].splitlines()
    assert "local width of the pore 10.0 nm" in block[0]
    assert "One network holds 100.0 % of the pore volume" in block[1]
    assert "2 pore objects" in block[2]


def test_pores_apart_lead_with_their_length():
    labels = np.full((15, 40, 40), 2, np.uint8)
    labels[3:6, 3:6, 3:6] = labels[9:12, 20:23, 20:23] = 1
    measured = measure_phases(Volume(labels, 2.0), MeasureSection(details=False, phases=["pore"]))
    assert measured.widths == {}
    assert "local width" not in measurement_text(measured)
