"""Statements of a report and their two printers, against what a reader should see."""

from __future__ import annotations

from dataclasses import replace

from napari_snpore.history import ReconstructStep
from napari_snpore.study.quality_report import misfit_statements
from napari_snpore.study.report import Statement, caveat, detail, html_of, number, text_of

REPORT = [
    Statement("Fractions", "% of the **envelope**"),
    detail("whole", "pore **12.0**   C 88.0"),
    detail("centre cube, 7.2 nm", "pore 10.0   C 90.0"),
    caveat("x < y"),
    Statement("", "goes on"),
]


def test_text_has_headings_in_a_column_and_details_aligned():
    assert text_of(REPORT).splitlines() == [
        "Fractions       % of the envelope",
        "  whole                pore 12.0   C 88.0",
        "  centre cube, 7.2 nm  pore 10.0   C 90.0",
        "                ! x < y",
        "                goes on",
    ]


def test_html_is_escaped_and_bold_where_marked():
    assert html_of(REPORT) == [
        "<b>Fractions</b>: % of the <b>envelope</b>",
        "<b>whole</b>: pore <b>12.0</b>&nbsp;&nbsp; C 88.0",
        "<b>centre cube, 7.2 nm</b>: pore 10.0&nbsp;&nbsp; C 90.0",
        "⚠ x &lt; y",
        "goes on",
    ]
    assert html_of(REPORT[:1], headings=False) == ["% of the <b>envelope</b>"]


def test_a_heading_longer_than_its_column_keeps_a_space():
    assert (
        text_of([Statement("Objects, a long name of a phase", "12")])
        == "Objects, a long name of a phase 12"
    )


def test_numbers_have_three_digits():
    assert [number(value) for value in (0.04567, 1204.4, float("nan"), 2.0)] == [
        "0.0457",
        "1204",
        "–",
        "2.00",
    ]


def test_a_misfit_is_said_where_it_is_more_than_the_error_of_the_noise():
    made = ReconstructStep("tv", tv_weight=2.0, tv_misfit=2.18)
    (one,) = misfit_statements(made)
    assert "2.2 times the squares of the images' noise" in one.sentence
    assert misfit_statements(replace(made, tv_misfit=1.2)) == []
    assert misfit_statements(ReconstructStep("sirt")) == misfit_statements(None) == []
