from __future__ import annotations

import pytest

from benchmarks import probe_saliency
from benchmarks.probe_saliency import Size, measure


@pytest.mark.slow
def test_the_row_tells_the_rate_the_floor_and_how_long_the_bar_s_states_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.flops.attainable", lambda *_: 1e9)
    monkeypatch.setattr(probe_saliency, "allowed_threads", lambda: 1)
    monkeypatch.setattr(probe_saliency, "BATCH", 2)
    found = measure("cpu", Size(batches=3, turns=2)).as_json()
    assert (found["row"], found["unit"], found["batch"]) == ("probe-saliency", "states/s", 2)
    assert found["ours"] > 0
    assert found["seconds_10000"] == pytest.approx(10_000 / found["ours"], rel=1e-4)
    assert found["is_met"] == (found["seconds_10000"] <= 300)
    assert found["floor"] == pytest.approx(1 / found["gflop_each"], rel=1e-4)
