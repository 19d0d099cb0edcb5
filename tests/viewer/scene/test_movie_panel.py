"""The movie fold: the series that was chosen, as the layer shows it; names, endings, and what is
gone.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QFileDialog

from napari_snpore.errors import InputError
from napari_snpore.files.movies import recipe_of_movie
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.scene.movie_panel import MoviePanel
from napari_snpore.viewer.scene.turntable import turntable_frames
from napari_snpore.viewer.shared.layers import add_layer, series_data, volume_data
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.volume import Volume

LEVELS = (0.0, 64.0, 255.0)


@pytest.fixture
def series():
    """Three tilts, each of one grey level."""
    images = np.empty((3, 300, 300), np.float32)
    images[:] = np.array(LEVELS)[:, None, None]
    return TiltSeries(images, [-10.0, 0.0, 10.0], 0.5)


@pytest.fixture
def panel(viewer, series, qtbot):
    layer = add_layer(viewer, series_data(series, "HAADF"))
    layer.contrast_limits = (0, 255)
    status = StepStatus()
    panel = MoviePanel(viewer, status)
    for widget in (status, panel):
        qtbot.addWidget(widget)
    panel.status = status
    return panel


def saved(panel, path):
    panel.save(path)
    panel.status.wait()
    with Image.open(path) as movie:
        frames = []
        for number in range(movie.n_frames):
            movie.seek(number)
            frames.append(np.array(movie.convert("RGB")))
    return frames


def test_colours_and_gamma_of_the_layer_are_in_the_movie(panel, viewer, tmp_path):
    layer = viewer.layers["HAADF"]
    layer.gamma, layer.colormap = 0.5, "red"
    panel.of.setCurrentText("tilts of HAADF")
    colors = [frame[-1, -1] for frame in saved(panel, tmp_path / "a.gif")]
    expected = [
        (255 * (level / 255) ** 0.5, 0, 0) for level in LEVELS
    ]  # black to red; 64 of 255 is a quarter: root 1/2
    np.testing.assert_allclose(colors, expected, atol=3)
    recipe = recipe_of_movie(tmp_path / "a.gif")
    assert (recipe["gamma"], recipe["colormap"]) == (0.5, "red")


def test_a_renamed_series_is_still_the_one_chosen(panel, viewer, tmp_path):
    panel.of.setCurrentText("tilts of HAADF")
    viewer.layers["HAADF"].name = "needle"
    assert panel.of.currentText() == "tilts of needle"
    assert len(saved(panel, tmp_path / "a.gif")) == 3
    assert recipe_of_movie(tmp_path / "a.gif")["series"] == "needle"


def test_a_removed_series_is_no_turntable(panel, viewer, tmp_path):
    panel.of.setCurrentText("tilts of HAADF")
    viewer.layers.remove("HAADF")
    with pytest.raises(InputError, match="removed"):
        panel.save(tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
    panel.of.setCurrentText("turntable of this scene")
    assert panel.axis.isEnabled()


@pytest.mark.parametrize(("ffmpeg", "ending"), [(None, "gif"), (object(), "mp4")])
def test_the_name_suggested_has_an_ending_that_works(panel, qtbot, monkeypatch, ffmpeg, ending):
    monkeypatch.setattr(
        "napari_snpore.viewer.scene.movie_panel.importlib.util.find_spec", lambda name: ffmpeg
    )
    panel.save_button.click()
    dialog = panel.findChild(QFileDialog)
    assert not dialog.isModal()
    assert dialog.defaultSuffix() == ending, "a name without an ending gets it"
    assert dialog.selectedFiles()[0].endswith(f"turntable.{ending}")
    dialog.close()


def test_a_layer_removed_while_it_is_filmed_ends_the_movie(make_napari_viewer_proxy, tmp_path):
    window = make_napari_viewer_proxy(show=True)
    layer = add_layer(window, volume_data(Volume(np.ones((8, 8, 8), np.float32), 1.0), "fibre"))
    window.dims.ndisplay = 3
    frames = turntable_frames(window, frames=5)
    next(frames)
    window.layers.remove(layer)
    with pytest.raises(InputError, match="'fibre' was removed"):
        next(frames)
