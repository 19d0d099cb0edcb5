"""CGLS and DART against outside solvers and known objects; what all methods, TV too, share: support,
start, stopping, streaming.
"""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, lsqr

from napari_snpore.errors import InputError, Stopped
from napari_snpore.tomography import astra_backend
from napari_snpore.tomography.noise import noise_level
from napari_snpore.tomography.options import METHODS, Cgls, Dart, Sirt, Tv, Wbp
from napari_snpore.tomography.projector import backproject, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries

WEDGE = np.arange(-69, 70, 2.0)
ITERATIVE = ["sirt", "cgls", "tv", "dart"]
LEVELS = [0.0, 1.0, 4.0]


def porous(n=96, slices=8, levels=(1.0, 4.0), seed=5):
    """Discs of carbon with round pores and bright clusters, another one in every slice."""
    rng = np.random.default_rng(seed)
    z, x = np.mgrid[:n, :n] - (n - 1) / 2
    volume = np.zeros((n, slices, n), np.float32)
    for y in range(slices):
        plane = np.where(np.hypot(z, x) < 0.4 * n, levels[0], 0)
        for k in range(20):
            center, radius = rng.uniform(-0.27 * n, 0.27 * n, 2), rng.uniform(3, 8)
            plane[np.hypot(z - center[0], x - center[1]) < radius] = 0 if k < 12 else levels[1]
        volume[:, y] = plane
    return volume


def counted(images, counts, seed=1):
    """Poisson noise at a mean of ``counts`` where the object is."""
    scale = counts / images[images > 0.05 * images.max()].mean()
    return (np.random.default_rng(seed).poisson(images * scale) / scale).astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    return porous()


@pytest.fixture(scope="module")
def clean(truth):
    return TiltSeries(project(truth, WEDGE), WEDGE, 0.5)


@pytest.fixture(scope="module")
def noisy(clean):
    return TiltSeries(counted(clean.images, 1000), WEDGE, 0.5)


@pytest.fixture(scope="module")
def smooth(truth):
    """Images without structure at every pixel: each slice twelve times."""
    return TiltSeries(project(np.repeat(truth[:, :4], 12, axis=1), WEDGE), WEDGE, 0.5)


def with_levels(method, **options):
    """Options of a method, DART with the levels of the object, TV with the blur of the images."""
    known = {"dart": {"gray_levels": LEVELS}, "tv": {"blur_px": 0.0}}
    return METHODS[method](**options, **known.get(method, {}))


def error(volume, truth):
    return np.linalg.norm(volume.data - truth) / np.linalg.norm(truth)


def best_sirt(series, truth):
    return min(
        error(reconstruct(series, iterations=count), truth) for count in (30, 60, 120, 250, 500)
    )


def matrix_of(angles, n):
    """The dense projector, column by column."""
    columns = np.eye(n * n, dtype=np.float32).reshape(n * n, n, n).transpose(1, 0, 2)
    return project(np.ascontiguousarray(columns), angles).transpose(0, 2, 1).reshape(-1, n * n)


@pytest.mark.parametrize("count", [3, 6, 12])
def test_cgls_takes_the_steps_of_lsqr(count):
    rng = np.random.default_rng(0)
    angles = np.arange(-60, 61, 10.0)
    images = rng.random((len(angles), 1, 24), dtype=np.float32)
    operator = LinearOperator(
        (images.size, 24 * 24),
        matvec=lambda v: project(v.reshape(24, 1, 24).astype(np.float32), angles).ravel(),
        rmatvec=lambda v: backproject(v.reshape(images.shape).astype(np.float32), angles).ravel(),
    )
    theirs = lsqr(operator, images.ravel(), iter_lim=count, atol=0, btol=0)[0]
    ours = reconstruct(
        TiltSeries(images, angles, 1.0), method=Cgls(iterations=count, nonnegative=False)
    )
    assert np.linalg.norm(ours.data.ravel() - theirs) < 1e-3 * np.linalg.norm(theirs)


