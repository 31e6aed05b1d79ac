"""Geometry in the plan against hand-computed numbers: the camera at the origin looks along +x."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.plan import HUGE, Eye, View, cross_faces, find_columns, is_in_view, place_footprint

EYE = Eye(0.0, 0.0, 1.5, 1.0, 0.0)
VIEW = View(width=8, height=8, focal=4.0, near=0.1, far=50.0)  # half a right angle to either side


def box(x: float, y: float, yaw: float = 0.0) -> NDArray[np.float64]:
    """Build a prism 4 m long, 2 m wide."""
    return np.array([x, y, np.cos(yaw), np.sin(yaw), 2.0, 1.0, 0.0, 3.0])


def test_left_of_the_camera_is_negative_right() -> None:
    prism = place_footprint(box(10.0, 3.0), EYE)
    assert (prism.forward, prism.right) == (10.0, -3.0)
    assert (prism.nearest, prism.farthest) == (8.0, 12.0)


def test_a_turned_camera_sees_the_prism_turned_back() -> None:
    prism = place_footprint(box(0.0, 10.0, yaw=np.pi / 2), Eye(0.0, 0.0, 1.5, 0.0, 1.0))
    assert prism.forward == pytest.approx(10.0)
    assert prism.right == pytest.approx(0.0)
    assert prism.cos == pytest.approx(1.0)
    assert prism.nearest == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (10.0, 0.0, True),
        (-3.0, 0.0, False),
        (53.0, 0.0, False),
        # Its far corner is at (12, |y| - 1), and the view ends at |y| = x.
        (10.0, 12.9, True),
        (10.0, 13.1, False),
        (10.0, -12.9, True),
        (10.0, -13.1, False),
    ],
)
def test_prisms_outside_the_view_are_rejected(x: float, y: float, expected: bool) -> None:
    assert is_in_view(place_footprint(box(x, y), EYE), VIEW) == expected


def test_columns_are_those_between_the_outermost_corners() -> None:
    # Near corners at depth 2, 1 m to either side: slopes -0.5 to 0.5, columns 3.5 - 2 to 3.5 + 2.
    assert find_columns(place_footprint(box(4.0, 0.0), EYE), VIEW) == (2, 6)


def test_a_prism_across_the_near_plane_may_touch_all_columns() -> None:
    assert find_columns(place_footprint(box(1.0, 0.0), EYE), VIEW) == (0, 8)


def test_rays_enter_at_the_face_seen_and_leave_at_the_other() -> None:
    crossing = cross_faces(-10.0, 2.0, 1.0, 0.0)
    assert crossing.side == -1.0
    assert crossing.enter == pytest.approx(1 / 8)
    assert crossing.leave == crossing.leave_other == pytest.approx(1 / 12)


def test_rays_from_between_two_faces_only_leave() -> None:
    # One metre off the centre: ahead the face is 1 m off, behind 3 m.
    crossing = cross_faces(1.0, 2.0, 1.0, 0.0)
    assert crossing.side == 0.0
    assert crossing.enter == HUGE
    assert crossing.leave == pytest.approx(1.0)
    assert crossing.leave_other == pytest.approx(-1 / 3)
