"""Files dropped on a real window with the events of the window system: on the welcome screen, the
picture, the instrument; of every kind, several at once, and such that nobody can read.
"""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest
import tifffile
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog, QMainWindow

from napari_snpore.files import write_volume
from napari_snpore.viewer.compare.sample import runs_folder
from napari_snpore.viewer.open.missing_scale import MissingScale
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import add_layer, is_phases, volume_data
from napari_snpore.viewer.window.save import save_window
from napari_snpore.volume import Volume
from tests.viewer.dropping import drop_on

VOLUME = Volume(np.arange(120, dtype=np.float32).reshape(4, 5, 6), 0.5)


@pytest.fixture
def window(make_napari_viewer_proxy, monkeypatch):
    """A window whose dialogs are refused: a modal one would wait for ever."""
    for name in ("exec", "exec_"):
        monkeypatch.setattr(QDialog, name, _never, raising=False)
    return make_napari_viewer_proxy(show=True)


def _never(dialog):
    raise AssertionError(f"{type(dialog).__name__} asks the user")


@pytest.fixture
def bench(window):
    made = plain_viewer(window.window.add_plugin_dock_widget("napari-snpore", "Workbench")[1])
    QTest.qWait(100)
    return made


@pytest.fixture
def errors():
    """What napari shows as an error."""
    said = []

    def note(notification):
        if str(notification.severity) == "error":
            said.append(notification.message)

    notification_manager.notification_ready.connect(note)
    yield said
    notification_manager.notification_ready.disconnect(note)


def picture_of(bench):
    return ancestor(bench, QMainWindow).centralWidget()


def stack(folder, name="stack.tif"):
    """Write a stack without a voxel size, for which napari offers two readers."""
    tifffile.imwrite(folder / name, np.zeros((7, 8, 9), np.uint8), photometric="minisblack")
    return folder / name


def question_in(window):
    docked = map(plain_viewer, window.window.dock_widgets.values())
    return next((one for one in docked if isinstance(one, MissingScale)), None)


def answer(window, qtbot, size_nm=2.0):
    qtbot.waitUntil(lambda: question_in(window) is not None, timeout=10_000)
    question = question_in(window)
    question.voxel_size.setValue(size_nm)
    question.main_button.click()


@pytest.mark.parametrize("place", ["welcome screen", "picture", "list of steps", "form"])
def test_every_part_of_the_window_takes_files(window, bench, qtbot, tmp_path, place):
    path = stack(tmp_path)
    if place == "picture":
        add_layer(window.__wrapped__, volume_data(VOLUME, "earlier"))
        QApplication.processEvents()
    if place == "form":
        bench.open_step("Tilt series")
        window.window.add_plugin_dock_widget("napari-snpore", "Reconstruct")
        QTest.qWait(100)
    parts = {"form": bench.form, "list of steps": bench.step_list}
    assert drop_on(parts.get(place) or picture_of(bench), [path])
    answer(window, qtbot)
    qtbot.waitUntil(lambda: "stack" in window.layers, timeout=10_000)
    assert window.layers["stack"].scale == pytest.approx((2.0,) * 3)
    assert [layer.name for layer in window.layers].count("stack") == 1, "opened once"


def mrc(folder):
    with mrcfile.new(folder / "tip.mrc", np.asarray(VOLUME.data)) as file:
        file.voxel_size = 5.0  # Å
    return [folder / "tip.mrc"]


def tilts(folder):
    with mrcfile.new(folder / "tip.st", np.ones((5, 6, 7), np.float32)) as file:
        file.voxel_size = 5.0
    (folder / "tip.rawtlt").write_text("-60\n-30\n0\n30\n60\n")
    return [folder / "tip.st"]


def zarr(folder):
    return [write_volume(folder / "tip.ome.zarr", VOLUME)]


def two(folder):
    return [*mrc(folder), write_volume(folder / "foot.tif", VOLUME)]


@pytest.mark.parametrize("files", [mrc, tilts, zarr, two], ids=lambda one: one.__name__)
def test_files_of_every_kind_open_without_a_question(window, bench, qtbot, tmp_path, errors, files):
    paths = files(tmp_path)
    assert drop_on(picture_of(bench), paths)
    qtbot.waitUntil(lambda: len(window.layers) == len(paths), timeout=10_000)
    assert [layer.name for layer in window.layers] == [path.name.split(".")[0] for path in paths]
    assert all(layer.scale == pytest.approx((0.5,) * 3) for layer in window.layers)
    assert errors == []


def test_a_folder_of_images_is_one_series(window, bench, qtbot, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in range(4):
        tifffile.imwrite(folder / f"{k}.tif", np.full((12, 16), k, np.uint8))
    assert drop_on(picture_of(bench), [folder])
    qtbot.waitUntil(lambda: question_in(window) is not None, timeout=10_000)
    assert question_in(window).kind_box.currentText() == "tilt series"


def test_a_finished_run_brings_its_phases(window, bench, qtbot):
    assert drop_on(picture_of(bench), [runs_folder() / "pristine"])
    qtbot.waitUntil(lambda: any(is_phases(layer) for layer in window.layers), timeout=20_000)


@pytest.mark.parametrize("part", ["", "window.json"])
def test_a_saved_window_comes_back(window, bench, qtbot, tmp_path, part):
    add_layer(window.__wrapped__, volume_data(VOLUME, "tip"))
    folder = save_window(window.__wrapped__, tmp_path / "kept").folder
    window.layers.clear()
    QApplication.processEvents()
    assert drop_on(picture_of(bench), [folder / part])
    qtbot.waitUntil(lambda: "tip" in window.layers, timeout=20_000)
    np.testing.assert_array_equal(window.layers["tip"].data, VOLUME.data)


def empty(folder):
    (folder / "a.tif").write_bytes(b"")


def rubbish(folder):
    (folder / "a.tif").write_bytes(b"no picture")


def cut_gray(folder):
    tifffile.imwrite(folder / "a.tif", np.zeros((64, 64)), photometric="minisblack")
    _halve(folder / "a.tif")


def cut_color(folder):
    tifffile.imwrite(folder / "a.tif", np.zeros((64, 64, 3), np.uint8), photometric="rgb")
    _halve(folder / "a.tif")


def cut_stack(folder):
    _halve(stack(folder, "a.tif"))


def _halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("broken", "beside"),
    [(empty, False), (rubbish, False), (cut_gray, True), (cut_color, False), (cut_stack, False)],
)
def test_a_broken_tiff_is_one_sentence_without_a_choice_of_readers(
    window, bench, qtbot, tmp_path, errors, broken, beside
):
    broken(tmp_path)
    sound = mrc(tmp_path) if beside else []
    assert drop_on(picture_of(bench), [tmp_path / "a.tif", *sound])
    qtbot.waitUntil(lambda: len(errors) == 1 and len(window.layers) == len(sound), timeout=10_000)
    assert errors[0].startswith(str(tmp_path / "a.tif"))
    assert errors[0].endswith(".")
    assert "\n" not in errors[0]


def test_a_picture_that_is_not_read_here_goes_to_napari_wherever_it_falls(window, bench, tmp_path):
    Image.fromarray(np.zeros((6, 7, 3), np.uint8)).save(tmp_path / "photo.png")
    for place in (picture_of(bench), bench.step_list):
        window.layers.clear()
        QApplication.processEvents()
        assert drop_on(place, [tmp_path / "photo.png"])
        QTest.qWait(100)
        assert [layer.name for layer in window.layers] == ["photo"]
        assert window.layers[0].data.shape == (6, 7, 3)
