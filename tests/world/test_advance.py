"""The control step: contacts, red lights, determinism, snapshots, and who depends on whom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drivesim.drivers import DRIVERS
from drivesim.world import advance
from drivesim.world.parameters import Tables, compile_tables
from drivesim.world.state import AWAY, CROSSING, TownState
from tests.towns import BRAKE, CRUISE, SHIPPED, begin, changed, drive, scenario, tables

THROTTLE = np.array([1.0, 0.0, 0.0])
BATCHES = (1, 4, 8)


def assert_equal(a: TownState, b: TownState) -> None:
    """Assert that two states are equal bit for bit."""
    for name, array in a.plain_arrays().items():
        np.testing.assert_array_equal(array, b.plain_arrays()[name], name)


def run(state: TownState, compiled: Tables, decisions: int, first: int = 0) -> None:
    """Drive blindly, with a wobble that differs from decision to decision, through whatever comes."""
    for k in range(first, first + decisions):
        controls = DRIVERS["blind"](state, compiled)
        controls[:, 2] += 0.05 * math.sin(k)
        advance.step(state, controls, compiled)


def one_world(**sections: Any) -> tuple[TownState, Tables]:
    """Start one town of `empty_road` with changes, the ego inside a block, heading along its lane."""
    start = {"start_position": 30.0, "lateral_offset": 0.0, "heading_offset": 0.0, "start_speed": 0.0}
    sections["ego"] = {**start, **sections.get("ego", {})}
    compiled = compile_tables(changed("empty_road", **sections))
    return begin(compiled, [0]), compiled


def step(state: TownState, compiled: Tables, controls: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Advance one world by one decision; return its outcome."""
    return advance.step(state, controls[None], compiled)[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_a_world_does_not_depend_on_its_batch(name: str) -> None:
    compiled = tables(name)
    whole = begin(compiled, list(range(8)))
    run(whole, compiled, 120)
    for size in BATCHES:
        for first in range(0, 8, size):
            part = begin(compiled, list(range(first, first + size)))
            run(part, compiled, 120)
            assert_equal(part, whole.select(slice(first, first + size)))


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_a_restored_snapshot_continues_bit_for_bit(name: str) -> None:
    compiled = tables(name)
    state = begin(compiled, [5, 6])
    run(state, compiled, 80)
    snapshot = state.copy()
    run(state, compiled, 100, first=80)
    again = begin(compiled, [77, 78])
    run(again, compiled, 10)
    again.restore(snapshot)
    run(again, compiled, 100, first=80)
    assert_equal(again, state)


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_episodes_differ_by_their_seed(name: str) -> None:
    state = begin(tables(name), list(range(40)))
    assert len(set(state.ego["x"])) == 40
    assert len(np.unique(state.ego["x"] // state.town["block_length"])) > 35
    assert state.town["tick"].tolist() == [0] * 40


def test_a_world_that_was_used_before_begins_like_a_new_one() -> None:
    state = begin(tables(), [1, 2])
    run(state, tables(), 60)
    advance.begin(state, np.array([1]), np.array([7]), tables())
    fresh = begin(tables(), [7])
    for name in ("town", "ego"):
        np.testing.assert_array_equal(getattr(state, name)[1:], getattr(fresh, name))
    present = fresh.people["mode"] != AWAY
    for field in ("x", "y", "due", "profile", "walking_speed"):
        np.testing.assert_array_equal(state.people[field][1:][present], fresh.people[field][present])


def test_one_more_car_reshuffles_neither_people_nor_the_ego() -> None:
    more = compile_tables(changed("reasonable", cars={"count": 9.0}))
    few, many = begin(tables(), [3]), begin(more, [3])
    np.testing.assert_array_equal(few.people, many.people)
    np.testing.assert_array_equal(few.ego, many.ego)
    np.testing.assert_array_equal(few.cars[0, :8], many.cars[0, :8])


def test_one_more_person_reshuffles_nobody() -> None:
    more = compile_tables(changed("reasonable", pedestrians={"count": 33.0}))
    few, many = begin(tables(), [3]), begin(more, [3])
    np.testing.assert_array_equal(few.people[0], many.people[0, :32])
    np.testing.assert_array_equal(few.cars, many.cars)


def test_a_decision_takes_a_tenth_of_a_second_in_six_physics_steps() -> None:
    state, compiled = one_world(ego={"start_speed": 5.0})
    outcome = step(state, compiled, CRUISE)
    assert outcome["progress"] == pytest.approx(0.5)
    assert outcome["elapsed"] == pytest.approx(0.1)
    assert outcome["swerve"] == 0.0
    assert state.town["tick"][0] == 6
    assert outcome["lane_offset"] == pytest.approx(0.0)
    assert (outcome["person"], outcome["car"], outcome["off_road"], outcome["ran_red"]) == (-1, -1, 0, 0)


def test_swerving_is_the_share_of_the_lateral_limit() -> None:
    state, compiled = one_world(ego={"start_speed": 10.0})
    assert step(state, compiled, np.array([0.0, 0.0, 1.0]))["swerve"] == pytest.approx(1.0)
    state, compiled = one_world(ego={"start_speed": 5.0})
    expected = 25.0 * math.tan(0.042) / 2.7 / 4.0
    assert step(state, compiled, np.array([0.0, 0.0, 0.1]))["swerve"] == pytest.approx(expected)


def test_who_stands_still_in_the_batch_is_left_alone() -> None:
    compiled = tables()
    state = begin(compiled, [1, 2])
    before = state.copy()
    outcomes = advance.step(state, np.tile(THROTTLE, (2, 1)), compiled, np.array([False, True]))
    assert_equal(state.select(slice(0, 1)), before.select(slice(0, 1)))
    assert state.town["tick"].tolist() == [0, 6]
    assert outcomes["elapsed"].tolist() == pytest.approx([0.0, 0.1])


def hit_person(distance: float, speed: float) -> tuple[TownState, Any]:
    """Drive at someone who stands still on the lane, his near side `distance` m ahead of the bumper."""
    state, compiled = one_world(pedestrians={"count": 1.0}, ego={"start_speed": speed})
    person = state.people[0, 0]
    person["x"], person["y"] = state.ego["x"][0] + 2.25 + distance + 0.25, -1.75
    person["mode"], person["walking_speed"], person["reacts"] = CROSSING, 0.0, 0
    return state, step(state, compiled, CRUISE)


def test_a_world_stops_at_the_physics_step_of_its_first_contact() -> None:
    state, outcome = hit_person(0.4, 10.0)
    # 10 m/s cover 0.4 m in 0.04 s: the third step of 1/60 s.
    assert outcome["person"] == 0
    assert state.town["tick"][0] == 3
    assert outcome["elapsed"] == pytest.approx(0.05)
    assert outcome["progress"] == pytest.approx(0.5)


def test_nobody_is_hit_who_is_not_touched() -> None:
    state, outcome = hit_person(1.05, 10.0)
    assert outcome["person"] == -1
    assert state.town["tick"][0] == 6


@pytest.mark.parametrize("turn", [0.0, 0.7, math.pi / 2])
def test_a_wide_person_is_hit_by_the_corner_of_a_small_ego(turn: float) -> None:
    state, compiled = one_world(
        ego={"length": 2.0, "width": 1.0}, pedestrians={"count": 1.0, "body_width": 0.7}
    )
    state.ego["yaw"] = turn
    reach = math.cos(turn) + 0.5 * math.sin(turn)
    person = state.people[0, 0]
    person["x"], person["y"] = state.ego["x"][0] + reach + 0.34, -1.75 + 0.2 * math.sin(turn)
    person["mode"], person["walking_speed"] = CROSSING, 0.0
    assert step(state, compiled, BRAKE)["person"] == 0


def test_a_long_lorry_is_hit_at_its_far_end() -> None:
    # Centre to centre they are 9 m apart: half of 12 m and half of 7 m are more.
    state, compiled = one_world(cars={"count": 1.0, "length": 12.0}, ego={"length": 7.0})
    lorry = state.cars[0, 0]
    lorry["x"], lorry["y"], lorry["speed"], lorry["is_active"] = state.ego["x"][0] + 9.0, -1.75, 0.0, 1
    lorry["cos"], lorry["sin"] = 1.0, 0.0
    assert step(state, compiled, BRAKE)["car"] == 0


def test_a_car_beside_the_ego_is_not_hit() -> None:
    state, compiled = one_world(cars={"count": 1.0})
    other = state.cars[0, 0]
    other["x"], other["y"], other["speed"], other["is_active"] = state.ego["x"][0], 1.75, 0.0, 1
    other["cos"], other["sin"] = -1.0, 0.0
    assert step(state, compiled, BRAKE)["car"] == -1


@pytest.mark.parametrize(
    ("y", "yaw", "is_off"),
    [(-2.59, 0.0, 0), (-2.61, 0.0, 1), (2.61, 0.0, 1), (-1.75, 0.5, 1), (-1.75, 0.3, 0)],
)
def test_the_ego_is_off_the_road_once_a_corner_is_beyond_the_kerb(y: float, yaw: float, is_off: int) -> None:
    # Half a width of 0.9 m reaches the kerb, 3.5 m away, from 2.6 m; turned, 2.25 sin + 0.9 cos.
    state, compiled = one_world()
    state.ego["y"], state.ego["yaw"] = y, yaw
    assert step(state, compiled, BRAKE)["off_road"] == is_off


def test_a_margin_beyond_the_kerb_may_still_count_as_road() -> None:
    state, compiled = one_world(termination={"off_road_margin": 0.5})
    state.ego["y"] = -3.05
    assert step(state, compiled, BRAKE)["off_road"] == 0


def test_an_ending_that_is_switched_off_does_not_stop_the_world() -> None:
    state, compiled = one_world(termination={"on_off_road": False})
    state.ego["y"] = -3.4
    assert step(state, compiled, CRUISE)["off_road"] == 1
    assert state.town["tick"][0] == 6


@pytest.mark.parametrize(("clock", "ran"), [(5.0, 0), (11.0, 0), (20.0, 1)])
def test_passing_a_stop_line_counts_as_run_at_red_only(clock: float, ran: int) -> None:
    state, compiled = one_world(signals={"offset_spread": 0.0}, ego={"start_speed": 10.0})
    block = math.floor(float(state.ego["x"][0]) / 120.0)
    state.ego["x"] = block * 120.0 + 120.0 - 8.5 - 2.25 - 0.5  # half a metre before the line
    state.town["tick"] = round(clock * 60.0)
    assert step(state, compiled, CRUISE)["ran_red"] == ran
    assert step(state, compiled, CRUISE)["ran_red"] == 0


def test_standing_before_the_line_or_backing_over_it_runs_no_light() -> None:
    state, compiled = one_world(signals={"offset_spread": 0.0})
    block = math.floor(float(state.ego["x"][0]) / 120.0)
    state.town["tick"] = 20 * 60
    state.ego["x"] = block * 120.0 + 120.0 - 8.5 - 2.25 + 0.1
    assert step(state, compiled, np.array([-1.0, 0.0, 0.0]))["ran_red"] == 0
    for _ in range(20):
        assert step(state, compiled, np.array([-1.0, 0.0, 0.0]))["ran_red"] == 0
        assert step(state, compiled, BRAKE)["ran_red"] == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_all_stay_within_the_window_around_the_ego(name: str) -> None:
    compiled, plan = tables(name), scenario(name)
    state = begin(compiled, [0, 1])
    for now, _ in drive(state, compiled, "blind", 200):
        for n in range(len(now)):
            people = now.people[n, : now.town["num_people"][n]]
            people = people[people["trigger_time"] < 0.0]
            from_ego = people["x"] - now.ego["x"][n]
            # Who re-enters stands in some block's walkable part, and moves until the next decision.
            assert (from_ego > -float(plan.pedestrians.window_behind) - 3.0).all()  # type: ignore[arg-type]
            assert (from_ego < float(plan.pedestrians.window_ahead) + 40.0).all()  # type: ignore[arg-type]
            cars = now.cars[n][now.cars[n]["is_active"] == 1]
            assert (np.abs(cars["x"] - now.ego["x"][n]) < 200.0).all()
            assert (np.abs(cars["y"]) < 75.0).all()
