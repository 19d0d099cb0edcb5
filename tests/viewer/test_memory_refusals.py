"""Every form with too little memory: one sentence with both numbers, nothing started, no layer."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_snpore import memory as memory_module
from napari_snpore.history import ReadStep, ReconstructStep
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data
from napari_snpore.viewer.slices.oblique_panel import ObliquePanel
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume

ANGLES = np.linspace(-70, 70, 29)
SENTENCE = re.compile(
    r"(⚠ )?.+ needs about \d+ MB of memory, and 0 MB may be used, 80 % of what is free on this machine; bin or crop the "
    r"data, or close other programs(, or [^.]+)?\."
)


def gray():
    """A rod of carbon (level 1) along y with a hole and a core of tin (level 8)."""
    z, _, x = np.indices((40, 24, 40)) - 19.5
    values = np.where(np.hypot(z, x) < 16, 1.0, 0.0).astype(np.float32)
    values[np.hypot(z, x - 6) < 3] = 0.0
    values[np.hypot(z, x + 5) < 3] = 8.0
    return values


@pytest.fixture
def filled(viewer):
    read = ReadStep("fibre.mrc").step
    images = project(gray(), ANGLES) + np.random.default_rng(0).normal(0, 0.2, (29, 24, 40))
    series = TiltSeries(images.astype(np.float32), ANGLES, 0.5, 0.0, (read,))
    add_layer(viewer, series_data(series, "fibre"))
    made = ReconstructStep("tv", tilts=29, blur_px=0.0, blur_from="user").step
    add_layer(viewer, volume_data(Volume(gray(), 0.5, history=(read, made)), "fibre · TV 90"))
    labels = (1 + np.digitize(gray(), (0.5, 4.0))).astype(np.uint8)
    add_layer(viewer, phases_data(Volume(labels, 0.5), "fibre · phases"))
    return viewer


@pytest.fixture
def form(filled, qtbot, monkeypatch):
    """Make a form, let its first work end, and then leave a hundred kilobytes free."""

    def make(kind, *first):
        made = kind(filled)
        qtbot.addWidget(made)
        for wait in first:
            wait(made)
        monkeypatch.setattr(memory_module, "_free", lambda: (100_000, "is free on this machine"))
        return made

    return make


def refused(form, start, viewer):
    """Return the sentence that a form shows after a step was asked for; no layer came of it."""
    before = list(viewer.layers)
    start()
    form.status.wait()
    assert list(viewer.layers) == before
    assert not form.status.busy
    sentence = form.status.message.text()
    assert SENTENCE.fullmatch(sentence), sentence
    return sentence


def choose_sirt(form):
    form.method.method.setCurrentIndex(form.method.method.findData("sirt"))


def test_reconstruct(form, filled):
    made = form(ReconstructWidget, choose_sirt)
    assert "40 × 24 × 40 voxels" in refused(made, made.start, filled)
    assert made.result is None


def test_align(form, filled):
    made = form(ReconstructWidget)
    assert "Aligning 29 × 24 × 40 pixels" in refused(made, made.start_alignment, filled)
    assert made.alignment is None


def test_find_blur(form, filled):
    made = form(ReconstructWidget, lambda one: one.aligning.mode.setCurrentText("aligned already"))
    assert "Finding the blur of 29 × 24 × 40" in refused(made, made.start_find, filled)


def counted(form):
    form.counting.wait()
    form.counting.wait()  # the images are asked after the count


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("apply", "Segmenting 40 × 24 × 40"),
        ("make_envelope", "envelope of 40 × 24 × 40"),
        ("polish_phases", "Segmenting 40 × 24 × 40"),
    ],
)
def test_threshold(form, filled, name, words):
    made = form(ThresholdWidget, counted)
    with pytest.raises(Exception, match=words) as error:
        getattr(made, name)()
    assert SENTENCE.fullmatch(str(error.value))
    assert words in refused(made, lambda: None, filled)


def test_polish_after_labelling(form, filled, monkeypatch):
    made = form(ThresholdWidget, counted)
    # enough for the labels (12 bytes a voxel), not for polishing (15 MB and more)
    monkeypatch.setattr(memory_module, "_free", lambda: (1_000_000, "is free on this machine"))
    with pytest.raises(Exception, match=r"(Polishing|The noise of) .* needs about \d+ MB"):
        made.polish_phases()
    assert [layer.name for layer in filled.layers][-1] == "fibre · phases"


def test_measure(form, filled):
    made = form(MeasureWidget)
    with pytest.raises(Exception, match="Measuring 40 × 24 × 40") as error:
        made.measure()
    assert SENTENCE.fullmatch(str(error.value))
    assert made.table is None
    refused(made, lambda: None, filled)


def test_surfaces(form, filled):
    made = form(SceneWidget)
    sentence = refused(made, made.make_surfaces, filled)
    assert "surface of 40 × 24 × 40" in sentence
    assert sentence.endswith("or allow fewer triangles.")


def test_oblique_slice(form, filled):
    place = (filled.layers["fibre · TV 90"], (10.0, 5.0, 10.0))
    made = form(lambda viewer: ObliquePanel(viewer, lambda: place))
    said = []
    made.failed.connect(said.append)
    made.expand(animate=False)
    made.wait()
    assert SENTENCE.fullmatch(said[-1]), said
    assert made.slice is None


def test_figure(form, filled, tmp_path):
    made = form(FigureWidget)
    sentence = refused(made, lambda: made.save(tmp_path / "plate.png"), filled)
    assert re.search("A figure of .* pixels", sentence)
    assert list(tmp_path.iterdir()) == []
