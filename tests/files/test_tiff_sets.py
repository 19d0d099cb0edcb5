"""TIFF files that promise more than they hold, sets of several files, axes and images of one file,
and calibrations.
"""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_snpore import read_tilt_series, read_volume
from napari_snpore.errors import FileFormatError, InputError, MissingScaleError
from napari_snpore.files.formats import plane_count
from napari_snpore.files.image_input import contents_of, parse_input

STACK = np.arange(5 * 16 * 20, dtype=np.uint16).reshape(5, 16, 20)
ANGLES = [-2, -1, 0, 1, 2]
ROOT = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def uuid(number):
    return f"urn:uuid:00000000-0000-0000-0000-{number:012d}"


def image(body="<TiffData/>", *, z=5, c=1, order="XYZCT", sizes=(3, 2, 2), unit="nm", number=0):
    """OME-XML of one image of 16 × 20 px, by the schema of 2016-06."""
    dz, dy, dx = sizes
    return (
        f'<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" DimensionOrder="{order}" '
        f'Type="uint16" SizeX="20" SizeY="16" SizeZ="{z}" SizeC="{c}" SizeT="1" '
        f'PhysicalSizeX="{dx}" PhysicalSizeXUnit="{unit}" PhysicalSizeY="{dy}" '
        f'PhysicalSizeYUnit="{unit}" PhysicalSizeZ="{dz}" PhysicalSizeZUnit="{unit}">'
        f"{body}</Pixels></Image>"
    )


def write(path, xml, data=STACK, **options):
    tifffile.imwrite(
        path, data, metadata=None, description=xml.encode(), photometric="minisblack", **options
    )
    return path


def ome(path, *images, data=STACK):
    return write(path, f"{ROOT}>{''.join(images)}</OME>", data)


def file_set(folder, *, count=4, companion=False):
    """One plane a file; the metadata are in each file, or in one of their own."""
    names = "".join(
        f'<TiffData FirstZ="{k}" IFD="0" PlaneCount="1"><UUID FileName="z{k}.ome.tif">{uuid(k)}</UUID></TiffData>'
        for k in range(count)
    )
    for k in range(count):
        described = image(names, z=count)
        if companion:
            described = f'<BinaryOnly MetadataFile="all.companion.ome" UUID="{uuid(99)}"/>'
        write(folder / f"z{k}.ome.tif", f'{ROOT} UUID="{uuid(k)}">{described}</OME>', STACK[k])
    if companion:
        text = f'{ROOT} UUID="{uuid(99)}">{image(names, z=count)}</OME>'
        (folder / "all.companion.ome").write_text(text, encoding="utf-8")
    return folder / "z0.ome.tif"


@pytest.mark.parametrize("companion", [False, True])
def test_a_set_of_files_is_one_volume(tmp_path, companion):
    file_set(tmp_path, companion=companion)
    for name in ("z0.ome.tif", "z3.ome.tif"):
        volume = read_volume(tmp_path / name)
        assert np.array_equal(volume.data, STACK[:4])
        assert volume.spacing == (3, 2, 2)


@pytest.mark.parametrize("companion", [False, True])
def test_a_set_without_one_of_its_files_is_refused(tmp_path, companion):
    path = file_set(tmp_path, companion=companion)
    (tmp_path / "z2.ome.tif").unlink()
    with pytest.raises(FileFormatError, match=r"set of 4 files, and z2\.ome\.tif is not beside it"):
        read_volume(path)
    assert plane_count(path) == 2  # taken here when it is dropped: other readers show zeros


def test_a_set_without_its_metadata_is_refused(tmp_path):
    path = file_set(tmp_path, companion=True)
    (tmp_path / "all.companion.ome").unlink()
    with pytest.raises(FileFormatError, match=r"metadata are in all\.companion\.ome, which is not"):
        read_volume(path)


def test_a_file_that_was_renamed_is_known_by_its_identifier(tmp_path):
    body = f'<TiffData PlaneCount="5"><UUID FileName="old.ome.tif">{uuid(1)}</UUID></TiffData>'
    path = write(tmp_path / "new.ome.tif", f'{ROOT} UUID="{uuid(1)}">{image(body)}</OME>')
    assert np.array_equal(read_volume(path).data, STACK)


