"""People whom a scenario's triggers send onto the road."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.drivers import DRIVERS
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.state import AWAY, CROSSING, WAITING
from tests.towns import begin, changed, scenario, starts, tables


@pytest.mark.parametrize("index", [0, 1])
def test_scripted_people_step_off_once_the_ego_is_near(index: int) -> None:
    trigger = scenario("crossing_trigger").triggers[index]
    compiled = tables("crossing_trigger")
    found = 0
    for person, _, ego, time in starts("crossing_trigger", "expert"):
        if person["trigger_time"] != trigger.time_to_collision or person["walking_speed"] != trigger.speed:
            continue
        found += 1
        distance = person["x"] - ego["x"] - ego["half_length"]
        reach = max(ego["speed"] * trigger.time_to_collision, trigger.minimum_distance)
        # One decision later it would be nearer by what the ego drives, so within reach.
        assert distance <= reach + 0.1 * ego["speed"] + 1e-9
        assert distance > reach - 0.3 * trigger.time_to_collision - 0.03
        assert time > 0.0
    assert found >= 5
    assert compiled.triggers.shape == (2, 5)


def test_scripted_people_wait_however_far_away_they_are() -> None:
    compiled = compile_tables(changed("crossing_trigger", triggers=[{"position": 400.0}]))
    state = begin(compiled, [0])
    x = float(state.people["x"][0, 0])
    for _ in range(20):
        advance.step(state, DRIVERS["blind"](state, compiled), compiled)
    assert state.people["mode"][0, 0] == WAITING
    assert state.people["x"][0, 0] == x


def test_scripted_people_cross_once_and_are_gone() -> None:
    compiled = tables("crossing_trigger")
    state = begin(compiled, list(range(8)))
    scripted = slice(0, len(compiled.triggers))
    for _ in range(500):
        advance.step(state, DRIVERS["expert"](state, compiled), compiled)
    assert (state.people["mode"][:, scripted] == AWAY).any()
    assert np.isin(state.people["mode"][:, scripted], (AWAY, WAITING, CROSSING)).all()


def test_trigger_at_the_limit_of_what_check_allows_still_fires() -> None:
    limit = {"position": 60.0, "time_to_collision": 1.2, "minimum_distance": 13.76}
    ego = {"start_speed": 11.2, "heading_offset": 0.0}
    compiled = compile_tables(changed("crossing_trigger", triggers=[limit], ego=ego))
    state, has_fired = begin(compiled, list(range(8))), np.zeros(8, np.bool_)
    for _ in range(60):
        advance.step(state, np.tile([1.0, 0.0, 0.0], (8, 1)), compiled)
        has_fired |= state.people["started"][:, 0] >= 0.0
    assert has_fired.all()
