"""Outline over mouths of pores: fibres whose outline and mouths are known by their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.outline import LENGTH, MOUTHS, SECTIONS, by_occlusion, fibre
from napari_snpore.segmentation.outline import fibre_outline, with_outline

WIDE = MOUTHS["five of 20° to 40°"]
CIRCLE, ELLIPSE, LOBES = SECTIONS.values()
ROWS, COLUMNS = np.mgrid[:96, :96] - 47.5


@pytest.mark.parametrize("radius", SECTIONS.values(), ids=SECTIONS)
def test_mouths_are_closed_where_the_fibre_ends(radius):
    truth = fibre(radius, WIDE)
    found = by_occlusion(truth)
    mended = with_outline(found, fibre_outline(found, 1))
    whole = np.count_nonzero(truth)
    sag = 1 - np.count_nonzero(found) / whole
    assert sag > 0.03, "the envelope sags into the mouths"
    assert abs(np.count_nonzero(mended) / whole - 1) < sag / 4
    assert np.array_equal(mended > 1, found > 1), "no solid comes or goes"


def test_a_fibre_without_mouths_keeps_its_outline():
    truth = fibre(ELLIPSE, ())
    mended = with_outline(truth, fibre_outline(truth, 1))
    assert np.count_nonzero(mended != truth) < 0.001 * np.count_nonzero(truth)


def test_the_skin_beside_walls_goes():
    truth = fibre(CIRCLE, WIDE)
    skin = np.hypot(ROWS, COLUMNS) <= 38.7
    thick = np.where(skin[:, None] & (truth == 0), 1, truth).astype(np.uint8)
    mended = with_outline(thick, fibre_outline(thick, 1))
    assert abs(np.count_nonzero(mended) / np.count_nonzero(truth) - 1) < 0.003


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_along_any_axis_and_with_any_threads(axis):
    truth = fibre(LOBES, WIDE)
    turned = np.moveaxis(truth, 1, axis)
    found = fibre_outline(turned, axis, threads=2)
    assert found.shape == turned.shape
    assert np.array_equal(np.moveaxis(found, axis, 1), fibre_outline(truth, 1, threads=1))


def test_what_is_no_fibre_has_no_such_outline():
    truth = fibre(CIRCLE, ())
    assert fibre_outline(np.zeros_like(truth), 1) is None
    two = (np.hypot(ROWS - 20, COLUMNS) < 8) | (np.hypot(ROWS + 20, COLUMNS) < 12)
    two = np.repeat(np.where(two, 2, 0).astype(np.uint8)[:, None], LENGTH, axis=1)
    assert fibre_outline(two, 1) is None
    crescent = (np.hypot(ROWS, COLUMNS) < 38) & (np.hypot(ROWS, COLUMNS - 16) > 30)
    crescent = np.repeat(np.where(crescent, 2, 0).astype(np.uint8)[:, None], LENGTH, axis=1)
    assert fibre_outline(crescent, 1) is None
