"""Bodies are made once per shape, moved only when they must, and never pile up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.bodies import MAX_PARKED, MAX_SHAPES_LEFT, BodyPool, Stage, in_view, rigid_poses
from drivesim.render.bullet import BulletClient
from drivesim.render.camera import Camera
from tests.render.streets import box


@pytest.fixture
def client() -> Iterator[BulletClient]:
    opened = BulletClient()
    yield opened
    opened.close()


def gray(_look: int) -> tuple[float, float, float]:
    return (0.5, 0.5, 0.5)


def row_of(count: int, size: float = 1.0) -> NDArray[np.float64]:
    """Place boxes of one shape every 5 m along x."""
    return np.array([box(5.0 * i, 0.0, 0.0, (size, size), 0.0, 2.0) for i in range(count)])


def looks(count: int, look: int = 9) -> NDArray[np.int32]:
    return np.full(count, look, np.int32)


def positions(client: BulletClient, bodies: list[int]) -> NDArray[np.float64]:
    found = [client.api.getBasePositionAndOrientation(body, physicsClientId=client.id)[0] for body in bodies]
    return np.array(found)


def test_a_pose_is_the_middle_of_the_box_and_half_its_yaw() -> None:
    pose = rigid_poses(np.array([box(1.0, 2.0, np.pi / 2, (1.0, 1.0), 1.0, 4.0)]))[0]
    assert pose == pytest.approx([1.0, 2.0, 2.5, 0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])


def test_a_body_is_kept_while_its_prism_only_moves(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    before = list(pool.place(row_of(4), looks(4)))
    moved = row_of(4)
    moved[2, 0] += 1.0
    assert pool.place(moved, looks(4)) == before
    assert positions(client, before)[:, 0] == pytest.approx(moved[:, 0])
    assert pool.made == 4


def test_a_shifted_list_makes_no_new_bodies(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    boxes = np.concatenate([row_of(3), row_of(3, size=0.5)])
    pool.place(boxes, looks(6))
    bodies = pool.place(boxes[::-1], looks(6))
    assert pool.made == 6
    assert positions(client, bodies)[:, 0] == pytest.approx(boxes[::-1, 0])


def test_a_body_out_of_use_lies_far_below_and_is_used_again(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    bodies = list(pool.place(row_of(3), looks(3)))
    pool.place(row_of(1), looks(1))
    assert (positions(client, bodies[1:])[:, 2] < -500).all()
    pool.place(row_of(3), looks(3))
    assert pool.made == 3


def test_a_body_of_another_look_is_another_body(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    first = list(pool.place(row_of(1), looks(1, 9)))
    second = pool.place(row_of(1), looks(1, 10))
    assert first != second
    assert pool.looks[second[0]] == 10


def alpha(client: BulletClient, body: int) -> float:
    return float(client.api.getVisualShapeData(body, physicsClientId=client.id)[0][7][3])


def test_a_body_that_is_not_shown_is_transparent_until_it_is(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    bodies = np.array(pool.place(row_of(2), looks(2)))
    pool.show(bodies, np.array([True, False]))
    assert [alpha(client, body) for body in bodies.tolist()] == [1.0, 0.0]
    pool.show(bodies, np.array([True, True]))
    assert [alpha(client, body) for body in bodies.tolist()] == [1.0, 1.0]


def test_only_what_lies_in_the_field_of_view_and_the_range_is_in_view() -> None:
    half = (1.0, 1.0)
    places = [(10, 0), (10, 9), (10, 13), (-3, 0), (0, 1), (79, 0), (83, 0)]
    boxes = np.array([box(x, y, 0.0, half, 0.0, 2.0) for x, y in places])
    found = in_view(boxes, Camera(), np.array([0.0, 0.0, 1.5, 0.0]))
    assert found.tolist() == [True, True, False, False, True, True, False]


def test_no_more_than_a_few_bodies_are_kept_in_reserve(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    sizes = np.linspace(0.1, 1.0, 3 * MAX_PARKED)
    for size in sizes:
        pool.place(row_of(1, float(size)), looks(1))
    assert client.api.getNumBodies(physicsClientId=client.id) == 1 + MAX_PARKED


def test_places_that_were_changed_by_another_are_restored(client: BulletClient) -> None:
    pool = BodyPool(client, gray)
    bodies = pool.place(row_of(2), looks(2))
    pool.move(bodies[1], (7.0, 7.0, 7.0), (0.0, 0.0, 0.0, 1.0))
    pool.forget_places()
    pool.place(row_of(2), looks(2))
    assert positions(client, bodies)[1] == pytest.approx([5.0, 0.0, 1.0])


def test_a_stage_starts_over_before_shapes_pile_up(client: BulletClient) -> None:
    stage = Stage(client, Camera(), gray, is_culled=True)
    pose = np.array([0.0, 0.0, 1.5, 0.0])
    stage.arrange(row_of(2), looks(2), pose)
    first = stage.pool
    first.made = MAX_SHAPES_LEFT + 5
    stage.arrange(row_of(2), looks(2), pose)
    assert stage.pool is not first
    assert client.api.getNumBodies(physicsClientId=client.id) == 3
