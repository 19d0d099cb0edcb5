"""Outline over mouths of pores: fibres whose outline and mouths are known by their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.outline import fibre_outline, with_outline
from napari_snpore.volume import Volume

SIZE, LENGTH = 96, 24
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
ANGLES = np.arctan2(ROWS, COLUMNS)


def circle(at):
    return np.full_like(at, 38.0)


def ellipse(at):
    return 42 * 32 / np.hypot(32 * np.cos(at), 42 * np.sin(at))


def lobes(at):
    return 38 + 3 * np.cos(3 * at)


def section(radius, mouths):
    """Return 0, 1 or 2 as void outside, mouth and solid; ``mouths``: middle and width, degrees."""
    body = np.hypot(ROWS, COLUMNS) <= radius(ANGLES)
    solid = body.copy()
    for middle, width in mouths:
        apart = np.abs((np.degrees(ANGLES) - middle + 180) % 360 - 180)
        solid &= ~((apart < width / 2) & (np.hypot(ROWS, COLUMNS) > 18))
    return np.where(solid, 2, np.where(body, 1, 0)).astype(np.uint8)


def fibre(radius, mouths=((20, 30), (100, 24), (165, 40), (-60, 28), (-120, 20))):
    return np.repeat(section(radius, mouths)[:, None], LENGTH, axis=1)


def by_occlusion(truth):
    """Return the phases that the rule of the envelope makes of the solid."""
    solid = Volume((truth > 1).astype(np.float32), (0.15, 0.15, 0.15))
    inside = make_envelope(solid, 0.5, EnvelopeOptions(cut_axes=(1,))).mask
    return np.where(truth > 1, 2, inside).astype(np.uint8)


@pytest.mark.parametrize("radius", [circle, ellipse, lobes])
def test_mouths_are_closed_where_the_fibre_ends(radius):
    truth = fibre(radius)
    found = by_occlusion(truth)
    mended = with_outline(found, fibre_outline(found, 1))
    whole = np.count_nonzero(truth)
    sag = 1 - np.count_nonzero(found) / whole
    assert sag > 0.03, "the envelope sags into the mouths"
    assert abs(np.count_nonzero(mended) / whole - 1) < sag / 4
    assert np.array_equal(mended > 1, found > 1), "no solid comes or goes"


def test_a_fibre_without_mouths_keeps_its_outline():
    truth = fibre(ellipse, ())
    mended = with_outline(truth, fibre_outline(truth, 1))
    assert np.count_nonzero(mended != truth) < 0.001 * np.count_nonzero(truth)


def test_the_skin_beside_walls_goes():
    truth = fibre(circle)
    skin = np.hypot(ROWS, COLUMNS) <= 38.7
    thick = np.where(skin[:, None] & (truth == 0), 1, truth).astype(np.uint8)
    mended = with_outline(thick, fibre_outline(thick, 1))
    assert abs(np.count_nonzero(mended) / np.count_nonzero(truth) - 1) < 0.003


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_along_any_axis_and_with_any_threads(axis):
    truth = fibre(lobes)
    turned = np.moveaxis(truth, 1, axis)
    found = fibre_outline(turned, axis, threads=2)
    assert found.shape == turned.shape
    assert np.array_equal(np.moveaxis(found, axis, 1), fibre_outline(truth, 1, threads=1))


def test_what_is_no_fibre_has_no_such_outline():
    truth = fibre(circle, ())
    assert fibre_outline(np.zeros_like(truth), 1) is None
    two = (np.hypot(ROWS - 20, COLUMNS) < 8) | (np.hypot(ROWS + 20, COLUMNS) < 12)
    two = np.repeat(np.where(two, 2, 0).astype(np.uint8)[:, None], LENGTH, axis=1)
    assert fibre_outline(two, 1) is None
    crescent = (np.hypot(ROWS, COLUMNS) < 38) & (np.hypot(ROWS, COLUMNS - 16) > 30)
    crescent = np.repeat(np.where(crescent, 2, 0).astype(np.uint8)[:, None], LENGTH, axis=1)
    assert fibre_outline(crescent, 1) is None
