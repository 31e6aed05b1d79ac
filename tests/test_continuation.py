from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.continuation import drive_on, time_to_collision
from drivesim.envs.snapshot import Snapshot
from drivesim.pilots import ScriptedPilot, load_pilot
from drivesim.scenario.schema import Scenario
from drivesim.world.parameters import Tables, compile_tables
from drivesim.world.state import CROSSING, TownState
from tests.towns import begin, changed

STRAIGHT = {"start_position": 20.0, "start_speed": 8.0, "lateral_offset": 0.0, "heading_offset": 0.0}


def alone(**people: float) -> Scenario:
    """A town with one person at most and no cars."""
    return changed(
        "empty_road", ego=STRAIGHT, pedestrians={"count": 1.0, **people}, signals={"enabled": False}
    )


def someone_ahead(distance: float, plan: Scenario, worlds: int = 1) -> TownState:
    """Towns in which somebody stands in the ego's lane, so far (m) ahead of its bumper."""
    state = begin(compile_tables(plan), list(range(worlds)))
    person = state.people[:, 0]
    person["x"] = state.ego["x"] + 2.25 + 0.25 + distance
    person["y"], person["side"], person["mode"], person["walking_speed"] = -1.75, -1.0, CROSSING, 0.0
    person["reacts"] = 0
    return state


def cruise(state: TownState, tables: Tables) -> NDArray[np.float64]:
    del tables
    return np.zeros((len(state), 3))


def brake_in_time(state: TownState, tables: Tables) -> NDArray[np.float64]:
    """Coast for half a second, then brake."""
    late = state.town["tick"] * tables.physics_dt > 0.45
    return np.stack([np.zeros(len(state)), np.where(late, 1.0, 0.0), np.zeros(len(state))], axis=1)


def test_time_to_collision_is_the_gap_over_the_speed() -> None:
    state = someone_ahead(20.0, alone())
    assert time_to_collision(state) == pytest.approx([20.0 / 8.0])


@pytest.mark.parametrize(
    ("field", "value"), [("y", 1.75), ("mode", 0), ("x", -100.0), ("y", -1.75 - 0.9 - 0.26)]
)
def test_only_who_stands_in_the_strip_ahead_is_met(field: str, value: float) -> None:
    state = someone_ahead(20.0, alone())
    state.people[field] = value
    assert np.isinf(time_to_collision(state)).all()


def test_a_standing_ego_comes_no_nearer() -> None:
    state = someone_ahead(20.0, alone())
    state.ego["speed"] = 0.0
    assert np.isinf(time_to_collision(state)).all()


def test_who_does_not_brake_runs_into_the_person_ahead() -> None:
    plan = alone()
    (drive,) = drive_on(plan, ScriptedPilot(cruise), Snapshot(someone_ahead(20.0, plan)), 6.0)
    assert (drive.ending, drive.person, drive.is_avoidable) == ("person", 0, True)
    assert drive.distance_m == pytest.approx(20.0, abs=0.2)
    assert drive.time_s == pytest.approx(2.5, abs=0.1)
    assert drive.end_speed_mps == pytest.approx(8.0)
    assert drive.time_to_collision_s == pytest.approx(0.1, abs=0.05)
    assert (drive.first_brake_s, drive.brake_share) == (None, 0.0)


def test_who_stands_too_near_at_the_start_could_not_be_avoided() -> None:
    plan = alone()
    (drive,) = drive_on(plan, ScriptedPilot(cruise), Snapshot(someone_ahead(3.0, plan)), 6.0)
    assert (drive.ending, drive.is_avoidable) == ("person", False)


def test_who_brakes_in_time_stops() -> None:
    plan = alone()
    (drive,) = drive_on(plan, ScriptedPilot(brake_in_time), Snapshot(someone_ahead(20.0, plan)), 4.0)
    assert (drive.ending, drive.person, drive.is_avoidable) == ("time", None, None)
    assert drive.first_brake_s == pytest.approx(0.5)
    assert drive.brake_share == pytest.approx(35 / 40)
    assert drive.distance_m == pytest.approx(0.5 * 8 + 64 / 12, abs=0.1)
    assert drive.time_s == pytest.approx(4.0)


def test_an_old_moment_goes_on_as_long_as_a_young_one() -> None:
    plan = alone()
    state = someone_ahead(200.0, plan)
    state.town["tick"] = round(plan.sim.episode_s * plan.sim.physics_hz) - 1
    (drive,) = drive_on(plan, ScriptedPilot(cruise), Snapshot(state), 2.0)
    assert drive.ending == "time"
    assert drive.time_s == pytest.approx(2.0)


def test_the_watcher_sees_each_decision_and_the_end() -> None:
    plan, seen = alone(), []

    def watch(towns: TownState, controls: NDArray[np.float64] | None) -> None:
        seen.append((float(towns.ego["x"][0]), controls is None))

    drive_on(plan, ScriptedPilot(cruise), Snapshot(someone_ahead(200.0, plan)), 1.0, on_decision=watch)
    assert [is_end for _, is_end in seen] == [False] * 10 + [True]
    assert np.diff([x for x, _ in seen]) == pytest.approx(0.8)


def test_an_agent_drives_on_alike_each_time() -> None:
    plan = changed("distracted")
    pilot, _ = load_pilot("reasonable-seg4", plan)
    start = Snapshot(begin(compile_tables(plan), [3, 4, 5]))
    first, second = (drive_on(plan, pilot, start, 2.0) for _ in range(2))
    assert first == second
    assert len({drive.distance_m for drive in first}) == 3