@pytest.mark.parametrize(
    ("planes", "body", "found"),
    [
        (10, "<TiffData/>", 5),
        (5, '<TiffData IFD="2" FirstZ="0" PlaneCount="5"/>', 3),
        (5, '<TiffData IFD="0" PlaneCount="2"/><TiffData IFD="3" FirstZ="3" PlaneCount="2"/>', 4),
        (6, '<TiffData IFD="1" FirstZ="1" PlaneCount="4"/>', 4),
    ],
)
def test_planes_that_are_promised_and_not_there_are_refused(tmp_path, planes, body, found):
    path = ome(tmp_path / "a.ome.tif", image(body, z=planes))
    with pytest.raises(FileFormatError, match=f"promises {planes} planes and holds {found}"):
        read_volume(path)


def test_a_plane_without_data_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for plane in STACK:
            tiff.write(plane, contiguous=False, metadata=None, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[3].tags["StripByteCounts"].overwrite(0)
    with pytest.raises(FileFormatError, match="no data for plane 3"):
        read_tilt_series(path, angles_deg=ANGLES, pixel_size_nm=1)


def test_a_compressed_file_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, metadata=None, compression="zlib", photometric="minisblack")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FileFormatError, match="cut short: plane 4 ends at byte"):
        read_tilt_series(path, angles_deg=ANGLES, pixel_size_nm=1)


def test_planes_that_no_metadata_name_are_said_to_be_left_out(tmp_path):
    volume = read_volume(ome(tmp_path / "a.ome.tif", image(z=3)))
    assert np.array_equal(volume.data, STACK[:3])
    assert volume.history[-1].parameters["notes"] == [
        "2 planes that the metadata do not name were left out"
    ]


def test_planes_come_in_the_order_that_the_metadata_state(tmp_path):
    backwards = "".join(f'<TiffData IFD="{4 - k}" FirstZ="{k}" PlaneCount="1"/>' for k in range(5))
    path = ome(tmp_path / "a.ome.tif", image(backwards))
    assert np.array_equal(read_volume(path).data, STACK[::-1])
    for order in ("XYZCT", "XYCZT", "XYTCZ", "XYTZC"):
        path = ome(tmp_path / f"{order}.ome.tif", image(order=order))
        assert np.array_equal(read_volume(path).data, STACK)


def test_axes_that_are_stored_in_another_order_are_turned(tmp_path):
    stored = np.ascontiguousarray(np.moveaxis(STACK, 0, -1))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, metadata={"axes": "YXZ"}, photometric="minisblack")
    assert np.array_equal(read_volume(path, spacing=2).data, STACK)


def test_channels_with_names_are_refused_and_others_are_said(tmp_path):
    named = "".join(f'<Channel ID="Channel:0:{k}" Name="dye {k}"/>' for k in range(5))
    path = ome(tmp_path / "named.ome.tif", image(f"{named}<TiffData/>", z=1, c=5))
    with pytest.raises(FileFormatError, match="several channels of one image: dye 0, dye 1"):
        read_volume(path)
    # tifffile calls the planes of a stack channels where nobody names its axes
    tifffile.imwrite(tmp_path / "bare.ome.tif", STACK, ome=True, photometric="minisblack")
    volume = read_volume(tmp_path / "bare.ome.tif", spacing=2)
    assert np.array_equal(volume.data, STACK)
    assert "called channels" in volume.history[-1].parameters["notes"][0]


def test_of_several_images_one_is_taken_by_name_with_its_own_size(tmp_path):
    planes = [f'<TiffData IFD="{k}" PlaneCount="{n}"/>' for k, n in ((0, 5), (5, 3))]
    path = ome(
        tmp_path / "two.ome.tif",
        image(planes[0]),
        image(planes[1], z=3, sizes=(9, 8, 8), number=1),
        data=np.concatenate([STACK, STACK[:3] + 1]),
    )
    first, second = read_volume(path), read_volume(path, image="image 2")
    assert (first.spacing, second.spacing) == ((3, 2, 2), (9, 8, 8))
    assert np.array_equal(second.data, STACK[:3] + 1)
    assert "also there: image 2" in first.history[-1].parameters["notes"][0]
    assert contents_of(parse_input(path)).has_other_images
    with pytest.raises(InputError, match="it holds image 1, image 2"):
        read_volume(path, image="x")


