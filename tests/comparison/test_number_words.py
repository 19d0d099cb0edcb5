"""Numbers of a comparison as text: rounded by hand."""

from __future__ import annotations

import math

import pytest

from napari_snpore.comparison.number_words import difference_words, value_words

NAN = math.nan


def state(unit, value, low=NAN, high=NAN, corrected=NAN):
    return {"unit": unit, "value": value, "corrected": corrected, "low_95": low, "high_95": high}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (state("%", 67.46, 61.8, 73.16), "67.5 ± 5.7"),
        (state("%", 40.0, 37.0, 39.0, corrected=38.0), "38.0 ± 1.0"),
        (state("%", 0.00144), "0.00"),
        (state("% of number", 0.344, 0.1, 0.9), "0.34 (0.10 to 0.90)"),
        (state("1", 202.0, 48.2, 436.4), "202 (48 to 436)"),
        (state("1", 2706.0), "2,706"),
        (state("1", 0.01234), "0.0123"),  # D/D0: not 0
        (state("1", 1.624), "1.62"),  # a tortuosity factor: not 2
        (state("nm", 2.468, 1.1, 3.372), "2.47 (1.10 to 3.37)"),
        (state("nm³", 551.4), "551"),
        (state("nm", NAN), "–"),
    ],
)
def test_a_number_of_a_state(row, words):
    assert value_words(row) == words


@pytest.mark.parametrize(
    ("unit", "difference", "low", "high", "words"),
    [
        ("%", -12.0, -14.2, -9.8, "−12.0 ± 2.2"),
        ("%", -0.00144, -0.01, 0.02, "0.00 (−0.01 to +0.02)"),
        ("%", 9.22, 6.98, 21.2, "+9.2 (+7.0 to +21.2)"),
        ("1", -55.0, -331.3, 96.4, "−55 (−331 to +96)"),
        ("1", 0.0211, NAN, NAN, "+0.0211"),
        ("nm", -0.133, -1.83, 1.63, "−0.13 ± 1.73"),
        ("nm", NAN, NAN, NAN, "–"),
    ],
)
def test_a_difference_has_its_sign(unit, difference, low, high, words):
    row = {"unit": unit, "difference": difference, "low_95": low, "high_95": high}
    assert difference_words(row) == words
