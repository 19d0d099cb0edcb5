"""A short soak: random actions in a real window, drawn from a seed (``benchmarks/soak.py``)."""

from __future__ import annotations

from benchmarks.soak import Soak

ACTIONS = 25


def test_random_actions_end_in_no_exception(make_napari_viewer_proxy, tmp_path):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1366, 768)
    soak = Soak(viewer.__wrapped__, seed=5, folder=tmp_path)
    try:
        soak.run(ACTIONS)
        soak.rest(compare=False)
    except Exception:
        print("\n".join(soak.done))
        raise
    finally:
        soak.close()
    assert not soak.docks()
    assert len(soak.done) > ACTIONS
