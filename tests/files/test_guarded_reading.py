"""What stands around the reading of files: special files, rights, changes, sizes, and one sentence
for everything else.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import sys
import tempfile
import threading
import zipfile
from contextlib import contextmanager
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pytest
import tifffile
import zarr

from napari_snpore import Volume, read_tilt_series, read_volume, write_volume
from napari_snpore.errors import (
    FileFormatError,
    InputError,
    MissingExtraError,
    MissingFileError,
    NoPermissionError,
    one_line,
)
from napari_snpore.figures.save import recipe_of
from napari_snpore.files import SUFFIXES, read_xf
from napari_snpore.files.formats import format_of, plane_count
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.tables import read_table
from napari_snpore.study.provenance import check_record
from napari_snpore.study.recipe import read_recipe

STACK = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
FILES = sorted(suffix for suffix, one in SUFFIXES.items() if not one.is_folder)
READ = {
    "recipe.toml": read_recipe,
    "a.xf": read_xf,
    "record.json": check_record,
    "a.csv": read_table,
    "plate.png": recipe_of,
    **{f"a{suffix}": lambda path: read_volume(path, spacing=1.0) for suffix in FILES},
}


def within(seconds, call, *arguments):
    """Return what a call in a thread raised; a call that does not end fails the test."""
    raised = []

    def work():
        try:
            call(*arguments)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"no end after {seconds} s"
    assert raised, "it was opened"
    return raised[0]


@needs_pipes
@pytest.mark.parametrize("name", sorted(READ))
def test_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    error = within(20, READ[name], tmp_path / name)
    assert isinstance(error, FileFormatError)
    assert f"{name} is a named pipe, not a file" in str(error)


@needs_pipes
def test_sniffing_of_a_pipe_ends(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    assert plane_count(tmp_path / "a.tif") == 2  # read here, which means: refused in a sentence


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_device_and_socket_are_refused(tmp_path):
    (tmp_path / "a.mrc").symlink_to("/dev/zero")
    with pytest.raises(FileFormatError, match=r"a\.mrc is a device, not a file"):
        read_volume(tmp_path / "a.mrc")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{short}/a.npy")
        with pytest.raises(FileFormatError, match=r"a\.npy is a socket, not a file"):
            read_volume(f"{short}/a.npy")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("name", sorted(READ))
def test_links_that_lead_nowhere(tmp_path, name):
    (tmp_path / name).symlink_to("elsewhere.bin")
    with pytest.raises(MissingFileError, match=r"is a link to elsewhere\.bin, which is not there"):
        READ[name](tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(name)
    with pytest.raises(FileFormatError, match="is a link that leads back to itself"):
        READ[name](tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_side_file_that_cannot_be_read_is_named(tmp_path):
    write_volume(tmp_path / "a.mrc", Volume(STACK, 0.5))
    (tmp_path / "a.tlt").symlink_to("moved.tlt")
    with pytest.raises(MissingFileError, match=r"a\.tlt is a link to moved\.tlt"):
        read_tilt_series(tmp_path / "a.mrc")


@pytest.mark.parametrize("name", sorted(READ))
def test_folder_in_place_of_a_file(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(FileFormatError) as caught:
        READ[name](tmp_path / name)
    assert name in str(caught.value)
    assert "irectory" in str(caught.value) or "folder" in str(caught.value)


@contextmanager
def somebody_else():
    """Be a user who owns nothing, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="rights are other there")
@pytest.mark.parametrize("name", sorted(READ))
def test_no_permission_is_not_damage(name):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / name
        path.write_bytes(b"rubbish")
        path.chmod(0)
        with somebody_else(), pytest.raises(NoPermissionError) as caught:
            READ[name](path)
    assert str(caught.value) == f"{path} cannot be read: you have no permission to read it."


@pytest.mark.parametrize("name", ["a\0.mrc", "a" * 300 + ".mrc"])
def test_names_that_no_file_can_have(tmp_path, name):
    with pytest.raises(FileFormatError) as caught:
        read_volume(tmp_path / name)
    assert "damaged" not in str(caught.value)
    assert plane_count(tmp_path / name) == 0


def read_while(path, change, error):
    with guarded(path):
        change()
        raise error


