"""The ego's bicycle: straight lines, circles, limits and brakes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drivesim.world.ego import command, limited_curvature, move
from tests.towns import ego

DT = 1.0 / 60.0


def run(car: Any, seconds: float) -> None:
    """Integrate for some seconds."""
    for _ in range(round(seconds / DT)):
        move(car, DT)


def test_full_throttle_covers_v_t_plus_half_a_t_squared() -> None:
    car = ego(speed=5.0)
    command(car, 1.0, 0.0, 0.0)
    run(car, 1.0)
    assert car["x"] == pytest.approx(6.5)
    assert car["speed"] == pytest.approx(8.0)
    assert car["odometer"] == pytest.approx(6.5)
    assert car["y"] == -1.75


def test_speed_ends_at_the_top_speed_and_at_the_reverse_speed() -> None:
    forward, backward = ego(speed=11.0), ego()
    command(forward, 1.0, 0.0, 0.0)
    command(backward, -1.0, 0.0, 0.0)
    for car, limit in ((forward, 11.2), (backward, -2.0)):
        run(car, 2.0)
        assert car["speed"] == limit
    assert backward["odometer"] < 0.0


def test_brakes_stop_within_v_squared_over_2_b() -> None:
    car = ego(speed=9.0)
    command(car, 0.0, 1.0, 0.0)
    run(car, 3.0)
    assert car["speed"] == 0.0
    assert car["x"] == pytest.approx(81.0 / 12.0, abs=0.01)


@pytest.mark.parametrize("speed", [0.0, 0.05, 0.4, 7.3, -0.05, -1.9])
def test_braking_never_reverses(speed: float) -> None:
    car = ego(speed=speed)
    for _ in range(30):
        command(car, 0.0, 1.0, 0.0)
        for _ in range(6):
            before = float(car["speed"])
            move(car, DT)
            assert 0.0 <= car["speed"] * math.copysign(1.0, speed) <= abs(before)
    assert car["speed"] == 0.0


def test_braking_wins_over_the_throttle_and_controls_are_clipped() -> None:
    car = ego(speed=5.0)
    command(car, 9.0, 9.0, -9.0)
    assert car["target_acceleration"] == -6.0
    assert car["brake"] == 1.0
    assert car["steer"] == -0.42


def test_full_steer_turns_left_on_a_circle_of_wheelbase_over_tangent() -> None:
    radius = 2.7 / math.tan(0.42)
    assert radius == pytest.approx(6.046, abs=0.001)
    car = ego(speed=2.0, y=0.0)
    command(car, 0.0, 0.0, 1.0)
    distances = []
    for _ in range(round(math.pi * radius / 2.0 / DT)):
        move(car, DT)
        distances.append(math.hypot(car["x"], car["y"] - radius))
    np.testing.assert_allclose(distances, radius, rtol=1e-4)
    # Half a turn later it is a diameter to the left and heads back.
    assert car["y"] == pytest.approx(2.0 * radius, abs=0.01)
    assert abs(car["yaw"]) == pytest.approx(math.pi, abs=0.01)


def test_at_speed_the_curvature_is_cut_at_the_lateral_limit() -> None:
    car = ego(speed=10.0)
    command(car, 0.0, 0.0, 1.0)
    assert limited_curvature(car) == pytest.approx(0.04)
    assert move(car, DT) == pytest.approx(4.0)
    command(car, 0.0, 0.0, -1.0)
    assert limited_curvature(car) == pytest.approx(-0.04)
    assert move(car, DT) == pytest.approx(-4.0)


def test_a_gentle_turn_is_not_cut() -> None:
    car = ego(speed=5.0)
    command(car, 0.0, 0.0, 0.25)
    curvature = math.tan(0.105) / 2.7
    assert limited_curvature(car) == pytest.approx(curvature)
    assert move(car, DT) == pytest.approx(25.0 * curvature)


def test_the_heading_stays_within_half_a_turn() -> None:
    car = ego(speed=5.0)
    command(car, 0.0, 0.0, 1.0)
    for _ in range(1200):
        move(car, DT)
        assert -math.pi <= car["yaw"] < math.pi


def test_the_odometer_counts_metres_along_the_lane_only() -> None:
    across, against = ego(speed=5.0, yaw=math.pi / 2), ego(speed=5.0, yaw=math.pi)
    for car in (across, against):
        command(car, 0.0, 0.0, 0.0)
        run(car, 1.0)
    assert across["odometer"] == pytest.approx(0.0, abs=1e-9)
    assert against["odometer"] == pytest.approx(-5.0)
