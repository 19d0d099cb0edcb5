"""Entry point of ``snpore`` and of ``python -m napari_snpore``."""

from __future__ import annotations

import sys

PROGRAM_BYTES = 1_000_000_000
"""Address space that the libraries take before any data is read, with the threads of two cores."""


def main() -> None:
    """Run the command line, if the process may use enough memory to load it.

    Under a lower ``ulimit -v`` the libraries end the process while they are loaded, in words of their
    own.
    """
    most = _address_space()
    if most is not None and most < PROGRAM_BYTES:
        sys.exit(  # a text goes to the standard error, and the status is 1
            f"snpore: This process may use {most / 1e6:.0f} MB of address space (ulimit -v), and the program alone needs "
            f"{PROGRAM_BYTES / 1e6:.0f} MB; allow more."
        )
    from napari_snpore.cli import main as run

    run()


def _address_space() -> int | None:
    """Return the hard limit of the process in bytes; None without one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if most == resource.RLIM_INFINITY else most


if __name__ == "__main__":
    main()