def test_file_that_goes_or_changes_while_it_is_read(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"123")
    with pytest.raises(FileFormatError, match="changed while it was read"):
        read_while(path, lambda: path.write_bytes(b"12345"), KeyError("header"))
    with pytest.raises(FileFormatError, match="changed while it was read"):
        read_while(path, lambda: path.write_bytes(b"1"), FileFormatError("It is cut short."))
    with pytest.raises(MissingFileError, match="was removed or renamed"):
        read_while(path, path.unlink, OSError(5, "Input/output error"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "needs more memory than there is"),
        (RecursionError(), "nested too deeply"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (ZeroDivisionError("x\ny"), "is damaged, or of a layout that is not read"),
    ],
)
def test_any_error_becomes_one_sentence(tmp_path, error, words):
    (tmp_path / "a.dm4").write_bytes(b"x")
    with pytest.raises(FileFormatError, match=words) as caught, guarded(tmp_path / "a.dm4"):
        raise error
    assert "a.dm4" in str(caught.value)
    assert caught.value.__cause__ is error  # for --debug


def test_a_module_that_is_missing_is_no_damage(tmp_path):
    (tmp_path / "a.dm3").write_bytes(b"x")
    with (
        pytest.raises(MissingExtraError, match="the module absent_one is missing"),
        guarded(tmp_path / "a.dm3"),
    ):
        import absent_one  # noqa: F401


def test_own_errors_pass_as_they_are(tmp_path):
    own = InputError("Give a number.")
    with pytest.raises(InputError) as caught, guarded(tmp_path):
        raise own
    assert caught.value is own


def test_sentence_is_one_line_of_limited_length(tmp_path):
    assert str(InputError("first\r\nsecond\tthird\u2028fourth")) == "first second third fourth"
    long = str(MissingFileError(f"There is no file {'é' * 4000}.tif."))
    assert len(long) <= 500
    assert long.startswith("There is no file é")
    assert long.endswith("é.tif.")
    assert one_line("short") == "short"
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path / "two\nlines.mrc")
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("name", ["a.tlt", "a.rawtlt", "a.mdoc"])
def test_side_file_beyond_a_megabyte_is_not_read(tmp_path, name):
    write_volume(tmp_path / "a.mrc", Volume(STACK, 0.5))
    with (tmp_path / name).open("wb") as file:
        file.truncate(2**40)  # a terabyte that takes no space
    with pytest.raises(FileFormatError, match=r"holds 1,099,511,627,776 bytes"):
        read_tilt_series(tmp_path / "a.mrc")


def test_recipe_is_bounded_and_refused_in_a_sentence(tmp_path):
    path = tmp_path / "r.toml"
    for text, words in {
        "#" * (2**20 + 1): "at most 1,048,576",
        "a = " + "[" * 5000 + "]" * 5000: "nested too deeply",
        "seed = " + "1" * 5000: "not a readable TOML recipe",
        '[input]\nvolume = "v"\nspacing_nm = "' + "x" * 70_000 + '"': "spacing_nm",
    }.items():
        path.write_text(text)
        with pytest.raises(FileFormatError, match=words) as caught:
            read_recipe(path)
        assert len(str(caught.value)) <= 500
    path.write_bytes(b"\xef\xbb\xbf" + b'[input]\nvolume = "v.tif"\n')  # an editor's mark
    assert read_recipe(path).input.volume == str(tmp_path / "v.tif")


def test_table_with_a_million_names_ends(tmp_path):
    (tmp_path / "t.csv").write_text("a" + "," * 2**20 + "\n1\n")
    error = within(20, read_table, tmp_path / "t.csv")
    assert isinstance(error, FileFormatError)


# TIFF: a chain of pages -----------------------------------------------------------------------


def page(offset_of_next, tags):
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", offset_of_next)


def tags(side):
    values = (
        (256, side),
        (257, side),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (278, side),
        (279, side),
    )
    return [(code, 4, 1, value) for code, value in values]


def chained(goals):
    """Return a TIFF file of pages whose next page is the one of that number; 0 for none."""
    size = len(page(0, tags(4)))
    places = [24 + number * size for number in range(len(goals))]
    pages = (page(places[goal - 1] if goal else 0, tags(4)) for goal in goals)
    return b"II*\0" + struct.pack("<I", 24) + bytes(16) + b"".join(pages)


