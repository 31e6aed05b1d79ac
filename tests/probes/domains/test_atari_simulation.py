from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.data.collect import CollectConfig, collect, rebuild
from probes.data.simulation import SimulationFactory
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_frames import LAYOUT
from probes.domains.atari_simulation import AtariSimulation, clipped_score
from probes.domains.imported_agents import NatureNetwork
from tests.probes.simulations import CHECKS

SHORT = ConsoleConfig("seaquest", max_frames=16)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_games_keep_what_every_simulation_promises(
    check: Callable[[SimulationFactory], None], threads: int
) -> None:
    pytest.importorskip("ale_py")
    check(partial(AtariSimulation, "seaquest", threads=threads))


def test_a_simulation_says_what_it_shows() -> None:
    pytest.importorskip("ale_py")
    simulation = AtariSimulation("Breakout", 1)
    assert simulation.name == "breakout"
    assert simulation.layout == LAYOUT
    assert simulation.layout.stored_shape == (4, 3, 84, 84)
    assert simulation.actions == ("noop", "fire", "right", "left")
    assert {name: array.shape for name, array in simulation.situation().items()} == {
        "lives": (1,),
        "frame": (1,),
        "score": (1,),
        "clipped_score": (1,),
        "ram": (1, 128),
    }


def test_several_threads_change_nothing_but_that_memories_are_closed() -> None:
    pytest.importorskip("ale_py")
    one, two = (AtariSimulation(SHORT, 2, threads=threads) for threads in (1, 2))
    assert one.digest == two.digest
    assert np.array_equal(one.reset([4, 5]), two.reset([4, 5]))
    for step in range(5):  # past the end
        steps = [simulation.step(np.array([5, 1])) for simulation in (one, two)]
        for first, second in zip(*steps, strict=True):
            assert np.array_equal(first, second)
        assert steps[0].endings.tolist() == (["time"] * 2 if step == 3 else ["none"] * 2)
    assert two.situation().keys() == {"lives", "frame", "score", "clipped_score"}
    with pytest.raises(ProbeError, match="with one thread alone"):
        two.ram()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_world_whose_episode_has_ended_stands_still(threads: int) -> None:
    pytest.importorskip("ale_py")
    simulation = AtariSimulation(SHORT, 2, threads=threads)
    simulation.reset([1, 2])
    for _ in range(2):
        simulation.step(np.zeros(2, np.int64))
    simulation.restart(np.array([False, True]), [3])
    for _ in range(2):
        last = simulation.step(np.array([1, 5]))
    assert last.ended.tolist() == [True, False]
    situation = simulation.situation()
    later = simulation.step(np.array([9, 5]))
    assert np.array_equal(later.observations[0], last.observations[0])
    assert not np.array_equal(later.observations[1], last.observations[1])
    assert not later.ended[0]
    for name, array in simulation.situation().items():
        assert np.array_equal(array[0], situation[name][0])
    again = simulation.restart(np.array([True, False]), [1])
    assert np.array_equal(again[1], later.observations[1])
    assert np.array_equal(again[0], AtariSimulation(SHORT, 1).reset([1])[0])


def test_scores_are_counted_from_an_episodes_start_as_they_are_and_by_signs() -> None:
    pytest.importorskip("ale_py")
    simulation = AtariSimulation("space_invaders", 2)
    simulation.reset([1, 2])
    rewards = np.array([simulation.step(np.ones(2, np.int64)).rewards for _ in range(100)])
    assert rewards[:, 0].max() >= 5
    assert simulation.situation()["score"].tolist() == rewards.sum(0).tolist()
    assert clipped_score(simulation).tolist() == np.sign(rewards).sum(0).tolist()
    before = simulation.situation()["score"]
    simulation.restart(np.array([True, False]), [3])
    assert simulation.situation()["score"].tolist() == [0, before[1]]
    assert clipped_score(simulation)[0] == 0


def test_memory_is_written_in_the_chosen_worlds_alone() -> None:
    pytest.importorskip("ale_py")
    simulation = AtariSimulation("seaquest", 2)
    simulation.reset([1, 1])
    simulation.set_ram(102, 17, np.array([False, True]))
    assert simulation.ram()[0, 102] != 17
    assert simulation.ram()[1, 102] == 17


def test_a_set_of_an_agents_states_holds_the_memories_and_is_rebuilt_without_it(tmp_path: Path) -> None:
    pytest.importorskip("ale_py")
    factory = partial(AtariSimulation, "freeway")
    agent = AtariAgent(NatureNetwork(3, has_critic=False), ("noop", "up", "down"), "new", "freeway")
    config = CollectConfig(fit_states=5, held_out_states=2, worlds=2, spacing=3)
    states = collect(factory, agent, config, tmp_path / "set")
    assert len(states) == 7
    assert states.layout == LAYOUT
    assert states.situations["ram"].shape == (7, 128)
    assert len({memory.tobytes() for memory in states.situations["ram"]}) == 7
    assert rebuild(tmp_path / "set", factory, tmp_path / "again").differing == ()
