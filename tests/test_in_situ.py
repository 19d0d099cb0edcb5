"""In situ series against planted truth: cylinders of known diameter, a known break, known drift and
known brightening.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, ndimage

from napari_snpore.errors import InputError, MissingScaleError, Stopped
from napari_snpore.in_situ import (
    ImageSeries,
    Rectangle,
    box_intensities,
    break_point,
    fibre_diameter,
    image_drift,
    rectangle_profile,
)
from napari_snpore.in_situ.chord import blurred_chord, chord_and_slopes
from napari_snpore.in_situ.rectangle import directions
from napari_snpore.phantom.in_time import make_swelling_fibre

PIXEL = 0.9


def cylinder(
    diameter,
    *,
    angle=0.0,
    offset=0.0,
    blur=1.0,
    shape=(64, 128),
    dose=None,
    noise=0.0,
    seed=0,
    fine=4,
):
    """An image of a solid cylinder, drawn on a finer grid, blurred and averaged; lengths in nm."""
    y, x = ((np.arange(n * fine) + 0.5) / fine - 0.5 - (n - 1) / 2 for n in shape)
    turn = np.radians(angle)
    across = (x[None, :] * np.cos(turn) - y[:, None] * np.sin(turn)) * PIXEL - offset
    thickness = np.sqrt(np.maximum(1 - (2 * across / diameter) ** 2, 0))
    thickness = ndimage.gaussian_filter(thickness, blur / PIXEL * fine, mode="nearest")
    image = 20 + 100 * thickness.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))
    rng = np.random.default_rng(seed)
    image = rng.poisson(image * dose) / dose if dose else image
    return image + noise * rng.standard_normal(shape)


# ---- the model


@pytest.mark.parametrize(("radius", "blur"), [(40, 0.2), (40, 2), (40, 15), (3, 1), (100, 0.05)])
def test_blurred_chord_is_the_integral(radius, blur):
    for x in (0, 0.5 * radius, radius - 2 * blur, radius, radius + 2 * blur, radius + 7 * blur):
        ends = max(-radius, x - 10 * blur), min(radius, x + 10 * blur)
        truth, _ = integrate.quad(
            lambda t, x=x: (
                2
                * np.sqrt(radius**2 - t**2)
                * np.exp(-(((x - t) / blur) ** 2) / 2)
                / blur
                / math.sqrt(2 * math.pi)
            ),
            *ends,
            epsabs=1e-12,
            epsrel=1e-11,
            limit=1000,
        )
        assert blurred_chord(np.array([x]), radius, blur)[0] == pytest.approx(
            truth, rel=1e-6, abs=1e-9 * radius
        )


def test_derivatives_are_those_of_the_chord():
    x, radius, blur, step = np.linspace(-60, 60, 61), 40.0, 1.7, 1e-5
    _, by_x, by_radius, by_blur = chord_and_slopes(x, radius, blur)
    for found, one, two in (
        (by_x, (x + step, radius, blur), (x - step, radius, blur)),
        (by_radius, (x, radius + step, blur), (x, radius - step, blur)),
        (by_blur, (x, radius, blur + step), (x, radius, blur - step)),
    ):
        assert found == pytest.approx(
            (blurred_chord(*one) - blurred_chord(*two)) / (2 * step), abs=1e-6
        )


# ---- diameter


@pytest.mark.parametrize(
    ("diameter", "blur", "angle", "dose"),
    [
        (64.8, 1, 0, 1),
        (81.1, 3, 7.3, 1),
        (20, 0.5, 0, 1),
        (30, 4, -35, 1),
        (64.8, 1.5, 90, 0.2),
        (50, 1, 45, 1),
    ],
)
def test_diameter_of_a_cylinder_within_one_per_cent(diameter, blur, angle, dose):
    image = cylinder(diameter, blur=blur, angle=angle, offset=2.2, dose=dose, shape=(128, 128))
    row = fibre_diameter(image, pixel_size_nm=PIXEL).iloc[0]
    assert row["fitted"]
    assert row["diameter_nm"] == pytest.approx(diameter, rel=0.01)
    assert row["diameter_error_nm"] < 0.01 * diameter
    assert row["center_nm"] == pytest.approx(2.2, abs=0.3)
    assert row["angle_deg"] == pytest.approx(angle, abs=0.3)
    assert row["background"] == pytest.approx(20, abs=1)
    assert row["amplitude"] == pytest.approx(100, rel=0.02)
    # a bin one pixel wide adds its own 0.26 nm
    assert row["blur_nm"] == pytest.approx(math.hypot(blur, 0.3), rel=0.2, abs=0.15)


def test_half_height_reads_short_by_the_root_of_three_quarters():
    image = cylinder(70, blur=0.3)
    row = fibre_diameter(image, pixel_size_nm=PIXEL, half_height=True).iloc[0]
    assert row["half_height_width_nm"] / 70 == pytest.approx(math.sqrt(3) / 2, abs=0.005)
    assert row["diameter_nm"] == pytest.approx(70, rel=0.002)
    assert "half_height_width_nm" not in fibre_diameter(image, pixel_size_nm=PIXEL)


@pytest.mark.parametrize("kind", ["white", "correlated", "texture"])
def test_truth_lies_within_the_stated_error_as_often_as_it_should(kind):
    rng = np.random.default_rng(5)
    images = []
    for _ in range(50):
        image = cylinder(
            70, offset=rng.uniform(-1, 1), angle=rng.uniform(-1, 1), shape=(80, 104), fine=2
        )
        noise = rng.standard_normal(image.shape)
        if kind == "correlated":
            noise = ndimage.gaussian_filter(noise, 1.0)
            noise /= noise.std()
        if kind == "texture":
            lumps = ndimage.gaussian_filter(rng.standard_normal(image.shape), 2)
            image = 20 + (image - 20) * (1 + 0.25 * lumps / lumps.std())
        images.append(image + (5 if kind == "texture" else 20) * noise)
    table = fibre_diameter(np.array(images), pixel_size_nm=PIXEL)
    off = ((table["diameter_nm"] - 70) / table["diameter_error_nm"]).abs()
    assert table["fitted"].all()
    assert 0.5 <= (off < 1).mean() <= 0.86, "68 % of 50, within 2.7 standard errors of such a share"
    assert (off < 2).mean() >= 0.88


def test_fibre_may_drift_and_turn():
    angles, places = np.linspace(10, 13, 5), np.linspace(-6, 6, 5)
    images = [
        cylinder(50, angle=a, offset=p, noise=5, seed=k)
        for k, (a, p) in enumerate(zip(angles, places, strict=True))
    ]
    table = fibre_diameter(np.array(images), pixel_size_nm=PIXEL, times_s=np.arange(5) * 10.0)
    assert table["angle_deg"].to_numpy() == pytest.approx(angles, abs=0.4)
    assert table["center_nm"].to_numpy() == pytest.approx(places, abs=0.3)
    assert table["diameter_nm"].to_numpy() == pytest.approx([50] * 5, rel=0.01)
    assert table["time_s"].tolist() == [0, 10, 20, 30, 40]


def test_a_horizontal_fibre_keeps_its_sides():
    images = [
        cylinder(40, angle=90 + turn, offset=5, noise=5, shape=(96, 80), seed=k)
        for k, turn in enumerate((-1, 0, 1))
    ]
    table = fibre_diameter(np.array(images), pixel_size_nm=PIXEL)
    assert np.ptp(table["center_nm"]) < 0.5
    assert table["diameter_nm"].to_numpy() == pytest.approx([40] * 3, rel=0.01)


def test_a_dark_fibre_and_a_sloping_ground():
    image = cylinder(50, noise=2)
    assert fibre_diameter(-image, pixel_size_nm=PIXEL)["diameter_nm"][0] == pytest.approx(
        50, rel=0.01
    )
    sloping = image + 0.2 * np.arange(image.shape[1])
    row = fibre_diameter(sloping, pixel_size_nm=PIXEL, background="linear", along_deg=0).iloc[0]
    assert row["diameter_nm"] == pytest.approx(50, rel=0.01)
    assert row["angle_deg"] == 0


def test_a_region_chooses_one_of_two_fibres():
    both = np.hstack(
        [cylinder(30, shape=(64, 80), noise=3), cylinder(48, shape=(64, 80), noise=3, seed=1)]
    )
    left = fibre_diameter(both, pixel_size_nm=PIXEL, region=(slice(0, 64), slice(0, 80)))
    right = fibre_diameter(
        both, pixel_size_nm=PIXEL, region=[(0, 80 * PIXEL), (63 * PIXEL, 159 * PIXEL)]
    )
    assert left["diameter_nm"][0] == pytest.approx(30, rel=0.01)
    assert right["diameter_nm"][0] == pytest.approx(48, rel=0.01)
    assert right["center_nm"][0] == pytest.approx(40 * PIXEL, abs=0.3), (
        "from the middle of the image"
    )


def test_frames_that_cannot_be_fitted_say_why_and_harm_no_other():
    rng = np.random.default_rng(0)
    broken = cylinder(50)
    broken[3, 4] = np.nan
    frames = [
        cylinder(50),
        broken,
        rng.normal(20, 5, (64, 128)),
        np.full((64, 128), 7.0),
        cylinder(50, offset=50),
    ]
    table = fibre_diameter(np.array(frames), pixel_size_nm=PIXEL)
    assert table["fitted"].tolist() == [True, False, False, False, False]
    assert table["diameter_nm"].isna().tolist() == [False, True, True, True, True]
    assert "NaN" in table["reason"][1]
    assert table["reason"][3] == "all grey values are equal"
    assert all(table["reason"][1:])


def test_other_things_than_one_fibre_are_not_fitted():
    x, y = np.arange(160) - 79.5, np.arange(96)[:, None] - 47.5
    chord = lambda middle, half: np.sqrt(np.maximum(1 - ((x - middle) / half) ** 2, 0)) + 0 * y  # noqa: E731
    two = chord(-35, 25) + chord(35, 25)
    ball = np.sqrt(np.maximum(1 - (x**2 + y**2) / 900, 0))
    step = (x > 0) + 0.0 * y
    noise = np.random.default_rng(0).normal(0, 0.03, (96, 160))
    table = fibre_diameter(np.array([one + noise for one in (two, ball, step)]), pixel_size_nm=1.0)
    assert table["fitted"].tolist() == [False] * 3
    assert table["reason"][0] == "no single fibre stands out of noise and structure"


def test_noise_alone_is_no_fibre():
    noise = np.random.default_rng(1).normal(0, 1, (25, 48, 64))
    assert fibre_diameter(noise, pixel_size_nm=1.0)["fitted"].sum() == 0


def test_same_numbers_on_any_number_of_threads(monkeypatch):
    images = np.array([cylinder(50, noise=10, seed=k) for k in range(4)])
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        found.append(fibre_diameter(images, pixel_size_nm=PIXEL))
    assert found[0].equals(found[1])


def test_progress_counts_up_and_a_wish_to_stop_is_heard():
    images = np.array([cylinder(50)] * 3)
    told = []
    fibre_diameter(
        images, pixel_size_nm=PIXEL, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(k, 6) for k in range(1, 7)]
    with pytest.raises(Stopped):
        fibre_diameter(images, pixel_size_nm=PIXEL, should_stop=lambda: True)


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        (np.zeros((2, 32, 32, 3)), {}, "grey images"),
        (np.zeros((0, 32, 32)), {}, "is empty"),
        (np.zeros((32, 32, 3)), {}, "at least 8 px"),
        (np.zeros((2, 32, 32), complex), {}, "real grey values"),
        (np.zeros((2, 32, 32)), {"pixel_size_nm": 0}, "positive number in nm"),
        (np.zeros((2, 32, 32)), {"times_s": [1]}, "1 times for 2 images"),
        (np.zeros((2, 32, 32)), {"times_s": [1, 1]}, "rise"),
        (np.zeros((2, 32, 32)), {"along_deg": "up"}, "along_deg is 'up'"),
        (np.zeros((2, 32, 32)), {"background": "cubic"}, "background is 'cubic'"),
        (np.zeros((2, 32, 32)), {"region": [(0, 0), (40, 10)]}, "reaches beyond the image"),
        (np.zeros((2, 32, 32)), {"region": (slice(0, 40), slice(0, 10))}, "rows"),
        (np.zeros((2, 32, 32)), {"region": [(0, 0), (0, 5), (5, 9), (5, 0)]}, "right angles"),
    ],
)
def test_input_that_cannot_be_used_is_refused(images, options, words):
    with pytest.raises(InputError, match=words):
        fibre_diameter(images, **{"pixel_size_nm": 1.0, **options})


def test_a_missing_pixel_size_is_asked_for():
    with pytest.raises(MissingScaleError, match="give pixel_size_nm"):
        fibre_diameter(np.zeros((2, 32, 32)))
    series = ImageSeries(cylinder(50), PIXEL)
    assert fibre_diameter(series)["diameter_nm"][0] == pytest.approx(50, rel=0.01)


def test_averaged_frames_are_one_row_with_less_error():
    images = np.array([cylinder(50, noise=30, seed=k) for k in range(5)])
    single = fibre_diameter(images, pixel_size_nm=PIXEL, times_s=np.arange(5) * 10.0)
    table = fibre_diameter(images, pixel_size_nm=PIXEL, times_s=np.arange(5) * 10.0, average=2)
    assert table["frame"].tolist() == [0, 2, 4]
    assert table["time_s"].tolist() == [5, 25, 40]
    assert table["frames_averaged"].tolist() == [2, 2, 1]
    assert table["diameter_error_nm"][0] < 0.95 * single["diameter_error_nm"].mean()
    with pytest.raises(InputError, match="average is 0"):
        fibre_diameter(images, pixel_size_nm=PIXEL, average=0)


# ---- break


def swelling(times, at=420.0, start=64.8, end=81.1, late=0.01):
    """The paper's course: from 64.8 nm at 0 s to 81.1 nm at 500 s, most of it before the break."""
    middle = end - late * (500 - at)
    return np.where(times < at, start + (middle - start) / at * times, middle + late * (times - at))