@pytest.mark.parametrize("goals", [(1,), (2, 1), (2, 3, 2), (2, 3, 3), (2, 3, 4, 5, 3)])
def test_pages_that_lead_back_are_refused_soon(tmp_path, goals):
    path = tmp_path / "a.tif"
    path.write_bytes(chained(goals))
    error = within(20, lambda: read_volume(path, spacing=1.0))
    assert isinstance(error, FileFormatError)
    assert "is followed by an earlier page" in str(error)
    assert plane_count(path) == 2


def test_pages_that_are_no_images_or_overlap(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(chained((2, 0))[:-102] + page(0, []) + bytes(100))
    with pytest.raises(FileFormatError, match="too few for an image"):
        read_volume(path, spacing=1.0)
    # each page begins two bytes after the one before it: as many pages as bytes
    step = b"II*\0" + struct.pack("<I", 8) + (struct.pack("<H", 4) * 4000)
    path.write_bytes(step)
    with pytest.raises(InputError):
        read_volume(path, spacing=1.0)


@pytest.mark.parametrize("code", [257, 278, 322])
def test_page_of_more_strips_than_bytes(tmp_path, code):
    """Lists of millions of entries would be made for a file of some hundred bytes."""
    options = {"tile": (16, 16)} if code == 322 else {"rowsperstrip": 1}
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((32, 32), np.uint8), **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = {tag.code: tag for tag in file.pages[0].tags}
    raw = bytearray((tmp_path / "a.tif").read_bytes())
    for name, value in ((256, 30_000), (257, 2**27), (code, 1 if code != 257 else 2**27)):
        struct.pack_into("<H", raw, tags[name].offset + 2, 4)
        raw[tags[name].offset + 8 : tags[name].offset + 12] = struct.pack("<I", value)
    (tmp_path / "a.tif").write_bytes(raw)
    with pytest.raises(FileFormatError, match="more strips or tiles than the file has bytes"):
        read_volume(tmp_path / "a.tif", spacing=1)


@pytest.mark.parametrize("compression", ["zlib", "lzw", "packbits", None])
def test_pages_of_more_pixels_than_can_be(tmp_path, compression):
    """Zeros are the data that compress best: they are read, four times as many are refused."""
    path = tmp_path / "a.tif"
    zeros = np.zeros((2, 2048, 2048), np.uint8)
    tifffile.imwrite(path, zeros, compression=compression, rowsperstrip=2048, metadata=None)
    assert read_volume(path, spacing=1).shape == zeros.shape
    with tifffile.TiffFile(path) as file:
        tags = [page.tags["ImageLength"].valueoffset for page in file.pages]
        strips = [page.tags["RowsPerStrip"].valueoffset for page in file.pages]
    raw = bytearray(path.read_bytes())
    for place in (*tags, *strips):
        struct.pack_into("<H", raw, place, 8192)
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="damaged or cut short"):
        read_volume(path, spacing=1)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_sound_pages_are_followed_to_their_end(tmp_path, big, order):
    tifffile.imwrite(
        tmp_path / "a.tif",
        STACK,
        bigtiff=big,
        byteorder=order,
        photometric="minisblack",
        compression="zlib",
        metadata=None,
    )
    np.testing.assert_array_equal(read_volume(tmp_path / "a.tif", spacing=1.0).data, STACK)


# parsers of other packages --------------------------------------------------------------------


def test_header_of_an_npy_file_that_is_no_expression(tmp_path):
    head = b"{'descr': '<i2', 'fortran_order': False, 'shape': (4, 5, 6".ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + head + STACK.tobytes())
    with pytest.raises(FileFormatError, match=r"a\.npy"):
        read_volume(tmp_path / "a.npy", spacing=1)


