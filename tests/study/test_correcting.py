"""Objects follow corrections by hand as if everything was labelled and measured again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import MergeObjectsStep
from napari_snpore.measurement.labelling import label_objects
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.study.correcting import (
    ObjectSet,
    corrected_again,
    follow_phases,
    merge_two,
    split_one,
    with_update,
)
from napari_snpore.study.recipe import MeasureSection

SPACING, ORIGIN = (0.5, 0.25, 0.25), (1.0, 2.0, 3.0)


def objects_of(phases, number, connectivity=26):
    from napari_snpore.volume import Volume

    labels = label_objects(phases == number, connectivity=connectivity)
    table = measure_objects(
        Volume(labels, SPACING, ORIGIN),
        envelope=phases > 0,
        objects_from=f"connected {connectivity}",
    )
    return ObjectSet(
        labels=labels,
        spacing=SPACING,
        origin=ORIGIN,
        table=table,
        section=MeasureSection(),
        objects_from=f"connected {connectivity}",
        phases=phases,
        number=number,
        connectivity=connectivity,
    )


def drawn():
    """Return carbon in an exterior of one voxel, with three bars of Sn (8, 8 and 2 voxels)."""
    phases = np.zeros((12, 14, 16), np.uint8)
    phases[1:-1, 1:-1, 1:-1] = 2
    phases[2, 2, 2:10] = 3
    phases[5:7, 5:7, 4:6] = 3
    phases[9, 9, 12:14] = 3
    return phases


def same_as_measured_again(found: ObjectSet) -> None:
    """The objects are those of a new measurement, up to their numbers."""
    again = objects_of(found.phases, found.number, found.connectivity)
    assert int(found.labels.max()) == len(found.table) == len(again.table)
    order = {}
    for label in again.table["label"]:
        voxels = again.labels == label
        own = np.unique(found.labels[voxels])
        assert len(own) == 1
        assert np.count_nonzero(found.labels == own[0]) == np.count_nonzero(voxels)
        order[int(own[0])] = label
    mine = found.table.assign(label=found.table["label"].map(order)).sort_values("label")
    pd.testing.assert_frame_equal(mine.reset_index(drop=True), again.table, check_exact=False)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_random_edits_give_what_a_new_measurement_gives(connectivity):
    rng = np.random.default_rng(5)
    phases = rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15], size=(18, 20, 22)).astype(np.uint8)
    phases[0] = 0  # edits below change no exterior
    found = objects_of(phases, 3, connectivity)
    for _ in range(6):
        low = rng.integers(1, 15, 3)
        box = tuple(slice(int(a), int(a) + 4) for a in low)
        part = phases[box]
        part[rng.random(part.shape) < 0.4] = rng.integers(1, 4)
        update = follow_phases(found, [box])
        if update is not None:
            found = with_update(found, update)
        same_as_measured_again(found)


def test_a_bridge_joins_and_a_cut_parts():
    phases = drawn()
    found = objects_of(phases, 3)
    box = (slice(0, 12), slice(0, 14), slice(0, 16))
    phases[2:6, 5, 4] = phases[2, 2:6, 4] = 3  # from the bar at the top to the block
    found = with_update(found, follow_phases(found, [box]))
    assert len(found.table) == 2
    phases[4, 5, 4] = phases[3, 5, 4] = 2
    found = with_update(found, follow_phases(found, [box]))
    same_as_measured_again(found)
    assert follow_phases(found, [box]) is None, "nothing changed since"


def test_merged_objects_have_the_sizes_of_both():
    found = objects_of(drawn(), 3)
    update = merge_two(found, (2, 2, 2), (5, 5, 4))
    after = with_update(found, update)
    assert len(after.table) == 2
    row = after.table.iloc[after.label_at((2, 2, 2)) - 1]
    assert row["voxel_count"] == 16
    assert row["objects_from"] == "connected 26, merged by hand"
    # from z 2 to 6 and y 2 to 6, x 2 to 9: corners 5 × 0.5, 5 × 0.25 and at most 8 × 0.25 nm apart
    assert 2.5 < row["length_nm"] <= np.hypot(np.hypot(2.5, 1.25), 2.0)
    assert update.corrections == (MergeObjectsStep((2, 2, 2), (5, 5, 4), 16),)
    with pytest.raises(InputError, match="click another"):
        merge_two(after, (2, 2, 2), (5, 5, 4))
    with pytest.raises(InputError, match="lies in none"):
        merge_two(after, (2, 2, 2), (0, 0, 0))


def test_a_split_bar_is_two_bars():
    found = objects_of(drawn(), 3)
    update = split_one(found, (2, 2, 2), ((2, 0, 4.5), (2, 9, 4.5)), 0)
    after = with_update(found, update)
    first = after.table.iloc[after.label_at((2, 2, 2)) - 1]
    second = after.table.iloc[after.label_at((2, 2, 9)) - 1]
    assert (first["voxel_count"], second["voxel_count"]) == (3, 5)
    assert (first["x_min"], first["x_max"], second["x_min"], second["x_max"]) == (2, 4, 5, 9)
    assert second["length_nm"] == pytest.approx(np.sqrt(0.5**2 + 0.25**2 + 1.25**2))
    assert second["depth_nm"] == pytest.approx(0.5), "one voxel of 0.5 nm below z = 1 is exterior"
    assert update.corrections[0].voxels == (3, 5)


def test_corrections_are_kept_when_the_phases_are_corrected_beside_them():
    phases = drawn()
    found = objects_of(phases, 3)
    found = with_update(found, merge_two(found, (2, 2, 2), (5, 5, 4)))
    found = with_update(found, split_one(found, (9, 9, 12), ((9, 0, 12.5), (9, 13, 12.5)), 0))
    phases[2, 2, 10] = 3  # the merged object grows
    phases[9, 9, 14] = 3  # and so does one half of the other
    update = follow_phases(found, [(slice(0, 12), slice(0, 14), slice(0, 16))])
    found = with_update(found, update)
    assert sorted(found.table["voxel_count"]) == [1, 2, 17]
    assert update.lost == 0
    assert [one.voxels for one in found.corrections] == [17, (1, 1)], (
        "a split keeps the voxels of its time"
    )


def test_corrections_are_made_again_after_a_new_measurement():
    phases = drawn()
    found = objects_of(phases, 3)
    corrected = with_update(found, merge_two(found, (2, 2, 2), (5, 5, 4)))
    again, lost = corrected_again(objects_of(phases, 3), corrected.corrections)
    assert lost == 0
    assert sorted(again.table["voxel_count"]) == [2, 16]
    phases[5:7, 5:7, 4:6] = 2
    again, lost = corrected_again(objects_of(phases, 3), corrected.corrections)
    assert lost == 1


def test_grey_values_of_new_objects():
    phases = drawn()
    gray = np.where(phases == 3, 10.0, 1.0)
    found = objects_of(phases, 3)
    table = found.table.assign(intensity_mean=10.0, intensity_sum=10.0 * found.table["voxel_count"])
    table = table[[c for c in table if c not in ("touches_border", "resolved", "convention", "objects_from")]
                  + ["touches_border", "resolved", "convention", "objects_from"]]  # fmt: skip
    found = replace(found, table=table, intensity=gray)
    after = with_update(found, merge_two(found, (2, 2, 2), (5, 5, 4)))
    assert after.table["intensity_sum"].tolist() == (10.0 * after.table["voxel_count"]).tolist()
