"""Records, journals and locks that are links, pipes, folders, damaged or too large."""

from __future__ import annotations

import json
import os
import sys

import pytest

from napari_snpore.errors import InputError, OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.outputs import own_files
from napari_snpore.outputs.own_files import unlisted_file
from napari_snpore.outputs.work_folder import clean_leftovers, place_of
from napari_snpore.study.output_folder import output_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


def link(path, tmp_path):
    (tmp_path / "precious").write_text("mine")
    path.symlink_to(tmp_path / "precious")


def pipe(path, tmp_path):
    os.mkfifo(path)


def folder(path, tmp_path):
    path.mkdir()


def rubbish(path, tmp_path):
    path.write_text('{"program": ')


def deep(path, tmp_path):
    path.write_text("[" * 100_000)


KINDS = [link, pipe, folder, rubbish, deep]


@pytest.mark.parametrize("name", ["record.json", "window.json"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_result_with_such_a_record_is_not_replaced(tmp_path, kind, name):
    out = tmp_path / "result"
    out.mkdir()
    kind(out / name, tmp_path)
    with pytest.raises(OutputError, match=rf"holds a {name} that (is|cannot)"):
        output_folder(out).__enter__()
    assert os.path.lexists(out / name)


def test_a_record_is_not_read_beyond_its_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "LARGEST_RECORD", 1000)
    (tmp_path / "record.json").write_text(json.dumps({"outputs": ["a" * 2000]}))
    found = unlisted_file(tmp_path)
    assert found.startswith("a record.json of 2,")
    assert "(1,000 are read)" in found


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_another_kind_is_in_the_way_and_stays(tmp_path, kind):
    target = tmp_path / "a.txt"
    place = place_of(target)
    place.mkdir()
    kind(place / "lock.json", tmp_path)
    if kind in (rubbish, deep):  # of a process that was killed while it wrote it
        with atomic_path(target) as part:
            part.write_text("new")
        assert target.read_text() == "new"
        return
    with pytest.raises(OutputError, match="not made by this program"):
        atomic_path(target).__enter__()
    clean_leftovers(tmp_path)
    assert os.path.lexists(place / "lock.json")
    if kind is link:
        assert (tmp_path / "precious").read_text() == "mine"


def test_a_link_in_the_place_of_the_work_folder_is_not_emptied(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("mine")
    place_of(tmp_path / "a.txt").symlink_to(tmp_path / "photos")
    with pytest.raises(OutputError, match="in the way"):
        atomic_path(tmp_path / "a.txt").__enter__()
    assert (tmp_path / "photos" / "one.jpg").read_text() == "mine"


@pytest.mark.parametrize("kind", [*KINDS, "outwards", "empty"])
def test_a_journal_that_cannot_be_read_moves_and_removes_nothing(tmp_path, kind, caplog):
    target = tmp_path / "a.txt"
    place = place_of(target)
    (place / "old").mkdir(parents=True)
    (place / "lock.json").write_text("{}")
    (place / "old" / "a.txt").write_text("earlier result")
    (tmp_path / "victim").write_text("mine")
    if kind == "outwards":
        number = os.lstat(tmp_path / "victim").st_ino
        move = {"name": "../../victim", "file_number": number}
        (place / "moves.json").write_text(json.dumps([move]))
    elif kind == "empty":  # what a power cut can leave of a file
        (place / "moves.json").write_text("")
    else:
        kind(place / "moves.json", tmp_path)
    with pytest.raises(InputError, match=r"moves\.json cannot be read"):
        atomic_path(target).__enter__()
    clean_leftovers(tmp_path)
    assert "moves.json cannot be read" in caplog.text
    assert (place / "old" / "a.txt").read_text() == "earlier result"
    assert (tmp_path / "victim").read_text() == "mine"
    # the lock was given back: the sentence is the same, and not that another process is at work
    with pytest.raises(InputError, match=r"moves\.json cannot be read"):
        atomic_path(target).__enter__()


def test_the_new_result_is_on_the_disk_before_the_earlier_one_goes(tmp_path, monkeypatch):
    synced, replaced = [], []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda handle: (synced.append(len(replaced)), real_sync(handle))
    )
    monkeypatch.setattr(
        os, "replace", lambda *paths: (replaced.append(paths[1]), real_replace(*paths))
    )
    target = tmp_path / "a.txt"
    for content in ("one", "two"):
        with atomic_path(target) as part:
            part.write_text(content)
    assert synced == [1]  # after the first file was put in place, before the second was
    assert target.read_text() == "two"
