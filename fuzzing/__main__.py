"""``python -m fuzzing --seconds 600 --seed 0``: Ctrl-C is answered from the first moment on."""

from __future__ import annotations

import sys

from benchmarks.stopping import stopped_in_a_sentence

if __name__ == "__main__":
    with stopped_in_a_sentence("inputs that went wrong so far are in the folder of findings."):
        from fuzzing.session import main

        sys.exit(main())
