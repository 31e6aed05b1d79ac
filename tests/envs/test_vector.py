"""The vector environment: spaces, autoreset, info, and what it refuses."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from drivesim.envs.episodes import later_seed
from drivesim.envs.rewards import TERMS
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.scenario.schema import Scenario
from drivesim.world.state import CROSSING
from tests.towns import SHIPPED, changed, scenario

SHORT = {"episode_s": 1.0}
THROTTLE, COAST = 1, 0


def short(mode: AutoresetMode, **arguments: Any) -> DrivingVectorEnv:
    """Make two towns whose episodes last ten decisions."""
    return DrivingVectorEnv(2, changed("reasonable", sim=SHORT), autoreset_mode=mode, **arguments)


def take(env: DrivingVectorEnv, decisions: int, action: int = COAST) -> Any:
    """Take some decisions; return what the last one gave."""
    for _ in range(decisions):
        last = env.step(np.full(env.num_envs, action))
    return last


@pytest.mark.parametrize("name", SHIPPED)
def test_every_scenarios_observations_are_in_their_space_new_and_not_constant(name: str) -> None:
    env = DrivingVectorEnv(3, scenario(name))
    first, _ = env.reset(seed=0)
    assert first in env.observation_space
    earlier = [first.copy()]
    kept = [first]
    for _ in range(12):
        observations, rewards, terminated, truncated, _ = take(env, 1, THROTTLE)
        assert observations in env.observation_space
        assert (rewards.shape, terminated.dtype, truncated.dtype) == ((3,), np.bool_, np.bool_)
        assert not any(np.shares_memory(observations, other) for other in kept)
        kept.append(observations)
        earlier.append(observations.copy())
    for seen, copy in zip(kept, earlier, strict=True):
        np.testing.assert_array_equal(seen, copy)
    for plane in range(first.shape[2]):
        images = np.stack([seen[:, -1, plane] for seen in earlier])
        assert (images != images[0]).any()
        assert all(len(np.unique(image)) > 3 for image in images.reshape(-1, *images.shape[-2:]))


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_the_terms_add_up_to_the_reward(name: str) -> None:
    env = DrivingVectorEnv(4, scenario(name), "none")
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(150):
        _, rewards, _, _, info = env.step(rng.integers(0, 5, 4))
        assert list(info["reward"]) == list(TERMS)
        np.testing.assert_allclose(sum(info["reward"].values()), rewards, atol=1e-12)
        assert set(info["ending"]) <= {"none", "time", "off_road", "car", "person"}


def test_an_observation_is_depth_class_and_gray_oldest_first() -> None:
    env = DrivingVectorEnv(2, "mixed_field")
    observations, _ = env.reset(seed=1)
    assert observations.shape == (2, 8, 3, 128, 128)
    np.testing.assert_array_equal(observations[:, 0], observations[:, 7])
    later = take(env, 1, THROTTLE)[0]
    np.testing.assert_array_equal(later[:, :7], observations[:, 1:])
    assert (later[:, 7] != observations[:, 7]).any()


def test_a_dict_holds_the_same_by_modality() -> None:
    stacked, named = (DrivingVectorEnv(2, "mixed_field", observation=kind) for kind in ("stack", "dict"))
    first, _ = named.reset(seed=1)
    assert first in named.observation_space
    assert named.single_observation_space["gray"].shape == (8, 128, 128)  # type: ignore[index]
    stacked.reset(seed=1)
    one, two = take(stacked, 3)[0], take(named, 3)[0]
    for m, modality in enumerate(("depth", "semantic", "gray")):
        np.testing.assert_array_equal(one[:, :, m], two[modality])


def test_with_next_step_the_action_after_an_ending_is_ignored_and_the_next_episode_begins() -> None:
    env = short(AutoresetMode.NEXT_STEP)
    env.reset(seed=5)
    _, _, terminated, truncated, info = take(env, 9)
    assert not truncated.any()
    assert "episode" not in info
    _, _, terminated, truncated, info = take(env, 1)
    assert truncated.all()
    assert not terminated.any()
    assert info["ending"].tolist() == ["time", "time"]
    assert info["episode"]["length"].tolist() == [10, 10]
    observations, rewards, terminated, truncated, info = take(env, 1, THROTTLE)
    assert rewards.tolist() == [0.0, 0.0]
    assert not (terminated | truncated).any()
    assert all((term == 0.0).all() for term in info["reward"].values())
    assert env.state.town["tick"].tolist() == [0, 0]
    assert env.state.town["seed"].tolist() == [later_seed(5, 1), later_seed(6, 1)]
    np.testing.assert_array_equal(observations[:, 0], observations[:, -1])
    take(env, 1)
    assert env.state.town["tick"].tolist() == [6, 6]


def test_with_same_step_the_ending_is_in_the_info_and_the_observation_is_the_next_episodes() -> None:
    env, other = short(AutoresetMode.SAME_STEP), short(AutoresetMode.NEXT_STEP)
    env.reset(seed=5)
    other.reset(seed=5)
    assert "final_obs" not in take(env, 9, THROTTLE)[4]
    take(other, 9, THROTTLE)
    observations, rewards, _, truncated, info = take(env, 1, THROTTLE)
    final, expected, *_ = take(other, 1, THROTTLE)
    assert truncated.all()
    assert info["_final_obs"].all()
    np.testing.assert_array_equal(info["final_obs"], final)
    np.testing.assert_array_equal(rewards, expected)
    np.testing.assert_array_equal(observations, take(other, 1)[0])
    assert not np.shares_memory(observations, info["final_obs"])
    for ours, theirs in zip(take(env, 1)[:2], take(other, 1)[:2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_with_autoreset_disabled_an_ended_world_must_be_reset_by_the_mask() -> None:
    env = short(AutoresetMode.DISABLED)
    with pytest.raises(gym.error.ResetNeeded):
        take(env, 1)
    env.reset(seed=5)
    last = take(env, 10)[0]
    with pytest.raises(gym.error.ResetNeeded, match="reset_mask"):
        take(env, 1)
    observations, _ = env.reset(seed=[9, None], options={"reset_mask": np.array([True, False])})
    np.testing.assert_array_equal(observations[1], last[1])
    assert env.state.town["seed"].tolist() == [9, 6]
    assert env.state.town["tick"].tolist() == [0, 60]
    with pytest.raises(gym.error.ResetNeeded):
        take(env, 1)
    env.step_controls(np.zeros((2, 3)), np.array([True, False]))
    assert env.state.town["tick"].tolist() == [6, 60]


def test_a_reset_without_a_seed_goes_on_with_the_worlds_own_seeds() -> None:
    env, other = (DrivingVectorEnv(2, "empty_road", "none") for _ in "ab")
    for each in (env, other):
        each.reset(seed=5)
        each.reset()
    assert env.state.town["seed"].tolist() == other.state.town["seed"].tolist()
    assert env.state.town["seed"].tolist() == [later_seed(5, 1), later_seed(6, 1)]


def test_continuous_actions_are_pedal_and_steer() -> None:
    env = DrivingVectorEnv(2, changed("empty_road", actions="continuous", ego={"start_speed": 5.0}), "none")
    assert env.action_space.shape == (2, 2)
    env.reset(seed=0)
    env.step(np.array([[1.0, 0.0], [-1.0, 0.5]], np.float32))
    assert env.state.ego["speed"].tolist() == pytest.approx([5.3, 4.4])
    assert env.state.ego["steer"].tolist() == pytest.approx([0.0, 0.21])


def scene_of(ending: str) -> tuple[DrivingVectorEnv, Scenario]:
    """Set up a town whose next decision ends as named."""
    straight = {"start_speed": 5.0, "lateral_offset": 0.0, "heading_offset": 0.0}
    plan = changed("reasonable", ego=straight, sim=SHORT)
    env = DrivingVectorEnv(1, plan, "none")
    env.reset(seed=0)
    ego, person, car = env.state.ego[0], env.state.people[0, 0], env.state.cars[0, 0]
    if ending in ("person", "both"):
        person["x"], person["y"], person["mode"] = ego["x"] + 2.6, ego["y"], CROSSING
    if ending in ("car", "both"):
        car["x"], car["y"], car["is_active"], car["cos"], car["sin"] = ego["x"] + 4.6, ego["y"], 1, 1.0, 0.0
        car["speed"] = 0.0
    if ending == "off_road":
        ego["y"] = -2.65
    if ending == "time":
        env.state.town["tick"] = 54
    return env, plan


@pytest.mark.parametrize(
    ("ending", "penalty"), [("person", "person"), ("car", "car"), ("off_road", "off_road"), ("time", None)]
)
def test_an_ending_is_named_counted_and_charged(ending: str, penalty: str | None) -> None:
    env, plan = scene_of(ending)
    _, _, terminated, truncated, info = env.step(np.array([COAST]))
    assert info["ending"].tolist() == [ending]
    assert (terminated[0], truncated[0]) == (ending != "time", ending == "time")
    for name in ("person", "car", "off_road"):
        charged = -getattr(plan.reward, name) if name == penalty else 0.0
        assert info["reward"][name][0] == charged
        assert info["episode"][f"ended_{name}"][0] == (name == penalty)


def test_a_person_is_the_ending_where_a_car_is_hit_in_the_same_step() -> None:
    env, _ = scene_of("both")
    info = env.step(np.array([COAST]))[4]
    assert info["outcome"]["car"].tolist() == info["outcome"]["person"].tolist() == [0]
    assert info["ending"].tolist() == ["person"]


def test_pictures_are_one_per_world() -> None:
    env = DrivingVectorEnv(2, "reasonable", render_mode="rgb_array")
    env.reset(seed=0)
    first, second = env.render()
    assert first.shape == second.shape == (512, 512, 3)
    assert (first != second).any()
    env.close()
    with pytest.raises(ValueError, match="render_mode='rgb_array'"):
        DrivingVectorEnv(1, "empty_road", "none").render()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="render_mode: found 'human'"):
        DrivingVectorEnv(1, "empty_road", render_mode="human")
    with pytest.raises(ValueError, match="observation: found 'tuple'"):
        DrivingVectorEnv(1, "empty_road", observation="tuple")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match=r"options: found \['snapshot'\]"):
        DrivingVectorEnv(1, "empty_road", "none").reset(options={"snapshot": None})


def test_closing_twice_is_harmless() -> None:
    env = DrivingVectorEnv(2, "reasonable", render_mode="rgb_array", threads=2)
    env.reset(seed=0)
    env.render()
    env.close()
    env.close()
