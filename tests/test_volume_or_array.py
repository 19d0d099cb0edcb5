"""Every step takes a Volume where it takes an array with spacing, gives the same numbers, and
refuses another spacing.
"""

import numpy as np
import pandas as pd
import pytest

import napari_snpore as snpore
from napari_snpore import Volume
from napari_snpore.errors import DisagreementError, MissingScaleError
from napari_snpore.history import ReconstructStep
from napari_snpore.subvolume import fibre_width

SPACING = (1.0, 0.5, 0.8)
ORIGIN = (10.0, -20.0, 30.0)
STEPS = (ReconstructStep("sirt").step,)

RNG = np.random.default_rng(7)
Z, Y, X = np.mgrid[:16, :12, :18]
ENVELOPE = ((Z - 7.5) / 7) ** 2 + ((X - 8.5) / 8) ** 2 <= 1
GRAY = (RNG.random(ENVELOPE.shape) * ENVELOPE).astype(np.float32)
PHASES = (ENVELOPE * (1 + (GRAY > 0.4) + (GRAY > 0.95))).astype(np.uint8)
TIN = PHASES == 3
LABELS = snpore.label_objects(TIN)

# name: the step as a function of one array or Volume and of spacing (nothing, where it takes none),
# and the array
WITH_SPACING = {
    "separate_objects": (lambda v, **s: snpore.separate_objects(v, contrast_nm=0.3, **s), PHASES == 1),
    "ambient_occlusion": (lambda v, **s: snpore.ambient_occlusion(v, ray_length_nm=3.0, **s), PHASES > 1),
    "fibre_envelope": (lambda v, **s: snpore.fibre_envelope(v, ray_length_nm=3.0, **s), PHASES > 1),
    "local_thickness": (lambda v, **s: snpore.local_thickness(v, **s), PHASES == 2),
    "measure_objects": (lambda v, **s: snpore.measure_objects(v, intensity=GRAY, envelope=ENVELOPE, **s), LABELS),
    "feret_diameters": (lambda v, **s: snpore.feret_diameters(v, **s), LABELS),
    "volume_fractions": (lambda v, **s: snpore.volume_fractions(v, **s), PHASES),
    "dead_pores": (lambda v, **s: snpore.dead_pores(v, cut_axes=(1,), **s).table, PHASES),
    "accessible_pores": (lambda v, **s: snpore.accessible_pores(v, [0, 0.6], **s), PHASES),
    "radial_profile": (lambda v, **s: snpore.radial_profile(v, shell_nm=2.0, **s), PHASES),
    "slice_fractions": (lambda v, **s: snpore.slice_fractions(v, axis=1, **s), PHASES),
    "contact_areas": (lambda v, **s: snpore.contact_areas(v, PHASES, **s), LABELS),
    "nearest_neighbors": (lambda v, **s: snpore.nearest_neighbors(v, **s), LABELS),
    "two_point_correlation": (lambda v, **s: snpore.two_point_correlation(v, **s), PHASES),
    "cube_fractions": (lambda v, **s: snpore.cube_fractions(v, **s), PHASES),
    "effective_diffusivity": (lambda v, **s: snpore.effective_diffusivity(v, **s), PHASES),
    "phase_networks": (lambda v, **s: snpore.phase_networks(v, **s), PHASES),
    "geodesic_tortuosity": (lambda v, **s: snpore.geodesic_tortuosity(v, core_nm=2.0, **s), PHASES),
    "chord_lengths": (lambda v, **s: snpore.chord_lengths(v, axis=2, **s), PHASES == 1),
    "center_and_edge_boxes": (lambda v, **s: snpore.center_and_edge_boxes(v, size_nm=3.0, **s), ENVELOPE),
    "fibre_width": (lambda v, **s: fibre_width(v, **s), ENVELOPE),
}  # fmt: skip
WITHOUT_SPACING = {
    "segment": (lambda v: snpore.segment(v, (0.4, 0.95), envelope=ENVELOPE), GRAY),
    "label_objects": (snpore.label_objects, TIN),
    "clean_up": (lambda v: snpore.clean_up(v, specks=[(3, 2)], fill=[2])[0], PHASES),
    "smooth_volume": (lambda v: snpore.smooth_volume(v, "median"), GRAY),
    "gray_histogram": (lambda v: snpore.gray_histogram(v, mask=ENVELOPE).counts, GRAY),
}
VOLUME_OUT = {
    "segment": "segment", "label_objects": "label", "separate_objects": "label", "clean_up": "clean up",
    "smooth_volume": "smooth", "local_thickness": "local thickness",
    "ambient_occlusion": "occlusion", "fibre_envelope": "envelope",
}  # fmt: skip
"""Steps that return a volume, and what they are called in its history."""


