import os
import time

import pytest

from benchmarks.timing import choose_cores, keep_to_cores, median_ratio, rates_in_turns


def test_contestants_take_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []

    def work(name: str, units: float) -> float:
        order.append(name)
        return units

    rates = rates_in_turns({"a": lambda: work("a", 1.0), "b": lambda: work("b", 2.0)}, repeats=2, warm_up=1)
    assert order == ["a", "b"] * 3
    assert [len(found) for found in rates.values()] == [2, 2]


def test_a_rate_is_units_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 14.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert rates_in_turns({"a": lambda: 8.0}, repeats=1, warm_up=0) == {"a": [2.0]}


def test_the_ratio_is_the_median_of_the_turns_ratios() -> None:
    # 4 / 2, 9 / 3 and 10 / 1; the ratio of the medians would be 9 / 2.
    assert median_ratio([4.0, 9.0, 10.0], [2.0, 3.0, 1.0]) == 3.0


def test_the_first_cores_are_chosen_or_those_after_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 2, 7})
    assert choose_cores(None, 2) == [2, 5]
    assert choose_cores(7, 2) == [7, 2]
    assert choose_cores(None, 9) == [2, 5, 7]


def test_cores_are_kept_to_and_libraries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.sched_getaffinity(0)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, "8")
    try:
        keep_to_cores([min(allowed)])
        assert os.sched_getaffinity(0) == {min(allowed)}
        assert os.environ["OMP_NUM_THREADS"] == "1"
    finally:
        os.sched_setaffinity(0, allowed)
