"""People: who steps off when, in crafted scenes and in every shipped scenario."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivesim.world import advance
from drivesim.world.crossing_rules import stopping_distance
from drivesim.world.parameters import Tables, compile_tables
from drivesim.world.pedestrians import KERB_STANCE, PHONE_SLOWING
from drivesim.world.signals import may_walk, nearest_intersection
from drivesim.world.state import CROSSING, WAITING, WALKING, TownState
from drivesim.world.town import half_road
from tests.towns import BRAKE, CRUISE, SHIPPED, begin, changed, drive, starts, tables


def scene(distance: float, speed: float, **person: float) -> tuple[TownState, Tables]:
    """Let one person wait at the right kerb, `distance` m ahead of the bumper of an ego at `speed` m/s."""
    plan = changed(
        "empty_road",
        pedestrians={"count": 1.0},
        ego={"start_position": 20.0, "lateral_offset": 0.0, "heading_offset": 0.0, "start_speed": speed},
    )
    compiled = compile_tables(plan)
    state = begin(compiled, [0])
    place(state, 0, distance, person)
    return state, compiled


def place(state: TownState, index: int, distance: float, person: dict[str, float]) -> None:
    """Put a person at the right kerb, long enough there to step off at once."""
    record = state.people[0, index]
    values = {
        "x": state.ego["x"][0] + 2.25 + distance,
        "y": -3.5 - KERB_STANCE,
        "side": -1.0,
        "mode": WAITING,
        "place": 2,
        "waited": 1.0,
        "start_delay": 0.5,
        "walking_speed": 1.4,
        "looks": 1,
        "reacts": 1,
        "obeys_signal": 1,
        "accepted_gap": 5.42,
        "look_distance": 80.0,
    }
    for name, value in {**values, **person}.items():
        record[name] = value


def steps_off(state: TownState, compiled: Tables, decisions: int = 1) -> bool:
    """Let the ego roll on and tell whether the person steps off within some decisions."""
    for _ in range(decisions):
        advance.step(state, CRUISE[None], compiled)
        if state.people["mode"][0, 0] == CROSSING:
            return True
    return False


def test_distracted_pedestrian_ignores_oncoming_car() -> None:
    state, compiled = scene(20.0, 10.0, looks=0, reacts=0)
    assert steps_off(state, compiled)
    for _ in range(20):
        outcome = advance.step(state, CRUISE[None], compiled)[0]
        if outcome["person"] == 0:
            return
        assert state.people["velocity_y"][0, 0] == pytest.approx(1.4)
    pytest.fail("the ego should have hit the person, who never paused")


def test_attentive_pedestrian_waits_for_oncoming_car_and_then_crosses() -> None:
    state, compiled = scene(20.0, 10.0)
    stepped_at = None
    for _ in range(60):
        ahead = float(state.people["x"][0, 0] - state.ego["x"][0])
        advance.step(state, CRUISE[None], compiled)
        if state.people["mode"][0, 0] == CROSSING:
            stepped_at = ahead
            break
    assert stepped_at is not None
    assert stepped_at < -2.25 - 0.25


def test_attentive_pedestrian_takes_a_sufficient_gap() -> None:
    assert steps_off(*scene(60.0, 10.0))


def test_nobody_steps_off_before_his_start_delay() -> None:
    state, compiled = scene(60.0, 0.0, waited=0.0, start_delay=0.45, looks=0)
    assert not steps_off(state, compiled, 4)
    assert steps_off(state, compiled)


def test_nobody_steps_off_where_the_ego_could_not_stop_unless_allowed() -> None:
    too_near = 12.0  # at 10 m/s stopping takes 12.42 m and the person's half width
    state, compiled = scene(too_near, 10.0, looks=0)
    assert not steps_off(state, compiled)
    state, compiled = scene(too_near, 10.0, looks=0)
    assert steps_off(state, compiled._replace(allow_unavoidable=True))


def test_a_reacting_person_pauses_before_the_ego_and_lets_it_pass() -> None:
    state, compiled = scene(12.0, 8.0, mode=CROSSING, reacts=1)
    lowest_gap = math.inf
    for _ in range(40):
        outcome = advance.step(state, CRUISE[None], compiled)[0]
        assert outcome["person"] == -1
        if state.ego["x"][0] + 2.5 > state.people["x"][0, 0] > state.ego["x"][0] - 2.5:
            lowest_gap = min(lowest_gap, float(-1.75 - 0.9 - 0.25 - state.people["y"][0, 0]))
    assert 0.0 < lowest_gap < 1.5
    assert state.people["y"][0, 0] > -1.75


def test_nobody_walks_into_the_flank_of_a_standing_ego() -> None:
    state, compiled = scene(-1.0, 0.0, mode=CROSSING, reacts=0)
    for _ in range(50):
        assert advance.step(state, BRAKE[None], compiled)[0]["person"] == -1
    assert state.people["velocity_y"][0, 0] == 0.0
    assert state.people["y"][0, 0] < -1.75 - 0.9 - 0.25


def test_who_reached_the_other_side_walks_on_there() -> None:
    state, compiled = scene(40.0, 0.0, mode=CROSSING)
    trip = int(state.people["trip"][0, 0])
    for _ in range(round((7.0 + 2 * KERB_STANCE) / 0.14) + 1):
        advance.step(state, BRAKE[None], compiled)
    person = state.people[0, 0]
    assert (person["mode"], person["side"], person["trip"]) == (WALKING, 1.0, trip + 1)
    assert person["y"] >= 3.5 + KERB_STANCE
    assert person["started"] == -1.0


def test_impatient_people_look_for_another_place_after_15_s() -> None:
    state, compiled = scene(20.0, 0.0, look_distance=80.0, accepted_gap=5.0, waited=15.0)
    place(state, 0, -2.0, {"waited": 15.0})  # beside the standing ego nobody may step off
    advance.step(state, BRAKE[None], compiled)
    assert state.people["mode"][0, 0] == WALKING


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_nobody_steps_off_where_the_ego_could_not_stop(name: str) -> None:
    found = starts(name)
    assert found or name == "empty_road"
    for person, _, ego, _ in found:
        reach = ego["half_length"] * abs(math.cos(ego["yaw"])) + ego["half_width"] * abs(math.sin(ego["yaw"]))
        front = person["x"] - person["half_width"] - ego["x"] - reach
        passed = person["x"] + person["half_width"] < ego["x"] - reach
        limits = (ego["top_speed"], ego["acceleration"], ego["braking"])
        assert passed or front >= stopping_distance(ego["speed"], *limits)


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_who_obeys_steps_off_with_the_walk_signal_only(name: str) -> None:
    found = [
        s
        for s in starts(name)
        if s.person["place"] == 0 and s.person["obeys_signal"] and s.person["trigger_time"] < 0
    ]
    assert found or name in ("empty_road", "crossing_trigger", "distracted")
    for person, town, _, time in found:
        assert may_walk(town, nearest_intersection(town, float(person["x"])), time)


def test_some_of_the_distracted_cross_against_the_signal() -> None:
    against = [
        not may_walk(s.town, nearest_intersection(s.town, float(s.person["x"])), s.time)
        for s in starts("distracted", worlds=12)
        if s.person["place"] == 0
    ]
    assert sum(against) > 5


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_nobody_walks_into_a_parked_ego(name: str) -> None:
    compiled = tables(name)
    state = begin(compiled, list(range(6)))
    state.ego["speed"] = 0.0
    for _, outcomes in drive(state, compiled, "parked", 300):
        assert (outcomes["person"] < 0).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_people_are_on_the_road_only_while_crossing(name: str) -> None:
    compiled = tables(name)
    state = begin(compiled, list(range(4)))
    crossing = 0
    for now, _ in drive(state, compiled, "blind", 400):
        for n, town in enumerate(now.town):
            people = now.people[n, : town["num_people"]]
            on_road = np.abs(people["y"]) + people["half_width"] < half_road(town)
            assert (people["mode"][on_road] == CROSSING).all()
            crossing += int(on_road.sum())
    assert crossing > 0 or name == "empty_road"


@pytest.mark.parametrize(("one", "other"), [("reasonable", "distracted"), ("reasonable", "mixed_field")])
def test_paired_scenarios_share_spawns_routes_and_dues(one: str, other: str) -> None:
    a, b = (begin(tables(name), list(range(20))) for name in (one, other))
    for field in ("x", "y", "side", "goal_x", "place", "due", "start_delay", "half_width"):
        np.testing.assert_array_equal(a.people[field], b.people[field], field)
    np.testing.assert_array_equal(a.cars, b.cars)
    np.testing.assert_array_equal(a.ego, b.ego)
    assert (a.people["looks"] != b.people["looks"]).any()


def test_a_phone_adds_18_percent_to_the_crossing_time() -> None:
    reasonable, distracted = (begin(tables(name), [0, 1, 2]).people for name in ("reasonable", "distracted"))
    assert distracted["holds_phone"].all()
    assert not reasonable["holds_phone"].any()
    np.testing.assert_allclose(reasonable["walking_speed"] / distracted["walking_speed"], PHONE_SLOWING)


def test_people_are_what_their_profiles_say() -> None:
    people = begin(tables("mixed_field"), list(range(60))).people
    shares = np.bincount(people["profile"].reshape(-1), minlength=3) / people.size
    np.testing.assert_allclose(shares, [0.702, 0.225, 0.073], atol=0.05)
    np.testing.assert_array_equal(people["holds_phone"], people["profile"] == 2)
    looks = [people["looks"][people["profile"] == k].mean() for k in range(3)]
    assert looks == pytest.approx([0.93, 0.5, 0.1], abs=0.12)
    places = np.bincount(people["place"].reshape(-1), minlength=3) / people.size
    np.testing.assert_allclose(places, [0.2, 0.55, 0.25], atol=0.05)
    assert people["accepted_gap"] == pytest.approx(1.06 * 7.0 - 2.0)


def test_people_cross_again_and_again() -> None:
    compiled = tables()
    state = begin(compiled, [0, 1])
    for _ in drive(state, compiled, "parked", 600):
        pass
    # A crossing every 25 to 45 s: who has crossed once plans his second trip, and so on.
    trips = np.bincount(state.people["trip"].reshape(-1))
    assert trips[2:].sum() > 0.5 * trips.sum()
    assert trips[3:].sum() > 5


@pytest.mark.parametrize("hertz", [5, 6])
def test_slow_decisions_take_nobody_past_his_goal_or_over_the_kerb(hertz: int) -> None:
    compiled = compile_tables(changed("reasonable", sim={"decision_hz": hertz}))
    state = begin(compiled, [0, 1])
    waiting = 0
    for now, _ in drive(state, compiled, "parked", 40 * hertz):
        people = now.people
        aside = people["mode"] != CROSSING
        assert (np.abs(people["y"])[aside] >= 3.5 - 1e-9).all()
        waiting += int((people["mode"] == WAITING).sum())
    assert waiting > 0
    arrived = np.abs(state.people["goal_x"] - state.people["x"]) < 0.5
    assert arrived.mean() > 0.2
