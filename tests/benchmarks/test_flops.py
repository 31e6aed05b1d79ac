from __future__ import annotations

import pytest
import torch

from benchmarks import flops
from benchmarks.flops import Beside, Stamps, attainable, beside_the_floor, counted, rate_of, threads


def test_a_product_and_its_gradients_are_counted_by_hand() -> None:
    one, other = torch.rand(2, 3, requires_grad=True), torch.rand(3, 5)
    assert counted(lambda: one @ other) == 2 * 2 * 3 * 5
    # backward: the gradient (2, 5) times other's transpose (5, 3)
    both = counted(lambda: torch.autograd.backward((one @ other).sum()))
    assert both == 2 * (2 * 2 * 3 * 5)


def test_a_turn_s_floor_is_its_best_rate_over_the_flops_of_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, best = iter([2.0, 4.0, 3.0]), iter([80.0, 80.0, 120.0])
    monkeypatch.setattr(flops, "attainable", lambda *_: next(best))
    found = beside_the_floor(lambda: next(rates), 10.0, torch.float32, "cpu", repeats=3)
    assert found == Beside([2.0, 4.0, 3.0], [8.0, 8.0, 12.0], [80.0, 80.0, 120.0], 10.0)
    assert found.as_json() == {
        "ours": 3.0,
        "floor": 8.0,
        "ratio_floor": 0.25,
        "gflop_each": 1e-8,
        "attainable_gflop_per_s": 8e-8,
    }


def test_what_is_attainable_is_the_better_of_product_and_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(flops.SIDE, "cpu", 8)
    monkeypatch.setitem(flops.PICTURES, "cpu", 1)
    work: list[float] = []

    def rates(contestants: dict[str, object], repeats: int) -> dict[str, list[float]]:
        assert repeats == 1
        for run in contestants.values():
            assert callable(run)
            work.append(run())
        return {"product": [5.0], "convolution": [7.0]}

    monkeypatch.setattr(flops, "rates_in_turns", rates)
    assert attainable(torch.bfloat16, "cpu") == 7.0
    assert work == [flops.REPEATS * 2 * 8**3, flops.REPEATS * 2 * 64 * 64 * (64 * 64 * 9)]


def test_the_first_stamp_only_starts_the_clock() -> None:
    assert rate_of([10.0, 11.0, 14.0], 8.0) == 4.0


def test_a_stamp_is_taken_whatever_is_told() -> None:
    stamps = Stamps()
    stamps(1, 2)
    stamps("done")
    assert len(stamps) == 2
    assert stamps[0] <= stamps[1]


def test_threads_are_as_they_were_afterwards() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
