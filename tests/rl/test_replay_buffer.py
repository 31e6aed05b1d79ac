"""Stacks come back bit for bit, and n steps bring what was computed by hand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.replay_buffer import Following, ReplayBuffer
from tests.rl.random_frames import GRAY, RandomFrames

MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]
SHAPE = GRAY.observation_shape


class Lived(NamedTuple):
    """One step as the environment showed it."""

    column: np.integer
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    action: np.integer
    reward: np.floating
    terminated: np.bool_
    truncated: np.bool_


def live(env: RandomFrames, replay: ReplayBuffer, steps: int) -> list[Lived]:
    """Step through the environment, filling the replay; return every step in which an action was taken."""
    random, told = np.random.default_rng(1), []
    observations, _ = env.reset(seed=0)
    replay.look(observations)
    valid = np.ones(env.num_envs, dtype=np.bool_)
    is_same_step = env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    for _ in range(steps):
        actions = random.integers(0, 3, env.num_envs)
        following, paid, terminated, truncated, infos = env.step(actions)
        ended, rewards = terminated | truncated, paid.astype(np.float32)
        replay.record(actions, rewards, terminated, truncated, valid)
        seen = infos["final_obs"] if is_same_step else following
        told += [
            Lived(i, observations[i], seen[i], actions[i], rewards[i], terminated[i], truncated[i])
            for i in np.flatnonzero(valid)
        ]
        if is_same_step and ended.any():
            replay.look(infos["final_obs"][ended], np.flatnonzero(ended))
        replay.look(following)
        observations, valid = following, valid | True if is_same_step else ~ended
    return told


@pytest.mark.parametrize("is_padded", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_every_stack_is_the_observation_that_the_environment_gave(
    mode: AutoresetMode, is_padded: bool
) -> None:
    env, replay = RandomFrames(5, mode, is_padded), ReplayBuffer(5 * 4_000, 5, SHAPE)
    told = live(env, replay, 500)
    assert sum(one.terminated for one in told) > 150
    slots, columns = np.nonzero(replay.followings != Following.UNKNOWN)
    assert len(slots) == len(told) > 1_900
    _, _, after = replay.follow(slots, columns, 1, 0.9)
    befores, afters = replay.stacks(slots, columns), replay.stacks(after, columns)
    order = np.lexsort((slots, columns))
    told.sort(key=lambda one: one.column)
    np.testing.assert_array_equal(befores[order, :, 0], [one.before for one in told])
    np.testing.assert_array_equal(afters[order, :, 0], [one.after for one in told])
    slots, columns = slots[order], columns[order]
    np.testing.assert_array_equal(replay.actions[slots, columns], [one.action for one in told])
    np.testing.assert_array_equal(replay.rewards[slots, columns], [one.reward for one in told])
    endings = [2 if one.terminated else 3 if one.truncated else 1 for one in told]
    np.testing.assert_array_equal(replay.followings[slots, columns], endings)


@pytest.mark.parametrize("mode", MODES)
def test_a_full_ring_draws_whole_steps_of_its_last_ones_only(mode: AutoresetMode) -> None:
    env, replay = RandomFrames(3, mode), ReplayBuffer(3 * 60, 3, SHAPE)
    told = live(env, replay, 500)
    by_picture = {one.before.tobytes(): one for one in told}
    assert len(by_picture) == len(told)
    batch = replay.sample(2_000, 1, 0.5, torch.Generator().manual_seed(0))
    lived = [by_picture[stack.tobytes()] for stack in batch.observations]
    assert {one.before.tobytes() for one in told[-30:]} <= {one.before.tobytes() for one in lived}
    np.testing.assert_array_equal(batch.followings[:, :, 0], [one.after for one in lived])
    np.testing.assert_array_equal(batch.actions, [one.action for one in lived])
    np.testing.assert_array_equal(batch.returns, [one.reward for one in lived])
    np.testing.assert_array_equal(batch.weights, [0.0 if one.terminated else 0.5 for one in lived])
    assert batch.observations.dtype == np.uint8
    assert batch.actions.dtype == np.int64
    assert replay.held == replay.capacity == 180


def picture(level: int) -> NDArray[np.uint8]:
    return np.full((1, 2, 1, 1, 1), (level, level + 1), dtype=np.uint8).reshape(1, 2, 1, 1, 1)


def moving_on(*endings: str, rewards: tuple[float, ...]) -> ReplayBuffer:
    """Return a replay of one environment with stacks of two frames: levels (0, 1), (1, 2), and so on."""
    replay = ReplayBuffer(32, 1, (2, 1, 1, 1))
    replay.look(np.array([0, 1], dtype=np.uint8))
    for step, (ending, reward) in enumerate(zip(endings, rewards, strict=True), start=1):
        replay.record(
            np.array([step]),
            np.array([reward], dtype=np.float32),
            np.array([ending == "terminated"]),
            np.array([ending == "truncated"]),
            np.array([ending != "reset"]),
        )
        replay.look(np.array([step, step + 1], dtype=np.uint8))
    return replay


def follow(replay: ReplayBuffer, n: int) -> tuple[list[float], list[float], list[int]]:
    """Follow from the first state on; return the returns, the weights, and the newest level arrived at."""
    start, column = np.array([1]), np.array([0])
    returns, weights, after = replay.follow(start, column, n, 0.5)
    return returns.tolist(), weights.tolist(), replay.stacks(after, column)[:, -1].ravel().tolist()


def test_n_steps_sum_discounted_rewards_and_arrive_n_states_on() -> None:
    replay = moving_on("", "", "", "", rewards=(1, -2, 4, 100))
    assert follow(replay, 1) == ([1.0], [0.5], [2])
    assert follow(replay, 3) == ([1 - 0.5 * 2 + 0.25 * 4], [0.125], [4])


def test_nothing_counts_after_a_termination() -> None:
    replay = moving_on("", "terminated", "", "", rewards=(1, -2, 4, 100))
    assert follow(replay, 3)[:2] == ([1 - 0.5 * 2], [0.0])
    assert follow(replay, 1) == ([1.0], [0.5], [2])


def test_a_cut_off_episode_keeps_the_value_of_its_final_state() -> None:
    replay = moving_on("", "truncated", "reset", "", rewards=(1, -2, 4, 100))
    assert follow(replay, 3) == ([1 - 0.5 * 2], [0.25], [3])


def test_steps_that_are_not_yet_known_are_left_out() -> None:
    replay = moving_on("", "", rewards=(1, -2))
    assert follow(replay, 5) == ([1 - 0.5 * 2], [0.25], [3])


def test_an_observation_that_is_no_continuation_is_kept_whole() -> None:
    replay = moving_on("", rewards=(1,))
    replay.record(*(np.array([x]) for x in (2, np.float32(5), False, False, True)))
    replay.look(np.array([70, 80], dtype=np.uint8))
    assert replay.written.tolist() == [5]
    assert follow(replay, 2) == ([1 + 0.5 * 5], [0.25], [80])


def test_drawing_is_uniform_over_steps_and_repeats_with_its_seed() -> None:
    replay = ReplayBuffer(4 * 150, 4, SHAPE)
    told = live(RandomFrames(4), replay, 30)
    draws = [replay.sample(6_000, 1, 0.9, torch.Generator().manual_seed(7)) for _ in range(2)]
    np.testing.assert_array_equal(draws[0].observations, draws[1].observations)
    _, counts = np.unique(draws[0].observations.reshape(6_000, -1), axis=0, return_counts=True)
    expected = 6_000 / len(told)
    assert len(counts) == len(told)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_a_replay_comes_back_as_it_was() -> None:
    for steps in (10, 200):  # partly filled, and gone round
        replay, again = (ReplayBuffer(3 * 40, 3, SHAPE) for _ in range(2))
        live(RandomFrames(3), replay, steps)
        live(RandomFrames(3), again, 300)
        saved = {name: array.copy() for name, array in replay.arrays().items()}
        again.restore(saved)
        for name, array in again.arrays().items():
            np.testing.assert_array_equal(array, saved[name])
        batches = [one.sample(64, 3, 0.9, torch.Generator().manual_seed(0)) for one in (replay, again)]
        np.testing.assert_array_equal(batches[0].followings, batches[1].followings)


def test_a_replay_of_another_size_is_refused() -> None:
    replay = ReplayBuffer(3 * 40, 3, SHAPE)
    live(RandomFrames(3), replay, 100)
    saved = replay.arrays()
    with pytest.raises(ValueError, match=r"frames is uint8 \(40, 3.*expected uint8 \(30, 3"):
        ReplayBuffer(3 * 30, 3, SHAPE).restore(saved)
    with pytest.raises(ValueError, match="written is"):
        ReplayBuffer(2 * 40, 2, SHAPE).restore(saved)
    with pytest.raises(ValueError, match="unknown arrays: more"):
        replay.restore({**saved, "more": saved["written"]})
    with pytest.raises(ValueError, match="out of range"):
        replay.restore({**saved, "followings": np.full_like(replay.followings, 9)})


def test_what_cannot_be_held_or_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 10 are needed"):
        ReplayBuffer(90, 10, SHAPE)
    with pytest.raises(ValueError, match="does not fit the memory"):
        ReplayBuffer(10**15, 1, SHAPE)
    replay = ReplayBuffer(100, 1, SHAPE)
    replay.look(RandomFrames(1).reset(seed=0)[0])
    with pytest.raises(ValueError, match="nothing was recorded"):
        replay.sample(1, 1, 0.9, torch.Generator())


def test_a_frame_is_kept_once() -> None:
    replay = ReplayBuffer(250_000, 8, (4, 1, 84, 84))
    assert replay.nbytes == pytest.approx(250_000 * 84 * 84, rel=0.003)
    replay.look(np.zeros((8, 4, 84, 84), dtype=np.uint8))
    assert replay.held == 8 * 4
    for level in range(1, 4):
        stack = np.arange(level, level + 4).clip(4) - 4
        replay.look(np.broadcast_to(stack[None, :, None, None], (8, 4, 84, 84)).astype(np.uint8))
    assert replay.held == 8 * 7