def test_planted_break_is_found_in_images():
    times = np.arange(0, 501, 25.0)
    images = [
        cylinder(d, noise=10, shape=(48, 120), offset=0.1 * k, seed=k)
        for k, d in enumerate(swelling(times))
    ]
    table = fibre_diameter(np.array(images), pixel_size_nm=PIXEL, times_s=times)
    assert table["diameter_nm"].iloc[[0, -1]].to_numpy() == pytest.approx([64.8, 81.1], rel=0.01)
    found = break_point(table["time_s"], table["diameter_nm"], table["diameter_error_nm"])
    assert found.better_than_line
    assert found.time_s == pytest.approx(420, abs=max(20, 2 * found.time_error_s))
    assert found.slope_before_nm_per_s == pytest.approx((81.1 - 0.8 - 64.8) / 420, rel=0.05)
    assert found.share_before > 0.9
    assert found.curve([0, 500]) == pytest.approx([64.8, 81.1], abs=0.4)


def test_break_of_exact_lines_is_exact():
    times = np.arange(0, 501, 20.0)
    found = break_point(times, swelling(times, at=417.0))
    assert found.time_s == pytest.approx(417, abs=0.01)
    assert found.slope_ratio == pytest.approx((81.1 - 0.83 - 64.8) / 417 / 0.01, rel=1e-3)
    assert found.diameter_nm == pytest.approx(81.1 - 0.83, abs=1e-3)


