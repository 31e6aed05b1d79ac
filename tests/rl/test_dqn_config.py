"""What falls as a run goes on, and settings out of range."""

from __future__ import annotations

import pytest

from drivesim.rl.dqn_config import DQNConfig, epsilon_at, learning_rate_at


def test_epsilon_falls_linearly_to_its_floor() -> None:
    config = DQNConfig(epsilon_start=1.0, epsilon_end=0.2, epsilon_steps=100)
    assert [epsilon_at(step, config) for step in (0, 50, 100, 10**6)] == pytest.approx([1, 0.6, 0.2, 0.2])


def test_the_learning_rate_falls_to_a_tenth() -> None:
    config = DQNConfig(total_steps=1_000, learning_rate=0.5)
    rates = [learning_rate_at(step, config) for step in (0, 500, 900, 1_000)]
    assert rates == pytest.approx([0.5, 0.25, 0.05, 0.05])


@pytest.mark.parametrize(
    ("name", "value"), [("n_step", 0), ("averaged_updates", 0), ("discount", 1.5), ("epsilon_end", -0.1)]
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, it must"):
        DQNConfig(**{name: value})  # type: ignore[arg-type]  # a count or a share