def test_constrained_cgls_finds_the_nonnegative_least_squares():
    from scipy.optimize import nnls

    rng = np.random.default_rng(2)
    angles = np.arange(-70, 71, 4.0)
    truth = np.maximum(rng.normal(size=(8, 1, 8)), 0).astype(np.float32)
    images = project(truth, angles) + rng.normal(0, 0.3, (len(angles), 1, 8)).astype(np.float32)
    expected, _ = nnls(matrix_of(angles, 8).astype(np.float64), images.ravel().astype(np.float64))
    found = reconstruct(TiltSeries(images, angles, 1.0), method="cgls", iterations=200).data
    assert found.ravel() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("kind", ["clean", "noisy"])
def test_dart_makes_fewer_phase_errors_than_thresholded_sirt(kind, truth, request):
    series = request.getfixturevalue(kind)
    cuts = (np.array(LEVELS[1:]) + LEVELS[:-1]) / 2
    phases = np.digitize(truth, cuts)

    def wrong(volume):
        return (np.digitize(volume.data, cuts) != phases).mean()

    thresholded = min(wrong(reconstruct(series, iterations=count)) for count in (50, 150, 400))
    assert wrong(reconstruct(series, method=Dart(gray_levels=LEVELS))) < 0.5 * thresholded


def test_dart_finds_its_levels(noisy):
    found = reconstruct(noisy, method="dart", iterations=5)
    parameters = found.history[-1].parameters
    assert parameters["gray_levels_from"] == "images"
    assert parameters["gray_levels"] == pytest.approx(LEVELS, abs=0.1)
    assert np.unique(found.data) == pytest.approx(parameters["gray_levels"])


@pytest.mark.parametrize("counts", [300, 1000, 10_000])
def test_noise_level_is_that_of_the_images(smooth, counts):
    images = counted(smooth.images, counts)
    noise = images - smooth.images
    found = noise_level(TiltSeries(images, WEDGE, 0.5))
    assert found.share == pytest.approx(np.linalg.norm(noise) / np.linalg.norm(images), rel=0.15)


def test_noise_level_knows_what_an_interpolation_did():
    from napari_snpore.tomography.alignment import Alignment

    rng = np.random.default_rng(4)
    series = TiltSeries(
        rng.normal(50, 3, (9, 128, 128)).astype(np.float32), np.arange(-40, 41, 10.0), 1.0
    )
    moved = Alignment(rng.uniform(-1, 1, (9, 2)), 4.0, 0.4, np.zeros(9)).apply(series)
    inner = moved.images[:, 12:-12, 12:-12]
    assert noise_level(moved).sigma == pytest.approx(inner.std(), rel=0.07)


@pytest.mark.parametrize("method", ["sirt", "cgls"])
def test_stopping_at_the_noise_comes_before_the_turn_and_near_it(method, smooth, truth):
    images = counted(smooth.images, 1000)
    noise = np.linalg.norm(images - smooth.images) / np.linalg.norm(images)
    object_ = np.repeat(truth[:, :4], 12, axis=1)
    series = TiltSeries(images, WEDGE, 0.5)
    found = reconstruct(series, method=METHODS[method](stop="noise"))
    parameters = found.history[-1].parameters
    assert parameters["noise_reached"]
    assert parameters["residual"] == pytest.approx(noise, rel=0.05)
    counts = (40, 80, 160, 320) if method == "sirt" else (6, 9, 12, 15, 20, 40)
    errors = {
        count: error(reconstruct(series, method=method, iterations=count), object_)
        for count in counts
    }
    assert parameters["iterations"] <= min(errors, key=errors.get)
    assert error(found, object_) <= 1.2 * min(errors.values())


def test_noise_that_is_not_reached_is_said():
    images = np.random.default_rng(0).random((20, 4, 32)).astype(np.float32)
    images[::2] *= 3  # no volume has such projections
    found = reconstruct(
        TiltSeries(images + 5, np.linspace(-60, 60, 20), 1.0),
        method=Sirt(stop="noise", iterations=5),
    )
    assert "was not reached in 5 iterations" in found.history[-1].parameters["note"]


@pytest.mark.parametrize("method", ITERATIVE)
def test_threads_and_cut_make_no_difference(method, noisy):
    one, two = (
        reconstruct(noisy, method=with_levels(method, iterations=4), threads=t).data for t in (1, 2)
    )
    narrow = reconstruct(
        noisy, method=with_levels(method, iterations=4), threads=1, memory_limit=60_000_000
    ).data  # a narrow block, but for TV: it couples all rows
    assert np.array_equal(one, two)
    assert np.array_equal(one, narrow)


