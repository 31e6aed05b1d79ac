"""Matrices against points whose pixel is known, and the look-up of the ground."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.bullet_frames import (
    GROUND_LOOK,
    camera_axes,
    ground_classes,
    new_frames,
    projection_matrix,
    resolve_frame,
    surface_looks,
    view_matrix,
)
from drivesim.render.camera import Camera
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from tests.render.streets import street_scene

CAMERA = Camera(width=8, height=4, field_of_view=np.pi / 2, near=0.5, far=20.0)


def clip_point(point: tuple[float, float, float], corner_sampled: bool) -> NDArray[np.float64]:
    """Bring a point into normalised device coordinates of a camera at (1, 2, 3) that looks along +y."""
    view = np.reshape(view_matrix(np.array([1.0, 2.0, 3.0]), np.pi / 2), (4, 4)).T
    projection = np.reshape(projection_matrix(CAMERA, corner_sampled), (4, 4)).T
    clip: NDArray[np.float64] = projection @ view @ np.array([*point, 1.0])
    return np.asarray(clip[:3] / clip[3])


def test_a_point_at_the_edge_of_the_field_of_view_lies_at_the_edge_of_the_image() -> None:
    assert clip_point((6.0, 7.0, 3.0), False)[:2] == pytest.approx([1.0, 0.0])
    assert clip_point((1.0, 7.0, 5.5), False)[:2] == pytest.approx([0.0, 1.0])


def test_near_and_far_bound_the_depth() -> None:
    assert clip_point((1.0, 2.5, 3.0), False)[2] == pytest.approx(-1.0)
    assert clip_point((1.0, 22.0, 3.0), False)[2] == pytest.approx(1.0)


def test_sampling_at_corners_is_made_up_for_by_half_a_pixel() -> None:
    shift = clip_point((1.0, 7.0, 3.0), True) - clip_point((1.0, 7.0, 3.0), False)
    assert shift == pytest.approx([-1 / CAMERA.width, -1 / CAMERA.height, 0.0])


def test_a_camera_pitched_down_looks_down() -> None:
    right, up, forward = camera_axes(0.0, -np.pi / 6)
    assert right == pytest.approx([0.0, -1.0, 0.0])
    assert up == pytest.approx([0.5, 0.0, np.sqrt(0.75)])
    assert forward == pytest.approx([np.sqrt(0.75), 0.0, -0.5])


def test_the_ground_map_repeats_with_its_period() -> None:
    plan = np.array([[1, 2], [3, 4]], np.uint8)
    points = np.array([(1.0, 1.0), (6.0, 1.0), (1.0, 6.0), (-1.0, -1.0), (11.0, 21.0)])
    assert ground_classes(plan, 10.0, points).tolist() == [1, 2, 3, 4, 1]


def test_a_look_holds_class_and_tone() -> None:
    scene = street_scene(0, prisms=3)
    looks = surface_looks(scene.prisms, 0)
    assert (looks >> 8).tolist() == scene.prisms.classes[0].tolist()
    assert (looks & 255).tolist() == scene.prisms.tones[0].tolist()


def test_pixels_become_sky_objects_or_the_ground_below_them() -> None:
    bodies = np.array([[-1, 0, 1]], np.int32)
    metres = np.array([20.0, 5.0, 4.0])
    buffer = ((20.0 - 20.0 * 0.5 / metres) / 19.5).astype(np.float32)[None]
    colours = np.full((1, 3, 4), 93, np.uint8)
    frames = new_frames(Camera(width=3, height=1), 1, ("depth", "semantic", "gray"))
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    plan = np.array([[1, 4], [4, 3]], np.uint8)  # squares of 5 m
    resolve_frame(
        buffer,
        bodies,
        colours,
        np.array([8 << 8 | 170, GROUND_LOOK], np.int32),
        np.array([0.0, 3.0, 1.5, 0.0]),
        np.array([2.0, 0.5, 20.0]),
        plan,
        10.0,
        GRAY_LEVELS,
        frames.depth[0],
        frames.semantic[0],
        frames.gray[0],
    )
    # The ground's pixel, one to the right: x = 4, y = 3 - 4 * 1 / 2 = 1, so the first square.
    expected = [SemanticClass.SKY, SemanticClass.CAR, SemanticClass.ROAD]
    assert frames.semantic[0, 0].tolist() == expected
    assert frames.depth[0, 0] == pytest.approx([20.0, 5.0, 4.0], abs=1e-4)
    assert frames.gray[0, 0].tolist() == [GRAY_LEVELS[0], 93, GRAY_LEVELS[1]]
