"""Hits judged by restoring the moment at which the person could first be seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivesim.avoidable import HitJudge
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.state import CROSSING
from tests.towns import CRUISE, begin, changed

SPEED = 10.0


def hit(distance: float, worlds: int = 1, **person: float) -> tuple[HitJudge, int]:
    """Drive at someone off the kerb, at first `distance` m ahead of the bumper; return the hit's judge."""
    straight = {"start_position": 20.0, "start_speed": SPEED, "lateral_offset": 0.0, "heading_offset": 0.0}
    plan = changed("empty_road", ego=straight, pedestrians={"count": 1.0}, allow_unavoidable=True)
    compiled = compile_tables(plan)
    state = begin(compiled, list(range(worlds)))
    for n in range(worlds):
        values = {"y": -3.4, "side": -1.0, "mode": CROSSING, "walking_speed": 1.4, "reacts": 0, **person}
        record = state.people[n, 0]
        record["x"] = state.ego["x"][n] + 2.25 + distance
        for name, value in values.items():
            record[name] = value
    judge = HitJudge(plan)
    controls = np.tile(CRUISE, (worlds, 1))
    for _ in range(60):
        judge.remember(state, controls)
        outcomes = advance.step(state, controls, compiled)
        if (outcomes["person"] == 0).all():
            return judge, worlds - 1
    raise AssertionError("the person was not hit")


def test_a_person_who_appears_3_m_ahead_cannot_be_avoided() -> None:
    judge, world = hit(3.0, y=-1.75, walking_speed=0.0)
    assert not judge.is_avoidable(world, 0)


def test_a_person_seen_from_30_m_can_be_avoided() -> None:
    judge, world = hit(30.0, y=-1.75, walking_speed=0.0)
    assert judge.is_avoidable(world, 0)


@pytest.mark.parametrize(("margin", "avoidable"), [(-0.5, False), (0.5, True)])
def test_the_limit_is_what_full_brakes_after_0_2_s_take(margin: float, avoidable: bool) -> None:
    # The replay coasts for 0.2 s as the driver did, then brakes at 6 m/s^2; his side is 0.25 m nearer.
    needed = 0.2 * SPEED + SPEED**2 / 12.0 + 0.25
    judge, world = hit(needed + margin, y=-1.75, walking_speed=0.0)
    assert judge.is_avoidable(world, 0) == avoidable


def test_who_was_still_on_the_kerb_was_not_yet_a_reason_to_brake() -> None:
    # Off the kerb only within the last 0.3 s: the moment to judge from comes too late.
    judge, world = hit(11.0, y=-5.2, walking_speed=2.9)
    assert not judge.is_avoidable(world, 0)


def test_each_world_is_judged_by_its_own_past() -> None:
    judge, world = hit(30.0, worlds=3, y=-1.75, walking_speed=0.0)
    assert all(judge.is_avoidable(n, 0) for n in range(world + 1))


def test_who_cannot_be_seen_cannot_be_avoided() -> None:
    # He walks into the car's side from behind the camera's sight.
    straight = {"start_position": 20.0, "start_speed": 2.0, "lateral_offset": 0.0, "heading_offset": 0.0}
    plan = changed(
        "empty_road",
        ego=straight,
        pedestrians={"count": 1.0},
        allow_unavoidable=True,
        camera={"yaw": math.pi},
    )
    compiled = compile_tables(plan)
    state = begin(compiled, [0])
    person = state.people[0, 0]
    person["x"], person["y"], person["mode"], person["walking_speed"] = (
        state.ego["x"][0] + 8.0,
        -1.75,
        CROSSING,
        0.0,
    )
    judge = HitJudge(plan)
    for _ in range(60):
        judge.remember(state, CRUISE[None])
        if advance.step(state, CRUISE[None], compiled)["person"][0] == 0:
            assert not judge.is_avoidable(0, 0)
            return
    raise AssertionError("the person was not hit")
