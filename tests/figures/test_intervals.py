"""Corrected fractions and their intervals in figures."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from napari_snpore.figures import FractionPanel, phase_fractions, plate
from napari_snpore.figures.intervals import FractionInterval, interval_of
from napari_snpore.study.pictures import corrected_regions

SHARES = {"centre": {"pore": 40.1, "C": 45.0, "Sn": 14.9}}
KNOWN = {
    "centre": {
        "pore": FractionInterval(40.1, 38.9, 38.0, 39.8, calibrated=True),
        "C": FractionInterval(45.0, 46.2, 45.0, 48.0, calibrated=True),
        "Sn": FractionInterval(14.9, 14.9, 14.0, 15.8, calibrated=True),
    }
}


def test_an_interval_belongs_to_its_counted_value_alone():
    assert interval_of(KNOWN, "centre", "pore", 40.1).best == 38.9
    assert interval_of(KNOWN, "centre", "pore", 40.2) is None
    assert interval_of(KNOWN, "edge", "pore", 40.1) is None


def drawn(panel):
    axes = plate([[panel]]).axes[-1]
    return axes, [one for one in axes.containers if type(one).__name__ == "ErrorbarContainer"]


def test_bars_are_what_was_counted_and_whiskers_the_interval():
    panel = FractionPanel("Fractions", SHARES, intervals=KNOWN)
    axes, bars = drawn(panel)
    assert [patch.get_height() for patch in axes.patches] == [40.1, 45.0, 14.9]
    ends = [one[2][0].get_segments()[0][:, 1] for one in bars]
    assert [tuple(map(float, end)) for end in ends] == [
        pytest.approx((38.0, 39.8)),
        pytest.approx((45.0, 48.0)),
        pytest.approx((14.0, 15.8)),
    ]
    assert panel.note().endswith("points: corrected by a digital twin; whiskers: 95 % interval")
    assert "no error" not in panel.note()


def test_without_errors_the_panel_says_so():
    assert FractionPanel("Fractions", SHARES).note().endswith("no error estimated")


def test_the_corrected_region_follows_the_counted_one():
    table = pd.DataFrame({"name": ["pore", "C", "Sn"], "fraction_percent": [40.1, 45.0, 14.9]})
    shown, ends = corrected_regions({"centre": table, "edge": table}, KNOWN)
    assert list(shown) == ["centre", "centre, corrected", "edge"]
    assert shown["centre, corrected"]["fraction_percent"].tolist() == [38.9, 46.2, 14.9]
    assert ends["centre, corrected"]["C"] == (45.0, 48.0)
    assert "centre" not in ends
    figure = phase_fractions(shown, errors=ends)
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert "38.9 ± 0.9" in texts
    assert any("46.2 (45.0 to 48.0)" in text for text in texts)


def test_words_without_an_interval_are_the_value():
    assert FractionInterval(40.1, 38.9).words == "38.9"
    assert math.isnan(FractionInterval(40.1, 38.9).low)
