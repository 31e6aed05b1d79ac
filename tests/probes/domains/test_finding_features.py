from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from probes.agent import ProbeError
from probes.domains.finding_features import GameFeatures, StreetFeatures, average_picture, batches_of, coarse
from probes.states import Plane, StateLayout
from tests.probes.domains.drawings import FULL8, SEG4, pictures, put, street, viewpoint

COLOUR = StateLayout((Plane("colour", "level", 3),), stack=2, height=84, width=84)


def test_a_cell_holds_the_root_of_the_share_that_is_filled() -> None:
    picture = np.zeros((1, 128, 128))
    picture[0, 32:64, :8] = 1  # a quarter of the first cell of the second row
    cells = coarse(picture).reshape(4, 4)
    assert cells[1, 0] == 0.5
    assert cells.sum() == 0.5


@pytest.mark.parametrize("layout", [SEG4, FULL8])
def test_streets_are_told_by_where_a_driver_sees_what_he_minds(layout: StateLayout) -> None:
    stored = street(3, layout)
    features = StreetFeatures(layout, viewpoint(), 10)
    put(pictures(stored, layout)[1], SemanticClass.CAR, (96, 127), (0, 31))
    put(pictures(stored, layout)[2, :-1], SemanticClass.PERSON, (96, 127), (0, 31))  # and then is gone
    blocks = features.blocks(stored)
    assert list(blocks) == ["light red", "light yellow", "light green", "car", "person", "crosswalk"]
    assert blocks["car"][1].tolist() == [0.0] * 12 + [1.0, 0.0, 0.0, 0.0]
    assert not blocks["car"][[0, 2]].any()
    assert not any(blocks[name].any() for name in blocks if name != "car")


def test_houses_and_the_sky_do_not_count() -> None:
    stored = street(2)
    put(pictures(stored)[1], SemanticClass.BUILDING, (0, 60), (0, 127))
    blocks = StreetFeatures(SEG4, viewpoint(), 10).blocks(stored)
    assert all(np.array_equal(*block) for block in blocks.values())


def test_games_are_told_by_where_they_depart_from_the_average() -> None:
    average = np.full((3, 84, 84), 100.0)
    stored = np.full((2, *COLOUR.stored_shape), 100, np.uint8)
    stored[1, -1, 0, :21, 63:] = 100 + 153  # 0.6 of the range in one of three channels: 0.2 in the mean
    stored[0, 0] = 0  # the oldest frame does not count
    (found,) = GameFeatures(average).blocks(stored).values()
    assert not found[0].any()
    assert found[1].reshape(4, 4)[0, 3] == pytest.approx(np.sqrt(0.2))
    assert np.count_nonzero(found[1]) == 1


def test_of_games_nothing_is_said_in_words() -> None:
    stored = np.zeros((2, *COLOUR.stored_shape), np.uint8)
    masks = [np.array([True, False]), np.array([False, True])]
    assert GameFeatures(np.zeros((3, 84, 84))).words(stored, masks) == ["", ""]


def test_the_average_picture_is_that_of_the_newest_frames_of_all_batches() -> None:
    stored = np.zeros((70, *COLOUR.stored_shape), np.uint8)
    stored[:, -1] = np.arange(70)[:, None, None, None]
    stored[:, 0] = 255
    average = average_picture(lambda some: stored[some], np.arange(70), COLOUR)
    assert average.shape == (3, 84, 84)
    assert (average == 34.5).all()
    assert [len(some) for some in batches_of(np.arange(70))] == [64, 6]


def test_classes_have_no_average() -> None:
    with pytest.raises(ProbeError, match=r"found planes semantic \(class\); allowed: levels alone"):
        average_picture(lambda _: street(), np.arange(1), SEG4)
