"""Fractions of phases against arrays counted by hand."""

import dask.array as da
import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.volume import Volume


@pytest.fixture
def phases():
    """40 voxels: 20 exterior, 8 pore, 9 C, 3 Sn."""
    flat = np.repeat(np.array([0, 1, 2, 3], np.uint8), [20, 8, 9, 3])
    return flat.reshape(2, 4, 5)


def test_shares_of_the_envelope_and_of_the_box(phases):
    table = volume_fractions(phases, spacing=(0.5, 0.2, 0.1))
    assert list(table.columns) == [
        *(
            "phase",
            "name",
            "voxel_count",
            "volume_nm3",
            "fraction_percent",
            "fraction_box_percent",
            "denominator",
        )
    ]
    assert table["phase"].tolist() == [1, 2, 3]
    assert table["name"].tolist() == ["pore", "C", "Sn"]
    assert table["voxel_count"].tolist() == [8, 9, 3]
    np.testing.assert_allclose(table["volume_nm3"], [0.08, 0.09, 0.03])
    np.testing.assert_allclose(table["fraction_percent"], [40, 45, 15])
    np.testing.assert_allclose(table["fraction_box_percent"], [20, 22.5, 7.5])
    assert set(table["denominator"]) == {"envelope"}


def test_a_volume_brings_its_voxel_size_and_lazy_labels_are_counted(phases):
    plain = volume_fractions(phases, spacing=0.15)
    assert volume_fractions(Volume(phases, 0.15)).equals(plain)
    assert volume_fractions(da.from_array(phases, chunks=1), spacing=0.15).equals(plain)
    assert volume_fractions(phases.astype(np.int64), spacing=0.15).equals(plain)


def test_absent_and_unnamed_phases_have_a_row(phases):
    phases[phases == 2] = 5
    table = volume_fractions(phases, spacing=1)
    assert table["voxel_count"].tolist() == [8, 0, 3, 0, 9]
    assert table["name"].tolist()[:3] == ["pore", "C", "Sn"]
    assert table["name"].is_unique
    assert set(table["denominator"]) == {"envelope"}
    two = volume_fractions(np.ones((2, 2, 2), np.uint8), spacing=1, names=("dark", "bright"))
    assert two["name"].tolist() == ["dark", "bright"]
    assert two["fraction_percent"].tolist() == two["fraction_box_percent"].tolist() == [100, 0]
    assert set(two["denominator"]) == {"box"}  # nothing is exterior


def test_an_empty_envelope_has_no_shares():
    table = volume_fractions(np.zeros((3, 3, 3), np.uint8), spacing=1)
    assert table["voxel_count"].tolist() == [0, 0, 0]
    assert table["fraction_percent"].isna().all()
    assert table["fraction_box_percent"].tolist() == [0, 0, 0]


def test_nonsense_is_refused_in_one_sentence(phases):
    with pytest.raises(InputError, match="float"):
        volume_fractions(phases.astype(float), spacing=1)
    with pytest.raises(InputError, match="voxel size"):
        volume_fractions(phases)
    with pytest.raises(InputError, match="255"):
        volume_fractions(phases.astype(np.int32) + 300, spacing=1)
    with pytest.raises(InputError, match="0"):
        volume_fractions(phases.astype(np.int32) - 1, spacing=1)
