"""Advantages against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.rl.rollout import Transitions, generalized_advantages


def column(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)[:, None]


def mask(*values: bool) -> NDArray[np.bool_]:
    return np.array(values)[:, None]


def three_steps(terminated: NDArray[np.bool_], truncated: NDArray[np.bool_]) -> Transitions:
    rewards, values, after = column(1, 2, 3), column(10, 20, 30), column(20, 30, 40)
    return Transitions(rewards, values, after, terminated, truncated, mask(True, True, True))


NEVER = mask(False, False, False)
SECOND = mask(False, True, False)


def test_advantages_sum_the_discounted_errors() -> None:
    # errors: 1 + 0.5 * 20 - 10 = 1, 2 + 15 - 20 = -3, 3 + 20 - 30 = -7; each carries 0.5 * 0.5 of the next
    advantages = generalized_advantages(three_steps(NEVER, NEVER), 0.5, 0.5)
    np.testing.assert_allclose(advantages, column(1 + 0.25 * -4.75, -3 + 0.25 * -7, -7))


def test_nothing_is_expected_after_a_termination() -> None:
    # the second error becomes 2 - 20 = -18 and carries nothing
    advantages = generalized_advantages(three_steps(SECOND, NEVER), 0.5, 0.5)
    np.testing.assert_allclose(advantages, column(1 + 0.25 * -18, -18, -7))


def test_a_truncated_episode_keeps_the_value_of_its_final_state() -> None:
    # the second error stays 2 + 0.5 * 30 - 20 = -3 but carries nothing
    advantages = generalized_advantages(three_steps(NEVER, SECOND), 0.5, 0.5)
    np.testing.assert_allclose(advantages, column(1 + 0.25 * -3, -3, -7))


def test_lambda_one_gives_the_return_minus_the_value() -> None:
    advantages = generalized_advantages(three_steps(NEVER, NEVER), 0.5, 1.0)
    assert advantages[0, 0] == pytest.approx(1 + 0.5 * 2 + 0.25 * 3 + 0.125 * 40 - 10)