def placed(data):
    return Volume(data, SPACING, ORIGIN, STEPS)


def moved_back(found):
    """Return a result with its positions relative to the first voxel."""
    if isinstance(found, Volume):
        return np.asarray(found)
    if isinstance(found, pd.DataFrame):
        for axis, start in zip("zyx", ORIGIN, strict=True):
            if f"centroid_{axis}_nm" in found:
                found[f"centroid_{axis}_nm"] -= start
        if "position_nm" in found:
            found["position_nm"] -= ORIGIN[1]
    if isinstance(found, dict) and "centre" in found:
        return {name: tuple(np.subtract(center, ORIGIN)) for name, center in found.items()}
    return found


def assert_same(one, two):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two)
    elif isinstance(one, dict):
        assert {k: pytest.approx(v, nan_ok=True) for k, v in one.items()} == two
    else:
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", WITH_SPACING)
def test_a_volume_gives_the_numbers_of_an_array_with_spacing(name):
    step, data = WITH_SPACING[name]
    assert_same(step(data, spacing=SPACING), moved_back(step(placed(data))))


@pytest.mark.parametrize("name", WITH_SPACING)
def test_a_spacing_that_disagrees_with_the_volume_is_refused(name):
    step, data = WITH_SPACING[name]
    with pytest.raises(DisagreementError, match="1 %"):
        step(placed(data), spacing=(1.0, 0.5, 0.81))
    assert_same(step(placed(data)), step(placed(data), spacing=(1.0, 0.5, 0.803)))


@pytest.mark.parametrize("name", WITH_SPACING)
def test_an_array_without_spacing_is_refused(name):
    step, data = WITH_SPACING[name]
    with pytest.raises(MissingScaleError, match="spacing"):
        step(data)


@pytest.mark.parametrize("name", WITHOUT_SPACING)
def test_a_volume_gives_the_voxels_of_an_array(name):
    step, data = WITHOUT_SPACING[name]
    np.testing.assert_array_equal(step(data), np.asarray(step(placed(data))))


@pytest.mark.parametrize("name", VOLUME_OUT)
def test_volume_in_gives_volume_out(name):
    step, data = (WITH_SPACING | WITHOUT_SPACING)[name]
    found = step(placed(data))
    assert isinstance(found, Volume)
    assert (found.shape, found.spacing, found.origin) == (data.shape, SPACING, ORIGIN)
    assert found.history[: len(STEPS)] == STEPS
    assert len(found.history) == len(STEPS) + 1
    assert found.history[-1].name == VOLUME_OUT[name]
    plain = step(data, spacing=SPACING) if name in WITH_SPACING else step(data)
    assert isinstance(plain, np.ndarray)
    assert plain.dtype == found.dtype


def test_a_crop_keeps_its_place_and_history():
    part = snpore.extract_subvolume(placed(GRAY), center_nm=(17, -17, 37), size_nm=4)
    assert isinstance(part, Volume)
    assert part.history[:1] == STEPS
    first = np.rint(np.subtract(part.origin, ORIGIN) / SPACING).astype(int)
    np.testing.assert_array_equal(
        part.data, GRAY[tuple(slice(k, k + n) for k, n in zip(first, part.shape, strict=True))]
    )


@pytest.mark.parametrize(
    "step",
    [
        lambda other: snpore.measure_objects(placed(LABELS), intensity=Volume(GRAY, other)),
        lambda other: snpore.measure_objects(placed(LABELS), envelope=Volume(ENVELOPE, other)),
        lambda other: snpore.contact_areas(placed(LABELS), Volume(PHASES, other)),
        lambda other: snpore.contact_areas(placed(LABELS), PHASES, dead=Volume(PHASES == 1, other)),
        lambda other: snpore.segment(placed(GRAY), (0.4, 0.95), envelope=Volume(ENVELOPE, other)),
        lambda other: snpore.gray_histogram(placed(GRAY), mask=Volume(ENVELOPE, other)),
    ],
)
def test_volumes_beside_the_first_have_its_voxels(step):
    step(SPACING)
    with pytest.raises(DisagreementError, match="another volume"):
        step(0.5)


def test_the_whole_chain_runs_on_volumes_alone():
    phases = snpore.segment(placed(GRAY), (0.4, 0.95), envelope=ENVELOPE)
    table = snpore.measure_objects(
        snpore.label_objects(phases == 3), intensity=placed(GRAY), envelope=phases > 0
    )
    plain = snpore.measure_objects(LABELS, spacing=SPACING, intensity=GRAY, envelope=ENVELOPE)
    pd.testing.assert_frame_equal(plain, moved_back(table))
