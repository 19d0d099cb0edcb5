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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not a readable table: it is empty."),
        ("a,b,c\n1,2,3\n4,5", "was cut short: its last line has 2 values for 3 names."),
        ("a,b,c\n1,2,3\n4", "was cut short: its last line has 1 values for 3 names."),
        ('a,b\n1,"two', "is not a readable table: a line is damaged, or it was cut short."),
        ("a,b\n1,2\n1,2,3\n", "is not a readable table: a line is damaged, or it was cut short."),
    ],
)
def test_damage_is_said_in_words_for_people(tmp_path, content, words):
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_table(tmp_path / "a.csv")
    assert str(caught.value) == f"{tmp_path / 'a.csv'} {words}"


@pytest.mark.parametrize(
    "content", ["a,b\n1,2", "a,b\n1,2\n# end\n", 'a,b\n1,"two\nlines"\n', "a,b\n1,\n", "a,b\n"]
)
def test_sound_tables_are_read(tmp_path, content):
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    assert list(read_table(tmp_path / "a.csv")) == ["a", "b"]