def test_a_stack_is_taken_before_an_overview(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(np.zeros((50, 60), np.uint16), metadata=None, photometric="minisblack")
        tiff.write(STACK, metadata=None, photometric="minisblack")
    assert np.array_equal(read_volume(tmp_path / "a.tif", spacing=2).data, STACK)


def imagej(path, *, resolution=0.5, **metadata):
    """ImageJ's text written by hand: tifffile would leave out what it does not know."""
    lines = "".join(f"{key}={value}\n" for key, value in metadata.items())
    text = f"ImageJ=1.53t\nimages=5\nslices=5\n{lines}loop=false\n"
    return write(path, text, resolution=(resolution, resolution), resolutionunit=1)


@pytest.mark.parametrize(
    ("metadata", "spacing"),
    [
        ({"unit": "nm", "spacing": 3}, (3, 2, 2)),
        ({"unit": "nm", "yunit": "nm", "zunit": "micron", "spacing": 0.02}, (20, 2, 2)),
        ({"unit": "micron", "zunit": "nm", "spacing": 40}, (40, 2000, 2000)),
        ({"unit": "nm", "yunit": "\\u00C5", "spacing": 3}, (3, 0.2, 2)),
        ({"unit": "\\u00B5m", "spacing": 0.5}, (500, 2000, 2000)),
        ({"unit": "nm", "spacing": -3}, (3, 2, 2)),
    ],
)
def test_imagej_has_a_unit_for_each_axis(tmp_path, metadata, spacing):
    assert read_volume(imagej(tmp_path / "a.tif", **metadata)).spacing == pytest.approx(spacing)


def test_imagej_planes_that_are_promised_and_not_there_are_refused(tmp_path):
    text = "ImageJ=1.53t\nimages=8\nslices=8\nunit=nm\nspacing=2\nloop=false\n"
    path = write(tmp_path / "a.tif", text, compression="zlib")
    with pytest.raises(FileFormatError, match="promises 8 planes and holds 5"):
        read_volume(path, spacing=2)


def test_imagej_size_along_some_axes_alone(tmp_path):
    path = imagej(tmp_path / "a.tif", unit="nm", zunit="pixel", spacing=3)
    with pytest.raises(MissingScaleError, match="along z"):
        read_volume(path)
    assert read_volume(path, spacing=(3, 2, 2)).spacing == (3, 2, 2)
    assert read_tilt_series(path, angles_deg=ANGLES).pixel_size_nm == 2


@pytest.mark.parametrize("unit", ["cm", "inch", "mm", "micron", "nm", "pixel"])
def test_imagej_one_pixel_a_unit_is_no_calibration(tmp_path, unit):
    path = imagej(tmp_path / "a.tif", resolution=1, unit=unit, spacing=1)
    with pytest.raises(MissingScaleError, match="along z"):
        read_volume(path)
    assert read_volume(path, spacing=0.4).spacing == (0.4, 0.4, 0.4)


@pytest.mark.parametrize("unit", ["CENTIMETER", "INCH"])
@pytest.mark.parametrize("resolution", [72, 96, 300, 28.35, 37.8, 118.11, 118, 1])
def test_resolutions_of_print_are_no_calibration_in_any_unit(tmp_path, unit, resolution):
    path = write(tmp_path / "a.tif", "", resolution=(resolution,) * 2, resolutionunit=unit)
    with pytest.raises(MissingScaleError, match="no pixel size"):
        read_tilt_series(path, angles_deg=ANGLES)
    assert contents_of(parse_input(path)).lacks_size


def test_resolution_in_cm_that_somebody_measured_counts(tmp_path):
    path = write(tmp_path / "a.tif", "", resolution=(2e7, 2e7), resolutionunit="CENTIMETER")
    assert read_tilt_series(path, angles_deg=ANGLES).pixel_size_nm == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("sizes", "unit"), [((1, 1, 1), "nm"), ((1, 1, 1), "µm"), ((1, 264.583, 264.583), "µm")]
)
def test_ome_sizes_of_converters_are_no_calibration(tmp_path, sizes, unit):
    path = ome(tmp_path / "a.ome.tif", image(sizes=sizes, unit=unit))
    with pytest.raises(MissingScaleError, match="is a default and counts as none"):
        read_volume(path)


@pytest.mark.parametrize("unit", ["\u00b5m", "\u03bcm", "&#181;m", "micron"])
def test_ome_units_in_two_code_points(tmp_path, unit):
    path = ome(tmp_path / "a.ome.tif", image(sizes=(0.3, 0.2, 0.2), unit=unit))
    assert read_volume(path).spacing == pytest.approx((300, 200, 200))


def test_metadata_of_another_image_give_no_size(tmp_path):
    xml = f"{ROOT}>{image()}</OME>".replace('SizeX="20"', 'SizeX="30"')
    with pytest.raises(MissingScaleError):
        read_volume(write(tmp_path / "a.ome.tif", xml))