@pytest.mark.parametrize("method", [*ITERATIVE, "wbp"])
@pytest.mark.parametrize("flat", [True, False])
def test_nothing_outside_the_support(method, flat, truth, clean):
    z, x = np.mgrid[:96, :96] - 47.5
    disc = np.hypot(z, x) < 39
    support = disc if flat else np.repeat(disc[:, None], truth.shape[1], axis=1)
    options = {} if method == "wbp" else {"iterations": 5}
    found = reconstruct(clean, method=with_levels(method, **options), support=support).data
    assert not found.transpose(1, 0, 2)[:, ~disc].any()
    assert found.transpose(1, 0, 2)[:, disc].any()


def test_support_lowers_the_error(truth, clean):
    support = truth > 0
    assert error(reconstruct(clean, support=support, iterations=40), truth) < error(
        reconstruct(clean, iterations=40), truth
    )


@pytest.mark.parametrize("method", ["cgls", "tv", "dart"])
def test_a_start_is_used_and_kept(method, truth, clean):
    before = truth.copy()
    started = reconstruct(clean, method=with_levels(method, iterations=2), initial=truth)
    assert error(started, truth) < 0.05
    assert np.array_equal(truth, before)


@pytest.mark.parametrize("method", ITERATIVE)
def test_callback_residuals_and_progress(method, clean):
    told, done = [], []
    found = reconstruct(
        clean,
        method=with_levels(method, iterations=6),
        callback=lambda *a: told.append(a),
        progress=lambda *a: done.append(a),
    )
    residuals = found.history[-1].parameters["residuals"]
    assert told == list(zip(range(1, 7), residuals, strict=True))
    assert [a for a, _ in done] == list(range(1, done[-1][1] + 1))
    left = project(found.data, WEDGE) - clean.images
    assert residuals[-1] == pytest.approx(
        np.linalg.norm(left) / np.linalg.norm(clean.images), rel=1e-3
    )


@pytest.mark.parametrize("method", ITERATIVE)
def test_looking_on_changes_nothing(method, noisy):
    seen = []
    plain = reconstruct(noisy, method=with_levels(method, iterations=12))
    watched = reconstruct(
        noisy,
        method=with_levels(method, iterations=12),
        partial=lambda volume, k: seen.append((k, volume.any())),
    )
    assert np.array_equal(plain.data, watched.data)
    # of the others the first two are a quick SIRT; TV shows its own volume as soon as it is nearer
    wanted = {"sirt": [2, 5, 10, 12], "tv": [2, 5, 5, 10, 12]}
    assert [k for k, _ in seen] == wanted.get(method, [2, 5, 12])
    assert all(filled for _, filled in seen)


def test_finish_now_keeps_what_there_is(truth, clean):
    count = []
    found = reconstruct(
        clean,
        iterations=400,
        callback=lambda k, r: count.append(k),
        finish_now=lambda: len(count) >= 3,
    )
    parameters = found.history[-1].parameters
    assert parameters["iterations"] < 400
    assert "of 400 iterations" in parameters["finished_early"]
    assert error(found, truth) < 0.7


def test_cancel_ends_within_a_block(clean):
    count = []
    with pytest.raises(Stopped):
        reconstruct(
            clean,
            method=Tv(blur_px=0.0),
            progress=lambda *a: count.append(a),
            should_stop=lambda: len(count) > 3,
        )


def test_result_goes_where_it_is_told(tmp_path, clean):
    target = np.lib.format.open_memmap(tmp_path / "v.npy", "w+", np.float32, (96, 8, 96))
    found = reconstruct(clean, iterations=3, out=target)
    assert found.data is target
    assert np.array_equal(np.load(tmp_path / "v.npy"), reconstruct(clean, iterations=3).data)


def test_zarr_takes_the_result_block_by_block(tmp_path, clean):
    import zarr

    target = zarr.create_array(
        tmp_path / "v.zarr", shape=(96, 8, 96), chunks=(32, 8, 32), dtype="float32"
    )
    reconstruct(clean, iterations=12, out=target, finish_now=lambda: False)
    assert np.array_equal(target[:], reconstruct(clean, iterations=12).data)


