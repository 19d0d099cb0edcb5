"""Which files named as TIFF nobody can read, and which are only not read here."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_snpore.errors import FileFormatError
from napari_snpore.files import read_volume
from napari_snpore.files.formats import is_damaged

GRAY = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
COLOR = np.repeat(GRAY.astype(np.uint8)[..., None], 3, axis=2)


def whole(folder, kind):
    """Write a sound file by another library and return it."""
    path = folder / f"{kind}.tif"
    match kind:
        case "gray":
            tifffile.imwrite(path, GRAY, photometric="minisblack")
        case "color":
            tifffile.imwrite(path, COLOR, photometric="rgb")
        case "compressed":
            tifffile.imwrite(path, GRAY, photometric="minisblack", compression="zlib")
        case "tiles":
            tifffile.imwrite(path, GRAY, photometric="minisblack", tile=(16, 16))
        case "stack":
            tifffile.imwrite(path, np.stack([GRAY] * 4), photometric="minisblack")
        case "by Pillow":
            Image.fromarray(COLOR).save(path)
        case "by Pillow, LZW":
            Image.fromarray(COLOR).save(path, compression="tiff_lzw")
        case "JPEG":
            Image.fromarray(COLOR).save(path, format="JPEG")
        case "PNG":
            Image.fromarray(COLOR).save(path, format="PNG")
    return path


KINDS = ["gray", "color", "compressed", "tiles", "stack", "by Pillow", "by Pillow, LZW"]


@pytest.mark.parametrize("kind", [*KINDS, "JPEG", "PNG"])
def test_a_sound_picture_is_not_damaged_whoever_reads_it(tmp_path, kind):
    assert not is_damaged(whole(tmp_path, kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_half_a_file_is_damaged_and_refused_in_a_sentence(tmp_path, kind, share):
    path = whole(tmp_path, kind)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    assert is_damaged(path)
    with pytest.raises(FileFormatError) as caught:
        read_volume(path, spacing=1)
    assert str(path) in str(caught.value)
    assert "colour" not in str(caught.value), "that is not what is wrong with it"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a readable TIFF file: it is empty."),
        (bytes(4000), "is not a readable TIFF file: its first bytes are not those of one."),
        (b"no picture", "is not a readable TIFF file: its first bytes are not those of one."),
        (b"II*\0" + b"\xff" * 20, "holds no image: it is empty, or was not written to its end."),
    ],
)
def test_what_is_no_picture_is_damaged(tmp_path, content, words):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert is_damaged(path)
    with pytest.raises(FileFormatError) as caught:
        read_volume(path, spacing=1)
    assert str(caught.value) == f"{path} {words}"


def test_strips_whose_sizes_are_rounded_up_are_no_damage(tmp_path):
    """Some programs write the bytes of a whole strip for the last one, which is shorter."""
    path = whole(tmp_path, "gray")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages[0].tags["StripByteCounts"]
        tag.overwrite(int(tag.value[0]) + 512)
    assert not is_damaged(path)


@pytest.mark.parametrize("name", ["a.mrc", "nothing.tif", "folder.tif", "a.png"])
def test_of_other_formats_and_of_no_file_nothing_is_said(tmp_path, name):
    (tmp_path / "a.mrc").write_bytes(b"rubbish")
    (tmp_path / "a.png").write_bytes(b"rubbish")
    (tmp_path / "folder.tif").mkdir()
    assert not is_damaged(tmp_path / name)
