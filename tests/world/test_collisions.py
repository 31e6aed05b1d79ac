"""Gaps between oriented boxes against hand-computed numbers and against points inside them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivesim.world.collisions import boxes_gap

Box = tuple[float, float, float, float, float, float]


def box(x: float, y: float, yaw: float, length: float, width: float) -> Box:
    """Describe a box by its centre (m), heading (rad) and half sizes (m)."""
    return (x, y, math.cos(yaw), math.sin(yaw), length, width)


def test_boxes_in_a_row_are_as_far_apart_as_their_faces() -> None:
    assert boxes_gap(*box(0.0, 0.0, 0.0, 2.0, 1.0), *box(5.0, 0.0, 0.0, 1.0, 1.0)) == 2.0


def test_boxes_side_by_side_are_as_far_apart_as_their_flanks() -> None:
    assert boxes_gap(*box(0.0, 0.0, 0.0, 2.0, 1.0), *box(0.5, -2.5, 0.0, 1.0, 0.25)) == 1.25


def test_overlap_is_negative_and_as_deep_as_the_least_way_out() -> None:
    assert boxes_gap(*box(0.0, 0.0, 0.0, 2.0, 1.0), *box(2.5, 0.0, 0.0, 1.0, 1.0)) == -0.5


def test_a_box_turned_by_45_degrees_reaches_further() -> None:
    # Its corner points at the other: half a diagonal, sqrt 2, instead of 1.
    gap = boxes_gap(*box(0.0, 0.0, 0.0, 2.0, 1.0), *box(4.0, 0.0, math.pi / 4, 1.0, 1.0))
    assert gap == pytest.approx(4.0 - 2.0 - math.sqrt(2.0))


def test_between_two_corners_the_gap_is_a_lower_bound() -> None:
    # The corners (1, 1) and (3, 3) are 2.83 m apart; along either axis it is 2 m.
    assert boxes_gap(*box(0.0, 0.0, 0.0, 1.0, 1.0), *box(4.0, 4.0, 0.0, 1.0, 1.0)) == 2.0


@pytest.mark.parametrize("seed", range(3))
def test_boxes_overlap_exactly_when_a_point_lies_in_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    overlapping = 0
    for _ in range(200):
        a, b = (box(*rng.uniform(-3.0, 3.0, 2), *rng.uniform([-4, 0.2, 0.2], [4, 3.0, 2.0])) for _ in "ab")
        gap = boxes_gap(*a, *b)
        assert gap == pytest.approx(boxes_gap(*b, *a), abs=1e-12)
        grid = np.linspace(-1.0, 1.0, 41)
        along, across = np.meshgrid(grid * a[4], grid * a[5])
        x = a[0] + along * a[2] - across * a[3] - b[0]
        y = a[1] + along * a[3] + across * a[2] - b[1]
        inside = (abs(x * b[2] + y * b[3]) < b[4]) & (abs(y * b[2] - x * b[3]) < b[5])
        overlapping += bool(inside.any())
        # The grid misses overlaps smaller than a cell.
        assert inside.any() == (gap < 0.0) or -0.2 < gap < 0.0
    assert 20 < overlapping < 180
