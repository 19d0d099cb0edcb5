"""Blocks in threads: order, progress, cancel inside a block, errors."""

import threading
import time

import pytest

from napari_snpore.compute import run_apart, run_blocks, run_stepped_blocks, thread_count
from napari_snpore.errors import InputError, Stopped


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
