"""Three small states as grey volumes, and a study of them that is run once."""

from __future__ import annotations

import pytest

from napari_snpore import make_phantom, write_volume
from napari_snpore.study.states.study_recipe import Study

QUICK = {
    "threshold": {"values": [0.5, 2.5]},
    "envelope": {"ray_length_nm": 4.0, "directions": 16},
    "measure": {"details": False},
    "uncertainty": {"draws": 3},
    "output": {"figures": []},
}


@pytest.fixture(scope="session")
def phantoms():
    return {
        state: make_phantom(state, shape=(64, 32, 64), spacing=0.4, seed=3)
        for state in ("pristine", "sodiated", "desodiated")
    }


@pytest.fixture(scope="session")
def grey_files(phantoms, tmp_path_factory):
    """Grey volumes without blur and noise: thresholds find the planted phases."""
    folder = tmp_path_factory.mktemp("grey")
    for state, phantom in phantoms.items():
        write_volume(folder / f"{state}.tif", phantom.volume)
    return folder


@pytest.fixture(scope="session")
def study_of():
    """Return a function that makes the study of some states of a folder."""

    def make(folder, *states, **shared):
        return Study(
            study={"title": "test"},
            shared={**QUICK, **shared},
            state=[{"name": state, "volumes": [str(folder / f"{state}.tif")]} for state in states],
        )

    return make
