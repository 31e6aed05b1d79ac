from __future__ import annotations

import numpy as np
import pytest

from drivesim.rl.dqn_config import DQNConfig
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_learning import AtariLearningEnv

pytest.importorskip("stable_baselines3")

from benchmarks.sb3_atari import as_worlds, gradient_steps


def test_a_step_of_all_environments_is_followed_by_as_many_states_as_ours_would_learn_from() -> None:
    # 128 / 16 = 8 states a step; 8 worlds want 64, two batches of 32.
    assert gradient_steps(DQNConfig(batch_size=128, steps_per_update=16), 8) == 2
    assert gradient_steps(DQNConfig(batch_size=32, steps_per_update=4), 4) == 1


def test_a_share_that_needs_a_part_of_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="128 states every 16 steps of 2 environments"):
        gradient_steps(DQNConfig(batch_size=128, steps_per_update=16), 2)


def test_a_game_that_is_cut_off_shows_its_last_stack_where_it_is_looked_for() -> None:
    pytest.importorskip("ale_py")
    config = ConsoleConfig("pong", max_frames=8)
    worlds, twin = as_worlds(AtariLearningEnv(config, 2)), AtariLearningEnv(config, 2)
    assert np.array_equal(worlds.reset(), twin.reset(seed=0)[0])
    actions = np.array([2, 3])
    first, _, done, infos = worlds.step(actions)
    assert np.array_equal(first, twin.step(actions)[0])
    assert not done.any()
    assert infos == [{}, {}]
    _, rewards, done, infos = worlds.step(actions)
    last = twin.step(actions)[0]
    assert done.all()
    assert rewards.dtype == np.float32
    assert np.array_equal(infos[1]["terminal_observation"], last[1])
    worlds.close()
    twin.close()
