from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.world.state import AWAY, CROSSING, WALKING, TownState
from probes.agent import ProbeError
from probes.domains.awareness_moments import (
    CLEAR,
    MOVING,
    WALK,
    Moments,
    collect_moments,
    is_suited,
    on_course,
    plan_of,
    with_car,
    with_person,
)
from tests.probes.domains.clear_moments import SEEDS, drawn
from tests.towns import scenario


def test_moments_are_on_a_clear_road_ahead_of_a_moving_ego() -> None:
    moments = drawn()
    now = moments.now
    assert len(moments) >= 4
    assert set(moments.seeds) <= set(SEEDS)
    assert len(moments.past) == scenario().stack
    assert (moments.speed > MOVING).all()
    from_block = (now.ego["x"] + now.ego["half_length"] + 8.5) % 120.0  # m since the last stop line
    assert (120.0 - from_block > CLEAR).all()
    people, cars = now.people, now.cars
    is_ahead = people["x"] > now.ego["x"][:, None]
    assert set(people["mode"][is_ahead]) <= {AWAY, WALKING}
    in_lane = (np.abs(cars["y"] - now.ego["y"][:, None]) < 2.0) & (cars["x"] > now.ego["x"][:, None])
    assert not (cars["is_active"][in_lane] == 1).any()
    taken = people[np.arange(len(moments)), moments.slot]
    assert (taken["x"] < now.ego["x"]).all()
    assert (taken["mode"] == AWAY).all()


def test_the_past_is_of_successive_decisions() -> None:
    ticks = np.stack([towns.town["tick"] for towns in drawn().past])
    assert (np.diff(ticks, axis=0) == 6).all()  # 60 Hz over 10 Hz


def test_a_moment_depends_on_its_episode_alone() -> None:
    moments = drawn()
    alone = collect_moments(scenario(), [int(moments.seeds[-1])])
    for whole, one in zip(moments.past, alone.past, strict=True):
        for name in ("town", "ego", "cars", "people"):
            assert getattr(whole, name)[-1].tobytes() == getattr(one, name)[0].tobytes()
    assert alone.slot[0] == moments.slot[-1]


def test_where_there_are_no_people_there_is_no_moment() -> None:
    with pytest.raises(ProbeError, match="'empty_road': found no moment in 1 episodes; allowed are"):
        collect_moments(scenario("empty_road"), [500_000])


@pytest.mark.parametrize(("field", "value"), [("speed", 2.9), ("yaw", 0.04), ("y", -1.2)])
def test_a_slow_turned_or_shifted_ego_makes_no_moment(field: str, value: float) -> None:
    moments = drawn()
    # Who takes the place was somebody who walked there.
    now = with_person(moments, -20.0, 3.0, 1)[-1]
    now.ego["y"] = -1.75
    assert is_suited(now).all()
    now.ego[field] = value
    assert not is_suited(now).any()


def test_a_stop_line_near_by_or_nobody_behind_makes_no_moment() -> None:
    near, lonely = (with_person(drawn(), -20.0, 3.0, 1)[-1] for _ in range(2))
    near.ego["x"] = 120.0 - 8.5 - 2.25 - 39.0
    lonely.people["x"] = lonely.ego["x"][:, None] + 10.0
    assert not is_suited(near).any()
    assert not is_suited(lonely).any()


def other_parts(towns: TownState, slot: NDArray[np.int64]) -> bytes:
    """Return all but one person of each town."""
    people = towns.people.copy()
    people[np.arange(len(towns)), slot] = np.zeros(1, people.dtype)
    return b"".join(part.tobytes() for part in (towns.town, towns.ego, towns.cars, people))


def test_a_pair_differs_in_one_person_who_has_walked_evenly() -> None:
    moments = drawn()
    before = [towns.people.copy() for towns in moments.past]
    made = with_person(moments, 10.0, -2.0, 1)
    worlds, ego = np.arange(len(moments)), moments.now.ego
    for k, towns in enumerate(made):
        assert other_parts(towns, moments.slot) == other_parts(moments.past[k], moments.slot)
        person = towns.people[worlds, moments.slot]
        np.testing.assert_allclose(person["x"], ego["x"] + 2.25 + 10.0)
        # To the left is up: 0.1 s before the moment he was 0.134 m farther down.
        np.testing.assert_allclose(person["y"], ego["y"] - 2.0 - (3 - k) * 0.134)
        assert (person["velocity_y"] == WALK).all()
        assert (person["side"] == -1.0).all()
        assert (person["mode"] == CROSSING).all()
        assert not (person["looks"] | person["reacts"]).any()
    for towns, people in zip(moments.past, before, strict=True):
        assert towns.people.tobytes() == people.tobytes()


def test_a_car_is_added_and_everybody_else_stays() -> None:
    moments = drawn()
    for before, towns in zip(moments.past, with_car(moments, 7.0), strict=True):
        assert towns.cars.shape[1] == before.cars.shape[1] + 1
        assert towns.cars[:, :-1].tobytes() == before.cars.tobytes()
        assert towns.people.tobytes() == before.people.tobytes()
        car = towns.cars[:, -1]
        rear = car["x"] - car["half_length"]
        np.testing.assert_allclose(rear - moments.now.ego["x"] - 2.25, 7.0)
        assert (towns.town["num_cars"] == towns.cars.shape[1]).all()


def test_a_person_on_course_reaches_the_middle_when_the_bumper_does() -> None:
    moments = drawn()
    fast = Moments(
        tuple(t.copy() for t in moments.past), moments.seeds, moments.slot, moments.step_s, moments.body
    )
    fast.now.ego["speed"] = 10.0
    # 0.2 s of reaction, 2.06 m, then (10.6 m/s)^2 / 12, and 1 m to spare; half a second more is 5 m.
    np.testing.assert_allclose(fast.stopping, 2.06 + 10.6**2 / 12 + 1.0)
    ahead, left = on_course(fast, 0.5, 1)
    np.testing.assert_allclose(ahead, 17.42333, atol=1e-4)
    np.testing.assert_allclose(left, -1.34 * 1.742333, atol=1e-4)
    np.testing.assert_allclose(on_course(fast, 0.5, -1)[1], -left)


def test_the_plan_has_the_kerbs_of_the_road() -> None:
    length, width, (right, left) = plan_of(drawn())
    assert (length, width) == pytest.approx((4.5, 1.8))
    assert left - right == pytest.approx(7.0)
    assert right == pytest.approx(-1.75, abs=0.5)
