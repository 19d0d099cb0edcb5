"""What is said of a comparison: conditions that differ, and what they do to it."""

from __future__ import annotations

import pytest
from fibres import fibre, number, pores

from napari_snpore.comparison.compare import compare_states
from napari_snpore.comparison.conditions import elongation

USUAL = {
    "voxel_nm": (0.3, 0.3, 0.3),
    "tilt_min_deg": -69.0,
    "tilt_max_deg": 69.0,
    "tilt_step_deg": 2.0,
    "tilts": 70,
    "dose": 1000.0,
    "thickness_nm": 80.0,
    "blur_px": 1.0,
    "method": "tv",
    "threshold_rule": "projection",
    "gray_calibrated": False,
    "convention": "corners",
}


def notes_on(**other):
    a = fibre("x", pores(30.0, 1.0), conditions=USUAL)
    b = fibre("y", pores(30.0, 1.0), conditions=USUAL | other)
    return compare_states({"pristine": [a], "desodiated": [b]}).notes


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"voxel_nm": (0.3, 0.3, 0.6)},
            "Voxel size differs (pristine 0.300 nm, desodiated 0.600 nm)",
        ),
        ({"tilt_max_deg": 51.0}, "Reach of the tilts differs (pristine ±69°, desodiated ±60°)"),
        # 80 nm times 2° in rad, and 160 nm
        ({"thickness_nm": 160.0}, "Resolution D·Δθ differs (pristine 2.79 nm, desodiated 5.59 nm)"),
        ({"dose": 400.0}, "Dose differs (pristine 1,000 counts per pixel, desodiated 400 counts"),
        ({"blur_px": 2.0}, "Blur differs (pristine 0.300 nm, desodiated 0.600 nm)"),
        (
            {"threshold_rule": "given"},
            "differs (pristine by the tilt images, desodiated set by hand)",
        ),
        ({"gray_calibrated": True}, "differs (pristine none, desodiated vacuum 0, carbon 1)"),
        ({"convention": "centers_plus_one"}, "Feret convention differs"),
        ({"dose": None}, "Not known, so that they may differ: dose (desodiated)"),
        ({"edited_by_hand": True}, "Edited by hand"),
    ],
)
def test_what_differs_is_said(other, words):
    said = [note for note in notes_on(**other) if words in note]
    assert len(said) == 1
    assert said[0].endswith(".")


def test_what_is_alike_is_not_said():
    assert not [note for note in notes_on(dose=1100.0) if " differs (" in note]


def test_the_wedge_is_given_in_numbers():
    """Definitions, section 1: 1.33 for 69°."""
    assert elongation(69.0) == pytest.approx(1.33, abs=0.005)
    said = next(note for note in notes_on(tilt_max_deg=51.0) if "tilts" in note)
    assert "1.33 (pristine), 1.55 (desodiated)" in said


def test_one_fibre_is_said_to_be_one():
    assert any(note.startswith("n = 1 fibre each (pristine, desodiated)") for note in notes_on())


def same_fibre(a, b, *more):
    """Return what is said first of two fibres in two states."""
    states = {"pristine": [a], "desodiated": [b, *more]}
    return [
        note
        for note in compare_states(states).notes
        if "same file" in note or "same numbers" in note
    ]


@pytest.mark.parametrize("key", ["/data/a.mrc", "sha256 0123"])
def test_one_file_in_two_states_is_said_once(key):
    usual = {"/data/side.mrc": "side.mrc"}
    a = fibre("x", pores(30.0, 1.0), conditions={"inputs": {key: "a.mrc"}})
    b = fibre("y", pores(29.0, 1.0), conditions={"inputs": {key: "copy.mrc", "/b": "b.mrc"}})
    other = fibre("z", pores(28.0, 1.0), conditions={"inputs": usual})
    (said,) = same_fibre(a, b, other)
    assert said.startswith("'x' (pristine) and 'y' (desodiated) come from the same file, a.mrc:")
    assert said.endswith(".")
    assert same_fibre(a, other) == []


def test_equal_numbers_are_said_where_no_file_is_known():
    rows = [number(f"quantity {k}", "nm", 1 / (k + 3)) for k in range(6)]
    (said,) = same_fibre(fibre("x", *rows), fibre("y", *rows))
    assert "'x' (pristine) and 'y' (desodiated) have the same numbers to the last digit" in said
    rows[2] = number("quantity 2", "nm", 1 / 5 + 1e-15)
    assert same_fibre(fibre("x", *rows[:1], *rows[1:]), fibre("y", *rows[:2], *rows[3:])) == []
    assert same_fibre(fibre("x", pores(30.0)), fibre("y", pores(30.0))) == [], "one number is none"
