"""Two that write the same output: the second is refused at its start, by name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_snpore.errors import OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.study.output_folder import output_folder


def test_second_of_two_is_refused_before_it_works(tmp_path):
    with output_folder(tmp_path / "a" / "result") as part:
        (part / "x").write_text("first")
        with pytest.raises(OutputError, match=rf"being written by process {os.getpid()}"):
            output_folder(tmp_path / "a" / "result").__enter__()
        with output_folder(tmp_path / "a" / "other") as other:
            (other / "x").write_text("beside")
    assert (tmp_path / "a" / "result" / "x").read_text() == "first"
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["other", "result"]


def test_second_process_is_refused(tmp_path):
    code = (
        "import sys\nfrom napari_snpore.study.output_folder import output_folder\n"
        "with output_folder(sys.argv[1]) as part: (part / 'x').write_text('second')"
    )
    with output_folder(tmp_path / "result") as part:
        (part / "x").write_text("first")
        second = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "result")],
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert f"being written by process {os.getpid()}" in second.stderr
    assert (tmp_path / "result" / "x").read_text() == "first"


def test_folders_made_for_nothing_go_again(tmp_path):
    def fail_half_way(part):
        part.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a" / "b" / "c.txt") as part:
        fail_half_way(part)
    assert list(tmp_path.iterdir()) == []


def test_folder_with_a_foreign_result_between_start_and_end_keeps_it(tmp_path):
    """Another program that knows nothing of locks writes into the new folder's place meanwhile."""
    out = tmp_path / "result"
    with output_folder(out) as part:
        (part / "x").write_text("ours")
        out.mkdir()
        (out / "x").write_text("theirs")
    assert (out / "x").read_text() == "ours"
    assert (out / "x (1)").read_text() == "theirs"
