from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.diversity import (
    class_frequencies,
    different_pixels,
    distinct,
    mean_disagreement,
    pairwise_disagreement,
)
from probes.states import Plane, StateLayout

CLASSES = StateLayout((Plane("semantic", "class", 3),), stack=2, height=2, width=2)
MIXED = StateLayout((Plane("depth", "level"), Plane("semantic", "class", 3)), stack=1, height=1, width=2)
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
    monkeypatch.setattr("probes.diversity.CELL_PIXELS", 1)
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


def test_one_state_has_no_disagreement() -> None:
    with pytest.raises(ProbeError, match="at least 2"):
        mean_disagreement(np.zeros((1, 1)))


def test_near_duplicates_of_better_states_are_rejected() -> None:
    shares = pairwise_disagreement(pictures(), CLASSES)
    assert distinct(shares, [1, 0, 2], 0.5).tolist() == [1, 2]
    assert distinct(shares, [1, 0, 2], 0.25).tolist() == [1, 0, 2]
    assert distinct(shares, [0], 0.5).tolist() == [0]


def test_class_frequencies_are_shares_of_each_states_pixels() -> None:
    assert class_frequencies(pictures(), CLASSES).tolist() == [
        [1.0, 0.0, 0.0],
        [0.75, 0.25, 0.0],
        [0.0, 0.0, 1.0],
    ]


def test_frequencies_of_a_plane_that_is_not_there_are_refused() -> None:
    with pytest.raises(ProbeError, match="no class plane 'semantic' in this layout: it has none"):
        class_frequencies(np.zeros((1, *COLOUR.stored_shape), np.uint8), COLOUR)
    with pytest.raises(ProbeError, match="classes 0 to 2, but a pixel holds 3"):
        class_frequencies(np.full((1, *CLASSES.stored_shape), 3, np.uint8), CLASSES)
