"""Tables in CSV, read back."""

from __future__ import annotations

import pytest

from napari_snpore.errors import FileFormatError
from napari_snpore.files.tables import read_table


def test_comments_and_empty_lines_are_skipped(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("# a comment, with, commas\n\nname,size_nm\n# more\nA,1.5\nB,2\n")
    table = read_table(path)
    assert table.columns.tolist() == ["name", "size_nm"]
    assert table["size_nm"].tolist() == [1.5, 2.0]


def test_a_row_with_more_values_than_names_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("name,size_nm\n" + "1," * 40_000 + "1\n")  # index columns for pandas, minutes
    with pytest.raises(FileFormatError, match="first row has 40001 values for 2 names"):
        read_table(path)


@pytest.mark.parametrize(
    ("row", "rows"), [("A," + "9" * 100_000 + "\n", 1), ("A," + "9" * 300_000 + "\n", None)]
)
def test_a_very_long_value_is_read_or_refused(tmp_path, row, rows):
    path = tmp_path / "table.csv"
    path.write_text(f"name,size_nm\n{row}")
    if rows is not None:
        assert len(read_table(path)) == rows
        return
    with pytest.raises(FileFormatError, match=r"table\.csv"):
        read_table(path)
