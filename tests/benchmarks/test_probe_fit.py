from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.probe_fit import Size, config_of, iteration_flops, make_given, measure
from probes.state_models.schedule import SCHEDULES
from tests.probes.fittings import CRISP_SHAPE, PAPER_SHAPE

TINY = Size(
    states=8,
    iterations={"paper": 4, "crisp": 4},
    turns=1,
    batch=4,
    shapes={"paper": PAPER_SHAPE, "crisp": CRISP_SHAPE},
)


@pytest.mark.slow
def test_the_row_tells_both_models_beside_their_floors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.flops.attainable", lambda *_: 1e9)
    monkeypatch.setattr("benchmarks.probe_fit.allowed_threads", lambda: 1)
    found = measure("cpu", TINY).as_json()
    assert (found["row"], found["batch"], found["precision"]) == ("probe-fit", 4, "bfloat16")
    for name in ("paper", "crisp"):
        assert found[name]["ours"] > 0
        assert found[name]["floor"] == pytest.approx(1 / found[name]["gflop_each"], rel=1e-4)
    assert (found["ours"], found["floor"]) == (found["paper"]["ours"], found["paper"]["floor"])
    assert found["is_met"] is True


@pytest.mark.slow
def test_flops_grow_with_the_batch(tmp_path: Path) -> None:
    given = make_given(tmp_path, "cpu", TINY)
    four, eight = (
        iteration_flops(given, config_of("paper", "cpu", Size(batch=batch, shapes=TINY.shapes)))
        for batch in (4, 8)
    )
    assert eight == pytest.approx(2 * four)


def test_a_turn_is_the_paper_preset_cut_short() -> None:
    config = config_of("crisp", "cpu", Size())
    assert (config.schedule.iterations, config.schedule.batch) == (Size().iterations["crisp"], 16)
    assert config.schedule.learning_rate == SCHEDULES["crisp"]["paper"].learning_rate
    assert (config.precision, config.shape, config.device) == ("bfloat16", {}, "cpu")
