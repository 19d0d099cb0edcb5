"""Moves of finished files and folders from a work folder to their places, together or not at all.

A single file is moved by one rename. For more, or for a folder that takes the place of another, a
journal is written first: once it is there the new result is complete, and whoever finds it after a
kill does the moves that are missing. Each can be done again. Before the journal is there, nothing
of the earlier result was changed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.errors import OutputError
from napari_snpore.outputs.exchange import exchange
from napari_snpore.outputs.own_files import own_bytes, unlisted_files

NEW = "new"
OLD = "old"
_JOURNAL = "moves.json"
_LARGEST_JOURNAL = 2**20


@dataclass(frozen=True)
class _Move:
    """One move; the file number tells the new part from the earlier result that took its place in
    an exchange.
    """

    part: Path
    target: Path
    file_number: int

    @property
    def is_due(self) -> bool:
        try:
            return os.lstat(self.part).st_ino == self.file_number
        except FileNotFoundError:
            return False


def put_on_disk(place: Path, names: Sequence[str]) -> None:
    """Wait until the parts of an output are on the disk, where an earlier result goes for them: a
    power cut would leave empty files in the place of both.
    """
    if any(os.path.lexists(place.parent / name) for name in names):
        for name in names:
            _to_disk(place / NEW / name)


def move_in(place: Path, names: Sequence[str]) -> list[str]:
    """Move the parts of an output from ``place/new`` beside ``place``, under the same names.

    Parameters
    ----------
    place : Path
        Work folder.
    names : sequence of str
        The output, followed by what describes it, such as its record: that is out of the way
        before the output changes, so that no kill leaves a record beside another volume.

    Returns
    -------
    list of str
        A sentence for each file of the user that was in an earlier result, and is in the new one.
    """
    if len(names) == 1 and not (place.parent / names[0]).is_dir():
        os.replace(place / NEW / names[0], place.parent / names[0])
        return []
    moves = [{"name": name, "file_number": os.lstat(place / NEW / name).st_ino} for name in names]
    draft = place / f"{_JOURNAL}.part"
    draft.write_text(json.dumps(moves), encoding="utf-8")
    _to_disk(draft)
    draft.replace(place / _JOURNAL)
    return carry_out(place)


def is_committed(place: Path) -> bool:
    """Return whether a work folder holds a finished result whose moves were begun."""
    return os.path.lexists(place / _JOURNAL)


def carry_out(place: Path) -> list[str]:
    """Do the moves of a journal that are not done yet, then forget the journal.

    Raises
    ------
    OSError
        A move is not possible; the earlier result is in its place, or in ``place/old``.
    OutputError
        The journal cannot be read; nothing was moved.
    """
    moves = _journal(place)
    old = place / OLD
    old.mkdir(exist_ok=True)
    for move in moves[1:]:
        if move.is_due and os.path.lexists(move.target):
            os.replace(move.target, old / move.target.name)
    for move in moves:
        if move.is_due:
            _carry_out(move, old / move.target.name)
    kept = []
    for move in moves:
        for earlier in (move.part, old / move.target.name):
            kept += _keep_unlisted(earlier, move.target)
    (place / _JOURNAL).unlink()
    return kept


def _journal(place: Path) -> list[_Move]:
    """Return the moves of a journal; refuse one that this program did not write, or that was
    damaged.
    """
    raw = own_bytes(place / _JOURNAL, _LARGEST_JOURNAL)
    moves = []
    try:
        for one in json.loads(raw or b""):
            name = one["name"]
            if name != os.path.basename(name) or name in ("", os.curdir, os.pardir):
                raise ValueError("a move out of the folder")
            moves.append(_Move(place / NEW / name, place.parent / name, int(one["file_number"])))
        if not moves:
            raise ValueError("no move")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OutputError(
            f"{place} was left behind by a run that was stopped, and its {_JOURNAL} cannot be read: take what you need from its "
            f"folders '{NEW}' and '{OLD}', and remove it."
        ) from None
    return moves


def _to_disk(part: Path) -> None:
    """Wait until a file, or all files of a folder, are on the disk."""
    places = [part]
    if part.is_dir():
        places = [Path(top) / name for top, _, names in os.walk(part) for name in names]
    for place in places:
        with contextlib.suppress(
            OSError
        ):  # not every file system can; the move is not the worse for it
            handle = os.open(place, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _carry_out(move: _Move, earlier: Path) -> None:
    if not (move.target.is_dir() and move.part.is_dir()):
        os.replace(move.part, move.target)
        return
    if exchange(move.part, move.target):
        return
    os.rename(move.target, earlier)
    try:
        os.rename(move.part, move.target)
    except OSError:
        os.rename(earlier, move.target)
        raise


def _keep_unlisted(earlier: Path, folder: Path) -> list[str]:
    """Move the files of an earlier result that this program did not write into the new one."""
    kept = []
    if not earlier.is_dir() or earlier.is_symlink():
        return []
    for name in list(unlisted_files(earlier)):
        target = folder / name
        number = 1
        while os.path.lexists(target):
            target = (folder / name).with_name(f"{Path(name).stem} ({number}){Path(name).suffix}")
            number += 1
        with contextlib.suppress(FileNotFoundError):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(earlier / name, target)
            kept.append(f"{target} was kept: no run wrote it.")
    return kept
