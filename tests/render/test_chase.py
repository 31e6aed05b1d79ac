"""The chase view shows the ego, its shadow, the ground's classes and bodies that have fallen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.bodies import rigid_poses
from drivesim.render.bullet_frames import camera_axes
from drivesim.render.camera import Camera
from drivesim.render.chase import (
    SHADOW,
    ChaseCamera,
    Loose,
    carry,
    chase_pose,
    chase_view,
    ground_shadows,
    prism_corners,
)
from drivesim.render.scene import Scene
from drivesim.render.semantics import SemanticClass
from tests.render.streets import box, street_scene

PERSON = 1000
EGO_CAR, WALKER = box(0, 0, 0, (2.2, 0.9), 0.2, 1.5), box(9, 1.5, 0, (0.2, 0.3), 0, 1.8)


@pytest.fixture(scope="module")
def camera() -> Iterator[ChaseCamera]:
    opened = ChaseCamera(128, 72)
    yield opened
    opened.close()
    opened.close()


def ego_and_person() -> Scene:
    scene = street_scene(0, prisms=2)
    prisms = replace(
        scene.prisms,
        boxes=np.array([[EGO_CAR, WALKER]]),
        classes=np.array([[SemanticClass.CAR, SemanticClass.PERSON]], np.uint8),
        tones=np.array([[110, 170]], np.uint8),
        owners=np.array([[0, PERSON]], np.int16),
    )
    return replace(scene, prisms=prisms)


def redness(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    return picture[..., 0].astype(np.int64) - picture[..., 2]


def test_the_ego_stands_in_the_middle_below_a_blue_sky(camera: ChaseCamera) -> None:
    picture = camera.view(ego_and_person(), chase_pose(0, 0, 0))
    assert picture.shape == (72, 128, 3)
    assert picture.dtype == np.uint8
    rows, columns = np.nonzero(redness(picture) > 90)
    assert len(rows) > 50
    assert abs(columns.mean() - 64) < 3
    assert rows.mean() > 36
    assert (redness(picture)[:5] < 0).all()


def test_the_grass_beside_the_road_is_green(camera: ChaseCamera) -> None:
    picture = camera.view(ego_and_person(), chase_pose(0, 0, 0)).astype(int)
    left_of_the_road = picture[40, 3]
    assert left_of_the_road[1] > left_of_the_road[0]
    assert left_of_the_road[1] > left_of_the_road[2]


def test_a_picture_does_not_depend_on_the_camera_that_made_it(camera: ChaseCamera) -> None:
    scene, pose = ego_and_person(), chase_pose(0, 0, 0)
    camera.view(street_scene(1), pose)
    assert np.array_equal(camera.view(scene, pose), chase_view(scene, pose, 128, 72))


def test_a_loose_body_is_drawn_where_physics_took_it_and_back_again(camera: ChaseCamera) -> None:
    scene, pose = ego_and_person(), chase_pose(0, 0, 0)
    standing = camera.view(scene, pose)
    start = rigid_poses(scene.prisms.boxes[0, 1:])
    lying = np.array([[9.0, 1.5, 0.2, 0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5)]])
    owners = np.array([PERSON], np.int16)
    fallen = camera.view(scene, pose, loose=Loose(owners, start, lying))
    assert (standing != fallen).any()
    assert np.array_equal(camera.view(scene, pose), standing)


def test_parts_of_a_body_are_carried_rigidly() -> None:
    parts = rigid_poses(np.array([box(1, 0, 0, (0.2, 0.2), 0.0, 1.0), box(1, 0, 0, (0.1, 0.1), 1.0, 2.0)]))
    owners = np.array([PERSON, -1], np.int16)
    start = np.array([[1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]])
    now = np.array([[5.0, 0.0, 1.0, 0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5)]])  # tipped forward by 90 degrees
    carried = carry(parts, owners, Loose(np.array([PERSON], np.int16), start, now))
    assert carried[0, :3] == pytest.approx([4.5, 0.0, 1.0]), "half a metre below the middle is now behind it"
    assert carried[0, 3:] == pytest.approx(now[0, 3:])
    assert carried[1] == pytest.approx(parts[1])


def test_corners_reach_to_the_ends_of_the_box() -> None:
    boxes = np.array([box(1.0, 2.0, np.pi / 2, (3.0, 0.5), 1.0, 4.0)])
    corners = prism_corners(boxes, rigid_poses(boxes))
    assert corners[0].min(axis=0) == pytest.approx([0.5, -1.0, 1.0])
    assert corners[0].max(axis=0) == pytest.approx([1.5, 5.0, 4.0])


def test_a_shadow_falls_away_from_the_light() -> None:
    boxes = np.array([box(10.0, 0.0, 0.0, (0.5, 0.5), 0.0, 4.0)])
    view, pose = Camera(64, 64), np.array([0.0, 0.0, 6.0, 0.0, -0.5])
    light = ground_shadows(view, pose, camera_axes(0.0, -0.5), prism_corners(boxes, rigid_poses(boxes)))
    shaded = np.nonzero(light < 1)
    assert np.unique(light).tolist() == pytest.approx([SHADOW, 1.0])
    # The light comes from ahead on the left, so the shadow lies to the right and towards the camera.
    assert shaded[1].mean() > 32
