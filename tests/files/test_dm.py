"""DM3 and DM4: the sign of bytes, axes without a calibration, and files of several images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import read_tilt_series, read_volume
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.dm import dm_modules
from napari_snpore.files.formats import parse

parse_dm3, utils = dm_modules()  # not skipped where they are missing: then no DM file is read

STACK = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def image(data, dimensions=None, *, name="image", data_type=None, axes=(), form=None):
    """One entry of the list of images; ``axes`` are (scale, unit, origin), fastest first."""
    stored = utils.ndarray_to_imagedatadict(np.ascontiguousarray(data))
    if dimensions is not None:
        stored["Dimensions"] = dimensions
    if data_type is not None:
        stored["DataType"] = data_type
    stored["Calibrations"] = {
        "Dimension": [{"Origin": float(o), "Scale": float(s), "Units": u} for s, u, o in axes]
    }
    about = {"Meta Data": {"Format": form}} if form else {"a": "b"}
    return {"Name": name, "ImageData": stored, "ImageTags": about}


def write(path, *images, thumbnails=()):
    tags = {"ImageList": list(images)}
    if thumbnails:
        tags["Thumbnails"] = [{"ImageIndex": number} for number in thumbnails]
    with path.open("w+b") as file:
        parse_dm3.dm_write_header(file, int(path.suffix[-1]), tags)
    return path


@pytest.mark.parametrize("suffix", ["dm3", "dm4"])
@pytest.mark.parametrize(("data_type", "dtype"), [(6, np.uint8), (9, np.int8), (14, np.uint8)])
def test_the_data_type_has_the_sign_of_bytes(tmp_path, suffix, data_type, dtype):
    raw = np.array([[0, 100, 200], [255, 128, 127]], np.uint8)
    path = write(tmp_path / f"a.{suffix}", image(raw.view(np.int8), data_type=data_type))
    assert parse(path).data.dtype == dtype
    assert np.array_equal(parse(path).data, raw.view(dtype))


@pytest.mark.parametrize(
    ("axes", "spacing"),
    [
        ([(2, "nm", 0), (3, "nm", 0)], (None, 3, 2)),
        ([(2, "nm", 0)], (None, None, 2)),
        ([(2, "nm", 0), (3, "nm", 0), (0.01, "µm", 0)], (10, 3, 2)),
        ([(1, "", 0), (3, "nm", 0), (4, "nm", 0)], (4, 3, None)),
        ([(0, "nm", 0), (3, "nm", 0)], (None, 3, None)),
        ([], (None, None, None)),
    ],
)
def test_each_axis_has_its_own_calibration(tmp_path, axes, spacing):
    found = parse(write(tmp_path / "a.dm3", image(STACK, axes=axes))).spacing_nm
    assert found == tuple(None if size is None else pytest.approx(size) for size in spacing)


def test_a_stack_without_a_third_calibration_opens_with_the_size_given(tmp_path):
    path = write(tmp_path / "a.dm3", image(STACK, axes=[(2, "nm", 0), (2, "nm", 0)]))
    assert read_volume(path, spacing=(10, 2, 2)).spacing == (10, 2, 2)


def test_a_first_axis_in_degrees_has_its_origin(tmp_path):
    # Gatan: position = (index - origin) * scale
    axes = [(2, "nm", 0), (2, "nm", 0), (2, "deg", 30)]
    series = read_tilt_series(write(tmp_path / "a.dm3", image(STACK, axes=axes)))
    assert series.angles_deg.tolist() == [-60, -58, -56]


def test_the_image_is_taken_from_beside_a_spectrum_and_a_thumbnail(tmp_path):
    thumbnail = image(np.full((4, 4, 3), 9, np.uint8), name="thumbnail")
    spectrum = image(np.ones(8, np.float32), name="EELS", axes=[(0.5, "eV", 0)], form="Spectrum")
    haadf = image(STACK[0], name="HAADF", axes=[(2, "nm", 0), (2, "nm", 0)])
    for order in ([thumbnail, haadf, spectrum], [thumbnail, spectrum, haadf]):
        parsed = parse(write(tmp_path / "a.dm3", *order, thumbnails=[0]))
        assert np.array_equal(parsed.data, STACK[0])
        assert (parsed.image, parsed.other_images) == ("HAADF", ())


def test_a_thumbnail_is_never_the_image(tmp_path):
    # grey, as thumbnails of grey images are; first, and in older files without a mark
    thumbnail = image(np.full((4, 4, 3), 9, np.uint8), name="thumbnail")
    transform = image(STACK.astype(np.complex64), name="FFT")
    for marks in ((), (0,)):
        path = write(tmp_path / "a.dm3", thumbnail, transform, thumbnails=marks)
        with pytest.raises(FileFormatError, match="holds complex values"):
            parse(path)
        path = write(tmp_path / "a.dm3", thumbnail, image(STACK), thumbnails=marks)
        assert parse(path).other_images == ()
        assert np.array_equal(parse(path).data, STACK)


def test_one_of_two_images_is_taken_and_the_other_offered(tmp_path):
    paths = [
        write(
            tmp_path / f"{k}.dm3", *(image(STACK[0] * 0 + value, name=name) for name, value in pair)
        )
        for k, pair in enumerate([(("BF", 5), ("HAADF", 9)), (("HAADF", 9), ("BF", 5))])
    ]
    for name, value in ((None, 9), ("HAADF", 9), ("BF", 5)):
        series = read_tilt_series(paths, angles_deg=[0, 1], pixel_size_nm=1, image=name)
        assert np.unique(series.images).tolist() == [value]
    assert parse(paths[0]).other_images == ("BF",)
    with pytest.raises(InputError, match="holds no image 'DF'; it holds HAADF, BF"):
        parse(paths[0], image="DF")


def test_equal_channels_are_grey(tmp_path):
    rgb = np.repeat(np.arange(20, dtype=np.uint8).reshape(4, 5, 1), 3, axis=2)
    parsed = parse(write(tmp_path / "a.dm3", image(rgb, [5, 2, 2])))
    assert np.array_equal(parsed.data, rgb[..., 0].reshape(2, 2, 5))


def test_what_is_no_grey_image_is_called_by_its_name(tmp_path):
    rgb = np.zeros((4, 5, 3), np.uint8)
    rgb[1, 1] = 255, 0, 0
    for content, words in (
        (image(rgb), "a colour image"),
        (image(STACK.astype(np.complex64)), "complex values"),
        (image(STACK, data_type=99), "data type 99"),
        (image(STACK, axes=[(1, "nm", 0), (1, "nm", 0), (1, "eV", 0)]), "spectra"),
        # wavelengths are lengths
        (image(STACK, axes=[(1, "nm", 0)] * 3, form="Spectrum image"), "spectra"),
        (image(np.ones(8, np.float32)), "a spectrum or a profile"),
        (image(STACK.reshape(3, 2, 2, 5)), "an array of 4 axes"),
    ):
        with pytest.raises(FileFormatError, match=words) as caught:
            parse(write(tmp_path / "a.dm3", content))
        assert "damaged" not in str(caught.value)


def test_a_header_that_promises_more_than_there_is(tmp_path):
    with pytest.raises(FileFormatError, match="promises 3 × 4 × 6 values of float32, 240 bytes"):
        parse(write(tmp_path / "a.dm3", image(STACK, [6, 4, 3])))
