from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.states import Plane, StateLayout
from probes.synthesis.diversity import (
    changed_pixels,
    different_pixels,
    differing_shares,
    mean_disagreement,
    pairwise_disagreement,
)

CLASSES = StateLayout((Plane("semantic", "class", 3),), stack=2, height=2, width=2)
MIXED = StateLayout((Plane("depth", "level"), Plane("semantic", "class", 3)), stack=1, height=1, width=2)
LEVELS = StateLayout((Plane("gray", "level"),), 1, 1, 6)
PLANES = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", 5), Plane("colour", "level", 3)), 2, 6, 7
)
COLOUR = StateLayout((Plane("colour", "level", 3),), stack=1, height=1, width=2)


def pictures() -> NDArray[np.uint8]:
    """Three states of 8 pixels: all 0; 2 pixels of class 1; all class 2."""
    stored = np.zeros((3, *CLASSES.stored_shape), np.uint8)
    stored[1, 1, 0, 0] = 1
    stored[2] = 2
    return stored


def test_disagreement_is_the_share_of_pixels_of_another_class_over_all_frames() -> None:
    shares = pairwise_disagreement(pictures(), CLASSES)
    assert shares.tolist() == [[0.0, 0.25, 1.0], [0.25, 0.0, 1.0], [1.0, 1.0, 0.0]]
    assert mean_disagreement(shares) == pytest.approx(0.75)


def test_disagreement_does_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pairwise_disagreement(pictures(), CLASSES)
    monkeypatch.setattr("probes.synthesis.diversity.CELL_PIXELS", 1)
    assert np.array_equal(pairwise_disagreement(pictures(), CLASSES), whole)


def test_levels_beside_classes_do_not_count() -> None:
    ours = np.array([0, 0, 1, 2], np.uint8).reshape(1, *MIXED.stored_shape)
    theirs = np.array([255, 0, 1, 0], np.uint8).reshape(1, *MIXED.stored_shape)
    assert different_pixels(ours, theirs, MIXED).tolist() == [[[[False, True]]]]


def test_without_classes_a_level_must_differ_by_more_than_a_quarter() -> None:
    ours = np.zeros((1, *COLOUR.stored_shape), np.uint8)
    theirs = ours.copy()
    theirs[0, 0, 1, 0] = (63, 64)  # a quarter of 255 lies between them
    assert different_pixels(ours, theirs, COLOUR).tolist() == [[[[False, True]]]]


def test_without_classes_states_disagree_by_the_mean_squared_difference_of_their_levels() -> None:
    stored = np.zeros((3, *COLOUR.stored_shape), np.uint8)
    stored[1, 0, 0, 0, 1] = 255
    stored[2] = 51  # a fifth
    shares = pairwise_disagreement(stored, COLOUR)
    # of six levels: one differs by 1; six by 1/5; one by 4/5 and five by 1/5
    expected = [[0, 1 / 6, 1 / 25], [1 / 6, 0, (16 + 5) / 25 / 6], [1 / 25, (16 + 5) / 25 / 6, 0]]
    np.testing.assert_allclose(shares, expected, rtol=1e-12)


def test_one_state_has_no_disagreement() -> None:
    with pytest.raises(ProbeError, match="at least 2"):
        mean_disagreement(np.zeros((1, 1)))


def test_a_level_differs_relative_to_the_range_or_to_the_real_value() -> None:
    # of the range: a difference of 64 is the first above 63.75; of the value: 26 of 100 but not 25 of 100;
    # of a real 0, whose unit is 1, any difference
    real = np.array([[0, 0, 100, 100, 100, 100]], np.uint8).reshape(1, 1, 1, 1, 6)
    sample = np.array([[0, 1, 125, 126, 163, 164]], np.uint8).reshape(1, 1, 1, 1, 6)
    by_range = changed_pixels(sample, real, LEVELS, "range")
    by_value = changed_pixels(sample, real, LEVELS, "value")
    assert by_range.ravel().tolist() == [False, False, False, False, False, True]
    assert by_value.ravel().tolist() == [False, True, False, True, True, True]


def test_darker_levels_differ_as_brighter_ones_do() -> None:
    real = np.array([[255, 255, 100, 100, 64, 63]], np.uint8).reshape(1, 1, 1, 1, 6)
    sample = np.array([[191, 192, 75, 74, 0, 0]], np.uint8).reshape(1, 1, 1, 1, 6)
    by_range = changed_pixels(sample, real, LEVELS, "range")
    by_value = changed_pixels(sample, real, LEVELS, "value")
    assert by_range.ravel().tolist() == [True, False, False, False, True, False]
    assert by_value.ravel().tolist() == [True, False, False, True, True, True]


def test_a_pixel_differs_if_any_plane_does() -> None:
    real = np.zeros((1, *PLANES.stored_shape), np.uint8)
    sample = real.copy()
    sample[0, 0, 0, 0, 0] = 64  # depth
    sample[0, 0, 1, 1, 1] = 1  # class
    sample[0, 1, 4, 2, 2] = 255  # blue
    sample[0, 1, 3, 2, 2] = 255  # green of the same pixel
    changed = changed_pixels(sample, real, PLANES, "range")
    assert np.argwhere(changed).tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 2, 2]]


def test_shares_of_differing_pixels_are_counted_without_classes_too() -> None:
    stored = np.zeros((2, *COLOUR.stored_shape), np.uint8)
    stored[1, 0, :, 0, 1] = 64  # one of two pixels differs by more than a quarter
    assert differing_shares(stored, COLOUR).tolist() == [[0.0, 0.5], [0.5, 0.0]]
