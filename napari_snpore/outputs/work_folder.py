"""Hidden folder beside an output, in which it is made.

``.NAME.snpore-work`` is locked while an output is made, so that no second run makes the same one.
It holds what is not finished, temporary arrays and, while finished files are moved, the journal of
the moves (:mod:`napari_snpore.outputs.moves`). A killed process leaves the folder behind without
its lock: that is how the next start finds it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import RLock

from napari_snpore.errors import OutputError
from napari_snpore.outputs.file_lock import lock
from napari_snpore.outputs.moves import NEW, carry_out, is_committed, move_in, put_on_disk
from napari_snpore.outputs.own_files import own_bytes

SUFFIX = ".snpore-work"
_LOCK = "lock.json"
_LARGEST_LOCK = 2**16
_LONGEST_NAME = 200  # of 255 bytes that file systems allow
_REMOVAL_S = 0.3  # longest time of attempts: a thread that was writing may add a file meanwhile
_RETRY_S = 0.02

_log = logging.getLogger("napari_snpore")

moving = RLock()
"""Held while finished files are moved; who ends the process takes it first."""

_ATTEMPTS = 1000  # of making a folder that another process removes at the same time
_active: dict[Path, WorkFolder] = {}


class WorkFolder:
    """A locked work folder.

    Attributes
    ----------
    target : Path
        The output that is made.
    place : Path
        The folder.
    committed : bool
        Whether the output was moved to its place.
    """

    def __init__(self, target: Path, place: Path, handle: int, parents: list[Path]) -> None:
        self.target = target
        self.place = place
        self.committed = False
        self._handle = handle
        self._parents = parents

    def new(self, name: str) -> Path:
        """Return the path of a part of the output; its folder is there, it is not."""
        (self.place / NEW).mkdir(exist_ok=True)
        return self.place / NEW / name

    def move_in(self, *names: str) -> None:
        """Move parts to their places beside the work folder, together; see
        :func:`~napari_snpore.outputs.moves.move_in`.
        """
        put_on_disk(self.place, names)  # can take seconds, in which the process may be ended
        with moving:
            kept = move_in(self.place, names)
            self.committed = True
        for sentence in kept:
            _log.warning(sentence)

    def close(self) -> None:
        """Remove the folder, after the moves that its journal asks for; release the lock."""
        with moving:
            if _active.pop(self.place, None) is None:
                return
            try:
                _clear(self.place)
            finally:
                _release(self.place, self._handle)
            for folder in self._parents:  # made for an output that was not written
                with contextlib.suppress(OSError):
                    folder.rmdir()


@contextmanager
def work_folder(target: Path) -> Iterator[WorkFolder]:
    """Yield a new work folder beside an output; missing folders above it are made.

    What a killed process left behind beside the output is cleaned first, and named in the log.

    Parameters
    ----------
    target : Path
        Absolute path of the output, links resolved.

    Raises
    ------
    OutputError
        Another process or thread makes the same output.
    OSError
        The folder cannot be made.
    """
    clean_leftovers(target.parent, but=place_of(target))
    work = _open(target)
    try:
        yield work
    finally:
        work.close()


def place_of(target: Path) -> Path:
    """Return the work folder of an output."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = sha256(os.fsencode(name)).hexdigest()[:32]
    return target.with_name(f".{name}{SUFFIX}")


def clean_leftovers(folder: Path, *, but: Path | None = None) -> list[str]:
    """Clean the work folders that killed processes left in a folder; return a sentence for each,
    which is logged as well.

    Finished files are moved to their place first, an earlier result that was set aside is put
    back, and files that this program did not write are kept.
    """
    sentences = []
    try:
        places = sorted(Path(entry) for entry in os.scandir(folder) if _is_work_folder(entry))
    except OSError:  # not there, or no permission: the writer will say so
        return []
    for place in places:
        if place == but:
            continue
        with contextlib.suppress(OSError):
            place.rmdir()  # of a process that was killed before it locked the folder: empty
        with contextlib.suppress(OSError):
            handle = lock(place / _LOCK) if place.is_dir() else None
            if handle is not None:
                try:
                    sentences.append(_clean(place))
                except OutputError as error:
                    _log.warning("%s", error)
                finally:
                    _release(place, handle)
    return sentences


