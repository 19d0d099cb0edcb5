"""Every long step asks whether to stop, and a stop that it was told of ends it without a result."""

from __future__ import annotations

import threading

import pytest

from benchmarks.cancel_steps import STEPS, Inputs
from napari_snpore.errors import Stopped

SLOW = ("align", "find blur", "objects", "phantom", "tilt series of a phantom", "in situ diameter")
"""Seconds each, also when they are small."""


@pytest.fixture(scope="module")
def inputs():
    return Inputs(40, 9)


class Asked:
    """``should_stop`` that is true from its k-th call on."""

    def __init__(self, true_from):
        self.calls, self.told = 0, False
        self._true_from, self._lock = true_from, threading.Lock()

    def __call__(self):
        with self._lock:
            self.calls += 1
            self.told |= self.calls >= self._true_from
        return self.told


@pytest.mark.parametrize("name", [name for name in STEPS if name not in SLOW])
def test_a_stop_ends_a_step(inputs, name):
    asked = Asked(true_from=10**9)
    STEPS[name](inputs)(progress=None, should_stop=asked)
    assert asked.calls >= 1
    for true_from in (1, 2, max(3, asked.calls // 2)):
        asked = Asked(true_from)
        try:
            STEPS[name](inputs)(progress=None, should_stop=asked)
        except Stopped:
            assert asked.told
        else:
            assert not asked.told  # it asked less often this time: some steps ask by the clock
