"""Tables and sentences of the structure of the phases in a measurement."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import napari_snpore as snpore
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.numerals import number
from napari_snpore.study import structure
from napari_snpore.study.measurement_files import write_measurement
from napari_snpore.study.measurement_report import measurement_text
from napari_snpore.study.run_errors import NUMBER_COLUMNS, RunErrors

TABLES = {"nearest_sn", "correlation_pore", "cube_sizes"}


@pytest.fixture(scope="module")
def phases():
    phantom = snpore.make_phantom("pristine", shape=(64, 48, 64), spacing=0.4, seed=2)
    return snpore.Volume(phantom.phases, (0.4,) * 3)


@pytest.fixture(scope="module")
def measured(phases):
    return snpore.measure_phases(phases, snpore.MeasureSection(diffusivity=True))


def test_tables_are_those_of_the_functions(phases, measured):
    assert set(measured.details) >= TABLES | {"diffusivity"}
    tin = measured.labels["Sn"]
    assert_frame_equal(measured.details["nearest_sn"], snpore.nearest_neighbors(tin, cut_axes=(1,)))
    assert_frame_equal(measured.details["correlation_pore"], snpore.two_point_correlation(phases))
    assert_frame_equal(measured.details["cube_sizes"], snpore.cube_fractions(phases))
    table = measured.details["diffusivity"]
    assert table["direction"].tolist() == ["y", "surface", *"zyxzyx"]
    along = snpore.effective_diffusivity(phases, direction="y")
    assert table["relative_diffusivity"].iloc[0] == along.relative_diffusivity
    assert table["tortuosity_factor"].iloc[0] == along.tortuosity_factor
    assert table["geodesic_tortuosity"].notna().tolist() == [False, True] + 6 * [False]
    center, size = measured.boxes["centre"]
    cube = snpore.extract_subvolume(phases, center_nm=center, size_nm=size)
    inner = snpore.effective_diffusivity(cube, direction="x")
    assert table["relative_diffusivity"].iloc[4] == inner.relative_diffusivity


def test_diffusivity_is_off_and_details_are_on_by_default(phases):
    usual = snpore.measure_phases(phases)
    assert set(usual.details) >= TABLES
    assert "diffusivity" not in usual.details
    none = snpore.measure_phases(phases, snpore.MeasureSection(details=False))
    assert not none.details
    alone = snpore.measure_phases(phases, snpore.MeasureSection(details=False, diffusivity=True))
    assert set(alone.details) == {"diffusivity"}


def test_each_table_has_its_file(measured, tmp_path):
    write_measurement(tmp_path, measured)
    for name in (*TABLES, "diffusivity"):
        assert len(pd.read_csv(tmp_path / "tables" / f"{name}.csv")) == len(measured.details[name])


def test_the_report_says_each(measured):
    text = measurement_text(measured)
    for words in ("Neighbours, Sn", "Correlation, pore", "Cubes, pore", "Diffusivity, pore"):
        assert words in text
    length = snpore.correlation_length(measured.details["correlation_pore"])
    assert f"length {number(length)} nm" in text
    assert "core to surface: D/D₀" in text
    assert "geodesic tortuosity" in text


def test_cubes_are_compared_with_the_error_of_the_run(measured):
    row = dict.fromkeys(NUMBER_COLUMNS, math.nan) | {
        "quantity": "pore fraction, whole",
        "unit": "%",
        "low_95": 10.0,
        "high_95": 90.0,
    }
    errors = RunErrors(pd.DataFrame([row]), pd.DataFrame(), None)
    text = measurement_text(measured, errors)
    assert "less than 40.0 points (the error of this run; 2 sd)" in text
    edge = snpore.representative_edge(measured.details["cube_sizes"], 40.0)
    assert np.isfinite(edge)


def test_a_measurement_survives_a_row_that_needs_too_much_memory(phases, monkeypatch):
    def refuse(*args, **options):
        raise NotEnoughMemoryError("Diffusion needs 9 GB.")

    monkeypatch.setattr(structure, "effective_diffusivity", refuse)
    measured = snpore.measure_phases(phases, snpore.MeasureSection(details=False, diffusivity=True))
    assert (measured.details["diffusivity"]["note"] == "Diffusion needs 9 GB.").all()
    assert "No diffusivity along the fibre: Diffusion needs 9 GB." in measurement_text(measured)


def test_a_measurement_survives_a_correlation_that_needs_too_much_memory(phases, monkeypatch):
    def refuse(*args, **options):
        raise NotEnoughMemoryError("The correlation needs 9 GB.")

    monkeypatch.setattr(structure, "two_point_correlation", refuse)
    measured = snpore.measure_phases(phases)
    assert "correlation_pore" not in measured.details
    assert {"cube_sizes", "nearest_sn"} <= set(measured.details)
    assert "No two-point correlation" in measurement_text(measured)


def test_phases_without_tin_or_exterior(tmp_path):
    labels = np.random.default_rng(0).integers(1, 3, (20, 22, 24)).astype(np.uint8)
    measured = snpore.measure_phases(
        snpore.Volume(labels, (0.3,) * 3), snpore.MeasureSection(diffusivity=True)
    )
    assert measured.details["diffusivity"]["direction"].tolist() == ["y"]
    assert "Correlation, pore" in measurement_text(measured)
