"""Signatures of the public functions, as others call them: the names of the parameters, and which
are keyword-only.
"""

import inspect
import re
import sys

import numpy as np
import pytest

import napari_snpore as snpore
import napari_snpore.errors as errors_module
from napari_snpore.errors import InputError, MissingFileError, OutputError

CONTRACT = {
    "Volume": "data, spacing, origin, history",
    "TiltSeries": "images, angles_deg, pixel_size_nm, tilt_axis_angle_deg, history",
    "read_tilt_series": "path, *, angles_deg, pixel_size_nm, tilt_axis_angle_deg",
    "read_volume": "path, *, spacing",
    "align": "series, *, tilt_axis_angle_deg, method, progress, should_stop",
    "reconstruct": "series, *, method, iterations",
    "find_blur": "series, *, levels",
    "projection_residual": "series, volume, *, blur_px",
    "polish_phases": "phases, series, *, levels, blur_px",
    "compare_states": "results, *, seed, draws, bins, sodiated, carbon_shift",
    "compare_study": "study, out, *, resume, processes, memory_limit, figures",
    "read_state_result": "folder, *, name",
    "saved_recipe": "history, *, source, measure, uncertainty, name",
    "digital_twin": "phases, series, numbers, repeat, *, levels, blur_px, noise, twins, seed",
    "threshold_ensemble": "evaluate, choices, *, draws, seed",
    "estimate_errors": "phases, volume, series, *, section, uncertainty, boxes",
    "project": "volume, angles_deg, *",
    "gray_histogram": "volume, *, bins, mask",
    "suggest_thresholds": "histogram, *, phases, method",
    "segment": "volume, thresholds, *, envelope",
    "label_objects": "mask, *, connectivity",
    "separate_objects": "mask, *, spacing, contrast_nm",
    "feret_diameters": "labels, *, spacing, directions, convention",
    "measure_objects": "labels, *, spacing, intensity, envelope, directions, convention",
    "volume_fractions": "phases, *, spacing",
    "dead_pores": "phases, *, spacing, probe_radius_nm, cut_axes",
    "local_thickness": "mask, *, spacing",
    "radial_profile": "phases, *, spacing, shell_nm, cut_axes",
    "contact_areas": "labels, phases, *, spacing, edge_width_nm",
    "extract_subvolume": "volume, *, center_nm, size_nm",
    "fibre_diameter": "images, *, pixel_size_nm, times_s",
    "break_point": "times_s, diameters_nm, errors_nm",
    "make_phantom": "state, *, shape, spacing, seed, easy",
    "make_random_phantom": "family, *, state, shape, spacing, seed, easy",
    "simulate_tilt_series": "phantom, *, angles_deg, dose, misalignment, seed",
    "detection_limit": "phases, series, repeat, *, levels, blur_px, noise, residual_px, options",
    "recall_limit": "table",
    "simulate_measured_series": "phantom, *, angles_deg, dose, probe, recording, refine, seed",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_signature(name):
    positional, _, options = CONTRACT[name].partition("*")
    parameters = inspect.signature(getattr(snpore, name)).parameters
    expected = [word for word in positional.replace(" ", "").split(",") if word]
    assert [key for key, one in parameters.items() if one.kind is not one.KEYWORD_ONLY] == expected
    wanted = {word for word in options.replace(" ", "").split(",") if word}
    assert wanted <= {key for key, one in parameters.items() if one.kind is one.KEYWORD_ONLY}


def test_every_exception_and_every_returned_type_is_public():
    own = vars(errors_module).items()
    errors = {
        name
        for name, kind in own
        if inspect.isclass(kind) and kind.__module__ == "napari_snpore.errors"
    }
    assert len(errors) >= 9
    returned = set()
    for name in snpore.__all__:
        found = getattr(snpore, name)
        if inspect.isfunction(found):
            words = re.findall(r"\w+", str(inspect.signature(found).return_annotation))
            known = vars(sys.modules[found.__module__])
            classes = {word for word in words if inspect.isclass(known.get(word))}
            returned |= {
                word for word in classes if known[word].__module__.startswith("napari_snpore.")
            }
    assert {"Quality", "StudyResult", "TiltSeries"} <= returned
    assert errors | returned <= set(snpore.__all__)


@pytest.mark.parametrize(
    "read",
    [
        snpore.read_volume,
        snpore.read_tilt_series,
        snpore.read_image_series,
        snpore.read_xf,
    ],
)
def test_a_missing_file_is_a_file_not_found_error_in_one_sentence(read, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^There is no .*nothing\.mrc\.$") as refused:
        read(tmp_path / "nothing.mrc")
    assert isinstance(refused.value, MissingFileError)
    assert isinstance(refused.value, ValueError)


def test_a_place_that_cannot_be_written_is_an_os_error_that_is_not_wrapped_twice(tmp_path):
    (tmp_path / "file").write_text("")
    volume = snpore.Volume(np.zeros((2, 2, 2), np.uint8), 2.0)
    with pytest.raises(OSError, match="cannot be written") as refused:
        snpore.write_volume(tmp_path / "file" / "a.mrc", volume)
    assert isinstance(refused.value, OutputError)
    assert isinstance(refused.value, InputError)
    assert str(refused.value).count("cannot be written") == 1
