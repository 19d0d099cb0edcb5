"""Blocks in threads: order, progress, cancel inside a block, errors."""

import subprocess
import sys
import threading
import time

import pytest

from napari_snpore.compute import (
    check_stop,
    run_apart,
    run_blocks,
    run_stepped_blocks,
    stops_at_once,
)
from napari_snpore.errors import InputError, Stopped
from napari_snpore.threads import thread_count


def test_results_come_in_the_order_of_the_blocks():
    def work(block):
        time.sleep(0.01 * (5 - block))
        return block**2

    assert run_blocks(work, range(5), threads=3) == [0, 1, 4, 9, 16]
    assert run_blocks(work, []) == []


def test_progress_is_called_once_per_block_in_the_calling_thread():
    calls = []
    run_blocks(
        lambda block: None,
        range(7),
        threads=3,
        progress=lambda *state: calls.append((*state, threading.get_ident())),
    )
    assert calls == [(done, 7, threading.get_ident()) for done in range(1, 8)]


def test_progress_is_called_once_per_step():
    calls = []

    def work(block, step):
        for _ in range(4):
            step()

    run_stepped_blocks(
        work, range(3), steps=4, threads=2, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(done, 12) for done in range(1, 13)]


def test_a_block_that_ends_early_counts_with_all_steps():
    calls = []
    run_stepped_blocks(
        lambda block, step: step(),
        range(2),
        steps=10,
        progress=lambda done, total: calls.append(done),
    )
    assert calls == list(range(1, 21))


def test_a_cancel_ends_a_running_block():
    begun = threading.Event()
    ended = []

    def work(block, step):
        try:
            while True:
                begun.set()
                time.sleep(0.001)
                step()
        except Stopped:
            ended.append(block)
            raise

    with pytest.raises(Stopped):
        run_stepped_blocks(work, range(2), steps=5, threads=2, should_stop=begun.is_set)
    assert sorted(ended) == [0, 1]


def test_an_error_in_a_block_ends_the_others_and_is_raised():
    ended = []

    def work(block, step):
        if block == 1:
            raise InputError("block 1 is bad")
        for _ in range(2000):
            time.sleep(0.005)
            step()
        ended.append(block)

    with pytest.raises(InputError, match="block 1"):
        run_stepped_blocks(work, range(2), steps=2000, threads=2)
    assert ended == [], "block 0 was stopped before its last step"


@pytest.mark.parametrize("setting", ["0", "two", "-1", "1.5"])
def test_a_bad_number_of_threads_is_refused(monkeypatch, setting):
    monkeypatch.setenv("SNPORE_THREADS", setting)
    with pytest.raises(InputError, match="SNPORE_THREADS"):
        thread_count()


def test_the_number_of_threads_can_be_set(monkeypatch):
    monkeypatch.setenv("SNPORE_THREADS", "3")
    assert thread_count() == 3


def test_a_stop_does_not_wait_for_a_block_that_may_be_abandoned():
    begun, go_on = threading.Event(), threading.Event()
    ended = []

    def work(block):
        begun.set()
        assert go_on.wait(30)
        ended.append(block)

    with pytest.raises(Stopped):
        run_blocks(work, range(4), threads=2, should_stop=begun.is_set, abandon=True)
    assert ended == [], "the call came back while its blocks were still busy"
    go_on.set()


def test_a_library_call_of_its_own_thread_gives_its_result_or_its_error():
    assert run_apart(lambda: 7, None) == 7
    assert run_apart(threading.get_ident, lambda: False) != threading.get_ident()

    def refuse():
        raise InputError("not this")

    with pytest.raises(InputError, match="not this"):
        run_apart(refuse, lambda: False)


def test_a_step_that_asks_seldom_is_left_at_once():
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @stops_at_once
    def work(n, *, progress=None, should_stop=None):
        begun.set()
        assert go_on.wait(30)
        try:
            check_stop(should_stop)
        finally:
            ended.set()

    with pytest.raises(Stopped):
        work(3, should_stop=begun.is_set)
    assert not ended.is_set(), "the call came back while the step was busy"
    go_on.set()
    assert ended.wait(5), "the step ended where it next asked"


def test_a_step_of_its_own_thread_reports_here_and_returns_or_raises():
    calls = []

    @stops_at_once
    def work(n, *, progress=None, should_stop=None):
        for k in range(n):
            progress(k + 1, n)
        if n > 5:
            raise InputError("too many")
        return threading.get_ident()

    def report(*state):
        calls.append((*state, threading.get_ident()))

    assert work(3, progress=report, should_stop=lambda: False) != threading.get_ident()
    assert calls == [(k, 3, threading.get_ident()) for k in (1, 2, 3)]
    assert work(2, progress=report) == threading.get_ident()
    with pytest.raises(InputError, match="too many"):
        work(9, progress=report, should_stop=lambda: False)
    with pytest.raises(Stopped):
        work(2, progress=report, should_stop=lambda: True)


def test_work_that_begins_while_the_program_ends_is_stopped():
    """Python refuses new work in threads by then, with an error that nobody could understand."""
    code = """
import threading, time
from napari_snpore.compute import run_apart, run_blocks
from napari_snpore.errors import Stopped

def late():
    threading.main_thread().join()
    time.sleep(0.2)
    for work in (lambda: run_blocks(str, range(3)), lambda: run_apart(str, lambda: False)):
        try:
            work()
        except Stopped:
            print("stopped")

threading.Thread(target=late).start()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert (ended.stdout.split(), ended.stderr) == (["stopped", "stopped"], "")
