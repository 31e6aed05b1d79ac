"""What the pixels of a level camera show of the ground: numbers by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from probes.domains.viewpoint import (
    corridor,
    ground_distance,
    ground_position,
    make_viewpoint,
    stopping_reach,
    stopping_region,
)
from tests.probes.domains.drawings import viewpoint
from tests.towns import changed


def test_the_viewpoint_is_that_of_the_scenario() -> None:
    seen = viewpoint()
    assert (seen.camera.width, seen.camera.height, seen.horizon) == (128, 128, 64.0)
    assert (seen.height, seen.forward, seen.half_length, seen.half_width) == (1.4, 1.0, 2.25, 0.9)


def test_of_what_is_drawn_per_episode_the_value_that_brakes_worst_counts() -> None:
    ego = {"top_speed": {"uniform": [5, 9]}, "braking": {"uniform": [4, 8]}, "start_speed": 0}
    seen = make_viewpoint(changed("reasonable", ego=ego))
    assert (seen.top_speed, seen.braking) == (9.0, 4.0)


def test_ground_is_nearer_the_lower_it_shows_and_never_above_the_horizon() -> None:
    # f = 64 px (to 4e-6), so the ground 1 row below the horizon is 1.4 * 64 = 89.6 m away.
    rows = np.array([10.0, 64.0, 65.0, 68.0, 128.0])
    assert ground_distance(viewpoint(), rows) == pytest.approx(
        [math.inf, math.inf, 89.6, 22.4, 1.4], rel=1e-5
    )
    assert ground_distance(viewpoint(), rows[3:4], level=0.7) == pytest.approx([11.2], rel=1e-5)


def test_a_point_right_of_the_middle_lies_to_the_right_ahead_of_the_bumper() -> None:
    ahead, left = ground_position(viewpoint(), np.array([72.0]), np.array([80.0]))
    # 11.2 m from the camera, which is 1.25 m behind the bumper; 16 px of 64 to the right.
    assert ahead == pytest.approx([9.95], rel=1e-5)
    assert left == pytest.approx([-2.8], rel=1e-5)


def test_a_camera_that_looks_left_and_stands_to_the_left_sees_what_is_on_the_left() -> None:
    turned = replace(viewpoint(), yaw=math.pi / 2, lateral=0.3)
    ahead, left = ground_position(turned, np.array([72.0]), np.array([80.0]))
    # Right in the picture is now ahead: 2.8 m of the camera at 1 m, less the half car of 2.25 m.
    assert ahead == pytest.approx([1.55], rel=1e-5)
    assert left == pytest.approx([11.5], rel=1e-5)


def test_the_stopping_distance_counts_from_top_speed_unless_told() -> None:
    assert stopping_reach(viewpoint()) == pytest.approx(2.24 + 0.06 + 11.2**2 / 12 + 1)
    assert stopping_reach(viewpoint(), 5.0) == pytest.approx(1.0 + 0.06 + 5.6**2 / 12 + 1)


def test_the_stopping_region_is_a_triangle_of_ground_before_the_ego() -> None:
    region = stopping_region(viewpoint())
    # 13.75 m ahead of the bumper are 15.0 m from the camera: 5.97 rows below the horizon.
    assert not region[:70].any()
    # At 1.4 m below the camera, 1.4 m to the side are as many columns as rows.
    assert np.flatnonzero(region[70]).tolist() == list(range(57, 71))
    assert region[127].all()
    assert not stopping_region(viewpoint(), 5.0)[:79].any()
    assert (stopping_region(viewpoint(), margin=0.0) <= region).all()


def test_a_foot_is_looked_for_at_the_lower_edge_of_its_pixel() -> None:
    # 64 rows above the edge of row 70 are 7 rows below the horizon: 12.8 m, 11.55 m ahead.
    assert corridor(viewpoint(), 11.6, edge=1.0)[70].any()
    assert not corridor(viewpoint(), 11.6, edge=0.5)[70].any()