def test_a_straight_line_has_no_break_and_the_error_of_a_break_holds():
    rng = np.random.default_rng(3)
    times = np.linspace(0, 500, 30)
    lines = [break_point(times, 60 + 0.03 * times + rng.normal(0, 0.5, 30)) for _ in range(100)]
    assert sum(found.better_than_line for found in lines) <= 3
    bent = [
        break_point(times, swelling(times, at=300) + rng.normal(0, 0.3, 30)) for _ in range(100)
    ]
    off = np.array([abs(found.time_s - 300) / found.time_error_s for found in bent])
    assert all(found.better_than_line for found in bent)
    assert 0.58 <= (off < 1).mean() <= 0.9
    assert (off < 2).mean() >= 0.9


def test_too_few_points_make_no_break():
    with pytest.raises(InputError, match="7 known diameters"):
        break_point(np.arange(9.0), [1, 2, 3, 4, 5, 6, 7, np.nan, np.nan])
    with pytest.raises(InputError, match="not positive"):
        break_point(np.arange(9.0), np.arange(9.0), np.zeros(9))
    with pytest.raises(InputError, match="as many of each"):
        break_point(np.arange(9.0), np.arange(8.0))


# ---- drift, boxes, profiles


@pytest.fixture(scope="module")
def drifting():
    """A textured fibre that moves and gets 12 % brighter on a ground of 7, in six frames; with its
    true drift in px.
    """
    rng = np.random.default_rng(0)
    lumps = ndimage.gaussian_filter(rng.standard_normal((220, 260)), 2)
    fibre = (
        100
        * np.sqrt(np.maximum(1 - ((np.arange(260) - 130) / 40) ** 2, 0))
        * (1 + 0.2 * lumps / lumps.std())
    )
    moves = np.array([[0, 0], [0.4, -0.7], [1.5, 2.25], [-3.1, 4.0], [-5.5, 6.6], [2.3, 12.2]])
    brighter = np.linspace(1, 1.12, 6)
    frames = [
        7 + gain * ndimage.shift(fibre, move)[60:160, 60:200] + rng.normal(0, 4, (100, 140))
        for move, gain in zip(moves, brighter, strict=True)
    ]
    return np.array(frames), moves


