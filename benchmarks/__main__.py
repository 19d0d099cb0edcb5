"""``python -m benchmarks truth --processes 2``: runs what takes long so that Ctrl-C is answered from
the first moment on, also while the packages are loaded."""

from __future__ import annotations

import importlib
import sys

from benchmarks.stopping import KEPT, stopped_in_a_sentence

_LONG = {
    "truth": KEPT,
    "calibrate_polish": KEPT,
    "calibrate_images": KEPT,
    "planted_recall": KEPT,
    "calibrate_numbers": KEPT,
    "blind_numbers": KEPT,
    "kills": "no count was made.",
    "study_kills": "no count was made.",
    "cancel": "the rows above are all that was measured.",
    "blocks": "nothing was measured.",
    "engine": "the rows above are all that was measured.",
    "learned": KEPT,
    "freezes": "the rows above are all that was measured.",
}


def main() -> None:
    """Run the module that the first word names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _LONG:
        sys.exit(f"python -m benchmarks NAME: one of {', '.join(_LONG)} is needed.")
    with stopped_in_a_sentence(_LONG[name]):
        del sys.argv[1]
        sys.exit(importlib.import_module(f"benchmarks.{name}").main())


if __name__ == "__main__":
    main()
