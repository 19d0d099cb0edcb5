"""A kill before any single change of a folder: the earlier result or the new one, and nothing left
after the next start.
"""

from __future__ import annotations

import json
import os
import sys

import pytest

from napari_snpore.files.atomic import atomic_path, atomic_paths
from napari_snpore.outputs import moves
from napari_snpore.outputs.exchange import exchange
from napari_snpore.outputs.work_folder import clean_leftovers
from napari_snpore.study.output_folder import output_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

CHANGES = ("replace", "rename", "unlink", "rmdir", "mkdir")


def killed_before_change(number, work):
    """Run work in a child that ends like a killed one before its change of that number; return
    whether it did.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def counted(real):
            def call(*arguments, **options):
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), 9)
                return real(*arguments, **options)

            return call

        for name in CHANGES:
            setattr(os, name, counted(getattr(os, name)))
        moves.exchange = counted(moves.exchange)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


def write_result(out, text, names=("x", "tables/y")):
    with output_folder(out) as part:
        for name in names:
            (part / name).parent.mkdir(exist_ok=True)
            (part / name).write_text(text)
        (part / "record.json").write_text(json.dumps({"outputs": list(names)}))


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("can_exchange", [True, False])
def test_folder_survives_a_kill_at_any_change(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(moves, "exchange", lambda one, other: False)
    out = tmp_path / "result"
    write_result(out, "old")
    seen = set()
    for number in range(1, 200):
        (out / "notes.txt").unlink(missing_ok=True)
        if not killed_before_change(number, lambda: write_result(out, "new")):
            break
        if can_exchange and sys.platform == "linux":
            assert out.is_dir(), "at no instant is there no result"
        clean_leftovers(tmp_path)
        found = content(out)
        assert set(found) == {"x", "tables/y", "record.json"}
        assert found["x"] == found["tables/y"]
        assert [path.name for path in tmp_path.iterdir()] == ["result"]
        seen.add(found["x"])
        write_result(out, "old")
    assert seen == {"old", "new"}
    assert number > 8


@pytest.mark.parametrize("can_exchange", [True, False])
def test_notes_of_the_user_survive_a_kill_at_any_change(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(moves, "exchange", lambda one, other: False)
    out = tmp_path / "result"

    def write_while_the_user_writes():
        with output_folder(out) as part:
            (part / "x").write_text("new")
            (part / "record.json").write_text(json.dumps({"outputs": ["x"]}))
            (out / "own").mkdir()
            (out / "own" / "notes.txt").write_text("hours of notes")

    for number in range(1, 200):
        write_result(out, "old")
        ended = not killed_before_change(number, write_while_the_user_writes)
        clean_leftovers(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["result"]
        notes = out / "own" / "notes.txt"
        if content(out)["x"] == "new":
            assert notes.read_text() == "hours of notes"
        if notes.exists():
            notes.unlink()
        if ended:
            break
    assert ended


def test_volume_and_record_change_together(tmp_path):
    volume, record = tmp_path / "v.tif", tmp_path / "v.tif.record.json"

    def write(text):
        with atomic_paths(volume, record) as parts:
            for part in parts:
                part.write_text(text)

    write("old")
    for number in range(1, 100):
        if not killed_before_change(number, lambda: write("new")):
            break
        if record.exists():
            assert record.read_text() == volume.read_text(), "no record of another volume"
        clean_leftovers(tmp_path)
        assert record.read_text() == volume.read_text()
        assert len(list(tmp_path.iterdir())) == 2
        write("old")
    assert number > 8


def test_next_writing_of_the_same_file_cleans_as_well(tmp_path, caplog):
    out = tmp_path / "a.csv"

    def write():
        with atomic_path(out) as part:
            part.write_text("new")
            os.kill(os.getpid(), 9)

    assert killed_before_change(0, write)
    assert [path.name for path in tmp_path.iterdir()] == [".a.csv.snpore-work"]
    with atomic_path(out) as part:
        part.write_text("newer")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert ".a.csv.snpore-work was left behind by process" in caplog.text


def test_hidden_folder_of_the_user_is_not_a_leftover(tmp_path):
    (tmp_path / ".mine.snpore-work").mkdir()
    (tmp_path / ".mine.snpore-work" / "notes.txt").write_text("keep")
    (tmp_path / ".results-backup").mkdir()
    assert clean_leftovers(tmp_path) == []
    assert (tmp_path / ".mine.snpore-work" / "notes.txt").read_text() == "keep"
    assert (tmp_path / ".results-backup").is_dir()


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no such call")
def test_exchange(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "is").write_text(name)
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "is").read_text() == "b"
    assert not exchange(tmp_path / "a", tmp_path / "nowhere")
