"""Progress of a long copy in MiB, with cancellation, and sizes in words."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_snpore.compute import Progress, ShouldStop, check_stop

_MIB = 2**20
BLOCK_BYTES = 16 * _MIB
"""Bytes that are copied between two checks for cancellation."""


class Meter:
    """Counts copied bytes up to a total, reports progress, and checks for cancellation."""

    def __init__(
        self, total_bytes: int, progress: Progress | None, should_stop: ShouldStop | None
    ) -> None:
        self._total = max(total_bytes, 1)
        self._done = 0
        self._progress = progress
        self._should_stop = should_stop

    def count(self, size: int) -> None:
        """Add copied bytes.

        Raises
        ------
        Stopped
            The user cancelled.
        """
        check_stop(self._should_stop)
        self._done = min(self._done + size, self._total)
        if self._progress is not None:
            self._progress(self._done // _MIB, -(-self._total // _MIB))

    def finish(self) -> None:
        """Report full progress, whatever was counted."""
        if self._progress is not None:
            whole = -(-self._total // _MIB)
            self._progress(whole, whole)


def size_in_words(size_bytes: int) -> str:
    """Return a size in bytes, kB, MB or GB.

    Examples
    --------
    >>> size_in_words(11_300_000), size_in_words(4096), size_in_words(2_500_000_000)
    ('11.3 MB', '4.1 kB', '2.5 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"


def sha256_of(path: Path, meter: Meter) -> str:
    """Return the SHA-256 checksum of a file; its bytes are counted."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            meter.count(len(block))
    return digest.hexdigest()
