"""What can take longer than a second shows progress to its end and stops when asked, with the same
result as without.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import Stopped
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.dead_pores import accessible_pores, dead_pores
from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
from napari_snpore.measurement.objects import label_objects
from napari_snpore.measurement.profiles import radial_profile, slice_fractions
from napari_snpore.measurement.thickness import chord_lengths, local_thickness


def fibre():
    z, _, x = np.mgrid[:20, :12, :20] - np.array([9.5, 0, 9.5])[:, None, None, None]
    phases = np.where(np.hypot(z, x) < 8, 2, 0).astype(np.uint8)
    phases[9:11, :, 9:] = np.where(phases[9:11, :, 9:] == 2, 1, 0)
    phases[4:6, 4:6, 9:11] = 3
    return phases


PHASES = fibre()
LONG = {
    "dead pores": lambda **watch: dead_pores(PHASES, spacing=0.5, **watch).table,
    "dead pores of a probe": lambda **watch: (
        dead_pores(PHASES, spacing=0.5, probe_radius_nm=0.6, **watch).table
    ),
    "accessible pores": lambda **watch: accessible_pores(PHASES, [0, 0.5, 1], spacing=0.5, **watch),
    "contacts": lambda **watch: contact_areas(
        label_objects(PHASES == 3), PHASES, spacing=0.5, **watch
    ),
    "contacts with dead pores": lambda **watch: contact_areas(
        label_objects(PHASES == 3), PHASES, spacing=0.5, dead=PHASES == 1, **watch
    ),
    "networks": lambda **watch: phase_networks(PHASES, spacing=0.5, **watch),
    "tortuosity": lambda **watch: geodesic_tortuosity(PHASES, spacing=0.5, core_nm=1.0, **watch),
    "shells": lambda **watch: radial_profile(
        PHASES, spacing=0.5, shell_nm=1.0, cut_axes=(1,), **watch
    ),
    "slices": lambda **watch: slice_fractions(PHASES, axis=1, spacing=0.5, **watch),
    "chords": lambda **watch: chord_lengths(PHASES == 1, axis=0, spacing=0.5, cut=True, **watch),
    "local thickness": lambda **watch: local_thickness(PHASES == 2, spacing=0.5, **watch),
}


@pytest.mark.parametrize("name", LONG)
def test_progress_rises_to_its_end_and_changes_nothing(name):
    seen = []
    watched = LONG[name](progress=lambda done, total: seen.append((done, total)))
    done, totals = zip(*seen, strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {done[-1]}
    assert str(watched) == str(LONG[name]())


@pytest.mark.parametrize("name", LONG)
def test_work_stops_when_asked(name):
    with pytest.raises(Stopped):
        LONG[name](should_stop=lambda: True)
