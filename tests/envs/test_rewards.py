"""Each reward term and ending against hand-computed numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.drivers import DRIVERS
from drivesim.envs.rewards import TERMS, Ending, endings, reward_terms
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.scenario.schema import Reward, Termination
from drivesim.world.state import OUTCOME, Records

Controls = NDArray[np.float64]
WEIGHTS = Reward(
    progress=0.1, time=0.02, swerve=0.5, lane_offset=0.3, red_light=2.0, off_road=5.0, car=6.0, person=10.0
)


def outcomes(**fields: list[float]) -> Records:
    """Make outcomes of two worlds in which nothing happened but what is given."""
    made = np.zeros(2, OUTCOME)
    made["person"] = made["car"] = -1
    for name, values in fields.items():
        made[name] = values
    return made


@pytest.mark.parametrize(
    ("term", "field", "values", "expected"),
    [
        ("progress", "progress", [1.2, -0.5], [0.12, -0.05]),
        ("time", "progress", [0.0, 1.0], [-0.02, -0.02]),
        ("swerve", "swerve", [0.5, 0.0], [-0.25, 0.0]),
        ("lane_offset", "lane_offset", [0.5, -2.0], [-0.15, -0.6]),
        ("red_light", "ran_red", [0, 1], [0.0, -2.0]),
        ("off_road", "off_road", [1, 0], [-5.0, 0.0]),
        ("car", "car", [-1, 0], [0.0, -6.0]),
        ("person", "person", [3, -1], [-10.0, 0.0]),
    ],
)
def test_each_term_pays_or_charges_what_its_weight_says(
    term: str, field: str, values: list[float], expected: list[float]
) -> None:
    np.testing.assert_allclose(reward_terms(outcomes(**{field: values}), WEIGHTS)[term], expected)


def test_the_weights_and_the_terms_are_the_same() -> None:
    assert set(TERMS) == set(Reward.model_fields)


def test_endings_are_named_by_the_most_severe() -> None:
    made = np.zeros(5, OUTCOME)
    made["person"] = [-1, 2, -1, -1, -1]
    made["car"] = [-1, 0, 4, -1, -1]
    made["off_road"] = [0, 1, 1, 1, 0]
    late = np.array([False, True, True, False, True])
    expected = [Ending.NONE, Ending.PERSON, Ending.CAR, Ending.OFF_ROAD, Ending.TIME]
    assert endings(made, late, Termination()).tolist() == expected


def test_what_does_not_end_an_episode_is_not_named() -> None:
    rules = Termination(on_person=False, on_car=False, on_off_road=False)
    made = outcomes(person=[0, -1], car=[0, -1], off_road=[1, 0])
    assert endings(made, np.zeros(2, np.bool_), rules).tolist() == [Ending.NONE, Ending.NONE]


def mean_return(policy: str, worlds: int = 12, decisions: int = 300) -> float:
    """Drive half a minute in `reasonable` as a policy says; average the returns."""
    env = DrivingVectorEnv(worlds, "reasonable", "none", autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    active, total = np.ones(worlds, np.bool_), np.zeros(worlds)
    for k in range(decisions):
        _, rewards, terminated, truncated, _ = env.step_controls(POLICIES[policy](env, k), active)
        total += rewards
        active &= ~(terminated | truncated)
    return float(total.mean())


def constant(throttle: float, brake: float, steer: float) -> Callable[[DrivingVectorEnv, int], Controls]:
    """Make a policy that always does the same."""
    return lambda env, _: np.tile([throttle, brake, steer], (env.num_envs, 1))


def follow(env: DrivingVectorEnv, _: int) -> Controls:
    """Drive sensibly."""
    return DRIVERS["blind"](env.state, env.tables)


def weave(env: DrivingVectorEnv, k: int) -> Controls:
    """Drive sensibly, but from side to side."""
    controls = DRIVERS["blind"](env.state, env.tables)
    controls[:, 2] += 0.15 * math.sin(2.0 * math.pi * k / 20.0)
    return controls


def rock(env: DrivingVectorEnv, k: int) -> Controls:
    """Drive two seconds to and two seconds fro."""
    return np.tile([1.0 if k % 40 < 20 else -1.0, 0.0, 0.0], (env.num_envs, 1))


POLICIES: dict[str, Callable[[DrivingVectorEnv, int], Controls]] = {
    "follow": follow,
    "weave": weave,
    "rock": rock,
    "stand": constant(0.0, 1.0, 0.0),
    "reverse": constant(-1.0, 0.0, 0.0),
    "spin": constant(0.3, 0.0, 1.0),
    "spin in reverse": constant(-1.0, 0.0, 1.0),
    "full throttle": constant(1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "follow"])
def test_no_trick_pays_as_much_as_sensible_driving(policy: str) -> None:
    assert mean_return(policy) < mean_return("follow") - 0.5
