from __future__ import annotations

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.domains.atari_consoles import ConsoleConfig, VectorConsoles, emulator_seeds, game_digest

BOTH = np.ones(2, np.bool_)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ProbeError, match=r"sticky: found 1\.5"):
        ConsoleConfig("pong", sticky=1.5)
    with pytest.raises(ProbeError, match="max_frames: found 3"):
        ConsoleConfig("pong", max_frames=3)


def test_seeds_are_folded_into_what_the_emulator_takes() -> None:
    assert emulator_seeds([7, 2**31 + 5, 2**53]) == [7, 5, 0]


def test_the_digest_tells_games_and_settings_apart() -> None:
    pytest.importorskip("ale_py")
    configs = [ConsoleConfig("pong"), ConsoleConfig("pong", 0.25), ConsoleConfig("boxing")]
    assert len({game_digest(config) for config in configs}) == 3
    assert game_digest(ConsoleConfig("Pong")) == game_digest(ConsoleConfig("pong"))


def test_rewards_are_not_clipped_and_a_long_episode_is_cut() -> None:
    pytest.importorskip("ale_py")
    consoles = VectorConsoles(ConsoleConfig("space_invaders", max_frames=400), 2)
    start = consoles.start(BOTH, [1, 2])
    assert start.pixels.shape == (2, 84, 84, 3)
    assert start.lives.tolist() == [3, 3]
    fire = np.ones(2, np.int64)
    moments = [consoles.step(fire, BOTH) for _ in range(100)]
    rewards = np.stack([moment.rewards for moment in moments])
    assert rewards.max() >= 5  # points of an invader
    assert not any(moment.is_cut.any() or moment.is_over.any() for moment in moments[:-1])
    assert moments[-1].is_cut.all()
    assert moments[-1].frames[0] - start.frames[0] == 400
    consoles.close()
    consoles.close()


def test_a_first_start_may_be_of_some_worlds_alone() -> None:
    pytest.importorskip("ale_py")
    config = ConsoleConfig("seaquest")
    some = VectorConsoles(config, 2).start(np.array([False, True]), [8])
    whole = VectorConsoles(config, 2).start(BOTH, [7, 8])
    assert np.array_equal(some.pixels[1], whole.pixels[1])
