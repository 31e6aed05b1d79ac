from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario
from drivesim.world.state import CROSSING, WAITING, WALKING, TownState
from probes.agent import ProbeError
from probes.domains.driving_moments import Moment, moment_of_sketch, seen
from probes.domains.moment_start import begin_at
from probes.domains.town_sketch import Body
from tests.probes.domains.sketches import CAR, PERSON, sketch, sketcher
from tests.towns import changed

SEEDS = (500_000, 500_001, 500_002)
Given = Sequence[tuple[Body, Sequence[float]]]

#: m to the left of the ego, of the right kerb's stance (the ego is at -1.75, the stance at 3.5 + 0.35).
KERB = -2.1


def moment(bodies: Given, x: float = 140.0, tick: int = 300) -> Moment:
    return moment_of_sketch(sketcher(), sketch(x=x, speed=5.0, bodies=bodies, tick=tick), "m")


def begun(bodies: Given, scenario: str | Scenario = "reasonable", x: float = 140.0) -> TownState:
    plan = load(scenario) if isinstance(scenario, str) else scenario
    return begin_at(moment(bodies, x), plan, SEEDS)[1].towns


def test_the_towns_look_as_the_moment_does_whatever_else_is_about() -> None:
    one = moment([(PERSON, [9.0, 1.0, -5.0, -1.2]), (CAR, [18.0, 0.0, 0.5, 0.0])])
    for name in ("reasonable", "distracted"):
        pinned, start = begin_at(one, load(name), SEEDS)
        env = DrivingVectorEnv(len(SEEDS), pinned)
        observations, _ = env.reset(options={"state": start})
        assert np.array_equal(observations, np.stack([one.frames] * len(SEEDS)))
        env.reset(options={"state": start.towns})  # drawn anew from the towns alone
        newest = env.snapshot().frames
        assert newest is not None
        assert np.array_equal(newest[:, -1], np.stack([one.frames[-1]] * len(SEEDS)))
        env.close()
        cars, people = seen(start.towns, pinned)
        assert (cars.sum(1).tolist(), people.sum(1).tolist()) == ([1] * 3, [1] * 3)
        assert (start.towns.town["num_people"] > 1).all()


def test_the_ego_and_the_clock_are_the_moments_and_the_rest_is_drawn() -> None:
    found = begun([])
    assert found.ego["x"].tolist() == [140.0] * 3
    assert found.ego["speed"].tolist() == [5.0] * 3
    assert found.town["tick"].tolist() == [300] * 3
    near = np.abs(found.people["x"] - 140.0) < 130.0
    assert near.any(axis=1).all()
    assert len({tuple(row) for row in found.people["x"].tolist()}) == 3
    now = 300 / 60
    assert (found.people["due"][near] > now).all()


def test_the_same_seeds_begin_alike() -> None:
    given: Given = [(PERSON, [9.0, 1.0, -5.0, -1.2])]
    first, second = (begun(given) for _ in range(2))
    assert np.array_equal(first.people, second.people)
    assert np.array_equal(first.cars, second.cars)


def test_who_is_on_the_road_crosses_on_the_way_he_walks() -> None:
    person = begun([(PERSON, [12.0, 1.0, -5.0, 1.5])]).people[:, 0]
    assert (person["mode"] == CROSSING).all()
    assert (person["side"] == -1).all()  # he has left the right kerb behind
    assert person["walking_speed"].tolist() == pytest.approx([1.5] * 3)
    walked = 3.85 + (-1.75 + 1.0)  # m from the right stance
    assert person["started"].tolist() == pytest.approx([5.0 - walked / 1.5] * 3)


def test_who_stands_on_the_road_crosses_to_the_far_side() -> None:
    person = begun([(PERSON, [12.0, 0.5, -5.0, 0.0])]).people[:, 0]
    assert (person["mode"] == CROSSING).all()
    assert (person["side"] == -1).all()


def test_who_stands_at_the_kerb_waits_and_who_walks_along_goes_on() -> None:
    given: Given = [(PERSON, [12.0, KERB, -5.0, 0.0]), (PERSON, [20.0, KERB - 0.5, -5.0 - 1.3, 0.0])]
    found = begun(given, x=168.0).people
    assert (found["mode"][:, 0] == WAITING).all()
    assert (found["goal_x"][:, 0] == 180.0).all()
    assert (found["place"][:, 0] == 1).all()  # the middle of a block of 120 m
    assert (found["mode"][:, 1] == WALKING).all()
    assert (found["goal_x"][:, 1] < 188.0).all()
    assert found["walking_speed"][:, 1].tolist() == pytest.approx([1.3] * 3)


def test_how_people_behave_is_the_scenarios() -> None:
    given: Given = [(PERSON, [12.0, 1.0, -5.0, 1.5]), (PERSON, [14.0, KERB, -5.0, 0.0])]
    distracted = begun(given, "distracted").people[:, :2]
    assert not distracted["looks"].any()
    assert not distracted["reacts"].any()
    assert begun(given).people[:, :2]["reacts"].all()


def test_without_people_there_are_none_and_none_are_remembered() -> None:
    given: Given = [(PERSON, [9.0, 1.0, -5.0, -1.2])]
    _, start = begin_at(moment(given), load("reasonable"), SEEDS, is_peopled=False)
    assert start.towns.town["num_people"].tolist() == [0] * 3
    _, peopled = begin_at(moment(given), load("reasonable"), SEEDS)
    assert start.frames is not None
    assert peopled.frames is not None
    assert not np.array_equal(start.frames, peopled.frames)


def test_nobody_is_put_into_a_car_that_is_seen() -> None:
    found = begun([(CAR, [18.0, 0.0, 0.5, 0.0])])
    for n in range(len(found)):
        cars = found.cars[n][found.cars[n]["is_active"] == 1]
        assert cars[0]["x"] == 158.0
        others = cars[1:]
        assert not ((np.abs(others["x"] - 158.0) < 4.5) & (np.abs(others["y"] + 1.75) < 1.8)).any()


def test_more_than_there_is_room_for_are_refused() -> None:
    given: Given = [(PERSON, [12.0 + k, 1.0, -5.0, 1.5]) for k in range(3)]
    few = changed("reasonable", pedestrians={"count": 2.0})
    with pytest.raises(ProbeError, match="found 0 cars and 3 people who are seen"):
        begin_at(moment(given), few, SEEDS)


def test_scripted_people_keep_their_places() -> None:
    plan = load("crossing_trigger")
    room = plan.model_copy(update={"pedestrians": plan.pedestrians.model_copy(update={"count": 4.0})})
    found = begun([(PERSON, [12.0, 1.0, -5.0, 1.5])], room).people
    first = len(plan.triggers)
    assert (found["trigger_time"][:, :first] >= 0).all()
    assert (found["x"][:, first] == 152.0).all()
    assert (found["trigger_time"][:, first] < 0).all()