def stop_all() -> list[Path]:
    """Remove the work folders of this process; return the outputs that were written already.

    The caller ends the process while it holds :data:`moving`.
    """
    written = []
    for work in list(_active.values()):
        inside = any(folder.name.endswith(SUFFIX) for folder in work.target.parents)
        if work.committed and not inside:
            written.append(work.target)
        with contextlib.suppress(OSError):
            work.close()
    return written


def _open(target: Path) -> WorkFolder:
    place = place_of(target)
    _check_own(place)
    parents = [folder for folder in target.parents if not folder.exists()]
    for attempt in range(_ATTEMPTS):
        try:
            with moving:  # waits for ever in a process that is being ended
                place.mkdir(parents=True, exist_ok=True)
                handle = lock(place / _LOCK)
            break
        except FileNotFoundError:  # another process removed its folder just now
            if attempt == _ATTEMPTS - 1:
                raise
    if handle is None:
        raise OutputError(
            f"{target} is being written by {_owner(place)}; wait for that to end, or give another place."
        )
    try:
        if {path.name for path in place.iterdir()} != {_LOCK}:
            _clean(place)
        about = {"program": "napari-snpore", "target": target.name, "process": os.getpid()}
        about["started"] = datetime.now(UTC).isoformat(timespec="seconds")
        os.truncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(about).encode())
    except OSError:  # an OutputError is one
        _release(place, handle)
        raise
    work = WorkFolder(target, place, handle, parents)
    _active[place] = work
    return work


def _check_own(place: Path) -> None:
    """Refuse a place of a work folder where something lies that this program did not make: it would
    be removed, or written through a link.
    """
    if not os.path.lexists(place):
        return
    own = stat.S_ISDIR(os.lstat(place).st_mode)
    lock_place = place / _LOCK
    if own and os.path.lexists(lock_place):
        own = stat.S_ISREG(os.lstat(lock_place).st_mode)
    elif own:
        own = not os.listdir(place)
    if not own:
        raise OutputError(
            f"{place} is in the way, and was not made by this program: move it away, or give another place."
        )


def _clean(place: Path) -> str:
    """Clean a work folder that was left behind, whose lock is held; return what was done."""
    owner = _owner(place)
    done = "its finished result was put in place" if is_committed(place) else "it was removed"
    sentence = " ".join(
        [f"{place} was left behind by {owner}, which was stopped; {done}.", *_clear(place)]
    )
    _log.warning(sentence)
    return sentence


def _clear(place: Path) -> list[str]:
    """Do the moves that a journal asks for, and remove all but the lock."""
    kept = carry_out(place) if is_committed(place) else []
    end = time.monotonic() + _REMOVAL_S
    while True:
        left = [path for path in place.iterdir() if path.name != _LOCK]
        if not left:
            break
        for path in left:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if time.monotonic() > end:
            break
        if any(path.exists() for path in left):
            time.sleep(_RETRY_S)
    return kept


def _release(place: Path, handle: int) -> None:
    """Remove lock and folder, if nothing else is in it, and release the lock."""
    if os.name == "nt":  # an open file cannot be removed there
        os.close(handle)
    with contextlib.suppress(OSError):
        if {path.name for path in place.iterdir()} == {_LOCK}:
            (place / _LOCK).unlink()
            place.rmdir()
    if os.name != "nt":
        os.close(handle)


def _owner(place: Path) -> str:
    """Return who made a work folder, in words."""
    try:
        about = json.loads(own_bytes(place / _LOCK, _LARGEST_LOCK) or b"")
        return f"process {int(about['process'])} (started {about['started']})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def _is_file(path: Path) -> bool:
    """Return whether a path is a file itself, no link to one."""
    return os.path.lexists(path) and stat.S_ISREG(os.lstat(path).st_mode)


def _is_work_folder(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return (
        name.startswith(".")
        and name.endswith(SUFFIX)
        and entry.is_dir(follow_symlinks=False)
        and (_is_file(Path(entry) / _LOCK) or not os.listdir(entry))
    )