@pytest.mark.parametrize("mark", [b"HEAP", b"SNOD", b"TREE"])
def test_damaged_nodes_of_hdf5(tmp_path, mark):
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        file["Experiments/x/data"] = STACK
        file.create_group("Experiments/x/axis-0")
    raw = (tmp_path / "a.hspy").read_bytes()
    assert mark in raw
    (tmp_path / "a.hspy").write_bytes(raw.replace(mark, b"XXXX"))
    with pytest.raises(FileFormatError, match=r"a\.hspy"):
        read_volume(tmp_path / "a.hspy", spacing=1)


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.create_dataset("Experiments", data=[1.0]),
        lambda file: file.create_dataset("Experiments/x/data", data=1.0),
        lambda file: file.create_group("Experiments").__setitem__(
            "x", h5py.ExternalLink("lost.h5", "/d")
        ),
        lambda file: file.create_group("Data/Image/x").create_group("Data"),
    ],
)
@pytest.mark.parametrize("suffix", [".hspy", ".emd"])
def test_hdf5_objects_of_the_wrong_kind(tmp_path, make, suffix):
    with h5py.File(tmp_path / f"a{suffix}", "w") as file:
        make(file)
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path / f"a{suffix}", spacing=1)
    assert f"a{suffix}" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.update(data_type="float33"),
        lambda about: about.update(shape=[-4, 5, 6]),
        lambda about: about.update(shape="4"),
        lambda about: about.pop("codecs"),
    ],
)
def test_damaged_description_of_a_zarr_array(tmp_path, change):
    write_volume(tmp_path / "a.ome.zarr", Volume(STACK, 0.5))
    path = tmp_path / "a.ome.zarr" / "0" / "zarr.json"
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))
    with pytest.raises(FileFormatError, match=r"a\.ome\.zarr"):
        read_volume(tmp_path / "a.ome.zarr")


def test_many_chunks_that_are_not_there_are_refused_soon(tmp_path):
    write_volume(tmp_path / "a.ome.zarr", Volume(STACK, 0.5))
    path = tmp_path / "a.ome.zarr" / "0" / "zarr.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "shape": [10**7, 10**7, 10**7]}))
    error = within(20, read_volume, tmp_path / "a.ome.zarr")
    assert isinstance(error, FileFormatError)
    assert "promises" in str(error)


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 1024, 1024), "compression": "gzip"}])
def test_hdf5_that_holds_little_of_a_large_array_takes_little_memory(tmp_path, options):
    """A file of some kilobytes that promises 252 MB is read when its values are needed."""
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        shape = (63, 1024, 1024)
        data = file.create_dataset("Experiments/x/data", shape=shape, dtype="f4", **options)
        if options:
            data[:2] = 1.0
    volume = read_volume(tmp_path / "a.hspy", spacing=1)
    assert volume.shape == (63, 1024, 1024)
    assert not isinstance(volume.data, np.ndarray)
    np.testing.assert_array_equal(volume.data[1, :3, :3], 1.0 if options else 0.0)


def test_damaged_chunk_of_lazy_hdf5_names_the_file(tmp_path):
    path = tmp_path / "a.hspy"
    with h5py.File(path, "w") as file:
        place = "Experiments/x/data"
        data = file.create_dataset(
            place, (63, 1024, 1024), "f4", chunks=(1, 1024, 1024), compression="gzip"
        )
        data[1] = 1.0
        at = data.id.get_chunk_info(0).byte_offset
    raw = bytearray(path.read_bytes())
    raw[at : at + 50] = bytes(50)
    path.write_bytes(raw)
    volume = read_volume(path, spacing=1)
    with pytest.raises(FileFormatError, match=r"a\.hspy"):
        np.asarray(volume.data[1])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.vgi", "[file1]\n" + "\n" * 200_000 + "x"),
        ("a.mhd", "NDims = 3\nDimSize =" + " " * 200_000),
        ("a.nhdr", "NRRD0004\nspace units: " + "x " * 400_000),
    ],
)
def test_long_headers_end(tmp_path, name, text):
    (tmp_path / "a.raw").write_bytes(bytes(10))
    (tmp_path / name).write_text(text)
    error = within(20, lambda: read_volume(tmp_path / name, spacing=1))
    assert isinstance(error, InputError)


@needs_pipes
@pytest.mark.parametrize("name", ["zarr.json", "0/zarr.json", "0/c/0/0/0", "0/c/notes"])
def test_pipe_in_a_zarr_folder(tmp_path, name):
    place = write_volume(tmp_path / "a.ome.zarr", Volume(STACK, 0.5)) / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    error = within(20, lambda: np.asarray(read_volume(tmp_path / "a.ome.zarr").data))
    assert isinstance(error, FileFormatError)
    assert "is a named pipe" in str(error)
    assert plane_count(tmp_path / "a.ome.zarr") == 2


