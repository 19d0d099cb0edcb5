"""Fibres of states, made up: tables of numbers and of objects."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from napari_snpore.comparison.state_result import StateResult
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS

NAN = math.nan


def number(quantity, unit, value, low=NAN, high=NAN, *, corrected=NAN, calibrated="yes"):
    row = dict.fromkeys(NUMBER_COLUMNS, NAN)
    bias = value - corrected if math.isfinite(corrected) else NAN
    return row | {
        "quantity": quantity,
        "unit": unit,
        "value": value,
        "twin_bias": bias,
        "corrected": corrected,
        "low_95": low,
        "high_95": high,
        "dominant_source": "wedge",
        "calibrated": calibrated,
        "restoration": "none",
    }


def fibre(name, *rows, **parts):
    return StateResult(name, pd.DataFrame(rows, columns=list(NUMBER_COLUMNS)), **parts)


def pores(value, half=NAN, **options):
    return number("pore fraction, whole", "%", value, value - half, value + half, **options)


def objects(lengths, places_nm, *, cut=False, resolved=True):
    """Balls of given diameters along a fibre."""
    lengths = np.asarray(lengths, np.float64)
    return pd.DataFrame(
        {
            "length_nm": lengths,
            "width_nm": lengths,
            "aspect_ratio": np.ones(len(lengths)),
            "volume_nm3": math.pi / 6 * lengths**3,
            "centroid_y_nm": np.asarray(places_nm, np.float64),
            "touches_border": np.broadcast_to(cut, lengths.shape),
            "resolved": np.broadcast_to(resolved, lengths.shape),
        }
    )


def slices(fractions, step_nm=1.0, name="Sn"):
    """The table of fractions along y, from shares of an envelope of 1000 voxels a slice."""
    fractions = np.asarray(fractions, np.float64)
    return pd.DataFrame(
        {
            "axis": "y",
            "position_nm": step_nm * np.arange(len(fractions)),
            "name": name,
            "voxel_count": 1000 * fractions,
            "envelope_voxel_count": 1000,
            "fraction_percent": 100 * fractions,
        }
    )
