"""A history: typed steps, the form in files, and what another version wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files import read_volume, write_volume
from napari_snpore.history import (
    SCHEMA,
    BinStep,
    CleanupParameters,
    EnvelopeStep,
    HeldOutChoice,
    HistoryStep,
    PolishStep,
    ReadStep,
    ReconstructStep,
    SegmentStep,
    SimulateMeasuredSeriesStep,
    has_step,
    last_step,
    parsed_history,
    recorded_cut_axes,
    stored_history,
)
from napari_snpore.volume import Volume

AROUND = EnvelopeStep(4.5, 0.5, 128, (0, 1), threshold=0.48, largest_body=True)
MADE = SegmentStep(
    (0.48, 6.1),
    ("pore", "C", "Sn"),
    "haadf",
    AROUND,
    CleanupParameters(1, (2,), ((3, 8),), (("fill", 12),)),
)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr"])
def test_a_step_comes_back_from_a_file_as_it_was_written(tmp_path, name):
    made = Volume(np.ones((3, 4, 5), np.uint8), 0.5).after(
        ReadStep("x.mrc"), np.ones((3, 4, 5), np.uint8)
    )
    write_volume(tmp_path / name, made.after(MADE, made.data))
    read = read_volume(tmp_path / name).history
    assert last_step(read, SegmentStep) == MADE
    assert read[0] == HistoryStep("read", {"file": "x.mrc"})


@pytest.mark.parametrize(
    "made",
    [
        ReconstructStep(
            "tv",
            tilts=70,
            iterations=140,
            tv_weight=1.2,
            tv_weight_from="noise of the images",
            blur_px=1.06,
            blur_from="images",
            reweighted=True,
            converged=True,
            slab_rows=((0, 88), (88, 176)),
            noise_a=0.5,
            noise_b=0.02,
            held_out=HeldOutChoice(2.0, 9, 1.21, 1.25, -0.04, True, 0.01, 120),
        ),
        PolishStep((0.0, 0.0, 1.0, 12.0), (3,), 1.06, 0.6, 6, 1.3, 1.02, 41_250, 0.5, 0.02),
        SimulateMeasuredSeriesStep(
            1, 2, 1.4, 0.01, 0.3, 0.4, 0.08, 0.1, 0.3, 10.0, dose=1000.0, counts_per_unit=7.5
        ),
    ],
    ids=lambda made: made.NAME,
)
def test_steps_with_the_blur_and_noise_of_the_images_survive_json(made):
    stored = json.loads(json.dumps(stored_history((made.step,))))
    assert last_step(parsed_history(stored, "here"), type(made)) == made


def test_the_last_of_several_steps_counts():
    history = (BinStep(2).step, BinStep(4).step)
    assert last_step(history, BinStep) == BinStep(4)
    assert has_step(history, BinStep)
    assert last_step(history, SegmentStep) is None


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"factor": 2, "size": 3}, "no parameter 'size'"), ({}, "needs the parameter 'factor'")],
)
def test_a_step_of_another_schema_is_refused(parameters, words):
    with pytest.raises(InputError, match=words):
        last_step((HistoryStep("bin", parameters),), BinStep)


def test_cut_axes_are_those_of_the_envelope_and_y_without_one():
    assert recorded_cut_axes(()) == (1,)
    assert recorded_cut_axes((MADE.step,)) == (0, 1)
    assert recorded_cut_axes((SegmentStep((1.0,), ("pore", "solid")).step,)) == (1,)


def test_a_stored_history_says_its_version():
    stored = json.loads(json.dumps(stored_history((MADE.step,))))
    assert stored["history_schema"] == SCHEMA
    assert last_step(parsed_history(stored, "here"), SegmentStep) == MADE
    assert parsed_history({}, "here") == ()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "version 1 .* make it again"),
        (2, "version 2 .* version 4 is needed: make it again"),
        (99, "version 99 .* newer"),
    ],
)
def test_a_history_of_another_version_is_one_sentence(version, words):
    stored = {"history": [{"name": "segment", "parameters": {"cut_axes": [1]}}]}
    if version is not None:
        stored["history_schema"] = version
    with pytest.raises(FileFormatError, match=words) as caught:
        parsed_history(stored, "phases.tif")
    assert str(caught.value).startswith("phases.tif ")


def test_a_file_of_an_older_version_is_named_with_its_version(tmp_path):
    """What versions before wrote: a list of steps without a version beside it."""
    about = {
        "origin_nm": [0, 0, 0],
        "history": [{"name": "segment", "parameters": {"envelope": {"cut_axes": []}}}],
    }
    tifffile.imwrite(
        tmp_path / "old.ome.tif",
        np.ones((3, 4, 5), np.uint8),
        metadata={
            "axes": "ZYX",
            **{f"PhysicalSize{axis}": 0.5 for axis in "XYZ"},
            **{f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"},
            "Description": json.dumps({"napari-snpore": about}),
        },
    )
    with pytest.raises(FileFormatError, match=r"old\.ome\.tif was written with version 1"):
        read_volume(tmp_path / "old.ome.tif")


def test_a_damaged_history_is_one_sentence():
    with pytest.raises(FileFormatError, match="damaged history"):
        parsed_history({"history": [{"title": "read"}], "history_schema": SCHEMA}, "a.tif")
