"""The sample volumes are what their README says: made by its commands, to the last digits of
float32.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from napari_snpore import make_phantom, read_volume

FOLDER = Path(__file__).parents[1] / "sample_volumes"
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("state", ["pristine", "sodiated", "desodiated"])
def test_sample_is_made_by_the_command_of_its_readme(state):
    command = re.search(
        rf"snpore phantom {state} --shape (\d+) (\d+) (\d+) --spacing-nm (\S+) --seed (\d+)", README
    )
    shape, spacing, seed = tuple(map(int, command.groups()[:3])), float(command[4]), int(command[5])
    sample = read_volume(FOLDER / f"{state}.tif")
    made = make_phantom(state, shape=shape, spacing=spacing, seed=seed)
    assert sample.spacing == (spacing,) * 3
    assert np.allclose(sample.data, made.volume.data, rtol=0, atol=1e-5)
