from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.semantics import NUM_CLASSES
from drivesim.rl.networks import ActorCritic, ActorCriticConfig, InputLayout
from drivesim.scenario.loader import load, loads
from drivesim.scenario.record import record_of
from probes.agent import Agent, ProbeError
from probes.data.collect import CollectConfig, collect, rebuild
from probes.data.saliency import check_relus, guided_gradient
from probes.data.simulation import SimulationFactory
from probes.domains.driving import (
    DrivingAgent,
    DrivingSimulation,
    load_agent,
    random_agent,
    state_layout,
    town_state,
)
from probes.states import Plane, StateLayout, to_states
from tests.probes.simulations import CHECKS

SEG4 = "reasonable-seg4"
SMALL = CollectConfig(fit_states=5, held_out_states=2, worlds=2, spacing=3)


@cache
def agent() -> DrivingAgent:
    return load_agent(SEG4)


@cache
def seen(worlds: int = 3) -> torch.Tensor:
    """Return stored states (N, T, M, H, W) after some decisions."""
    simulation = DrivingSimulation("reasonable", worlds)
    simulation.reset(range(5, 5 + worlds))
    for _ in range(5):
        step = simulation.step(np.ones(worlds, np.int64))
    simulation.close()
    return torch.from_numpy(step.observations)


def test_planes_become_classes_and_levels_in_their_order() -> None:
    layout = state_layout(InputLayout(("depth", "semantic", "gray"), 8, 128, 64, 13))
    assert layout == StateLayout(
        (Plane("depth", "level"), Plane("semantic", "class", 13), Plane("gray", "level")), 8, 128, 64
    )
    assert layout.shape == (8, 15, 128, 64)


def test_a_shipped_agent_says_what_it_sees_does_and_where_it_learned() -> None:
    assert isinstance(agent(), Agent)
    assert agent().layout == StateLayout((Plane("semantic", "class", NUM_CLASSES),), 4, 128, 128)
    assert agent().actions == ("coast", "accelerate", "brake", "left", "right")
    assert (agent().name, agent().scenario, agent().has_critic) == (SEG4, "reasonable", True)
    assert not agent().training


def test_bytes_and_floats_are_judged_alike() -> None:
    fast = agent().judge(seen().numpy())
    slow = agent()(to_states(seen(), agent().layout))
    torch.testing.assert_close(fast.scores, slow.scores, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(fast.value, slow.value, atol=1e-4, rtol=1e-4)
    assert fast.scores.shape == (3, 5)
    assert fast.value.shape == (3,)
    assert float(fast.value.std()) > 0


def test_the_features_are_what_policy_and_value_are_computed_from() -> None:
    states = to_states(seen(), agent().layout).requires_grad_(True)
    output, features = agent().features(states)
    assert features.shape == (3, 256)
    assert bool((features >= 0).all())
    torch.testing.assert_close(agent().network.policy(features), output.scores)
    torch.testing.assert_close(agent().network.value(features).squeeze(1), output.value)
    (gradient,) = torch.autograd.grad(features.sum(), states)
    assert bool(gradient.any())
    assert not agent().network.trunk._forward_hooks


def test_a_random_agent_is_of_the_same_shape_but_has_learned_nothing() -> None:
    first, again, other = (random_agent(agent(), seed) for seed in (1, 1, 2))
    assert (first.layout, first.actions, first.scenario) == (agent().layout, agent().actions, "reasonable")
    assert first.name == "reasonable-seg4-random-1"
    assert first.digest == again.digest
    assert len({first.digest, other.digest, agent().digest}) == 3
    judged = [one.judge(seen().numpy()).value for one in (first, again, agent())]
    assert torch.equal(judged[0], judged[1])
    assert not torch.allclose(judged[0], judged[2], atol=0.1)


def test_an_agent_knows_the_scenario_it_learned_in_shipped_or_of_ones_own() -> None:
    network = agent().network
    assert agent().home() == load("reasonable")
    own = loads(b"schema_version: 1\nname: school_street\nextends: reasonable\ncars: {count: 3}\n")
    taught = DrivingAgent(network, agent().actions, "mine", own.name, record_of(own))
    assert taught.home() == own
    assert random_agent(taught, 1).home() == own
    nowhere = DrivingAgent(network, agent().actions, "mine", own.name)
    with pytest.raises(ProbeError, match=r"scenario of agent 'mine': school_street:1:1 .* no such scenario"):
        nowhere.home()


def test_an_agent_found_by_its_path_is_called_by_the_last_part_of_it() -> None:
    path = Path(__file__).parents[3] / "drivesim" / "agents" / SEG4
    for given in (path, path / "agent.safetensors"):
        found = load_agent(str(given))
        assert found.name == SEG4
        assert found.digest == agent().digest


def test_an_unknown_agent_is_answered_by_the_nearest_name() -> None:
    with pytest.raises(ProbeError, match="did you mean 'reasonable-seg4'"):
        load_agent("resonable-seg4")


def test_a_continuous_policy_is_refused() -> None:
    network = ActorCritic(InputLayout(("gray",), 1, 64, 64), ActorCriticConfig(2, continuous=True))
    with pytest.raises(ProbeError, match="found 2 continuous actions"):
        DrivingAgent(network, ("pedal", "steer"), "x", "y")


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ProbeError, match="reasonable"):
        DrivingSimulation("resonable", 1)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_towns_keep_what_every_simulation_promises(check: Callable[[SimulationFactory], None]) -> None:
    check(partial(DrivingSimulation, "reasonable"))


