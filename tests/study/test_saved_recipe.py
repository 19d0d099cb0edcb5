"""The recipe that a history means: that of the run which made it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import align, make_phantom, read_volume, simulate_tilt_series, write_volume
from napari_snpore.errors import InputError
from napari_snpore.history import (
    BinStep,
    EditByHandStep,
    EstimateErrorsStep,
    HeldOutChoice,
    NormalizeMassStep,
    ReconstructStep,
    VoxelSizeStep,
)
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import Recipe, read_recipe
from napari_snpore.study.saved_recipe import _reconstruction, saved_recipe, saved_uncertainty
from napari_snpore.tomography.options import Tv

RECONSTRUCTED = ReconstructStep("sirt", iterations=5, nonnegative=True).step


def test_the_saved_recipe_of_a_run_makes_the_same_phases(tmp_path):
    phantom = make_phantom("pristine", shape=(64, 24, 64), spacing=0.4, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-66, 67, 6.0), dose=2e3, seed=1)
    tilts = write_tilts(tmp_path / "tilts.tif", series)
    recipe = Recipe(
        input={"tilt_series": str(tilts)},
        prepare={"leave_out": [0, 3], "crop_px": (2, 22, 0, 64), "normalize_mass": True},
        align={"enabled": False},
        reconstruct={"sirt": {"iterations": 7}},
        threshold={"method": "haadf"},
        envelope={"ray_length_nm": 4.0, "directions": 16},
        cleanup={
            "smooth": "gaussian",
            "smooth_strength": 0.7,
            "majority_radius": 1,
            "specks": {"Sn": 3},
        },
        uncertainty={"draws": 3},
        output={"figures": []},
    )
    run_study(recipe, tmp_path / "run")
    history = read_volume(tmp_path / "run" / "volumes" / "phases.tif").history
    saved = saved_recipe(history, source=tilts, measure=recipe.measure, name="again")
    for section in ("prepare", "align", "envelope", "cleanup"):
        assert getattr(saved.recipe, section) == getattr(recipe, section), section
    assert saved.recipe.reconstruct.sirt.iterations == 7
    assert saved.left_out == ()
    path = tmp_path / "saved.toml"
    path.write_text(saved.to_toml(), encoding="utf-8")
    again = read_recipe(path).model_copy(
        update={"uncertainty": recipe.uncertainty, "output": recipe.output}
    )
    run_study(again, tmp_path / "again")
    one, other = (
        (tmp_path / name / "tables" / "objects_Sn.csv").read_bytes() for name in ("run", "again")
    )
    assert one == other


@pytest.mark.parametrize("gain", [True, False])
def test_a_weight_that_was_left_to_held_out_tilts_is_left_to_them_again(gain):
    chosen = HeldOutChoice(2.0, 9, 1.21, 1.25, -0.04, gain, 0.01, 120)
    source = "held-out tilts" if gain else "noise of the images"
    made = ReconstructStep(
        "tv", iterations=120, tv_weight=3.5, tv_weight_from=source, held_out=chosen
    )
    options = _reconstruction(made).options
    # 120 is what they chose, or else the most that was allowed
    assert (options.weight, options.iterations) == ("auto", Tv().iterations if gain else 120)


def test_a_volume_from_elsewhere(tmp_path):
    phantom = make_phantom("pristine", shape=(64, 24, 64), spacing=0.4, seed=2)
    write_volume(tmp_path / "grey.tif", phantom.volume)
    volume = read_volume(tmp_path / "grey.tif", spacing=0.4)
    saved = saved_recipe(volume.history, source=tmp_path / "grey.tif")
    assert saved.recipe.input.volume == str(tmp_path / "grey.tif")


@pytest.mark.parametrize(
    ("options", "changed", "angle", "offset"),
    [
        ({"method": "auto"}, {}, None, None),
        ({"method": "center_of_mass"}, {}, None, None),
        ({"method": "auto", "tilt_axis_angle_deg": 1.5}, {}, 1.5, None),
        ({"method": "auto"}, {"tilt_axis_offset_px": 2.0}, "found", 2.0),
    ],
)
def test_an_alignment_is_searched_for_as_it_was(options, changed, angle, offset):
    phantom = make_phantom("pristine", shape=(48, 24, 48), spacing=0.4, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-60, 61, 15.0), dose=None, seed=1)
    found = align(series, **options).changed(**changed)
    history = (*found.apply(series).history, RECONSTRUCTED)
    saved = saved_recipe(history, source="a.mrc")
    section = saved.recipe.align
    assert section.method == options["method"]
    angle = found.tilt_axis_angle_deg if angle == "found" else angle
    assert (section.tilt_axis_angle_deg, section.tilt_axis_offset_px) == (angle, offset)
    assert bool(saved.left_out) == bool(changed)


@pytest.mark.parametrize("binned_first", [True, False])
def test_a_pixel_size_that_was_given_later_is_that_of_the_file(binned_first):
    """Binned by 4 and given 2 nm, or given 0.5 nm and binned by 4: 0.5 nm in the file."""
    binning = BinStep(4).step
    if binned_first:
        steps = (binning, VoxelSizeStep((2.0, 2.0, 2.0), "given").step)
    else:
        steps = (VoxelSizeStep((0.5, 0.5, 0.5), "given").step, binning)
    saved = saved_recipe((*steps, RECONSTRUCTED), source="a.mrc")
    assert saved.recipe.input.pixel_size_nm == 0.5
    assert saved.left_out == ()


def test_errors_are_estimated_as_they_were():
    kept = EstimateErrorsStep(3, 7, ()).step
    found = saved_uncertainty((RECONSTRUCTED, kept))
    assert (found.twins, found.seed) == (3, 7)
    assert saved_uncertainty((RECONSTRUCTED,)) is None


def test_what_a_run_does_not_repeat_stands_above_it():
    edit = EditByHandStep(3, ((1, 2, 3),)).step
    saved = saved_recipe((RECONSTRUCTED, edit), source="a.mrc")
    assert saved.to_toml().startswith("# Corrections by hand are not repeated.\n")


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ((RECONSTRUCTED, RECONSTRUCTED), "two reconstructions"),
        ((BinStep(2).step, BinStep(2).step, RECONSTRUCTED), r"prepared twice \('bin'\)"),
        ((NormalizeMassStep((1.0,)).step, BinStep(2).step, RECONSTRUCTED), "in another order"),
    ],
)
def test_what_one_recipe_cannot_say_is_refused(history, sentence):
    with pytest.raises(InputError, match=sentence):
        saved_recipe(history, source="a.mrc")