def test_planted_drift_is_found(drifting):
    images, moves = drifting
    assert image_drift(images, pixel_size_nm=2.0) == pytest.approx(2.0 * moves, abs=0.3)


def test_brightening_of_twelve_per_cent_is_found_in_boxes_that_follow(drifting):
    images, moves = drifting
    boxes = {"left": [(30, 45), (70, 65)], "turned": Rectangle((50.0, 75.0), (30.0, 12.0), 20.0)}
    table = box_intensities(
        images, boxes, pixel_size_nm=1.0, times_s=np.arange(6) * 100.0, vacuum=[(20, 2), (80, 15)]
    )
    assert table["box"].tolist() == ["left"] * 6 + ["turned"] * 6
    for name in boxes:
        rows = table[table["box"] == name]
        assert rows["intensity_percent"].iloc[0] == 100
        assert rows["intensity_percent"].to_numpy() == pytest.approx(
            100 + 2.4 * np.arange(6), abs=1.0
        )
        assert rows["vacuum"].to_numpy() == pytest.approx([7] * 6, abs=0.6)
    first = table[table["box"] == "left"]
    assert first[["drift_y_nm", "drift_x_nm"]].to_numpy() == pytest.approx(moves, abs=0.15)
    assert first["pixel_count"].to_numpy() == pytest.approx([40 * 20] * 6)
    still = box_intensities(images, boxes, pixel_size_nm=1.0, follow=False)
    assert still["drift_x_nm"].eq(0).all()
    assert abs(still.loc[still["box"] == "left", "intensity_percent"].iloc[-1] - 112) > 3, (
        "the fibre has left the box"
    )