_STREAM = """
import resource, sys
import numpy as np
from napari_snpore.tomography.reconstruction import reconstruct, warm_up
from napari_snpore.tomography.tilt_series import TiltSeries
folder, limit = sys.argv[1], int(sys.argv[2])
warm_up()
images = np.load(folder + "/images.npy", mmap_mode="r")
out = np.lib.format.open_memmap(folder + "/volume.npy", "w+", np.float32, (192, 1024, 192))
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
def status(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024
before = status("RssAnon")
import threading, time
peak, going = [before], [True]
def watch():
    while going[0]:
        peak.append(status("RssAnon"))
        time.sleep(0.002)
thread = threading.Thread(target=watch); thread.start()
series = TiltSeries(images, np.linspace(-60, 60, len(images)), 1.0)
reconstruct(series, iterations=1, out=out, memory_limit=limit, threads=2)
going[0] = False; thread.join()
print(max(peak) - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads the memory of a process from /proc"
)
def test_a_volume_larger_than_the_limit_is_streamed(tmp_path):
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.float32, (12, 1024, 192))
    images[:] = np.random.default_rng(0).random((12, 1, 192), dtype=np.float32)
    limit = 60_000_000  # the volume has 151 MB
    del images
    out = subprocess.run(
        [sys.executable, "-c", _STREAM, str(tmp_path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(out.stdout) < limit
    volume = np.load(tmp_path / "volume.npy", mmap_mode="r")
    assert np.array_equal(volume[:, 0], volume[:, 1023])


def test_astra_is_asked_for_by_name_only_where_it_is(clean):
    if astra_backend.available():
        ours, theirs = (
            reconstruct(clean, iterations=20, backend=name).data for name in ("cpu", "astra")
        )
        assert np.linalg.norm(ours - theirs) < astra_backend.TOLERANCE * np.linalg.norm(ours)
    else:
        with pytest.raises(InputError, match="no CUDA device"):
            reconstruct(clean, backend="astra")
        assert reconstruct(clean, iterations=1).history[-1].parameters["backend"] == "cpu"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"method": "fbp"}, "method is 'fbp'; one of sirt, wbp"),
        ({"method": None}, "method is None"),
        (
            {"method": "wbp", "iterations": 3},
            "iterations is an option of sirt, cgls, tv, dart; wbp takes filter",
        ),
        ({"method": Sirt(), "iterations": 3}, r"set Sirt\(iterations=\.\.\.\)"),
        ({"method": "wbp", "initial": np.zeros((96, 8, 96))}, "initial is for iterative methods"),
        ({"backend": "gpu"}, "auto, cpu, astra"),
        ({"method": "tv", "backend": "astra"}, "sirt and wbp"),
        ({"support": np.ones((3, 3), bool)}, "support has shape"),
        ({"support": np.ones((96, 96))}, "a mask of booleans"),
        ({"out": np.empty((2, 2, 2), np.float32)}, "out needs shape"),
        ({"out": np.empty((96, 8, 96))}, "type float32"),
        ({"memory_limit": 1000}, "the volume alone takes"),
        ({"memory_limit": 300_000}, "need at least"),
    ],
)
def test_bad_arguments_are_refused(options, word, clean):
    with pytest.raises(InputError, match=word):
        reconstruct(clean, **options)


@pytest.mark.parametrize(
    ("method", "options", "word"),
    [
        (Tv, {"weight": -1.0}, "weight is -1"),
        (Dart, {"gray_levels": [1.0, 0.0]}, "rising order"),
        (Dart, {"gray_levels": 9}, "2 to 6 levels"),
        (Sirt, {"stop": "soon"}, "iterations, noise"),
        (Sirt, {"iterations": 0}, "iterations is 0"),
        (Cgls, {"iterations": 2.5}, "iterations is 2.5"),
        (Wbp, {"filter": "butterworth"}, "filter is 'butterworth'"),
    ],
)
def test_bad_options_are_refused_where_they_are_made(method, options, word):
    with pytest.raises(InputError, match=word):
        method(**options)


@pytest.mark.parametrize("name", list(METHODS))
def test_a_name_means_the_defaults_of_its_dataclass(name, clean):
    few = TiltSeries(clean.images[::7], WEDGE[::7], 0.5)
    by_name, by_class = (reconstruct(few, method=one) for one in (name, METHODS[name]()))
    assert np.array_equal(by_name.data, by_class.data)
    assert by_name.history == by_class.history
    assert by_name.history[-1].parameters["method"] == name
