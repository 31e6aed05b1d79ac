from __future__ import annotations

import numpy as np

from drivesim.render.semantics import PALETTE, SemanticClass
from probes.domains.cluster_pictures import GAP, LARGE, LINE, SMALL, Row, newest, sheet
from probes.states import Plane, StateLayout
from tests.probes.domains.drawings import FULL8, SEG4, pictures, street

ROW = 2 * LINE + LARGE + 3 * GAP
TEXT = 2 * LINE + GAP


def test_clusters_lie_below_each_other_the_medoid_large_and_members_small() -> None:
    stored = street(9)
    for k in range(9):
        pictures(stored)[k] = k  # one class each
    rows = [Row((7, 0, 1, 2, 3, 4, 5, 6), ("one", "two")), Row((8,), ("alone", ""))]
    drawn = sheet(stored, rows, SEG4)
    assert drawn.shape == (2 * ROW, LARGE + 3 * (GAP + SMALL), 3)
    assert (drawn[TEXT : TEXT + LARGE, :LARGE] == PALETTE[7]).all()
    assert (drawn[ROW + TEXT : ROW + TEXT + LARGE, :LARGE] == PALETTE[8]).all()
    for place in range(6):
        top, left = TEXT + place // 3 * SMALL, LARGE + GAP + place % 3 * (SMALL + GAP)
        assert (drawn[top : top + SMALL, left : left + SMALL] == PALETTE[place]).all()
    assert (drawn[ROW + TEXT :, LARGE:] == 255).all()  # nobody beside the one alone
    assert not (drawn[:LINE] == 255).all()
    assert not (drawn[LINE : 2 * LINE] == 255).all()


def test_a_long_line_stays_on_the_sheet() -> None:
    short, long = (sheet(street(), [Row((0,), (text,))], SEG4)[:LINE] for text in ("w" * 20, "w" * 300))
    assert not np.array_equal(short, long)
    assert (long[:, -4:] == 255).all()


def test_the_newest_frame_is_drawn_of_its_classes() -> None:
    stored = street(1, FULL8)
    pictures(stored, FULL8)[:, -1] = SemanticClass.CAR
    assert (newest(stored[0], FULL8) == PALETTE[SemanticClass.CAR]).all()


def test_a_games_colours_are_drawn_as_they_are() -> None:
    layout = StateLayout((Plane("colour", "level", 3),), 2, 84, 84)
    stored = np.zeros(layout.stored_shape, np.uint8)
    stored[-1] = np.array([1, 2, 3], np.uint8)[:, None, None]
    drawn = sheet(stored[None], [Row((0,), ("", ""))], layout)
    assert (drawn[TEXT : TEXT + LARGE, :LARGE] == (1, 2, 3)).all()