def test_a_simulation_shows_what_its_agent_sees() -> None:
    simulation = DrivingSimulation("reasonable", 1)
    assert simulation.layout == agent().layout
    assert simulation.actions == agent().actions
    assert simulation.digest != DrivingSimulation("distracted", 1).digest
    simulation.close()


def test_a_town_whose_episode_has_ended_stands_still() -> None:
    simulation = DrivingSimulation("reasonable", 2)
    simulation.reset([1, 2])
    left = np.array([simulation.actions.index("left"), simulation.actions.index("brake")])
    accelerate = np.array([simulation.actions.index("accelerate"), left[1]])
    ended, step = False, 0
    while not ended:
        outcome = simulation.step(accelerate if step % 2 else left)
        ended, step = bool(outcome.ended[0]), step + 1
        assert step < 300
    assert outcome.endings[0] != "none"
    assert outcome.endings[1] == "none"
    before = simulation.situation()["ego"]
    after = simulation.step(accelerate)
    assert not after.ended[0]
    assert after.rewards[0] == 0.0
    assert np.array_equal(simulation.situation()["ego"][0], before[0])
    simulation.close()


def test_a_small_set_of_a_shipped_agent_holds_its_towns_and_is_rebuilt_without_it(tmp_path: Path) -> None:
    factory = partial(DrivingSimulation, "reasonable")
    states = collect(factory, agent(), SMALL, tmp_path / "set")
    assert len(states) == 7
    towns = town_state(states, [6, 1])
    assert towns.town["seed"].tolist() == [1_000_001, 600_001]
    assert towns.people.shape[1] > 0

    env = DrivingVectorEnv(2, "reasonable", autoreset_mode=AutoresetMode.DISABLED)
    observations, _ = env.reset(options={"state": towns})
    assert np.array_equal(observations[:, -1], states.stored([6, 1])[:, -1])
    env.close()

    rebuilt = rebuild(tmp_path / "set", factory, tmp_path / "again")
    assert rebuilt.differing == ()


def test_one_index_gives_a_batch_of_one_town(tmp_path: Path) -> None:
    states = collect(partial(DrivingSimulation, "empty_road"), agent(), SMALL, tmp_path / "set")
    town = town_state(states, 1)
    assert len(town) == 1
    assert town.town["seed"].tolist() == [600_001]
    assert town.people.shape == (1, 0)


def test_a_shipped_agents_relus_are_modules_and_it_looks_at_cells_of_two_by_two() -> None:
    assert check_relus(agent()) == 4
    gradient = guided_gradient(agent(), to_states(seen(), agent().layout)[:1])
    assert bool(gradient.any())
    assert torch.equal(gradient[..., ::2, ::2], gradient[..., 1::2, 1::2])