def test_boxes_stay_on_a_fibre_that_grows_and_moves():
    made = make_swelling_fibre(frames=11)
    pixel, (height, width) = made.series.pixel_size_nm, made.series.shape
    y, x = (height - 1) / 2 * pixel, (width - 1) / 2 * pixel
    table = box_intensities(
        made.series,
        {"axis": Rectangle((y, x), (40.0, 4.0), made.angle_deg)},
        vacuum=[(y - 40, 5), (y + 40, 18)],
    )
    truth = made.truth[["drift_y_nm", "drift_x_nm"]].to_numpy()
    # a pixel is 0.6 nm; along the fibre only clusters of some nm tell
    assert table[["drift_y_nm", "drift_x_nm"]].to_numpy() == pytest.approx(truth, abs=0.7)
    across = directions(made.angle_deg)[1]
    assert table[["drift_y_nm", "drift_x_nm"]].to_numpy() @ across == pytest.approx(
        truth @ across, abs=0.1
    )
    last = table.iloc[-1]
    error = math.hypot(last["intensity_percent_error"], table["intensity_percent_error"].iloc[0])
    assert abs(last["intensity_percent"] - 112.5) < 2 * error
    assert error < 1


def test_a_fibre_without_structure_is_followed_across_and_not_led_along_by_noise():
    moves = 6 * np.sin(np.arange(12) / 2)
    images = [
        cylinder(60 + k, angle=12.0, offset=moves[k], noise=5.0, seed=k, shape=(100, 160))
        for k in range(12)
    ]
    table = box_intensities(np.array(images), [[(40, 60), (50, 75)]], pixel_size_nm=PIXEL)
    truth = (moves - moves[0])[:, None] * directions(12.0)[1]
    assert table[["drift_y_nm", "drift_x_nm"]].to_numpy() == pytest.approx(truth, abs=0.1)


