from __future__ import annotations

import pytest
import torch

from benchmarks import probe_search
from benchmarks.probe_search import Size, chain_flops, make_subject, measure
from benchmarks.row import Row
from tests.probes.fittings import CRISP_SHAPE

TINY = Size(chains=2, steps=3, turns={"bf16": 1, "float32": 1}, real=4, shape=CRISP_SHAPE)


@pytest.fixture(scope="module")
def row() -> Row:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.flops.attainable", lambda *_: 1e9)
        patch.setattr(probe_search, "allowed_threads", lambda: 1)
        return measure("cpu", TINY)


@pytest.mark.slow
def test_the_row_tells_the_rate_the_floor_and_how_long_the_bar_s_search_takes(row: Row) -> None:
    found = row.as_json()
    assert (found["row"], found["unit"], found["device"]) == ("probe-search", "chain-steps/s", "cpu")
    assert found["ours"] > 0
    assert found["seconds_64x500"]["bf16"] == pytest.approx(64 * 500 / found["ours"], rel=1e-4)
    assert found["is_met"] == (found["seconds_64x500"]["bf16"] <= 180)
    assert found["floor"] == pytest.approx(1 / found["bf16"]["gflop_each"], rel=1e-4)
    assert found["ratio_floor"] == pytest.approx(found["ours"] / found["floor"], rel=1e-4)
    assert found["float32"]["gflop_each"] == found["bf16"]["gflop_each"]


@pytest.mark.slow
def test_the_flops_are_those_of_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    of = make_subject("cpu", TINY)
    found = chain_flops(of)
    monkeypatch.setattr(probe_search, "COUNTED", 2 * probe_search.COUNTED)
    assert found > 0
    assert chain_flops(of) == pytest.approx(found)
    assert not any(parameter.requires_grad for parameter in of.model.parameters())
    assert of.real.measured.kl.shape == (4,)
    assert torch.isfinite(torch.from_numpy(of.real.sigma)).all()
