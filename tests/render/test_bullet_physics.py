"""Contacts against an exact overlap test, and what a hit does to a person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.actors import EGO_OWNER
from drivesim.render.bullet_physics import BulletPhysics
from tests.render.streets import box

RATE = 60.0
PERSON, CAR = 1003, 2
OWNERS = np.array([EGO_OWNER, PERSON, CAR], np.int16)


@pytest.fixture
def physics() -> Iterator[BulletPhysics]:
    opened = BulletPhysics(RATE)
    yield opened
    opened.close()
    opened.close()


def overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Tell whether two oriented rectangles overlap, by separating axes."""
    sides = [np.array([[q[2], q[3]], [-q[3], q[2]]]) * [[q[4]], [q[5]]] for q in (a, b)]
    for axis in [*sides[0], *sides[1]]:
        axis = axis / np.linalg.norm(axis)
        if abs(axis @ (b[:2] - a[:2])) > sum(np.abs(side @ axis).sum() for side in sides):
            return False
    return True


def crossing(time: float, speed: float, start: float, yaw: float = 0.0) -> NDArray[np.float64]:
    """Place a turning ego, a person who crosses 10 m ahead of its start, and a car alongside; time in s."""
    ego = box(speed * time * np.cos(yaw), speed * time * np.sin(yaw), yaw + 0.05 * time, (2.3, 0.9), 0.2, 1.5)
    person = box(10.0, start + 1.4 * time, np.pi / 2, (0.15, 0.25), 0.0, 1.75)
    return np.array([ego, person, box(speed * time - 9.0, 3.0, 0.0, (2.2, 0.9), 0.2, 1.5)])


@pytest.mark.parametrize("seed", range(6))
def test_the_first_contact_is_within_one_step_of_the_exact_overlap(physics: BulletPhysics, seed: int) -> None:
    rng = np.random.default_rng(seed)
    speed, yaw = rng.uniform(3, 12), rng.normal(0, 0.03)
    start = -1.4 * rng.uniform(7.0, 8.5) / speed
    physics.set_bodies(OWNERS, crossing(0.0, speed, start, yaw))
    exact = touched = None
    for step in range(1, 300):
        boxes = crossing(step / RATE, speed, start, yaw)
        physics.follow(boxes)
        exact = exact or (step if overlap(boxes[0], boxes[1]) else None)
        touched = touched or (step if physics.contacts() else None)
        if exact and touched:
            break
    assert exact is not None, "the trajectories were meant to cross"
    assert touched is not None
    assert abs(exact - touched) <= 1


def test_bodies_follow_the_world_exactly_even_through_each_other(physics: BulletPhysics) -> None:
    physics.set_bodies(OWNERS, crossing(0.0, 8.0, -1.5))
    for step in range(1, 100):
        boxes = crossing(step / RATE, 8.0, -1.5)
        physics.follow(boxes)
    poses = physics.poses()
    assert poses[:, :2] == pytest.approx(boxes[:, :2], abs=1e-4)
    assert 2 * np.arctan2(poses[:, 5], poses[:, 6]) == pytest.approx(
        np.arctan2(boxes[:, 3], boxes[:, 2]), abs=1e-4
    )


def test_one_who_enters_again_elsewhere_is_there_after_one_step(physics: BulletPhysics) -> None:
    boxes = crossing(0.0, 8.0, -5.0)
    physics.set_bodies(OWNERS, boxes)
    boxes[2, 0] += 90.0
    physics.follow(boxes)
    assert physics.poses()[2, :2] == pytest.approx(boxes[2, :2])


def test_a_contact_names_the_ego_the_other_and_the_depth(physics: BulletPhysics) -> None:
    ego, person = box(0, 0, 0, (2.0, 1.0), 0.2, 1.5), box(2.1, 0, 0, (0.2, 0.2), 0.0, 1.7)
    physics.set_bodies(np.array([EGO_OWNER, PERSON], np.int16), np.array([ego, person]))
    contacts = physics.contacts()
    assert [(c.owner_a, c.owner_b) for c in contacts] == [(EGO_OWNER, PERSON)]
    assert contacts[0].distance == pytest.approx(-0.1, abs=1e-3)


def test_a_struck_person_is_thrown_ahead_and_falls_and_the_ego_stops(physics: BulletPhysics) -> None:
    physics.set_bodies(OWNERS, crossing(0.0, 9.0, -1.2))
    step = 0
    while not physics.contacts():
        step += 1
        physics.follow(crossing(step / RATE, 9.0, -1.2))
    before = physics.poses()
    trace = physics.impact([PERSON], steps=90)
    assert trace.shape == (90, 3, 7)
    ego, person, car = (trace[:, k] for k in range(3))
    assert person[:, 0].max() > before[1, 0] + 3.0
    assert person[-1, 2] < 0.5, "lies on the road"
    assert person[:, 2].min() > 0.0, "not in it"
    assert ego[-1, 0] - before[0, 0] == pytest.approx(9.0**2 / 12, rel=0.05)
    assert ego[:, 2] == pytest.approx(before[0, 2], abs=1e-3)
    assert car[-1, 0] - before[2, 0] == pytest.approx(9.0 * 1.5, rel=0.01)


def test_the_same_hit_ends_the_same_way_twice(physics: BulletPhysics) -> None:
    traces = []
    for _ in range(2):
        physics.set_bodies(OWNERS, crossing(0.0, 9.0, -1.2))
        for step in range(1, 56):
            physics.follow(crossing(step / RATE, 9.0, -1.2))
        traces.append(physics.impact([PERSON], steps=30))
    assert np.array_equal(traces[0], traces[1])


def test_the_ego_must_be_there_and_nobody_twice(physics: BulletPhysics) -> None:
    boxes = crossing(0.0, 8.0, -1.5)
    for owners in ([1, 2, 3], [0, 1000, 1000]):
        with pytest.raises(ValueError, match="allowed"):
            physics.set_bodies(np.array(owners, np.int16), boxes)
