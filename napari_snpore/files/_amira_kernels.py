"""Run lengths of Amira's HxByteRLE: a serial kernel.

Strategy: a control byte from 1 to 127 repeats the byte after it that many times; one above 127 is
followed by (control - 128) bytes that are taken as they are. Runs go on over rows and planes.

Example: 3 0 130 5 6 is 0 0 0 5 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

_LITERAL = 128


@kernel
def expand_runs(coded: NDArray[np.uint8], values: NDArray[np.uint8]) -> Any:
    """Fill ``values`` from the coded bytes; return how many values were found, also where these are
    more or fewer than there is room for.
    """
    place = 0
    at = 0
    while at + 1 < coded.size and place <= values.size:
        control = int(coded[at])
        if control < _LITERAL:
            end = min(place + control, values.size)
            for k in range(place, end):
                values[k] = coded[at + 1]
            place += control
            at += 2
        else:
            count = min(control - _LITERAL, coded.size - at - 1)
            end = min(place + count, values.size)
            for k in range(place, end):
                values[k] = coded[at + 1 + k - place]
            place += count
            at += 1 + control - _LITERAL
    return place
