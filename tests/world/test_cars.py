"""The other cars: IDM by hand, signals, people, and where cars enter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drivesim.world import cars as motion
from drivesim.world.signals import RED, light
from drivesim.world.state import CROSSING, Records
from drivesim.world.town import half_road, stop_line
from tests.towns import SHIPPED, begin, car, cars, drive, ego, people, tables, town

AWAY_EGO = {"x": -500.0}


@pytest.mark.parametrize(
    ("gap", "approach", "expected"),
    [
        # s* = 2 + 10 * 1.5 + 10 * 10 / (2 sqrt(1.5 * 2)) = 45.868 m
        (20.0, 10.0, (45.868 / 20.0) ** 2),
        (45.868, 10.0, 1.0),
        (20.0, 0.0, (17.0 / 20.0) ** 2),
        (20.0, -10.0, (2.0 / 20.0) ** 2),  # what gets away faster only asks for the minimum gap
        (0.0, 0.0, (17.0 / 0.1) ** 2),
    ],
)
def test_the_interaction_is_the_squared_ratio_of_wished_and_actual_gap(
    gap: float, approach: float, expected: float
) -> None:
    assert motion.interaction(gap, approach, car()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("speed", "strongest", "acceleration"),
    [
        (0.0, 0.0, 1.5),
        (10.0, 0.0, 0.0),
        (5.0, 0.0, 1.5 * (1.0 - 0.5**4)),
        (0.0, 1.0, 0.0),
        (10.0, 2.0, -3.0),
        (10.0, 100.0, -8.0),
    ],
)
def test_following_is_idms_acceleration_down_to_the_strongest_braking(
    speed: float, strongest: float, acceleration: float
) -> None:
    assert motion.follow(car(speed=speed), strongest) == pytest.approx(acceleration)


@pytest.mark.parametrize(
    ("x", "y", "minded"),
    [(30.0, -1.75, True), (-30.0, -1.75, False), (30.0, 1.75, False), (3.0, -1.75, False)],
)
def test_only_what_stands_ahead_in_the_corridor_is_minded(x: float, y: float, minded: bool) -> None:
    strength = motion.obstacle_interaction(car(), x, y, 2.25, 0.9, 0.0, 0.3)
    assert (strength > 0.0) == minded


def test_the_gap_counts_from_bumper_to_bumper() -> None:
    strength = motion.obstacle_interaction(car(), 24.5, -1.75, 2.25, 0.9, 0.0, 0.3)
    assert strength == pytest.approx(motion.interaction(20.0, 10.0, car()))


@pytest.mark.parametrize(
    ("x", "time", "gap"),
    [
        (60.0, 5.0, None),  # green
        (60.0, 15.0, 29.25),  # red: the line is at 100 - 8.5 m, the bumper at 62.25 m
        (60.0, 11.0, 29.25),  # yellow, and 10 m/s at 3 m/s^2 take 16.7 m
        (80.0, 11.0, None),  # yellow, too near to stop
        (80.0, 15.0, 9.25),
        (20.0, 15.0, None),  # more than 60 m away
        (95.0, 15.0, None),  # passed
    ],
)
def test_a_car_minds_the_next_stop_line_at_red_and_if_it_can_at_yellow(
    x: float, time: float, gap: float | None
) -> None:
    expected = 0.0 if gap is None else motion.interaction(gap + 2.0, 10.0, car())
    assert motion.signal_interaction(car(x=x), town(), time) == pytest.approx(expected)


def test_oncoming_and_side_road_cars_mind_their_own_lines() -> None:
    red_for_main, red_for_side = 15.0, 5.0
    oncoming = car(x=40.0, y=1.75, cos=-1.0)
    crossing = car(x=101.75, y=-40.0, cos=0.0, sin=1.0)
    expected = motion.interaction(29.25 + 2.0, 10.0, car())
    assert motion.signal_interaction(oncoming, town(), red_for_main) == pytest.approx(expected)
    assert motion.signal_interaction(oncoming, town(), red_for_side) == 0.0
    assert motion.signal_interaction(crossing, town(), red_for_side) == pytest.approx(expected)
    assert motion.signal_interaction(crossing, town(), red_for_main) == 0.0


def test_some_cars_and_some_towns_know_no_signals() -> None:
    assert motion.signal_interaction(car(x=80.0, obeys_signals=0.0), town(), 15.0) == 0.0
    assert motion.signal_interaction(car(x=80.0), town(signals_enabled=0.0), 15.0) == 0.0


def test_a_car_keeps_its_headway_behind_another_and_behind_the_ego() -> None:
    leader = {"x": 60.0, "speed": 6.0, "desired_speed": 6.0}
    road = town(signals_enabled=0.0, num_cars=2)
    traffic = cars({}, leader)
    for step in range(3600):
        if step % 6 == 0:
            motion.decide(traffic, people(), ego(**AWAY_EGO), road, 0, 0.0)
        for one in traffic:
            motion.move(one, 1.0 / 60.0)
    gap = traffic[1]["x"] - traffic[0]["x"] - 4.5
    assert traffic[0]["speed"] == pytest.approx(6.0, abs=0.05)
    # IDM's equilibrium: (s0 + v T) / sqrt(1 - (v / v0)^4).
    assert gap == pytest.approx((2.0 + 6.0 * 1.5) / math.sqrt(1.0 - 0.6**4), abs=0.2)
    alone = cars({})
    motion.decide(alone, people(), ego(x=30.0), town(signals_enabled=0.0, num_cars=1), 0, 0.0)
    assert alone[0]["acceleration"] < -3.0


def test_a_car_brakes_for_people_on_the_road_if_it_yields() -> None:
    road = town(signals_enabled=0.0, num_cars=1)
    for mode, y, yields, brakes in (
        (CROSSING, -1.75, 1.0, True),
        (CROSSING, 0.5, 1.0, True),  # 1.1 m from its flank
        (CROSSING, 1.75, 1.0, False),
        (CROSSING, -1.75, 0.0, False),
        (2, -3.85, 1.0, False),  # waiting at the kerb
    ):
        traffic = cars({"yields_to_people": yields})
        crowd = people({"x": 25.0, "y": y, "mode": mode})
        motion.decide(traffic, crowd, ego(**AWAY_EGO), road, 1, 0.0)
        assert (traffic[0]["acceleration"] < -1.0) == brakes


def test_a_braking_car_stands_and_never_reverses() -> None:
    one = car(speed=3.0)
    one["acceleration"] = -8.0
    for _ in range(60):
        motion.move(one, 1.0 / 60.0)
    assert one["speed"] == 0.0
    assert one["x"] == pytest.approx(9.0 / 16.0, abs=0.03)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"x": 126.0}, True),
        ({"x": 124.0}, False),
        ({"x": -56.0}, True),
        ({"x": -54.0}, False),
        ({"x": 50.0, "y": 61.0, "cos": 0.0, "sin": 1.0}, True),
        ({"x": 50.0, "y": -61.0, "cos": 0.0, "sin": 1.0}, False),
    ],
)
def test_cars_leave_at_the_windows_ends_and_at_side_roads_ends(values: dict[str, float], left: bool) -> None:
    assert motion.has_left(car(**values), 0.0, 120.0, 50.0) == left


def test_nobody_enters_onto_another_car_or_the_ego() -> None:
    near_ego, near_car = cars({"x": 10.0}), cars({"x": 100.0}, {"x": 105.0})
    assert not motion.is_free(near_ego, 0, ego())
    assert not motion.is_free(near_car, 0, ego())
    assert motion.is_free(cars({"x": 100.0}, {"x": 105.0, "is_active": 0}), 0, ego())
    assert motion.is_free(cars({"x": 100.0}, {"x": 105.0, "y": 1.75, "cos": -1.0}), 0, ego()) is False
    assert motion.is_free(cars({"x": 100.0}, {"x": 105.0, "y": -5.25}), 0, ego())


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_cars_start_apart_on_their_own_lanes(name: str) -> None:
    state = begin(tables(name), list(range(8)))
    for record, traffic in zip(state.town, state.cars, strict=True):
        present = traffic[: int(record["num_cars"])]
        present = present[present["is_active"] == 1]
        sideways = np.where(
            abs(present["sin"]) > 0.5, np.abs((present["x"] / record["block_length"] + 0.5) % 1.0 - 0.5), 0
        )
        assert (np.abs(present["y"]) < half_road(record))[abs(present["sin"]) < 0.5].all()
        assert (sideways * record["block_length"] < half_road(record)).all()
        distance = np.hypot(*(np.subtract.outer(present[axis], present[axis]) for axis in "xy"))
        assert (distance[~np.eye(len(present), dtype=bool)] > 2.0).all()


def runs_at_red(old: Records, new: Records, record: Any, time: float) -> tuple[int, int]:
    """Count the cars on the ego's road that passed a stop line in a decision, and those that did so at red.

    A car that waits stands with its bumper up to 0.5 m over the line.
    """
    line, block = stop_line(record) - 0.5, float(record["block_length"])
    stayed = (old["entry"] == new["entry"]) & (new["is_active"] == 1) & (abs(new["sin"]) < 0.5)
    passed = at_red = 0
    for before, after in zip(old[stayed], new[stayed], strict=True):
        cos = float(after["cos"])
        first, second = (
            math.floor((one["x"] * cos + one["half_length"] + line) / block) for one in (before, after)
        )
        passed += second > first
        at_red += second > first and light(record, int(second * cos), False, time) == RED
    return passed, at_red


@pytest.mark.parametrize("name", ["reasonable", "dense_traffic"])
def test_cars_stop_at_red(name: str) -> None:
    compiled = tables(name)
    state = begin(compiled, list(range(12)))
    counts = np.zeros(2, np.int64)
    before = state.cars.copy()
    for now, _ in drive(state, compiled, "parked", 300):
        time = float(now.town["tick"][0]) * compiled.physics_dt
        for n, record in enumerate(now.town):
            counts += runs_at_red(before[n], now.cars[n], record, time)
        before = now.cars.copy()
    assert counts[0] > 60
    # A car that enters the window close to a line at red cannot stop any more.
    assert counts[1] <= 0.02 * counts[0]
