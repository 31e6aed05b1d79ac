from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from probes.data.simulation import SimulationFactory
from tests.probes.counters import Counters
from tests.probes.simulations import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_counters_keep_what_every_simulation_promises(check: Callable[[SimulationFactory], None]) -> None:
    check(Counters)


def test_an_ended_world_stands_still_until_it_is_restarted() -> None:
    worlds = Counters(2)
    worlds.reset([2, 3])
    ended = [worlds.step(np.ones(2, np.int64)).ended.tolist() for _ in range(5)]
    assert ended == [[False, False], [False, False], [True, False], [False, True], [False, False]]
    assert worlds.situation()["count"].tolist() == [[2, 3, 3], [3, 4, 4]]
