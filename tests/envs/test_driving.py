"""The single environment, as gymnasium makes and checks it."""

from __future__ import annotations

import importlib.util
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import drivesim
from drivesim.envs.driving import DrivingEnv
from drivesim.envs.rewards import TERMS
from drivesim.envs.vector import DrivingVectorEnv
from tests.towns import changed, scenario

needs_bullet = pytest.mark.skipif(
    importlib.util.find_spec("pybullet") is None, reason="PyBullet has no wheel here"
)
TOWN = "drivesim/Town-v0"
SMALL = {"width": 24, "height": 24}


def test_importing_the_package_registers_the_town() -> None:
    assert drivesim.__name__ == "drivesim"
    assert TOWN in gym.registry


@pytest.mark.parametrize("renderer", ["raycast", pytest.param("bullet", marks=needs_bullet)])
def test_gymnasiums_checker_has_nothing_to_say(renderer: str) -> None:
    env = gym.make(
        TOWN, scenario=changed("reasonable", camera=SMALL), renderer=renderer, render_mode="rgb_array"
    )
    check_env(env.unwrapped)
    env.close()


def test_the_checker_has_nothing_to_say_of_dicts_and_continuous_actions() -> None:
    plan = changed("mixed_field", actions="continuous", camera=SMALL)
    env = gym.make(TOWN, scenario=plan, renderer="raycast", observation="dict", render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_one_town_is_a_batch_of_one_without_the_batch() -> None:
    env = DrivingEnv("mixed_field", "raycast")
    towns = DrivingVectorEnv(1, "mixed_field", autoreset_mode=AutoresetMode.DISABLED)
    observation, info = env.reset(seed=4)
    assert info == {"seed": 4}
    np.testing.assert_array_equal(observation, towns.reset(seed=4)[0][0])
    for action in (1, 1, 3, 2):
        observation, reward, terminated, truncated, info = env.step(action)
        observations, rewards, *_ = towns.step(np.array([action]))
        np.testing.assert_array_equal(observation, observations[0])
        assert reward == rewards[0] == pytest.approx(sum(info["reward"].values()))
        assert (terminated, truncated, info["ending"]) == (False, False, "none")
    assert list(info["reward"]) == list(TERMS)


def test_seeds_repeat_episodes_and_unseeded_resets_follow_from_them() -> None:
    env = DrivingEnv("empty_road", "none")

    def seeds() -> list[int]:
        return [env.reset(seed=8)[1]["seed"], *(env.reset()[1]["seed"] for _ in range(3))]

    first = seeds()
    assert first == seeds()
    assert len(set(first)) == 4
    assert max(first) < 1_000_000


def test_a_reset_may_continue_from_a_snapshot() -> None:
    env = DrivingEnv("reasonable", "raycast")
    env.reset(seed=4)
    for _ in range(10):
        env.step(1)
    snapshot = env.snapshot()
    expected = [env.step(1) for _ in range(10)]
    env.reset(seed=5)
    env.reset(options={"state": snapshot})
    for observation, reward, *_ in expected:
        again = env.step(1)
        np.testing.assert_array_equal(again[0], observation)
        assert again[1] == reward


def test_stepping_on_after_an_ending_is_refused() -> None:
    env = DrivingEnv(changed("empty_road", sim={"episode_s": 1.0}), "none")
    env.reset(seed=0)
    for _ in range(10):
        truncated = env.step(0)[3]
    assert truncated
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)


def test_pictures_show_the_camera_enlarged() -> None:
    env = DrivingEnv("empty_road", "raycast", render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (512, 512, 3)
    assert env.metadata["render_fps"] == 10
    env.close()
    env.close()


def test_a_vector_of_towns_is_made_natively() -> None:
    envs: Any = gym.make_vec(TOWN, num_envs=3, scenario="empty_road")
    assert isinstance(envs.unwrapped, DrivingVectorEnv)
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (3, 4, 1, 128, 128)
    envs.close()


@needs_bullet
@pytest.mark.parametrize("name", ["reasonable", "mixed_field"])
def test_both_renderers_show_an_agent_the_same_classes(name: str) -> None:
    ray, bullet = DrivingEnv(scenario(name), "raycast"), DrivingEnv(scenario(name), "bullet")
    plane = scenario(name).modalities.index("semantic")
    equal = []
    for seed in range(3):
        ray.reset(seed=seed)
        bullet.reset(seed=seed)
        for _ in range(8):
            one, two = (env.step(1)[0][-1, plane] for env in (ray, bullet))
            equal.append((one == two).mean())
    bullet.close()
    assert np.mean(equal) > 0.999
