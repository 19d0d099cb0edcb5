"""The registry of formats agrees with the table in the README and with what its readers return."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_snpore.files.formats import FORMATS, SUFFIXES, WRITTEN
from napari_snpore.files.parsed_file import KINDS
from napari_snpore.files.surfaces import SURFACES

README = Path(__file__).parents[2] / "README.md"


def test_a_suffix_belongs_to_one_format():
    assert len(SUFFIXES) == sum(len(one.suffixes) for one in FORMATS)


def test_conventions_and_writers_name_suffixes_and_kinds_of_their_format():
    for one in FORMATS:
        assert set(one.usual_kinds) <= set(one.suffixes), one.name
        assert set(one.usual_kinds.values()) <= set(one.kinds) <= set(KINDS), one.name
        assert set(one.written_suffixes) <= set(one.suffixes), one.name
        assert (one.write is None) == (not one.written_suffixes), one.name
    assert WRITTEN == (".mrc", ".nrrd", ".rec", ".tif", ".tiff", ".zarr")


@pytest.mark.skipif(not README.is_file(), reason="the README is not beside the tests")
def test_the_readme_lists_the_formats():
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| `(\..+?)` \| (.+?) \|$", text, re.M)
    assert rows == [(one.name, " ".join(one.suffixes), one.scale_from) for one in FORMATS]


def test_the_page_on_files_has_a_row_for_each_format():
    text = (README.parent / "docs" / "files.md").read_text(encoding="utf-8")
    read, written = text.split("## Formats that are written")
    for one in FORMATS:
        row = re.search(rf"^\| {re.escape(one.name.split(',')[0])}.*$", read, re.M)
        assert row is not None, one.name
        for suffix in one.suffixes:
            assert suffix in read, suffix
    for suffix in (*WRITTEN, *SURFACES):
        assert suffix in written, suffix