def test_standard_error_is_that_of_the_mean():
    noise = np.random.default_rng(0).normal(100, 8, (200, 40, 40))
    table = box_intensities(noise, [(slice(5, 25), slice(10, 30))], pixel_size_nm=1.0, follow=False)
    assert table["intensity_error"].mean() == pytest.approx(8 / 20, rel=0.05)
    assert table["intensity"].std() == pytest.approx(8 / 20, rel=0.2)


def test_a_box_that_leaves_the_image_says_so(drifting):
    images, _ = drifting
    table = box_intensities(images, {"right": [(30, 110), (60, 135)]}, pixel_size_nm=1.0)
    assert table["inside"].tolist() == [True, True, True, True, False, False]
    assert table["intensity"].isna().tolist() == [False] * 4 + [True] * 2
    assert table["reason"].iloc[-1] == "the box has left the image"


def test_boxes_that_cannot_be_measured_are_refused(drifting):
    images, _ = drifting
    with pytest.raises(InputError, match="no boxes"):
        box_intensities(images, [], pixel_size_nm=1.0)
    with pytest.raises(InputError, match="beyond the image"):
        box_intensities(images, [[(0, 0), (10, 500)]], pixel_size_nm=1.0)
    with pytest.raises(InputError, match="holds less than a pixel"):
        box_intensities(images, [[(5.2, 5.2), (5.4, 5.4)]], pixel_size_nm=1.0)
    with pytest.raises(InputError, match="drift_nm has shape"):
        box_intensities(images, [[(5, 5), (9, 9)]], pixel_size_nm=1.0, drift_nm=np.zeros((2, 2)))
    with pytest.raises(InputError, match="The first frame holds NaN"):
        box_intensities(np.full((2, 20, 20), np.nan), [[(5, 5), (9, 9)]], pixel_size_nm=1.0)


def test_profile_of_two_times_is_the_mean_along_the_rectangle():
    images = np.array(
        [cylinder(50, noise=2), cylinder(50, noise=2, seed=1), 1.12 * cylinder(50, noise=2, seed=2)]
    )
    box = [(10 * PIXEL, 20 * PIXEL), (50 * PIXEL, 110 * PIXEL)]
    table = rectangle_profile(images, box, pixel_size_nm=PIXEL, times_s=[0, 250, 500], along_deg=0)
    assert sorted(set(table["frame"])) == [0, 2]
    assert table["time_s"].max() == 500
    first = table[table["frame"] == 0]
    assert first["intensity"].to_numpy() == pytest.approx(images[0, 10:50, 20:110].mean(axis=0))
    assert first["position_nm"].to_numpy() == pytest.approx((np.arange(20, 110) - 63.5) * PIXEL)
    assert first["pixel_count"].eq(40).all()
    middle = table[table["position_nm"].abs() < 10].groupby("frame")["intensity"].mean()
    assert middle[2] / middle[0] == pytest.approx(1.12, rel=0.01)
    found = rectangle_profile(
        images[0], Rectangle((28.8, 57.6), (50.0, 30.0), 90.0), pixel_size_nm=PIXEL
    )
    assert found["angle_deg"].iloc[0] == pytest.approx(0, abs=1), (
        "across the fibre, whichever way the rectangle was drawn"
    )
    with pytest.raises(InputError, match="frames holds 3"):
        rectangle_profile(images, box, pixel_size_nm=PIXEL, frames=(0, 3))


def test_rectangle_from_corners_has_their_place_size_and_direction():
    drawn = Rectangle((10.0, 20.0), (8.0, 4.0), 30.0)
    again = Rectangle.from_corners(drawn.corners_nm)
    assert again.center_nm == pytest.approx(drawn.center_nm)
    assert again.size_nm == pytest.approx(drawn.size_nm)
    assert again.angle_deg == pytest.approx(30)
    assert Rectangle.from_corners([(0, 0), (4, 2)]).size_nm == (4, 2)
    with pytest.raises(InputError, match="positive"):
        Rectangle((0, 0), (0, 1))
