"""Who may step off, and who pauses, with hand-computed distances and times."""

from __future__ import annotations

import math
from typing import Any

import pytest

from drivesim.scenario import conflicts
from drivesim.world.crossing_rules import (
    HURRY,
    arrival_time,
    is_clear,
    is_in_way,
    may_step,
    must_pause,
    stopping_distance,
    stride,
    would_touch,
)
from drivesim.world.ego import command, move
from tests.towns import cars, ego, person

LIMITS = (11.2, 3.0, 6.0)
STRIP = (-1.75, 0.9)
"""The ego's lane: centre line and half width, m."""


@pytest.mark.parametrize(
    ("speed", "distance"),
    [
        (10.0, 2.0 + 0.06 + 10.6**2 / 12.0 + 1.0),
        (0.0, 0.06 + 0.6**2 / 12.0 + 1.0),
        (11.2, 2.24 + 0.06 + 11.2**2 / 12.0 + 1.0),
        (11.0, 2.2 + 0.06 + 11.2**2 / 12.0 + 1.0),
        (-2.0, 0.06 + 0.6**2 / 12.0 + 1.0),
    ],
)
def test_stopping_takes_a_reaction_at_full_throttle_then_full_brakes_and_1_m(
    speed: float, distance: float
) -> None:
    assert stopping_distance(speed, *LIMITS) == pytest.approx(distance)


@pytest.mark.parametrize("speed", [0.0, 3.3, 7.9, 10.95, 11.2])
def test_the_checker_of_scenarios_uses_the_same_distance(speed: float) -> None:
    assert stopping_distance(speed, *LIMITS) == pytest.approx(conflicts.stopping_distance(speed, *LIMITS))


@pytest.mark.parametrize("speed", [0.0, 4.0, 8.0, 11.2])
def test_an_ego_that_reacts_after_0_2_s_of_full_throttle_stops_1_m_short(speed: float) -> None:
    car = ego(speed=speed)
    command(car, 1.0, 0.0, 0.0)
    for _ in range(12):
        move(car, 1.0 / 60.0)
    command(car, 0.0, 1.0, 0.0)
    for _ in range(180):
        move(car, 1.0 / 60.0)
    assert car["speed"] == 0.0
    # While the speed is cut at the top the rule still counts the acceleration: up to 0.06 m more.
    assert 0.98 <= stopping_distance(speed, *LIMITS) - car["x"] <= 1.08


@pytest.mark.parametrize(
    ("distance", "speed", "time"),
    [
        (20.0, 0.0, math.sqrt(120.0) / 3.0),  # still accelerating: 11.2 m/s takes 20.9 m
        (11.2**2 / 6.0 + 11.2, 0.0, 11.2 / 3.0 + 1.0),
        (22.4, 11.2, 2.0),
        (-1.0, 5.0, 0.0),
        (20.0, -3.0, math.sqrt(120.0) / 3.0),
    ],
)
def test_arrival_is_reckoned_at_full_throttle(distance: float, speed: float, time: float) -> None:
    assert arrival_time(distance, speed, 11.2, 3.0) == pytest.approx(time)


def steps(walker: Any, front: float, speed: float, is_checked: bool = True) -> bool:
    """Ask whether a person may step off with a 4.5 m vehicle's front bumper `front` m away."""
    return may_step(walker, (front, front + 4.5, speed), STRIP, LIMITS, is_checked)


def test_who_looks_wants_his_accepted_gap() -> None:
    walker = person(accepted_gap=5.42)
    # The gap counts from his near side, 0.25 m before his path.
    assert not steps(walker, 10.0 * 5.41 + 0.25, 10.0)
    assert steps(walker, 10.0 * 5.43 + 0.25, 10.0)


def test_who_does_not_look_minds_only_that_the_ego_can_stop() -> None:
    walker = person(looks=0)
    enough = stopping_distance(10.0, *LIMITS) + 0.25
    assert steps(walker, enough + 0.01, 10.0)
    assert not steps(walker, enough - 0.01, 10.0)
    assert steps(walker, enough - 0.01, 10.0, is_checked=False)


def test_a_vehicle_out_of_sight_is_not_minded() -> None:
    assert steps(person(look_distance=40.0), 41.0, 11.2)
    assert not steps(person(look_distance=42.0), 41.0, 11.2)


def test_a_vehicle_that_has_passed_is_not_minded_but_nobody_walks_into_its_flank() -> None:
    assert steps(person(), -5.1, 10.0)
    assert not steps(person(), -4.9, 10.0)
    assert not steps(person(looks=0), -2.0, 0.0, is_checked=False)


def test_before_a_standing_vehicle_one_wants_to_be_across_before_it_could_come() -> None:
    # 0.95 m to its strip and 2.3 m through it take 2.32 s, and 0.5 s to spare: 11.9 m from rest at 3 m/s^2.
    needed = 0.5 * 3.0 * ((0.95 + 2.3) / 1.4 + 0.5) ** 2
    assert needed == pytest.approx(11.94, abs=0.01)
    assert not steps(person(), needed + 0.25 - 0.05, 0.0)
    assert steps(person(), needed + 0.25 + 0.05, 0.0)