def blosc_zarr(path, version, data):
    codec = numcodecs.Blosc() if version == 2 else zarr.codecs.BloscCodec()
    group = zarr.open_group(path, mode="w", zarr_format=version)
    inside = {"name": "0", "zarr_format": version, "chunks": (2, 5, 6), "compressors": codec}
    zarr.create_array(group.store, data=data, **inside)
    about = {"axes": [*"zyx"], "datasets": [{"path": "0"}]}
    group.attrs["multiscales"] = [{"version": "0.4", **about}]
    return sorted(file for file in (path / "0").rglob("*[0-9]") if file.is_file())


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("place", "number"),
    [(4, 2**31 - 1), (4, 0), (12, 2**31 - 1), (12, 16)],
    ids=["content too large", "no content", "chunk too large", "chunk too small"],
)
def test_blosc_chunk_whose_header_does_not_fit(tmp_path, version, place, number):
    """c-blosc takes its word for the bytes to read and to write, and the program ends."""
    chunks = blosc_zarr(tmp_path / "a.zarr", version, STACK)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr", spacing=1).data, STACK)
    raw = bytearray(chunks[1].read_bytes())
    struct.pack_into("<I", raw, place, number)
    chunks[1].write_bytes(raw)
    volume = read_volume(tmp_path / "a.zarr", spacing=1)
    np.testing.assert_array_equal(volume.data[:2], STACK[:2])
    with pytest.raises(FileFormatError, match="a chunk that is damaged or cut short"):
        np.asarray(volume.data)


def test_zarr_chunks_that_go_after_opening_are_not_zeros(tmp_path):
    chunks = blosc_zarr(tmp_path / "a.zarr", 2, STACK)
    volume = read_volume(tmp_path / "a.zarr", spacing=1)
    chunks[1].unlink()
    with pytest.raises(FileFormatError, match="was removed since the image was opened"):
        np.asarray(volume.data)
    sparse = read_volume(tmp_path / "a.zarr", spacing=1)  # chunks of zeros may be left out
    np.testing.assert_array_equal(sparse.data[2:], 0)
    shutil.rmtree(tmp_path / "a.zarr")
    with pytest.raises(FileFormatError):
        np.asarray(sparse.data)


def test_sharded_zarr_is_read(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    inside = {"chunks": (1, 5, 6), "shards": (2, 5, 6)}
    array = zarr.create_array(group.store, name="0", shape=STACK.shape, dtype=STACK.dtype, **inside)
    array[:] = STACK  # zarr 3.0.8 writes wrong shards of data= (all that is read is right)
    about = {"axes": [*"zyx"], "datasets": [{"path": "0"}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [about]}
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr", spacing=1).data, STACK)


@pytest.mark.parametrize("suffix", FILES)
def test_nothing_in_a_file_is_executed(tmp_path, suffix):
    """A pickle that would write a file, alone and as an object array of NumPy."""

    class Harm:
        def __reduce__(self):
            return Path.write_text, (tmp_path / "harm", "x")

    np.save(tmp_path / "p.npy", np.array([Harm()], dtype=object), allow_pickle=True)
    for raw in ((tmp_path / "p.npy").read_bytes(), zipped(tmp_path / "p.npy")):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(raw)
        with pytest.raises(InputError):
            read_volume(path, spacing=1)
        assert plane_count(path) in (0, 2)
    assert not (tmp_path / "harm").exists()


def zipped(path):
    with zipfile.ZipFile(path.with_suffix(".npz"), "w") as archive:
        archive.write(path, "arr_0.npy")
    return path.with_suffix(".npz").read_bytes()


def test_formats_that_napari_shares_have_a_check_where_pages_are_chained():
    tiff = format_of(Path("a.tif"))
    assert tiff is not None
    assert tiff.check is not None
    assert sys.maxsize > 2**32  # offsets of BigTIFF


def test_large_compressed_tiff_is_lazy_and_names_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_snpore.files.tiff._LAZY_BYTES", 1)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, compression="zlib", photometric="minisblack", rowsperstrip=5)
    volume = read_volume(path, spacing=1)
    assert not isinstance(volume.data, np.ndarray)
    np.testing.assert_array_equal(volume.data, STACK)
    with tifffile.TiffFile(path) as file:
        at = file.pages[1].dataoffsets[0]
    raw = bytearray(path.read_bytes())
    raw[at : at + 8] = b"\xff" * 8
    path.write_bytes(raw)
    damaged = read_volume(path, spacing=1)
    np.testing.assert_array_equal(damaged.data[0], STACK[0])
    with pytest.raises(FileFormatError, match=r"a\.tif"):
        np.asarray(damaged.data[1])
