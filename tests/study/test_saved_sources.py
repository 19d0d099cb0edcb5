"""What files do not say of themselves, and how objects were measured, in a saved recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_snpore.errors import InputError, MissingAnglesError, MissingScaleError
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.saved_sources import KnownSource, fitted_to_source, measure_section_of

ANGLES = (-60.0, -20.0, 10.0, 60.0)


@pytest.fixture
def bare(tmp_path):
    """Return the recipe of a stack without angles and pixel size."""
    path = tmp_path / "bare.tif"
    images = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)
    tifffile.imwrite(path, images, photometric="minisblack")
    return Recipe(input={"tilt_series": str(path)})


def test_what_the_file_lacks_is_named(bare):
    known = KnownSource((4, 6, 8), ANGLES, 0.7)
    found = fitted_to_source(bare, known).input
    assert (found.pixel_size_nm, found.angles_deg) == (0.7, list(ANGLES))


def test_what_nobody_knows_is_refused(bare):
    with pytest.raises((MissingScaleError, MissingAnglesError)):
        fitted_to_source(bare, KnownSource())
    with pytest.raises(MissingAnglesError):
        fitted_to_source(bare, KnownSource(pixel_size_nm=0.7))


def test_another_file_is_refused(bare):
    with pytest.raises(
        InputError, match="4 × 6 × 8 voxels, and the data of this window had 5 × 6 × 8"
    ):
        fitted_to_source(bare, KnownSource((5, 6, 8), ANGLES, 0.7))


def test_angles_beside_the_file_stay_unless_others_were_used(bare, tmp_path):
    (tmp_path / "bare.rawtlt").write_text("\n".join(map(str, ANGLES)))
    same = fitted_to_source(bare, KnownSource((4, 6, 8), ANGLES, 0.7)).input
    assert same.angles_deg is None
    refined = (-60.5, -20.0, 10.0, 60.0)
    other = fitted_to_source(bare, KnownSource((4, 6, 8), refined, 0.7)).input
    assert other.angles_deg == list(refined)


def test_objects_are_measured_as_they_were():
    def table(how):
        return pd.DataFrame({"objects_from": [how], "convention": ["centers_plus_one"]})

    tables = {
        "Sn": table("connected 6"),
        "pore": table("separated h=0.5 nm"),
        "C": table("connected 6"),
    }
    section, left_out = measure_section_of(tables, ("pore", "C", "Sn"), limit_nm=3.0)
    assert section.phases == ["pore", "C", "Sn"]
    assert (section.object_connectivity, section.pore_connectivity) == (6, 6)
    assert (section.separate_nm, section.convention, section.limit_nm) == (
        0.5,
        "centers_plus_one",
        3.0,
    )
    assert left_out == ()
    _, said = measure_section_of({"Sn": table("separated h=1 nm")}, ("pore", "C", "Sn"))
    assert said == ("Objects of Sn that are separated h=1 nm are measured as connected ones.",)
    assert measure_section_of({}, ())[0].phases is None
