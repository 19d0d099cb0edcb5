"""Labels, separation, the table of objects and its summary, against hand-made arrays, scipy,
scikit-image and pandas.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from napari_snpore.errors import InputError, Stopped
from napari_snpore.measurement.objects import (
    label_objects,
    measure_objects,
    separate_objects,
    size_summary,
)
from napari_snpore.volume import Volume

COLUMNS = (
    "label voxel_count volume_nm3 length_nm width_nm breadth_nm aspect_ratio equivalent_diameter_nm surface_area_nm2 "
    "sphericity hull_volume_nm3 solidity centroid_z_nm centroid_y_nm centroid_x_nm z_min z_max y_min y_max x_min x_max "
    "orientation_z orientation_y orientation_x depth_nm intensity_mean intensity_sum touches_border resolved convention "
    "objects_from"
).split()


def noise(shape=(24, 28, 32), *, seed=0, sigma=1.5) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)


def same_partition(a, b) -> bool:
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


class TestLabels:
    @pytest.mark.parametrize(("connectivity", "count"), [(6, 4), (18, 3), (26, 2)])
    def test_by_faces_edges_and_corners(self, connectivity, count):
        mask = np.zeros((5, 5, 9), bool)
        mask[1, 1, 1] = mask[2, 2, 1] = mask[3, 3, 2] = mask[1, 1, 7] = True
        labels = label_objects(mask, connectivity=connectivity)
        assert labels.dtype == np.uint32
        assert np.unique(labels).tolist() == list(range(count + 1))

    @pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_against_scipy(self, connectivity, rank, order):
        mask = np.asarray(noise() > 0.1, order=order)
        expected, count = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
        labels = label_objects(mask, connectivity=connectivity)
        assert labels.max() == count
        assert same_partition(labels, expected)

    def test_nothing_and_everything(self):
        assert label_objects(np.zeros((2, 3, 4), bool)).max() == 0
        assert (label_objects(np.ones((2, 3, 4), bool)) == 1).all()

    @pytest.mark.parametrize("mask", [np.ones((3, 3), bool), np.ones((3, 3, 3))])
    def test_other_masks_are_refused(self, mask):
        with pytest.raises(InputError, match="mask"):
            label_objects(mask)

    def test_other_connectivities_are_refused(self):
        with pytest.raises(InputError, match="connectivity is 8"):
            label_objects(np.ones((3, 3, 3), bool), connectivity=8)


class TestSeparation:
    @staticmethod
    def two_balls(gap: float) -> np.ndarray:
        z, y, x = np.indices((27, 27, 27 + math.ceil(gap))) - 13.0
        return (z**2 + y**2 + x**2 <= 100) | (z**2 + y**2 + (x - gap) ** 2 <= 100)

    def test_two_balls_with_a_neck_are_two_objects_of_equal_size(self):
        mask = self.two_balls(16)
        labels = separate_objects(mask, spacing=0.5, contrast_nm=0.5)
        assert label_objects(mask).max() == 1
        assert labels.dtype == np.uint32
        assert np.unique(labels).tolist() == [0, 1, 2]
        assert ((labels > 0) == mask).all()
        sizes = np.bincount(labels.ravel())[1:]
        assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
        assert labels[13, 13, 13] != labels[13, 13, 29]

    def test_contrast_in_nm_decides(self):
        mask = self.two_balls(16)
        # peaks of some 10 voxels; the neck, a circle of radius 6 between the balls, is 4 voxels
        # lower
        assert separate_objects(mask, spacing=0.5, contrast_nm=1.7).max() == 2
        assert separate_objects(mask, spacing=0.5, contrast_nm=2.4).max() == 1

    @pytest.mark.parametrize("contrast", [0.4, 1.0, 2.0])
    def test_one_object_for_each_maximum_of_scikit_image(self, contrast):
        from skimage.morphology import local_maxima, reconstruction

        mask = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(40, 40, 40)), 2.5) > 0
        parts = label_objects(mask, connectivity=6)
        mask = (
            parts == np.bincount(parts[mask]).argmax()
        )  # one component, whose voxels meet by faces, edges and corners
        distance = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1, 1:-1]
        around = np.ones((3, 3, 3), bool)
        lowered = reconstruction(distance - contrast, distance, footprint=around)
        tops = label_objects(local_maxima(lowered, footprint=around) & mask)
        assert separate_objects(mask, spacing=1.0, contrast_nm=contrast).max() == pytest.approx(
            tops.max(), abs=1
        )

    @pytest.mark.parametrize("axis", [(1, 1, 0), (1, 1, 1), (2, 1, 0), (3, 2, 1)])
    @pytest.mark.parametrize("radius", [1.5, 2.5, 3.5, 6.0])
    def test_a_straight_rod_in_any_direction_is_one_object(self, axis, radius):
        along = np.array(axis) / np.linalg.norm(axis)
        place = np.indices((48, 48, 48)).transpose(1, 2, 3, 0) - np.array([23.3, 23.6, 23.9])
        length = place @ along
        mask = (np.linalg.norm(place - length[..., None] * along, axis=-1) <= radius) & (
            abs(length) < 20
        )
        assert separate_objects(mask, spacing=0.2, contrast_nm=0.1).max() == 1

    def test_progress_and_stop(self):
        calls = []
        options = {"spacing": 1.0, "contrast_nm": 0.5}
        separate_objects(
            noise() > 0, **options, progress=lambda done, total: calls.append((done, total))
        )
        assert calls
        assert calls[-1][0] == calls[-1][1]
        with pytest.raises(Stopped):
            separate_objects(noise() > 0, **options, should_stop=lambda: True)

    def test_refines_the_components_and_repeats(self):
        mask = noise() > 0.1
        labels = separate_objects(mask, spacing=(1, 0.5, 0.7), contrast_nm=0.3)
        for connectivity in (6, 26):
            parts = label_objects(mask, connectivity=connectivity)
            pairs = np.unique(np.stack([labels[mask], parts[mask]]), axis=1)
            assert len(np.unique(pairs[0])) == pairs.shape[1]
        np.testing.assert_array_equal(
            labels, separate_objects(mask, spacing=(1, 0.5, 0.7), contrast_nm=0.3)
        )

    def test_more_contrast_never_makes_more_objects(self):
        mask = noise((40, 40, 40), sigma=2.5) > 0
        counts = [
            separate_objects(mask, spacing=1.0, contrast_nm=h).max()
            for h in (0, 0.3, 0.6, 1, 2, 50)
        ]
        assert counts == sorted(counts, reverse=True)
        assert counts[-1] == label_objects(mask, connectivity=6).max()

    def test_empty_and_full(self):
        assert separate_objects(np.zeros((4, 4, 4), bool), spacing=1.0, contrast_nm=0.1).max() == 0
        assert (separate_objects(np.ones((4, 4, 4), bool), spacing=1.0, contrast_nm=0.1) == 1).all()

    @pytest.mark.parametrize("contrast", [-0.1, math.nan, math.inf])
    def test_bad_contrast(self, contrast):
        with pytest.raises(InputError, match="contrast_nm"):
            separate_objects(np.ones((4, 4, 4), bool), spacing=1.0, contrast_nm=contrast)


class TestTable:
    def test_columns_and_their_order(self):
        labels = label_objects(noise() > 0.2)
        full = measure_objects(
            labels, spacing=1.0, intensity=noise(), envelope=np.ones(labels.shape, bool)
        )
        assert list(full) == COLUMNS
        bare = measure_objects(labels, spacing=1.0)
        assert list(bare) == [
            name for name in COLUMNS if name not in ("depth_nm", "intensity_mean", "intensity_sum")
        ]

    def test_an_empty_volume_has_the_same_columns_and_types(self):
        labels = label_objects(noise() > 0.2)
        options = {"spacing": 1.0, "intensity": noise(), "envelope": labels >= 0}
        empty = measure_objects(labels * 0, **options)
        assert len(empty) == 0
        pd.testing.assert_series_equal(empty.dtypes, measure_objects(labels, **options).dtypes)

    def test_a_hand_drawn_object(self):
        labels = np.zeros((6, 7, 8), np.int32)
        labels[2, 3, 4:7] = 5  # three voxels along x
        gray = np.arange(labels.size, dtype=np.uint16).reshape(labels.shape)
        row = measure_objects(
            labels, spacing=(1, 2, 0.5), intensity=gray, objects_from="by hand", min_voxels=3
        ).iloc[0]
        assert row["label"] == 5
        assert row["voxel_count"] == 3
        assert row["volume_nm3"] == row["hull_volume_nm3"] == pytest.approx(3)
        assert row["solidity"] == pytest.approx(1)
        assert row["length_nm"] == pytest.approx(math.hypot(1, 2, 1.5))
        assert row["width_nm"] == pytest.approx(1)
        assert row["equivalent_diameter_nm"] == pytest.approx((18 / math.pi) ** (1 / 3))
        assert row[["centroid_z_nm", "centroid_y_nm", "centroid_x_nm"]].to_list() == [2, 6, 2.5]
        assert row[["z_min", "z_max", "y_min", "y_max", "x_min", "x_max"]].to_list() == [
            2,
            2,
            3,
            3,
            4,
            6,
        ]
        assert row["intensity_sum"] == gray[2, 3, 4:7].sum()
        assert row["intensity_mean"] == gray[2, 3, 5]
        assert not row["touches_border"]
        assert row["resolved"]
        assert (row["convention"], row["objects_from"]) == ("corners", "by hand")

    def test_against_scikit_image(self):
        labels, gray = label_objects(noise() > 0.1), noise(seed=1)
        table = measure_objects(labels, spacing=(1, 1, 1), intensity=gray)
        regions = regionprops(labels, intensity_image=gray)
        assert table["label"].to_list() == [region.label for region in regions]
        for row, region in zip(table.to_dict("records"), regions, strict=True):
            assert row["voxel_count"] == region.num_pixels
            low, high = region.bbox[:3], region.bbox[3:]
            assert [row[f"{axis}_min"] for axis in "zyx"] == list(low)
            assert [row[f"{axis}_max"] + 1 for axis in "zyx"] == list(high)
            np.testing.assert_allclose(
                [row[f"centroid_{axis}_nm"] for axis in "zyx"], region.centroid, rtol=1e-12
            )
            assert row["intensity_mean"] == pytest.approx(region.intensity_mean, rel=1e-9)
            cut = min(low) == 0 or any(h == n for h, n in zip(high, labels.shape, strict=True))
            assert row["touches_border"] == cut

    def test_a_volume_brings_spacing_and_origin(self):
        labels = label_objects(noise() > 0.2)
        plain = measure_objects(labels, spacing=(0.5, 0.6, 0.7))
        placed = measure_objects(
            Volume(labels, (0.5, 0.6, 0.7), origin=(10, -20, 30)),
            intensity=Volume(noise(), (0.5, 0.6, 0.7)),
        )
        for axis, origin in zip("zyx", (10, -20, 30), strict=True):
            np.testing.assert_allclose(
                placed[f"centroid_{axis}_nm"], plain[f"centroid_{axis}_nm"] + origin
            )
        pd.testing.assert_series_equal(placed["length_nm"], plain["length_nm"])

    def test_the_hull_is_that_of_the_boxes_in_either_convention(self):
        labels = label_objects(noise() > 0.2)
        corners = measure_objects(labels, spacing=0.3)
        centers = measure_objects(labels, spacing=0.3, convention="centers_plus_one")
        pd.testing.assert_series_equal(corners["hull_volume_nm3"], centers["hull_volume_nm3"])
        assert (centers["length_nm"] <= corners["length_nm"] + 1e-9).all()
        assert (corners["solidity"] <= 1 + 1e-12).all()

    def test_lazy_labels_and_grey_values(self):
        import dask.array as da

        labels, gray = label_objects(noise() > 0.1), noise(seed=2).astype(np.float32)
        expected = measure_objects(labels, spacing=1.0, intensity=gray)
        found = measure_objects(
            da.from_array(labels, chunks=9), spacing=1.0, intensity=da.from_array(gray, chunks=11)
        )
        pd.testing.assert_frame_equal(found, expected)

    @pytest.mark.parametrize(
        "dtype",
        [bool, np.uint8, np.int16, np.uint16, np.int32, np.float16, np.float32, ">f4", float],
    )
    def test_grey_values_of_any_type(self, dtype):
        labels = label_objects(noise() > 0.1)
        gray = np.asfortranarray((100 + 40 * noise(seed=4) / noise().std()).astype(dtype))
        gray.flags.writeable = False
        table = measure_objects(labels, spacing=1.0, intensity=gray)
        expected = ndimage.sum_labels(gray.astype(float), labels, table["label"])
        np.testing.assert_allclose(table["intensity_sum"], expected, rtol=1e-12)

    def test_inputs_are_not_changed_and_threads_do_not_matter(self, monkeypatch):
        labels, gray = label_objects(noise((40, 300, 400)) > 0.12), noise((40, 300, 400), seed=3)
        before = labels.copy(), gray.copy()
        tables = []
        for threads in ("1", "4"):
            monkeypatch.setenv("SNPORE_THREADS", threads)
            tables.append(
                measure_objects(labels, spacing=(1, 2, 3), intensity=gray, envelope=gray < 0.2)
            )
        pd.testing.assert_frame_equal(*tables, check_exact=True)
        np.testing.assert_array_equal(labels, before[0])
        np.testing.assert_array_equal(gray, before[1])

    def test_a_network_of_millions_and_many_specks(self):
        field = noise((128, 200, 200), sigma=2)
        table = measure_objects(label_objects(field > 0, connectivity=6), spacing=0.15)
        assert table["voxel_count"].max() > 2_000_000
        assert table["length_nm"].max() == pytest.approx(0.15 * math.hypot(128, 200, 200), rel=0.05)
        specks = np.random.default_rng(0).random((100, 200, 200)) < 0.015
        table = measure_objects(label_objects(specks), spacing=0.15)
        assert len(table) > 30_000
        assert table["voxel_count"].sum() == specks.sum()

    def test_progress_rises_to_its_end_and_stop_ends_it(self):
        labels = label_objects(noise() > 0.1)
        calls = []
        measure_objects(
            labels, spacing=1.0, progress=lambda done, total: calls.append((done, total))
        )
        assert calls == sorted(calls)
        assert calls[-1][0] == calls[-1][1]
        with pytest.raises(Stopped):
            measure_objects(labels, spacing=1.0, should_stop=lambda: True)

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            ({"intensity": np.zeros((4, 4, 5))}, "intensity has shape"),
            ({"intensity": np.full((4, 4, 4), np.nan)}, "NaN"),
            ({"intensity": np.zeros((4, 4, 4), complex)}, "complex"),
            ({"min_voxels": 0}, "min_voxels"),
            ({"convention": "faces"}, "convention"),
            ({"directions": 1.5}, "directions"),
        ],
    )
    def test_bad_input_is_refused(self, options, word):
        with pytest.raises(InputError, match=word):
            measure_objects(np.ones((4, 4, 4), np.uint8), **{"spacing": 1.0, **options})


class TestSummary:
    TABLE = pd.DataFrame(
        {
            "voxel_count": [10, 100, 200, 700, 9000],
            "volume_nm3": [1.0, 10.0, 20.0, 70.0, 900.0],
            "length_nm": [0.5, 1.5, 2.0, 3.0, 9.0],
            "touches_border": [False, False, False, False, True],
        }
    )

    def test_by_hand(self):
        found = size_summary(self.TABLE)
        assert dataclasses.asdict(found) == pytest.approx(
            {
                "count": 5,
                "cut_by_box": 1,
                "unresolved_share": 1 / 4,
                "median_length_nm": 1.75,
                "share_below_limit_by_number": 2 / 4,
                "share_below_limit_by_volume": 11 / 101,
                "resolved_count": 3,
                "resolved_median_length_nm": 2.0,
                "resolved_share_below_limit_by_number": 1 / 3,
                "resolved_share_below_limit_by_volume": 10 / 100,
                "limit_nm": 2.0,
                "min_voxels": 64,
            }
        )
        with pytest.raises(dataclasses.FrozenInstanceError):
            found.count = 3

    def test_limits_are_options(self):
        assert (
            size_summary(
                self.TABLE, limit_nm=2.5, min_voxels=10
            ).resolved_share_below_limit_by_number
            == 3 / 4
        )

    def test_nothing_inside_is_nan_not_zero(self):
        found = size_summary(self.TABLE.iloc[4:])
        assert (found.count, found.cut_by_box) == (1, 1)
        assert math.isnan(found.median_length_nm)
        assert math.isnan(found.share_below_limit_by_number)

    def test_takes_the_table_of_measure_objects_even_an_empty_one(self):
        empty = measure_objects(np.zeros((3, 3, 3), np.uint8), spacing=1.0)
        assert size_summary(empty).count == 0

    @pytest.mark.parametrize(
        ("options", "word"), [({"limit_nm": 0}, "limit_nm"), ({"min_voxels": 0}, "min_voxels")]
    )
    def test_bad_options(self, options, word):
        with pytest.raises(InputError, match=word):
            size_summary(self.TABLE, **options)

    def test_a_table_without_its_columns(self):
        with pytest.raises(InputError, match="length_nm"):
            size_summary(self.TABLE.drop(columns="length_nm"))
