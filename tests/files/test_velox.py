"""Velox: images are named after their detectors, and one series holds one detector."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from napari_snpore import read_image_series, read_tilt_series
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.formats import parse
from napari_snpore.files.image_input import contents_of, grouped_inputs, parse_input

HAADF, BF, DF = 1000, 5, 40  # grey values that tell the detectors apart


def image(
    value, detector="HAADF", *, alpha_deg=0.0, frames=1, dtype=np.uint16, shape=(8, 10), **result
):
    """One image with the metadata that Velox keeps per frame; ``alpha_deg`` may be a list."""
    alphas = np.broadcast_to(alpha_deg, frames)
    about = [
        {
            "BinaryResult": {
                "PixelSize": {"width": "2e-9", "height": "2e-9"},
                "PixelUnitX": "m",
                **({} if detector is None else {"Detector": detector, "DetectorIndex": "0"}),
                **result,
            },
            "Stage": {"AlphaTilt": str(np.radians(alpha))},
            "Scan": {"FrameTime": "0.5"},
        }
        for alpha in alphas
    ]
    return np.full((*shape, frames), value, dtype), about


def velox(path, images, operations=()):
    """Write images by the random names of their groups."""
    with h5py.File(path, "w") as file:
        for name, (data, about) in images.items():
            group = file.create_group(f"Data/Image/{name}")
            group["Data"] = data
            texts = [json.dumps(one).encode().ljust(3000, b"\0") for one in about]
            group["Metadata"] = np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), -1).T
        for kind, content in operations:
            file[f"Operations/{kind}/{len(file)}{kind}"] = [json.dumps(content).encode()]
    return path


def gray(series):
    return np.asarray(series.images)[:, 0, 0].tolist()


def series_of_files(folder, order=("HAADF", "BF")):
    """Three tilts; the random names put another detector first in each."""
    values = {"HAADF": HAADF, "BF": BF, "DF4": DF}
    paths = []
    for k, alpha in enumerate((-2, 0, 2)):
        turned = order if k % 2 else order[::-1]
        images = {
            f"{n}{k}": image(values[name], name, alpha_deg=alpha) for n, name in enumerate(turned)
        }
        paths.append(velox(folder / f"tilt{k}.emd", images))
    return paths


def test_the_dark_field_is_taken_from_every_file(tmp_path):
    series = read_tilt_series(series_of_files(tmp_path))
    assert gray(series) == [HAADF] * 3
    assert series.angles_deg == pytest.approx([-2, 0, 2])
    (note,) = series.history[-1].parameters["notes"]
    assert note == "image 'HAADF' was taken; also there: BF"


def test_another_detector_is_taken_by_its_name(tmp_path):
    paths = series_of_files(tmp_path)
    assert gray(read_tilt_series(paths, image="BF")) == [BF] * 3
    with pytest.raises(InputError, match=r"holds no image 'ABF'; it holds HAADF, BF\."):
        read_tilt_series(paths, image="ABF")


def test_the_detector_that_is_in_all_files_is_taken(tmp_path):
    paths = [
        velox(tmp_path / "a.emd", {"1": image(HAADF, "HAADF"), "2": image(BF, "BF")}),
        velox(tmp_path / "b.emd", {"1": image(BF, "BF"), "2": image(DF, "DF4")}),
        velox(tmp_path / "c.emd", {"1": image(BF, "BF")}),
    ]
    assert gray(read_tilt_series(paths, angles_deg=[0, 0, 0])) == [BF] * 3


def test_files_without_a_detector_in_common_are_no_series(tmp_path):
    paths = [
        velox(tmp_path / "a.emd", {"1": image(HAADF, "HAADF")}),
        velox(tmp_path / "b.emd", {"1": image(BF, "BF")}),
    ]
    with pytest.raises(
        FileFormatError, match=r"a\.emd holds HAADF, b\.emd holds BF: no image is in all 2"
    ):
        read_tilt_series(paths, angles_deg=[0, 1])
    assert len(grouped_inputs([parse_input(path) for path in paths])) == 2


def test_dropped_files_become_one_series_of_one_detector(tmp_path):
    paths = series_of_files(tmp_path, ("HAADF", "BF", "DF4"))
    (joined,) = grouped_inputs([parse_input(path) for path in paths])
    assert [int(file.data[0, 0]) for file in joined.files] == [HAADF] * 3
    assert contents_of(joined).has_other_images


def test_images_that_only_random_names_tell_apart_are_never_mixed(tmp_path):
    paths = [
        velox(tmp_path / f"{k}.emd", {f"{k}a": image(k, None), f"{k}b": image(-k % 9, None)})
        for k in (1, 2)
    ]
    with pytest.raises(FileFormatError, match="no image is in all 2 files"):
        read_tilt_series(paths, angles_deg=[0, 1])


def test_the_larger_image_of_one_detector_comes_first(tmp_path):
    survey = image(1, shape=(3, 4))
    parsed = parse(velox(tmp_path / "a.emd", {"1": survey, "2": image(2)}))
    assert (parsed.data.shape, parsed.image, parsed.other_images) == (
        (8, 10),
        "HAADF",
        ("HAADF (2)",),
    )


def test_element_maps_and_transforms_come_last(tmp_path):
    fft = np.zeros((8, 10, 1), [("realFloatHalfEven", "<f4"), ("imagFloatHalfEven", "<f4")])
    iron, about = image(3, None, dtype=np.float32, Detector="SuperXG2")
    images = {"1": (iron, about), "2": (fft, image(0)[1]), "3": image(HAADF), "4": image(7, "Ceta")}
    parsed = parse(velox(tmp_path / "a.emd", images))
    assert parsed.image == "HAADF"
    assert parsed.other_images == ("Ceta", "SuperXG2")


def test_what_was_computed_is_named_after_its_operation(tmp_path):
    operations = [
        ("StemInputOperation", {"dataPath": "/Data/Image/2", "detector": "DF4-A"}),
        ("IntegrationOperation", {"dataPath": "/Data/Image/1"}),
    ]
    parsed = parse(
        velox(tmp_path / "a.emd", {"1": image(1, "DF4"), "2": image(2, "DF4")}, operations)
    )
    assert (parsed.image, parsed.other_images) == ("DF4-A", ("DF4 Integration",))


def test_frames_that_were_tilted_are_a_tilt_series(tmp_path):
    path = velox(tmp_path / "a.emd", {"1": image(1, frames=3, alpha_deg=[-10, 0, 10])})
    assert read_tilt_series(path).angles_deg == pytest.approx([-10, 0, 10])


def test_frames_of_one_tilt_are_images_in_time(tmp_path):
    path = velox(tmp_path / "a.emd", {"1": image(1, frames=3, alpha_deg=5)})
    series = read_image_series(path)
    assert series.times_s == pytest.approx([0, 0.5, 1])
    assert series.pixel_size_nm == pytest.approx(2)
    assert contents_of(parse_input(path)).kind == "images in time"
