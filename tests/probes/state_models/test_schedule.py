from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.state_models.schedule import SCHEDULES, Schedule, batch_indices, learning_rate


def test_the_papers_schedule_is_the_papers() -> None:
    schedule = SCHEDULES["paper"]["paper"]
    assert schedule == Schedule(2_000 * 10_000 // 16, batch=16, learning_rate=1e-3)
    assert learning_rate(schedule, 0) == learning_rate(schedule, 1_249_999) == 1e-3


@pytest.mark.parametrize(("count", "batch"), [(12, 4), (14, 4), (3, 16)])
def test_a_pass_shows_every_state_once_but_what_does_not_fill_a_batch(count: int, batch: int) -> None:
    indices = 10 * np.arange(count)
    length = count // min(batch, count)
    passes = []
    for first in (0, length):
        batches = [batch_indices(indices, batch, iteration, 3) for iteration in range(first, first + length)]
        assert all(len(one) == min(batch, count) and (np.diff(one) > 0).all() for one in batches)
        passes.append(np.concatenate(batches))
        assert set(Counter(passes[-1].tolist()).values()) == {1}
        assert len(passes[-1]) == length * min(batch, count)
        assert set(passes[-1]) <= set(indices)
    assert count == 3 or not np.array_equal(passes[0], passes[1])


def test_batches_depend_on_the_seed_and_on_nothing_before_them() -> None:
    indices = np.arange(1000)
    one = batch_indices(indices, 16, 70, seed=0)
    assert np.array_equal(one, batch_indices(indices, 16, 70, seed=0))
    assert not np.array_equal(one, batch_indices(indices, 16, 70, seed=1))


def test_the_learning_rate_rises_holds_and_falls() -> None:
    schedule = Schedule(1000, learning_rate=2.0, warm_up=10, fall_from=0.5)
    rates = [learning_rate(schedule, iteration) for iteration in (0, 4, 9, 499, 500, 750, 999)]
    assert rates == pytest.approx([0.2, 1.0, 2.0, 2.0, 2.0, 1.0, 0.04])
    assert learning_rate(schedule, 900) == pytest.approx(2 * (0.5 + 0.5 * math.cos(0.8 * math.pi)))


@pytest.mark.parametrize(
    "change",
    [
        {"iterations": 0},
        {"batch": 1},
        {"learning_rate": 0.0},
        {"fall_from": 1.1},
        {"average": 1.0},
        {"weight_decay": -1.0},
    ],
)
def test_schedules_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProbeError, match=r"schedule: found .*, allowed are "):
        Schedule(**{"iterations": 1, **change})
