"""Keys and spans against hand-computed numbers."""

from __future__ import annotations

import numpy as np

from drivesim.render.plan import Crossing
from drivesim.render.spans import Bounds, Extent, cut_column, depth_bits, fill_cap, fill_side

#: An image of 8 rows, near plane at 0.1 m, far plane at 50 m.
BOUNDS = Bounds(3.5, 8.0, 10.0, 0.02)
#: 3 m above the camera to 1.5 m below, 4 pixels focal length.
WALL = Extent(0.2, -1.0, -12.0, 6.0, 0.0, 0.0, True)
#: Entered 5 m ahead, left 10 m ahead, on every ray.
SLAB = Crossing(0.2, 0.0, 0.1, 0.0, 0.1, 0.0, -1.0)
BETWEEN = Crossing(1e30, 0.0, 0.05, 0.0, -1.0, 0.0, 0.0)
OPEN = (0.0, 0.0, 8.0)


def test_nearer_depths_have_smaller_keys_whatever_the_payload() -> None:
    assert depth_bits(4.999) | 0xFFFFFFFF < depth_bits(5.0)


def test_a_wall_takes_the_rows_between_its_edges() -> None:
    # 3.5 - 12 / 5 = 1.1 and 3.5 + 6 / 5 = 4.7
    spans = cut_column(OPEN, SLAB, BETWEEN, WALL, BOUNDS)
    assert spans.side == (2, 5)
    assert spans.cap == (0, 0)
    assert spans.on_x
    assert spans.enter == 0.2


def test_a_low_block_shows_its_top_above_its_side() -> None:
    # The top is 0.75 m below the camera: its edges are at 3.5 + 3 / 10 and 3.5 + 3 / 5, the base at 4.7.
    low = Extent(0.2, 3.0, 3.0, 6.0, 0.75, 3.0, True)
    spans = cut_column(OPEN, SLAB, BETWEEN, low, BOUNDS)
    assert spans.cap == (4, 5)
    assert spans.side == (5, 5)


def test_rows_that_the_cover_hides_are_left_out() -> None:
    assert cut_column((0.0, 0.5, 4.0), SLAB, BETWEEN, WALL, BOUNDS).side == (2, 4)
    assert cut_column((0.0, 0.1, 4.0), SLAB, BETWEEN, WALL, BOUNDS).side == (2, 5)  # a cover farther off


def test_a_ray_that_leaves_before_it_enters_misses() -> None:
    aside = Crossing(0.1, 0.0, 0.05, 0.0, 0.05, 0.0, 1.0)
    beyond = Crossing(0.5, 0.0, 0.3, 0.0, 0.3, 0.0, 1.0)
    assert cut_column(OPEN, aside, beyond, WALL, BOUNDS).side == (0, 0)


def test_only_rows_of_the_span_are_filled_and_only_where_nearer() -> None:
    keys = np.full((2, 16), depth_bits(10.0))
    keys[1, 6] = depth_bits(3.0)
    fill_side(keys, 1, (5, 9), depth_bits(5.0))
    assert np.all(keys[0] == depth_bits(10.0))
    assert np.flatnonzero(keys[1] == depth_bits(5.0)).tolist() == [5, 7, 8]
    assert keys[1, 6] == depth_bits(3.0)


def test_a_level_face_has_the_depth_of_each_row() -> None:
    keys = np.full((1, 16), depth_bits(99.0))
    scale = (4 / (np.arange(16) - 3.5)).astype(np.float32)
    fill_cap(keys, 0, (5, 7), (2.0, 42), scale)
    assert keys[0, 5] == depth_bits(8 / 1.5) | 42
    assert keys[0, 6] == depth_bits(8 / 2.5) | 42
    assert np.flatnonzero(keys[0] != depth_bits(99.0)).tolist() == [5, 6]
