from __future__ import annotations

import pytest

from napari_snpore.figures.numbers import length, number, position, round_length


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (38.04, "38.0"),
        (0.9996, "1.00"),
        (999.6, "1000"),
        (1204, "1204"),
        (-0.04567, "−0.0457"),
        (2.5e-9, "2.5×10⁻⁹"),
        (-3e7, "−3×10⁷"),
        (9.999e-5, "0.000100"),
        (0, "0"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_three_significant_digits(value, text):
    assert number(value) == text


def test_settings_lose_their_last_zeros_and_nothing_else():
    assert [number(value, trim=True) for value in (80, 0.15, 100, 1200, 2.5)] == [
        "80",
        "0.15",
        "100",
        "1200",
        "2.5",
    ]


@pytest.mark.parametrize(
    ("largest", "chosen"),
    [
        (10, 10),
        (9.99, 5),
        (4.99, 2),
        (1.0, 1),
        (0.19, 0.1),
        (0.3, 0.2),
        (70, 50),
        (1e-4, 1e-4),
        (2999, 2000),
    ],
)
def test_round_lengths_are_one_two_or_five_times_a_power_of_ten(largest, chosen):
    assert round_length(largest) == pytest.approx(chosen, rel=1e-12)


def test_lengths_have_units():
    assert [length(value) for value in (0.5, 20.0, 2000.0)] == ["0.5 nm", "20 nm", "2 µm"]


@pytest.mark.parametrize(
    ("nm", "step", "text"),
    [(22.75, 0.25, "22.75 nm"), (13.05, 0.15, "13.05 nm"), (5.0, 1.0, "5.0 nm"), (-0.02, 1.0, "0.0 nm"),
     (-3.5, 0.5, "−3.5 nm"), (1.0368, 0.0144, "1.037 nm"), (100.0, 20.0, "100.0 nm")],
)  # fmt: skip
def test_places_of_slices_are_told_from_their_neighbours(nm, step, text):
    assert position(nm, step_nm=step) == text
