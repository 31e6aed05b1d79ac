"""Signals: the plan of one cycle, second by second."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.world.signals import GREEN, RED, YELLOW, light, may_walk, nearest_intersection, stage_clock
from tests.towns import SHIPPED, begin, tables, town

TIMES = np.arange(0.0, 56.0, 0.05) + 0.025


@pytest.mark.parametrize(
    ("time", "main", "side"),
    [
        (0.1, GREEN, RED),
        (9.9, GREEN, RED),
        (10.1, YELLOW, RED),
        (12.9, YELLOW, RED),
        (13.1, RED, RED),
        (13.9, RED, RED),
        (14.1, RED, GREEN),
        (23.9, RED, GREEN),
        (24.1, RED, YELLOW),
        (26.9, RED, YELLOW),
        (27.1, RED, RED),
        (28.1, GREEN, RED),
    ],
)
def test_two_roads_take_turns_of_green_yellow_and_all_red(time: float, main: int, side: int) -> None:
    record = town()
    assert light(record, 3, False, time) == main
    assert light(record, 3, True, time) == side


def test_people_may_walk_for_7_s_from_the_side_roads_green_on() -> None:
    record = town()
    walking = np.array([may_walk(record, 0, t) for t in TIMES])
    np.testing.assert_array_equal(walking, (TIMES % 28.0 >= 14.0) & (TIMES % 28.0 < 21.0))


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_people_walk_only_while_the_egos_road_is_red(name: str) -> None:
    state = begin(tables(name), [0, 1])
    walked = 0
    for record in state.town:
        for number in (-2, 0, 1, 17):
            cycle = 2.0 * float(record["green"] + record["yellow"] + record["all_red"])
            for time in np.arange(0.0, 2.0 * cycle, 0.25):
                main, side = light(record, number, False, time), light(record, number, True, time)
                assert RED in (main, side)
                if may_walk(record, number, time):
                    walked += 1
                    assert main == RED
    assert walked > 0


def test_without_a_spread_all_intersections_change_together() -> None:
    record = town(offset_spread=0.0)
    assert {stage_clock(record, number, 5.0) for number in range(-5, 5)} == {5.0}


def test_with_a_spread_intersections_are_shifted_over_the_whole_cycle() -> None:
    record = town(offset_spread=1.0)
    clocks = np.array([stage_clock(record, number, 0.0) for number in range(-200, 200)])
    assert clocks.min() >= 0.0
    assert clocks.max() < 28.0
    assert clocks.mean() == pytest.approx(14.0, abs=2.0)
    assert clocks.std() == pytest.approx(28.0 / np.sqrt(12.0), abs=1.0)


@pytest.mark.parametrize(("x", "number"), [(0.0, 0), (49.0, 0), (51.0, 1), (-51.0, -1), (1049.0, 10)])
def test_the_nearest_intersection_is_at_the_nearest_multiple_of_the_block(x: float, number: int) -> None:
    assert nearest_intersection(town(), x) == number
