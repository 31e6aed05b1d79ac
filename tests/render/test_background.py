"""The ground under a camera at the origin that looks along +x, against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.background import (
    draw_background,
    find_ground_cells,
    ground_depth,
    look_up_ground,
    to_phase,
)
from drivesim.render.camera import Camera
from drivesim.render.packing import GROUND, ground_payloads, new_scratch
from drivesim.render.plan import Eye, View
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.render.spans import depth_bits

VIEW = View(width=8, height=8, focal=4.0, near=0.1, far=5.0)
CAMERA = Camera(width=8, height=8, field_of_view=np.pi / 2, near=0.1, far=5.0)
EYE = Eye(0.0, 0.0, 1.5, 1.0, 0.0)


def test_ground_depth_falls_with_the_row() -> None:
    assert ground_depth(7, EYE, VIEW) == pytest.approx(4 * 1.5 / 3.5)
    assert ground_depth(4, EYE, VIEW) == pytest.approx(12.0)


def test_ground_begins_where_it_is_within_range() -> None:
    scratch = new_scratch(CAMERA, 1)
    # Depths of rows 4 to 7: 12, 4, 2.4, 1.7 m; the range is 5 m.
    assert draw_background(EYE, VIEW, scratch) == 5
    assert np.all(scratch.keys[:, :8] & 0xFF == [0, 0, 0, 0, 0, GROUND, GROUND, GROUND])
    assert np.all(scratch.keys[:, 5] >> 32 == depth_bits(4.0) >> 32)
    assert np.all((scratch.keys[:, 0] >> 8) & 0xFF == GRAY_LEVELS[SemanticClass.SKY])


def test_phases_wrap_at_whole_periods() -> None:
    assert to_phase(0.25) == to_phase(-3.75) == np.uint64(1) << np.uint64(62)


def test_cells_run_from_left_to_right() -> None:
    cells = np.zeros(8, np.uint32)
    # Row 5 is 4 m ahead and a pixel 1 m wide; the map has 8 x 8 cells of 1 m; left of the camera is +y.
    find_ground_cells(5, Eye(0.5, 0.0, 1.5, 1.0, 0.0), VIEW, (3, 8.0), cells)
    assert (cells % 8).tolist() == [4] * 8
    assert (cells // 8).tolist() == [3, 2, 1, 0, 7, 6, 5, 4]


def test_only_ground_is_looked_up() -> None:
    rows = np.array([[GROUND, 7, GROUND]])
    ground = np.array([SemanticClass.ROAD, SemanticClass.SIDEWALK], np.uint8)
    look_up_ground(0, np.array([1, 1, 0], np.uint32), ground, ground_payloads(), rows)
    assert (rows[0] & 0xFF).tolist() == [SemanticClass.SIDEWALK, 7, SemanticClass.ROAD]
    assert (rows[0] >> 8).tolist() == [
        GRAY_LEVELS[SemanticClass.SIDEWALK],
        0,
        GRAY_LEVELS[SemanticClass.ROAD],
    ]
