"""Folders of a machine are taken out of texts; what is no path stays."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_snpore.errors import FileFormatError
from napari_snpore.report.private_paths import (
    file_name,
    png_size,
    png_without_metadata,
    svg_without_metadata,
    without_folders,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/me/a.mrc was read", "a.mrc was read"),
        ("(~/data/a.mrc)", "(a.mrc)"),
        ("../../up/a.mrc; b.mrc", "a.mrc; b.mrc"),
        (r"C:\Users\me\a.mrc holds", "a.mrc holds"),
        ("D:/a.mrc", "a.mrc"),
        (r"\\server\share\a.mrc", "a.mrc"),
        ('tilt_series = "../my data/a b.tif"', 'tilt_series = "a b.tif"'),
        ("There is no '/tmp/x y/z.tif'.", "There is no 'z.tif'."),
        ("tables/tilts.csv", "tables/tilts.csv"),
        ("V(pore) / (V(pore) + V(C))", "V(pore) / (V(pore) + V(C))"),
        ("1/nm, 3/4, and/or, ±69°/2", "1/nm, 3/4, and/or, ±69°/2"),
        ("https://doi.org/10.1000/abc", "https://doi.org/10.1000/abc"),
        ("ratio 3 / 4 of", "ratio 3 / 4 of"),
    ],
)
def test_paths_become_names(text, expected):
    assert without_folders(text) == expected


def test_names_of_files_of_both_systems():
    assert file_name("/a/b.mrc") == file_name(r"C:\a\b.mrc") == file_name("b.mrc") == "b.mrc"


def test_texts_of_a_png_go_and_its_pixels_stay():
    about = PngInfo()
    about.add_text("Recipe", "/home/me/secret")
    target = io.BytesIO()
    picture = Image.linear_gradient("L").resize((40, 30))
    picture.save(target, format="PNG", pnginfo=about, dpi=(300, 300))
    bare = png_without_metadata(target.getvalue())
    assert b"secret" not in bare
    assert png_size(bare) == (40, 30)
    with Image.open(io.BytesIO(bare)) as again:
        assert again.tobytes() == picture.tobytes()
        assert again.info["dpi"][0] == pytest.approx(300, abs=0.1)


def test_damaged_png_is_refused():
    target = io.BytesIO()
    Image.new("L", (4, 4)).save(target, format="PNG")
    for content in (b"GIF89a", target.getvalue()[:40], target.getvalue()[:-6] + b"abcdef"):
        with pytest.raises(FileFormatError, match="readable PNG"):
            png_without_metadata(content)


def test_metadata_of_an_svg_go():
    content = b'<svg width="1pt"><metadata>\n<x>/home/me</x></metadata><g/></svg>'
    assert svg_without_metadata(content) == b'<svg width="1pt"><g/></svg>'
