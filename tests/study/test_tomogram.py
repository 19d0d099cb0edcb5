"""A tilt series becomes the same volume by Python calls, by the steps of a recipe, by a command and
by the window.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_snpore import make_phantom, simulate_tilt_series
from napari_snpore.cli.main import app
from napari_snpore.errors import InputError, Stopped
from napari_snpore.files import read_volume
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    AlignSection,
    InputSection,
    PrepareSection,
    ReconstructSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.stages import PreparedAlignment, Stages
from napari_snpore.study.summary import tomogram_statements
from napari_snpore.study.tomogram import (
    AlignmentChoice,
    Observer,
    correlate_halves,
    obtain_volume,
    tomogram_of,
)
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.discrete.blur_search import find_blur
from napari_snpore.tomography.even_odd import even_odd_correlation
from napari_snpore.tomography.options import Sirt, Tv
from napari_snpore.tomography.preparation import bin_series, subtract_background
from napari_snpore.tomography.quality import resolution_guide_of
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from tests.tomography.ellipsoids import particle, tilt_images

ANGLES = np.arange(-66.0, 67.0, 6.0)
PREPARE = PrepareSection(bin=2)
ALIGN = AlignSection(tilt_axis_angle_deg=20.0)
SECTION = ReconstructSection(method="sirt", sirt=Sirt(iterations=6))


@pytest.fixture(scope="module")
def raw():
    rng = np.random.default_rng(5)
    shifts = rng.normal(0, 2, (len(ANGLES), 2))
    images = tilt_images(
        particle(64, seed=3), ANGLES, (64, 64), shifts=shifts, phi=20.0, offset=1.5
    )
    return TiltSeries((images + 4).astype(np.float32), ANGLES, 0.5)


def context(**options):
    return RunContext(Record("test"), **options)


@pytest.fixture(scope="module")
def by_python(raw):
    prepared = subtract_background(bin_series(raw, 2))
    aligned = align(prepared, tilt_axis_angle_deg=20.0).apply(prepared)
    return reconstruct(aligned, method=Sirt(iterations=6))


def test_steps_of_a_recipe_make_the_volume_of_the_functions(raw, by_python):
    made = tomogram_of(Stages(raw), PREPARE, AlignmentChoice(ALIGN), SECTION, context=context())
    assert np.array_equal(made.volume.data, by_python.data)
    assert made.volume.history == by_python.history
    assert made.quality.crowther_nm == resolution_guide_of(made.volume.history).crowther_nm
    own = even_odd_correlation(made.aligned, method=Sirt(iterations=6))
    assert made.even_odd.table().equals(own.table())
    assert correlate_halves(made).table().equals(own.table())


def test_command_makes_the_volume_of_the_functions(raw, by_python, tmp_path):
    source, out = write_tilts(tmp_path / "raw.tif", raw), tmp_path / "volume.tif"
    words = f"reconstruct {source} -o {out} --bin 2 --tilt-axis-angle-deg 20 --method sirt --iterations 6"
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 0, result.output
    assert np.array_equal(read_volume(out).data, by_python.data)
    made = obtain_volume(
        InputSection(tilt_series=str(source)), PREPARE, ALIGN, SECTION, context=context()
    )
    assert np.array_equal(made.volume.data, by_python.data)


def test_window_makes_the_volume_of_the_functions(raw, by_python, qapp, qtbot):
    from napari.components import ViewerModel

    from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
    from napari_snpore.viewer.shared.layers import add_layer, series_data, volume_from_layer

    viewer = ViewerModel()
    add_layer(viewer, series_data(raw, "particle"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    widget.preparing.bin.setValue(2)
    widget.aligning.mode.setCurrentText("axis angle given")
    widget.aligning.axis_angle.setValue(20.0)
    widget.method.method.setCurrentIndex(widget.method.method.findData("sirt"))
    widget.method.iterations.setValue(6)
    widget.compares.setChecked(False)
    assert np.array_equal(volume_from_layer(widget.reconstruct()).data, by_python.data)
    assert widget.result.volume.history == by_python.history


def test_what_was_made_is_kept_until_its_settings_change(raw):
    stages = Stages(raw)
    once = stages.prepared(PREPARE)
    assert stages.prepared(PrepareSection(bin=2)) is once
    assert stages.prepared(PrepareSection()) is not once
    assert stages.inspection() is stages.inspection()


def test_observer_hears_the_alignment_and_ends_the_work(raw):
    heard, iterations = [], []
    observer = Observer(
        aligned=heard.append,
        iterated=lambda iteration, residual: iterations.append(iteration),
        finish_now=lambda: len(iterations) >= 2,
    )
    section = ReconstructSection(sirt=Sirt(iterations=400))
    made = tomogram_of(
        Stages(raw),
        PREPARE,
        AlignmentChoice(ALIGN),
        section,
        context=context(),
        observer=observer,
        halves=False,
    )
    assert heard == [made.alignment]
    assert made.volume.history[-1].parameters["iterations"] < 400


def test_known_alignment_is_taken_as_it_is(raw):
    known = Alignment(np.zeros((len(ANGLES), 2)), 20.0, 0.5, np.zeros(len(ANGLES)))
    choice = AlignmentChoice(ALIGN, known)
    made = tomogram_of(Stages(raw), PREPARE, choice, SECTION, context=context(), halves=False)
    assert made.alignment is known


def test_stop_is_heard(raw):
    with pytest.raises(Stopped):
        tomogram_of(
            Stages(raw),
            PREPARE,
            AlignmentChoice(ALIGN),
            SECTION,
            context=context(should_stop=lambda: True),
        )


def test_hand_follows_the_last_alignment_of_other_pixels(raw):
    """The window aligned at bin 1 with the axis at -160°: a search at bin 2 finds 20° and takes its
    other direction.
    """
    choice = AlignmentChoice(AlignSection(method="center_of_mass"), reference_axis_deg=-160.0)
    made = tomogram_of(Stages(raw), PREPARE, choice, SECTION, context=context(), halves=False)
    assert made.alignment.tilt_axis_angle_deg == pytest.approx(-160.0, abs=2.0)


def test_alignment_goes_with_the_pixels_and_follows_the_tilts(raw):
    alignment = Alignment(
        np.arange(2.0 * len(ANGLES)).reshape(-1, 2), 20.0, 0.5, np.zeros(len(ANGLES))
    )
    found = PreparedAlignment(alignment, PREPARE, len(ANGLES))
    assert found.for_images(PREPARE) is alignment
    assert found.for_images(PrepareSection()) is None
    left = found.for_images(PrepareSection(bin=2, leave_out=[0]))
    assert left.shifts_px.tolist() == alignment.shifts_px[1:].tolist()


def test_found_blur_is_kept_and_makes_the_volume_of_the_functions():
    phantom = make_phantom("pristine", shape=(40, 36, 40), spacing=0.3, seed=3, easy=True)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-70, 71, 5.0), dose=2000, seed=1)
    heard, shown = [], []

    @contextmanager
    def monitor(name):
        heard.append(name)
        yield None

    observer = Observer(partial=lambda volume, iteration: shown.append((heard[-1], iteration)))
    options = Tv(iterations=30)
    made = tomogram_of(
        Stages(series),
        PrepareSection(background="none"),
        AlignmentChoice(AlignSection(enabled=False)),
        ReconstructSection(tv=options),
        context=context(monitor=monitor),
        observer=observer,
        halves=False,
    )
    assert heard == ["prepare", "find blur", "reconstruct", "assess"]
    assert shown[0][0] == "find blur", "a quick volume is there before the search"
    assert made.blur == find_blur(series)
    by_python = reconstruct(series, method=options, blur=made.blur)
    assert np.array_equal(by_python.data, made.volume.data)
    assert by_python.history == made.volume.history
    again = tomogram_of(
        Stages(series),
        PrepareSection(background="none"),
        AlignmentChoice(AlignSection(enabled=False)),
        ReconstructSection(tv=options),
        context=context(monitor=monitor),
        halves=False,
        blur=made.blur,
    )
    assert heard[4:] == ["prepare", "reconstruct", "assess"], "a known estimate is taken"
    assert again.volume.history == made.volume.history
    with pytest.raises(InputError, match="blur is for tv with blur_px 'auto'"):
        reconstruct(series, method="sirt", blur=made.blur)


def test_the_image_that_a_recipe_names_is_read_and_said(tmp_path):
    import mrcfile

    volumes = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    with mrcfile.new(tmp_path / "two.mrc", volumes) as file:
        file.voxel_size = 5.0
    source = InputSection(volume=str(tmp_path / "two.mrc"), image="volume 2")
    sections = PrepareSection(), AlignSection(), ReconstructSection()
    made = obtain_volume(source, *sections, context=RunContext(Record("test")))
    assert np.array_equal(made.volume.data, volumes[1])
    sentences = [one.sentence for one in tomogram_statements(made)]
    assert "image 'volume 2' was taken; also there: volume 1" in sentences
