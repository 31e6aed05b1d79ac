from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.states import Plane, StateLayout
from probes.synthesis.variety import resampled_disagreements, variety

LAYOUT = StateLayout((Plane("semantic", "class", 3),), stack=1, height=2, width=2)


def pictures(*classes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.array(classes, np.uint8).reshape(-1, 1, 1, 2, 2)


def test_a_batch_is_compared_with_real_states_by_the_mean_over_pairs() -> None:
    # pairs of ours differ in 1, 1 and 2 of 4 pixels, those of the real states in 4, 4 and 4
    ours = pictures((0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0))
    real = pictures((0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2))
    found = variety(ours, real, LAYOUT)
    assert found.disagreement.value == pytest.approx(1 / 3)
    assert (found.real.value, found.real.low, found.real.high) == (1.0, 1.0, 1.0)
    assert found.relative is not None
    assert found.relative.value == pytest.approx(1 / 3)
    assert found.relative.low >= 0.25
    assert (found.disagreement.low, found.disagreement.high) == (0.25, 0.5)
    assert (found.disagreement.n, found.real.n) == (3, 3)


def test_a_state_drawn_twice_does_not_agree_with_itself() -> None:
    shares = np.where(np.eye(5) == 1, 0.0, 0.3)
    draws = resampled_disagreements(shares)
    assert 1990 < len(draws) <= 2000  # of 2000, about 5 / 5^5 are of one state alone
    np.testing.assert_allclose(draws, 0.3)


def test_real_states_that_all_look_alike_give_no_relative_variety() -> None:
    same = pictures((0, 0, 0, 0), (0, 0, 0, 0))
    found = variety(pictures((0, 0, 0, 0), (1, 0, 0, 0)), same, LAYOUT)
    assert found.relative is None
    assert found.to_json()["relative"] is None
    assert found.to_json()["disagreement"]["value"] == 0.25


def test_variety_needs_a_pair() -> None:
    one, two = pictures((0, 0, 0, 0)), pictures((0, 0, 0, 0), (1, 0, 0, 0))
    with pytest.raises(ProbeError, match="at least 2 are needed, got 1"):
        variety(one, two, LAYOUT)
