"""Movies of a real window: what turns on the screen, the camera put back, and a film that leaves
the window alive.
"""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication

from napari_snpore.errors import InputError
from napari_snpore.files.movies import recipe_of_movie, write_movie
from napari_snpore.viewer.scene.film import Film
from napari_snpore.viewer.scene.turntable import turntable_frames
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.volume import Volume

SHAPE = (41, 41, 41)
AXES = {"z": 0, "y": 1, "x": 2}


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(700, 500)
    return viewer


def show(viewer, *spots, size=2):
    """Show cubes of 5 voxels about the given places in 3D, straight from the front."""
    gray = np.zeros(SHAPE, np.uint8)
    for spot in spots:
        gray[tuple(slice(place - size, place + size + 1) for place in spot)] = 255
    add_layer(viewer, volume_data(Volume(gray, 1.0), "spots"))
    viewer.layers[0].rendering = "mip"
    viewer.canvas.overlays.scale_bar.visible = False
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    QApplication.processEvents()


def center(frame):
    """Return (right, up) of what is bright, in pixels from the middle of the picture."""
    rows, columns = np.nonzero(frame.max(axis=2) > 100)
    assert len(rows), "nothing is seen"
    return np.array(
        [columns.mean() - (frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2 - rows.mean()]
    )


def camera_of(viewer):
    camera = viewer.scene.camera
    return np.concatenate([camera.angles, camera.center, [camera.zoom]])


def orientation_of(viewer):
    return np.concatenate([viewer.scene.camera.view_direction, viewer.scene.camera.up_direction])


def picture(viewer):
    return viewer.screenshot(canvas_only=True, flash=False)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_a_spot_on_the_axis_stands_still(window, axis):
    spot = [20, 20, 20]
    spot[AXES[axis]] = 33
    show(window, spot)
    window.scene.camera.angles = (20, 35, -15)  # no axis of the volume is upright
    frames = list(turntable_frames(window, frames=6, axis=axis))
    places = np.array([center(frame) for frame in frames])
    assert np.ptp(places, axis=0).max() < 2.5, "a cube is not round, so its middle moves a little"
    assert len({frame.tobytes() for frame in frames}) == 6, "and yet it turns"


def test_a_spot_beside_the_axis_goes_round_to_the_right_first(window):
    show(window, (34, 20, 20))  # near the viewer
    zoom = window.scene.camera.zoom
    frames = list(turntable_frames(window, frames=8))
    angle = np.radians(45 * np.arange(8))
    expected = zoom * 14 * np.stack([np.sin(angle), np.zeros(8)], axis=1)
    np.testing.assert_allclose([center(frame) for frame in frames], expected, atol=3)


def test_upright_on_the_screen_is_upright_from_any_side(window):
    show(window, (34, 14, 25))
    window.scene.camera.angles = (15, -40, 70)
    heights = [
        center(frame)[1] for frame in turntable_frames(window, frames=6, axis="vertical on screen")
    ]
    assert np.ptp(heights) < 2.5


def test_flipped_axes_turn_the_same_way(window):
    show(window, (34, 20, 20))
    window.scene.camera.orientation = ("towards", "up", "left")
    right = [center(frame)[0] for frame in turntable_frames(window, frames=4)]
    assert right[1] > 50
    assert right[3] < -50
    window.scene.camera.orientation = ("towards", "up", "right")  # left-handed
    right = [center(frame)[0] for frame in turntable_frames(window, frames=4)]
    assert right[1] > 50
    assert right[3] < -50


@pytest.mark.parametrize("taken", [0, 1, 3, 5])
def test_camera_is_put_back_wherever_it_stops(window, taken):
    show(window, (34, 10, 30))
    window.scene.camera.angles = (10, 20, 30)
    window.scene.camera.zoom *= 0.7
    window.scene.camera.center = (18, 22, 19)
    before, seen = camera_of(window), picture(window)
    frames = turntable_frames(window, frames=5, axis="z", size=(200, 300))
    for _ in range(taken):
        next(frames)
    frames.close()
    np.testing.assert_allclose(camera_of(window), before)
    np.testing.assert_array_equal(picture(window), seen)


@pytest.mark.parametrize(
    ("options", "shape"),
    [({"size": (240, 320)}, (240, 320)), ({"size": (150, 200), "scale": 1.5}, (225, 300))],
)
def test_size_keeps_what_is_in_the_picture(window, options, shape):
    show(window, (20, 6, 20), (20, 34, 20))
    full = picture(window)[..., :3]
    (frame,) = turntable_frames(window, frames=1, **options)
    assert frame.shape == (*shape, 3)
    ratio = min(shape[0] / full.shape[0], shape[1] / full.shape[1])
    spread = [np.ptp(np.nonzero(part.max(axis=2) > 100)[0]) for part in (full, frame)]
    assert spread[1] == pytest.approx(ratio * spread[0], abs=2)


def test_scale_alone_gives_more_pixels_of_the_same(window):
    show(window, (20, 6, 20), (20, 34, 20))
    full = picture(window)[..., :3]
    once, twice = (next(iter(turntable_frames(window, frames=1, scale=scale))) for scale in (1, 2))
    np.testing.assert_array_equal(once, full)
    assert twice.shape == (2 * full.shape[0], 2 * full.shape[1], 3)
    assert np.ptp(np.nonzero(twice.max(axis=2) > 100)[0]) == pytest.approx(
        2 * np.ptp(np.nonzero(full.max(axis=2) > 100)[0]), abs=2
    )


def test_mouse_and_window_meanwhile_are_not_filmed(window):
    show(window, (34, 20, 20))
    calm = list(turntable_frames(window, frames=4))
    frames = turntable_frames(window, frames=4)
    found = [next(frames)]
    window.scene.camera.angles = (50, 60, 70)
    window.scene.camera.zoom *= 3
    found.append(next(frames))
    window.window.resize(760, 560)
    QApplication.processEvents()
    found += list(frames)
    assert [frame.shape for frame in found] == [calm[0].shape] * 4
    for frame, other in zip(found, calm, strict=True):
        np.testing.assert_allclose(center(frame), center(other), atol=1.5)


def test_what_a_turntable_refuses(window):
    show(window, (20, 20, 20))
    for options, said in (
        ({"frames": 0}, "frames"),
        ({"degrees": float("inf")}, "degrees"),
        ({"axis": "w"}, "axis"),
        ({"scale": 0}, "scale"),
        ({"size": (0, 10)}, "size"),
    ):
        with pytest.raises(InputError, match=said):
            turntable_frames(window, **options)
    with pytest.raises(InputError, match="window"):
        turntable_frames(ViewerModel())
    frames = turntable_frames(window, frames=3)
    next(frames)
    window.dims.ndisplay = 2
    with pytest.raises(InputError, match="2D"):
        next(frames)
    with pytest.raises(InputError, match="2D"):
        turntable_frames(window)


def recorded(film):
    """Return what a film says, in order."""
    said = []
    film.progressed.connect(lambda *step: said.append(("progressed", step)))
    film.finished.connect(lambda path: said.append(("finished", path)))
    film.failed.connect(lambda error: said.append(("failed", error)))
    film.cancelled.connect(lambda: said.append(("cancelled", None)))
    return said


def test_film_of_a_turntable(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    before, seen = camera_of(window), picture(window)
    calm = list(turntable_frames(window, frames=8))
    path = tmp_path / "turn.gif"
    film = Film(path, turntable_frames(window, frames=8), total=8, recipe={"frames": 8})
    said = recorded(film)
    with qtbot.waitSignal(film.finished, timeout=30_000):
        film.start()
        assert film.running
    assert not film.running
    assert said[-2:] == [("progressed", (8, 8)), ("finished", path)]
    assert recipe_of_movie(path) == {"frames": 8}
    with Image.open(path) as image:
        assert image.n_frames == 8
        for number in (0, 7):
            image.seek(number)
            found = np.array(image.convert("RGB"))
            assert found.shape == calm[0].shape
            np.testing.assert_array_equal(found, calm[number])
    np.testing.assert_allclose(camera_of(window), before)
    np.testing.assert_array_equal(picture(window), seen)
    with pytest.raises(RuntimeError):
        film.start()


def test_mp4_of_a_turntable(window, qtbot, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    show(window, (34, 20, 20))
    film = Film(tmp_path / "turn.mp4", turntable_frames(window, frames=8, size=(201, 301)), total=8)
    with qtbot.waitSignal(film.finished, timeout=30_000):
        film.start()
    reader = ffmpeg.read_frames(str(tmp_path / "turn.mp4"), pix_fmt="rgb24")
    width, height = next(reader)["size"]
    frames = [np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader]
    assert (len(frames), height, width) == (8, 202, 302)
    assert center(frames[0])[0] == pytest.approx(-0.5, abs=2)
    assert center(frames[2])[0] > 30
    assert center(frames[6])[0] < -30


def test_cancelled_film_leaves_no_file_and_the_camera_as_it_was(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    before = camera_of(window)
    film = Film(tmp_path / "turn.gif", turntable_frames(window, frames=500, axis="x"), total=500)
    said = recorded(film)
    film.start()
    qtbot.waitUntil(lambda: bool(said), timeout=30_000)
    film.cancel()
    qtbot.waitUntil(lambda: said[-1][0] == "cancelled", timeout=30_000)
    np.testing.assert_allclose(camera_of(window), before)
    qtbot.wait(100)
    assert [what for what, _ in said].count("cancelled") == 1
    assert not [what for what, _ in said if what in ("finished", "failed")]
    assert not list(tmp_path.iterdir())


def test_frame_that_fails_ends_the_film(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    before = camera_of(window)
    film = Film(tmp_path / "turn.gif", turntable_frames(window, frames=500), total=500)
    said = recorded(film)
    film.start()
    qtbot.waitUntil(lambda: bool(said), timeout=30_000)
    window.dims.ndisplay = 2
    qtbot.waitUntil(lambda: said[-1][0] == "failed", timeout=30_000)
    assert isinstance(said[-1][1], InputError)
    assert not list(tmp_path.iterdir())
    window.dims.ndisplay = 3
    np.testing.assert_allclose(camera_of(window)[:3], before[:3])


def test_writer_that_refuses_ends_the_film(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    before = camera_of(window)
    film = Film(tmp_path / "turn.avi", turntable_frames(window, frames=50), total=50)
    with qtbot.waitSignal(film.failed, timeout=30_000) as caught:
        film.start()
    assert ".avi" in str(caught.args[0])
    qtbot.wait(100)
    np.testing.assert_allclose(camera_of(window), before)


def test_film_in_a_status_line(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    status = StepStatus()
    qtbot.addWidget(status)
    done = []
    film = Film(tmp_path / "a.gif", turntable_frames(window, frames=4), total=4)
    status.run("Movie", film.work, done.append)
    qtbot.waitUntil(lambda: bool(done), timeout=30_000)
    assert done == [tmp_path / "a.gif"]
    before = camera_of(window)
    film = Film(tmp_path / "b.gif", turntable_frames(window, frames=500), total=500)
    status.run("Movie", film.work, done.append)
    begun = [-1, 0, 0, 0, -1, 0]
    qtbot.waitUntil(lambda: not np.allclose(orientation_of(window), begun), timeout=30_000)
    status.cancel()
    qtbot.waitUntil(lambda: not status.busy, timeout=30_000)
    qtbot.wait(100)
    assert "cancelled" in status.message.text()
    np.testing.assert_allclose(camera_of(window), before)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_film_whose_widget_goes_closes_its_frames(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    before = camera_of(window)
    owner = QObject()
    film = Film(tmp_path / "a.gif", turntable_frames(window, frames=500), total=500, parent=owner)
    said = recorded(film)
    film.start()
    qtbot.waitUntil(lambda: bool(said), timeout=30_000)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not list(tmp_path.iterdir()), timeout=30_000)
    np.testing.assert_allclose(camera_of(window), before)


def test_frames_are_made_in_the_gui_thread_and_the_window_stays_alive(qtbot, qapp, tmp_path):
    """Between two frames the event loop turns: a clock ticks meanwhile."""
    threads, beats, made = set(), [], []

    def slow():
        for number in range(12):
            threads.add(threading.current_thread())
            time.sleep(0.02)
            made.append(number)
            yield np.random.default_rng(number).integers(0, 256, (400, 500, 3), dtype=np.uint8)

    clock = QTimer()
    clock.timeout.connect(lambda: beats.append(len(made)))
    film = Film(tmp_path / "a.gif", slow(), total=12)
    clock.start(5)
    with qtbot.waitSignal(film.finished, timeout=60_000):
        film.start()
    clock.stop()
    assert threads == {threading.main_thread()}
    assert set(beats) >= set(range(1, 12)), "the clock ticked between every two frames"
    assert (tmp_path / "a.gif").stat().st_size > 12 * 50_000


def test_script_without_a_film(window, tmp_path):
    show(window, (34, 20, 20))
    write_movie(tmp_path / "a.gif", turntable_frames(window, frames=3, degrees=90))
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 3


def test_window_closed_while_it_is_filmed(window, qtbot, tmp_path):
    show(window, (34, 20, 20))
    film = Film(tmp_path / "a.gif", turntable_frames(window, frames=500), total=500)
    said = recorded(film)
    film.start()
    qtbot.waitUntil(lambda: bool(said), timeout=30_000)
    window.close()
    qtbot.waitUntil(lambda: said[-1][0] != "progressed", timeout=30_000)
    assert said[-1] == ("cancelled", None)
    assert not list(tmp_path.iterdir())
