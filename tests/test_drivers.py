"""The scripted drivers: their parts by hand, and together the acceptance test of the scenarios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drivesim.drivers import DRIVERS, for_cars, for_people, for_signal, pedal, steering
from drivesim.evaluation import drive, summarise
from drivesim.pilots import load_pilot
from drivesim.world.state import CROSSING
from tests import towns
from tests.towns import begin, cars, ego, people, scenario, tables, town

FREE = 1e9


@pytest.mark.parametrize(
    ("speed", "gap", "obstacle", "expected"),
    [
        (0.0, FREE, 0.0, 1.0),
        (11.2, FREE, 0.0, 0.0),
        (5.6, FREE, 0.0, 1.0 - 0.5**4),
        # s* = 3 + 12 + 10 * 10 / (2 sqrt(3 * 3)) = 31.667 m; 3 (1 - 0.6355 - 4) = -10.9 m/s^2 of 6.
        (10.0, 15.833, 0.0, -1.0),
        (10.0, 31.667, 0.0, -((10.0 / 11.2) ** 4) * 3.0 / 6.0),
        (10.0, 15.0, 10.0, -((10.0 / 11.2) ** 4) * 3.0 / 6.0),
        (0.0, 3.0, 0.0, 0.0),
    ],
)
def test_the_pedal_is_idms(speed: float, gap: float, obstacle: float, expected: float) -> None:
    assert pedal(ego(speed=speed), gap, obstacle) == pytest.approx(expected, abs=1e-3)


def test_steering_leads_back_to_the_lanes_centre() -> None:
    assert steering(ego(speed=5.0), town()) == pytest.approx(0.0)
    assert steering(ego(speed=5.0, y=-1.25), town()) < -0.02
    assert steering(ego(speed=5.0, y=-2.25), town()) > 0.02
    assert steering(ego(speed=5.0, yaw=0.1), town()) < -0.02
    assert steering(ego(speed=5.0, yaw=-1.5), town()) == 1.0


@pytest.mark.parametrize(
    ("values", "brakes"),
    [
        ({"x": 20.0, "speed": 0.0}, True),
        ({"x": 20.0, "speed": 0.0, "y": 1.75, "cos": -1.0}, False),
        ({"x": 20.0, "speed": 0.0, "is_active": 0}, False),
        ({"x": -20.0}, False),
        ({"x": 20.0, "y": -8.0, "cos": 0.0, "sin": 1.0}, True),  # comes out of a side road
        ({"x": 20.0, "y": 8.0, "cos": 0.0, "sin": 1.0}, False),  # has crossed
    ],
)
def test_cars_in_the_way_are_braked_for(values: dict[str, float], brakes: bool) -> None:
    assert (for_cars(ego(speed=8.0), cars(values), 1) < -0.1) == brakes


@pytest.mark.parametrize(
    ("x", "time", "brakes"),
    [
        (70.0, 20.0, True),
        (70.0, 5.0, False),  # green
        (70.0, 11.0, True),  # yellow, and there is room
        (88.0, 11.0, False),  # yellow, too near to stop
        (95.0, 20.0, False),  # past the line
        (20.0, 20.0, False),  # more than 60 m away
    ],
)
def test_a_driver_stops_at_red(x: float, time: float, brakes: bool) -> None:
    assert (for_signal(ego(x=x, speed=8.0), town(), time) < 0.0) == brakes


@pytest.mark.parametrize(
    ("values", "brakes"),
    [
        ({"x": 20.0, "y": -3.0}, True),
        ({"x": 20.0, "y": 3.4, "side": 1.0}, True),  # comes from the left, would be passed in his way
        ({"x": 20.0, "y": 0.5}, False),  # has left the ego's strip
        ({"x": 20.0, "mode": 2}, False),  # waits at the kerb
        ({"x": -10.0, "y": -3.0}, False),  # behind
        ({"x": 80.0, "y": -3.0}, False),
    ],
)
def test_the_expert_yields_to_people_on_the_road(values: dict[str, float], brakes: bool) -> None:
    crowd = people({"mode": CROSSING, **values})
    assert (for_people(ego(speed=8.0), crowd, 1, 3.5) < 0.0) == brakes


def test_only_the_expert_knows_that_people_exist() -> None:
    state = begin(tables("reasonable"), [0])
    state.cars["is_active"] = 0
    state.town["signals_enabled"] = 0.0
    state.ego["speed"], state.ego["y"], state.ego["yaw"] = 8.0, -1.75, 0.0
    person = state.people[0, 0]
    person["x"], person["y"], person["mode"] = state.ego["x"][0] + 10.0, -1.75, CROSSING
    blind, expert, parked = (DRIVERS[name](state, tables())[0] for name in ("blind", "expert", "parked"))
    assert blind[0] > 0.5
    assert expert.tolist()[:2] == [0.0, 1.0]
    assert parked.tolist() == [0.0, 1.0, 0.0]


def crossings(name: str, worlds: int) -> tuple[float, float]:
    """Drive blindly; return crossings per minute, and per km those within 30 m of the ego."""
    compiled = tables(name)
    state = begin(compiled, list(range(worlds)))
    was_crossing = state.people["mode"] == CROSSING
    was_near = np.zeros_like(was_crossing)
    active = np.ones(worlds, np.bool_)
    begun = seen = seconds = metres = 0.0
    for now, outcomes in towns.drive(state, compiled, "blind", 600):
        is_crossing = now.people["mode"] == CROSSING
        near = is_crossing & (np.abs(now.people["x"] - now.ego["x"][:, None]) < 30.0)
        begun += (is_crossing & ~was_crossing)[active].sum()
        seen += (near & ~was_near)[active].sum()
        seconds += outcomes["elapsed"].sum()
        metres += outcomes["progress"].sum()
        # Who pauses at the window's edge is still the same crossing.
        was_crossing, was_near = is_crossing, is_crossing & (was_near | near)
        active = (outcomes["elapsed"] > 0.0) & (outcomes["person"] < 0) & (outcomes["car"] < 0)
    return begun / seconds * 60.0, seen / metres * 1000.0


def test_reasonable_and_distracted_show_as_many_crossings_and_enough_near_the_ego() -> None:
    (reasonable, near), (distracted, _) = (crossings(name, 120) for name in ("reasonable", "distracted"))
    assert near >= 5.0
    assert distracted == pytest.approx(reasonable, rel=0.1)


def summary(driver: str, name: str, episodes: int) -> dict[str, Any]:
    """Let a scripted driver drive seeds from 0 on and summarise."""
    pilot, _ = load_pilot(f"driver:{driver}", scenario(name))
    return summarise(drive(scenario(name), pilot, range(episodes), worlds=64))


@pytest.mark.parametrize(
    ("driver", "name", "people_hit"),
    [("blind", "reasonable", False), ("blind", "distracted", True), ("expert", "distracted", False)],
)
def test_only_the_blind_driver_hits_people_and_only_the_distracted(
    driver: str, name: str, people_hit: bool
) -> None:
    found = summary(driver, name, 12)
    assert found["km"] > 1.5
    assert (found["person_per_km"]["value"] > 1.0) == people_hit
    assert found["offroad_per_km"]["value"] == 0.0
    assert found["red_per_km"]["value"] < 0.5


@pytest.mark.slow
def test_the_scenarios_pass_their_acceptance_test() -> None:
    blind = {
        name: summary("blind", name, episodes)
        for name, episodes in (("reasonable", 200), ("distracted", 320))
    }
    expert = {name: summary("expert", name, 240) for name in ("reasonable", "distracted")}
    for found in (*blind.values(), *expert.values()):
        assert found["km"] >= 50.0
    assert blind["reasonable"]["person_per_km"]["value"] <= 0.1
    assert blind["distracted"]["person_per_km"]["value"] >= 2.0
    for name, found in expert.items():
        assert found["avoidable_person_per_km"]["value"] <= 0.05
        assert found["mean_speed_mps"] >= 0.6 * blind[name]["mean_speed_mps"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reasonable", "distracted"])
def test_nobody_walks_into_a_parked_car(name: str) -> None:
    found = summary("parked", name, 200)
    assert found["person_per_km"]["value"] == 0.0
    assert found["km"] < 2.0
