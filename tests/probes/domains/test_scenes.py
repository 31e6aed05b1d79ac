"""Classes and blobs of hand-drawn states."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.agent import ProbeError
from probes.domains.scenes import class_pictures, find_blobs
from probes.states import Plane, StateLayout
from tests.probes.domains.drawings import FULL8, SEG4, pictures, put, street

PERSON, CAR = SemanticClass.PERSON, SemanticClass.CAR


def test_the_class_plane_is_found_among_others() -> None:
    stored = street(2, FULL8)
    assert (class_pictures(stored, FULL8) == stored[:, :, 1]).all()
    assert class_pictures(stored, FULL8).shape == (2, 8, 128, 128)


@pytest.mark.parametrize(
    "planes", [(Plane("gray", "level"),), (Plane("semantic", "class", 3),), (SEG4.planes * 2)]
)
def test_states_without_one_plane_of_driving_classes_are_refused(planes: tuple[Plane, ...]) -> None:
    layout = StateLayout(planes, 1, 8, 8)
    with pytest.raises(ProbeError, match="allowed: one class plane of 13"):
        class_pictures(np.zeros((1, *layout.stored_shape), np.uint8), layout)


def test_states_of_another_shape_or_with_an_unknown_class_are_refused() -> None:
    with pytest.raises(
        ProbeError, match=r"found states \(1, 3, 1, 128, 128\); allowed: \(B, 4, 1, 128, 128\)"
    ):
        class_pictures(street()[:, 1:], SEG4)
    with pytest.raises(ProbeError, match=f"found class {NUM_CLASSES}"):
        class_pictures(np.full((1, *SEG4.stored_shape), NUM_CLASSES, np.uint8), SEG4)


def test_a_blob_has_its_area_box_and_foot() -> None:
    stored = street()
    newest = pictures(stored)[:, -1]
    put(newest, PERSON, (60, 71), (40, 49))
    put(newest, PERSON, (72, 74), (43, 45))
    blobs = find_blobs(stored, SEG4, classes=[PERSON])
    assert len(blobs) == 1
    found = {name: int(getattr(blobs, name)[0]) for name in ("area", "left", "top", "width", "height")}
    assert found == {"area": 129, "left": 40, "top": 60, "width": 10, "height": 15}
    assert (blobs.foot_row[0], blobs.foot_left[0], blobs.foot_right[0]) == (74, 43, 45)
    assert (blobs.state[0], blobs.frame[0], blobs.semantic[0]) == (0, 3, PERSON)


def test_pieces_that_touch_at_a_corner_are_one_and_others_are_two() -> None:
    stored = street()
    put(pictures(stored)[:, -1], CAR, (70, 72), (10, 12))
    put(pictures(stored)[:, -1], CAR, (73, 74), (13, 14))
    put(pictures(stored)[:, -1], CAR, (70, 70), (50, 50))
    assert sorted(find_blobs(stored, SEG4, classes=[CAR]).area.tolist()) == [1, 13]
    assert find_blobs(stored, SEG4, classes=[CAR], min_pixels=2).area.tolist() == [13]


def test_all_frames_are_searched_if_none_is_named_and_all_classes_by_default() -> None:
    stored = street(2, FULL8)
    put(pictures(stored, FULL8)[1, 2], PERSON, (60, 71), (40, 42))
    assert len(find_blobs(stored, FULL8)) == 2 * 2
    blobs = find_blobs(stored, FULL8, None)
    assert len(blobs) == 2 * 8 * 2 + 1
    people = blobs.select(blobs.semantic == PERSON)
    assert (people.state.tolist(), people.frame.tolist(), people.area.tolist()) == ([1], [2], [36])


def test_no_blobs_are_no_error() -> None:
    assert len(find_blobs(street(), SEG4, classes=[PERSON])) == 0
    assert find_blobs(street(), SEG4, classes=[PERSON]).foot_row.shape == (0,)