def test_who_can_still_pause_before_a_far_lane_steps_off() -> None:
    # From the left kerb it is 4.45 m to the strip, more than 1.5 s of walking; only who reacts can pause.
    assert steps(person(y=3.85, side=1.0, reacts=1), 9.0, 0.0)
    assert not steps(person(y=3.85, side=1.0, reacts=0), 9.0, 0.0)


def test_a_walk_signal_is_trusted_instead_of_the_gap() -> None:
    oncoming = ego(x=-40.0, speed=8.0)
    walker = person()
    assert not is_clear(walker, oncoming, cars(), 0, True, False)
    assert is_clear(walker, oncoming, cars(), 0, True, True)
    assert walker["looks"] == 1


def test_every_car_must_be_clear_too() -> None:
    parked = ego(x=-200.0)
    for x, cos, clear in ((-30.0, 1.0, False), (30.0, -1.0, False), (30.0, 1.0, True), (-200.0, 1.0, True)):
        assert is_clear(person(), parked, cars({"x": x, "cos": cos}), 1, True, False) == clear
    assert is_clear(person(), parked, cars({"x": -30.0, "is_active": 0}), 1, True, False)
    assert is_clear(person(), parked, cars({"x": -30.0, "cos": 0.0, "sin": 1.0}), 1, True, False)


@pytest.mark.parametrize(
    ("y", "ahead", "speed", "pauses"),
    [
        (-3.85, 22.5, 10.0, True),  # 2 s away; he would be out of its way after 2.6 s
        (-3.85, 62.5, 10.0, False),  # 6 s away
        (-3.85, 22.5, 0.2, False),  # standing
        (-3.85, -3.0, 10.0, False),  # passed
        (-5.85, 22.5, 10.0, False),  # still 2.5 m to walk
        (-2.0, 22.5, 10.0, False),  # already before its bonnet
    ],
)
def test_a_stride_before_a_vehicles_strip_one_pauses_if_it_comes_too_soon(
    y: float, ahead: float, speed: float, pauses: bool
) -> None:
    assert must_pause(person(y=y), 1.0, ahead, 2.25, -1.75, 0.9, speed) == pauses


@pytest.mark.parametrize(
    ("y", "ahead", "in_way"),
    [(-2.0, 22.5, True), (-3.85, 22.5, False), (-2.0, 62.5, False), (-2.0, 2.0, False)],
)
def test_in_the_way_is_who_stands_in_the_strip_of_what_comes_within_4_s(
    y: float, ahead: float, in_way: bool
) -> None:
    assert is_in_way(person(y=y), ahead, 2.25, -1.75, 0.9, 10.0) == in_way


@pytest.mark.parametrize(
    ("x", "y", "step_y", "touches"),
    [
        (0.0, -3.3, 1.0, True),  # 0.15 s of walking ends 0.2 m from the flank's margin
        (0.0, -3.7, 1.0, False),
        (0.0, -3.3, -1.0, False),  # away from it
        (2.7, -3.2, 1.0, True),  # past a bumper's corner
        (2.8, -3.2, 1.0, False),
    ],
)
def test_nobody_strides_into_a_standing_car(x: float, y: float, step_y: float, touches: bool) -> None:
    walker = person(x=x, y=y, side=-step_y)
    assert would_touch(walker, step_y, 0.0, -1.75, 1.0, 0.0, 2.25, 0.9) == touches


def crossing(**values: float) -> Any:
    """Make a person who is crossing from the right."""
    return person(**{"mode": 3.0, **values})


def test_who_reacts_pauses_before_the_strip_hurries_within_it_and_walks_else() -> None:
    coming = ego(x=-20.0, speed=10.0)
    assert stride(crossing(y=-3.85), coming, cars(), 0) == 0.0
    assert stride(crossing(y=-2.0), coming, cars(), 0) == pytest.approx(1.4 * HURRY)
    assert stride(crossing(y=1.0), coming, cars(), 0) == 1.4
    assert stride(crossing(y=1.0, side=1.0), ego(x=-80.0, speed=10.0), cars(), 0) == -1.4


def test_who_does_not_react_walks_on_whatever_comes() -> None:
    coming = ego(x=-20.0, speed=10.0)
    for y in (-3.85, -2.0, 1.0):
        assert stride(crossing(y=y, reacts=0), coming, cars(), 0) == 1.4


def test_even_who_does_not_react_stops_before_a_cars_flank() -> None:
    walker = crossing(y=-3.3, reacts=0)
    assert stride(walker, ego(), cars(), 0) == 0.0
    assert stride(walker, ego(x=-100.0), cars({"speed": 0.0}), 1) == 0.0


def test_who_reacts_minds_other_cars_as_well() -> None:
    away = ego(x=-300.0)
    assert stride(crossing(y=-3.85), away, cars({"x": -20.0}), 1) == 0.0
    assert stride(crossing(y=1.2), away, cars({"x": 15.0, "y": 1.75, "cos": -1.0}), 1) > 1.4
