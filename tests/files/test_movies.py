"""Movies as files: what is read back, what is refused, and that nothing half-written stays. No
window.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from napari_snpore.errors import FileFormatError, InputError, OutputError, Stopped
from napari_snpore.files.movies import recipe_of_movie, write_movie
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.scene.tilt_movie import tilt_frames
from napari_snpore.viewer.scene.turntable import turn_angles, turned

ORANGE, BLUE = (230, 120, 20), (20, 90, 200)
RECIPE = {"sample": "Sn/C 3 µm", "thresholds": [1.5, 2.25], "mark": "= ; # \\ \n \" '"}


def moving(count=12, height=61, width=83):
    """Orange left, blue right, and a white square that goes down four pixels a frame."""
    for number in range(count):
        frame = np.empty((height, width, 3), np.uint8)
        frame[:, : width // 2], frame[:, width // 2 :] = ORANGE, BLUE
        frame[4 * number : 4 * number + 8, 4:12] = 255
        yield frame


def read_back(path):
    if path.suffix == ".gif":
        with Image.open(path) as image:
            frames = []
            for number in range(image.n_frames):
                image.seek(number)
                frames.append(np.array(image.convert("RGB")))
        return np.stack(frames)
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = ffmpeg.read_frames(str(path), pix_fmt="rgb24")
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader])


@pytest.fixture(params=["mp4", "gif"])
def path(request, tmp_path):
    if request.param == "mp4":
        pytest.importorskip("imageio_ffmpeg")
    return tmp_path / f"turn.{request.param}"


def test_frames_come_back(path):
    told = []
    frames = list(moving())
    assert (
        write_movie(path, frames, recipe=RECIPE, progress=lambda *step: told.append(step)) == path
    )
    found = read_back(path).astype(int)
    assert told == [(done, 12) for done in range(1, 13)]
    if path.suffix == ".gif":
        np.testing.assert_array_equal(found, frames)
    else:
        assert found.shape == (12, 62, 84, 3), "odd sizes get one more row and column"
        for number in (0, 11):
            np.testing.assert_allclose(
                found[number][4 * number + 4, 7], 255, atol=10
            )  # a small square: colour has half the resolution
            np.testing.assert_allclose(found[number][52 - 4 * number, 20], ORANGE, atol=6)
            np.testing.assert_allclose(found[number][61, 83], BLUE, atol=6)
    assert recipe_of_movie(path) == RECIPE
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_same_frames_give_the_same_bytes(path):
    first = write_movie(path, moving()).read_bytes()
    assert write_movie(path, moving()).read_bytes() == first


def test_movie_without_recipe(path):
    write_movie(path, moving(2))
    assert recipe_of_movie(path) is None


def test_one_frame_and_identical_frames(path):
    write_movie(path, moving(1))
    assert len(read_back(path)) == 1
    write_movie(path, [next(moving())] * 3)
    assert len(read_back(path)) in (1, 3)  # a GIF shows one for three times as long


def test_mp4_is_what_slides_play(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = write_movie(tmp_path / "a:b.mp4", moving(30), frames_per_second=7.5)
    about = next(ffmpeg.read_frames(str(path)))
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p(tv, bt709")
    assert about["fps"] == 7.5
    assert about["duration"] == pytest.approx(4.0, abs=0.01)
    raw = path.read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat"), "a browser starts before the file is all there"


@pytest.mark.parametrize("speed", [7, 15, 24, 50])
def test_gif_keeps_its_speed_and_runs_for_ever(tmp_path, speed):
    path = write_movie(tmp_path / "turn.gif", moving(12), frames_per_second=speed)
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        spent = 0
        for number in range(image.n_frames):
            image.seek(number)
            spent += image.info["duration"]
    assert spent == pytest.approx(12_000 / speed, abs=5)


def test_gif_keeps_greys_and_comes_near_to_many_colours(tmp_path):
    gray = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    rows, columns = np.indices((64, 64))
    many = np.stack([4 * rows, 4 * columns, 255 - 2 * (rows + columns)], axis=2).astype(np.uint8)
    path = write_movie(tmp_path / "a.gif", [gray, gray[::-1], gray])
    np.testing.assert_array_equal(read_back(path), [gray, gray[::-1], gray])
    found = read_back(write_movie(tmp_path / "b.gif", [many, many[::-1]]))
    assert np.abs(found.astype(int) - [many, many[::-1]]).mean() < 8


def test_a_generator_is_closed_and_nothing_is_left_when_a_frame_fails(path):
    closed = []

    def failing():
        try:
            yield from moving(3)
            raise RuntimeError("the scene is gone")
        finally:
            closed.append(True)

    write_movie(path, moving(2))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="scene"):
        write_movie(path, failing())
    assert closed
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_stopped_movie_leaves_no_file(path):
    seen = []

    def endless():
        try:
            while True:
                seen.append("frame")
                yield np.zeros((20, 20, 3), np.uint8)
        finally:
            seen.append("closed")

    with pytest.raises(Stopped):
        write_movie(path, endless(), should_stop=lambda: len(seen) > 4)
    assert seen[-1] == "closed"
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([], "no frames"),
        (
            [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)],
            "10 × 8 pixels, the first has 8 × 8",
        ),
        ([np.zeros((8, 8, 4), np.uint8)], "Frame 0"),
        ([np.zeros((8, 8, 3))], "float64"),
    ],
)
def test_frames_that_do_not_fit(path, frames, said):
    with pytest.raises(InputError, match=said):
        write_movie(path, frames)
    assert not list(path.parent.iterdir())


def test_what_is_refused_before_the_first_frame(tmp_path, monkeypatch):
    def untouched():
        pytest.fail("a frame was asked for")
        yield

    with pytest.raises(InputError, match=r"\.mp4 \.gif"):
        write_movie(tmp_path / "turn.avi", untouched())
    for speed in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="frames_per_second"):
            write_movie(tmp_path / "turn.gif", untouched(), frames_per_second=speed)
    with pytest.raises(InputError, match="at most 50"):
        write_movie(tmp_path / "turn.gif", untouched(), frames_per_second=60)
    with pytest.raises(InputError, match="recipe"):
        write_movie(tmp_path / "turn.gif", untouched(), recipe={"a": object()})
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"napari-snpore\[movie\].*\.gif works"):
        write_movie(tmp_path / "turn.mp4", untouched())
    assert not list(tmp_path.iterdir())
    write_movie(tmp_path / "turn.gif", moving())


def test_long_recipes(tmp_path):
    long = {"text": "x" * 30_000}
    assert recipe_of_movie(write_movie(tmp_path / "a.gif", moving(2), recipe=long)) == long
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(InputError, match="24000"):
        write_movie(tmp_path / "a.mp4", moving(2), recipe=long)


def test_place_that_cannot_be_written(tmp_path, path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_movie(tmp_path / "file" / path.name, moving())


def test_encoder_that_fails_is_told(tmp_path, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    real = ffmpeg.write_frames
    monkeypatch.setattr(
        ffmpeg, "write_frames", lambda *a, **k: real(*a, **{**k, "codec": "no-such-codec"})
    )
    with pytest.raises(OutputError, match="ffmpeg"):
        write_movie(tmp_path / "a.mp4", moving(200, 400, 400))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_no_movie(tmp_path, name):
    start = b"\0\0\0\x14ftypisom\0\0\2\0isom"
    with pytest.raises(FileNotFoundError, match="There is no file"):
        recipe_of_movie(tmp_path / name)
    for content in (b"", b"no movie at all, just text", start, start + b"\0\0\xff\xffmoov"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileFormatError, match=r"\.mp4 or \.gif"):
            recipe_of_movie(tmp_path / name)


def on_screen(view, up, points):
    """Return right and up on the screen of points (z, y, x), for a right-handed scene."""
    return np.stack([points @ np.cross(view, up), points @ np.asarray(up)])


@pytest.mark.parametrize("seed", range(5))
def test_axis_stands_still_on_the_screen_and_the_rest_goes_round_evenly(seed):
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.normal(size=(3, 3)))[0]
    view, up = basis[0], basis[1]
    axis, point = random.normal(size=(2, 3))
    axis /= np.linalg.norm(axis)
    frames = [turned(view, up, axis, angle) for angle in turn_angles(24, 360)]
    for looks, top in frames:
        assert looks @ top == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(np.linalg.norm([looks, top], axis=1), 1)
        np.testing.assert_allclose(
            on_screen(looks, top, axis), on_screen(view, up, axis), atol=1e-12
        )
    # any point runs on an ellipse: its places are a sine of period 360° about the place of its foot
    # on the axis
    places = np.array([on_screen(looks, top, point) for looks, top in frames])
    spectrum = np.abs(np.fft.fft(places, axis=0))
    assert spectrum[2:-1].max() < 1e-9
    np.testing.assert_allclose(
        places.mean(axis=0), on_screen(view, up, (point @ axis) * axis), atol=1e-12
    )
    np.testing.assert_allclose(turned(view, up, axis, 360), (view, up), atol=1e-12)
    looks, top = turned(*turned(view, up, axis, 25), axis, -25)
    np.testing.assert_allclose((looks, top), (view, up), atol=1e-12)


@pytest.mark.parametrize("axis", [(0, 1, 0), (0, -1, 0)])
def test_near_side_goes_to_the_right(axis):
    view, up = (-1, 0, 0), (0, -1, 0)  # as napari opens: z towards the viewer, y down, x right
    near = np.array([1.0, 0, 0])
    right, high = on_screen(*turned(view, up, axis, 30), near)
    assert right == pytest.approx(0.5)
    assert high == pytest.approx(0)
    # in a mirror the same scene direction lies left: right on the screen is −(view × up)
    looks, top = turned(view, up, axis, 30, handedness="left")
    assert -on_screen(looks, top, near)[0] == pytest.approx(0.5)


def test_turn_about_the_line_of_sight_keeps_it():
    looks, top = turned((-1, 0, 0), (0, -1, 0), (1, 0, 0), 90)
    np.testing.assert_allclose(looks, (-1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(np.abs(top), (0, 0, 1), atol=1e-12)


def test_turn_angles():
    np.testing.assert_allclose(turn_angles(4, 360), [0, 90, 180, 270])
    np.testing.assert_allclose(turn_angles(4, -720), [0, -180, -360, -540])
    np.testing.assert_allclose(turn_angles(3, 90), [0, 45, 90])
    for frames, degrees in ((0, 360), (2.5, 360), (4, float("nan"))):
        with pytest.raises(InputError):
            turn_angles(frames, degrees)


def test_tilt_images_in_order_with_one_contrast():
    images = np.zeros((3, 300, 320), np.uint16)
    images += np.array([300, 100, 200], np.uint16)[:, None, None]
    series = TiltSeries(images, [20.0, -10.0, 5.0], 1.0)
    frames = list(tilt_frames(series, contrast_limits=(100, 300), labels=False))
    assert [frame.shape for frame in frames] == [(300, 320, 3)] * 3
    assert [np.unique(frame).tolist() for frame in frames] == [[0], [128], [255]]
    first, middle, last = (frame[0, 0, 0] for frame in tilt_frames(series, labels=False))
    assert first < middle < last


def test_angle_is_written_in_the_corner():
    flat = np.full((3, 300, 400), 0.5, np.float32)
    series = TiltSeries(flat, [0.0, -62.5, 62.5], 1.0)
    low, level, high = tilt_frames(series, contrast_limits=(0, 1))
    for frame in (low, level, high):
        changed = np.nonzero((frame != 128).any(axis=2))
        assert changed[0].max() < 40
        assert changed[1].max() < 80
        assert frame.max() == 255
        assert frame.min() < 4
    assert (low != high).any()
    digits = slice(22, 80)  # behind the sign both say 62.5°
    np.testing.assert_array_equal(low[:, digits], high[:, digits])


def test_sizes_of_tilt_images_and_values_that_are_no_number():
    images = np.zeros((1, 2500, 1300), np.float32)
    images[0, :3, :3] = 9
    images[0, 3:6, :3] = np.nan
    (frame,) = tilt_frames(TiltSeries(images, [0.0], 1.0), contrast_limits=(0, 9), labels=False)
    assert frame.shape == (833, 433, 3)
    assert frame[0, 0, 0] == 255
    assert frame[1, 0, 0] == 0
    small = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    (frame,) = tilt_frames(TiltSeries(small, [0.0], 1.0), contrast_limits=(0, 11), labels=False)
    assert frame.shape == (225, 300, 3)
    np.testing.assert_array_equal(frame[37::75, 37::75, 0], np.rint(small[0] * 255 / 11))
    for limits in ((1, 1), (2, 1), (0, float("nan")), (1, 2, 3)):
        with pytest.raises(InputError, match="contrast_limits"):
            tilt_frames(TiltSeries(small, [0.0], 1.0), contrast_limits=limits)


def test_tilt_movie_is_read_back(path):
    ramp = np.repeat(np.linspace(0, 255, 300, dtype=np.uint8)[None, None], 300, axis=1)
    series = TiltSeries(np.concatenate([ramp, ramp[..., ::-1]]), [10.0, -10.0], 2.0)
    write_movie(path, tilt_frames(series, contrast_limits=(0, 255)), frames_per_second=2)
    found = read_back(path).astype(int)
    np.testing.assert_allclose(
        found[0, 200, :, 0], ramp[0, 0, ::-1], atol=0 if path.suffix == ".gif" else 4
    )
    np.testing.assert_allclose(
        found[1, 200, :, 0], ramp[0, 0], atol=0 if path.suffix == ".gif" else 4
    )
