from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from drivesim.rl.networks import NATURE_CONVOLUTIONS, ActorCritic, ActorCriticConfig, InputLayout
from probes.agent import Agent, ProbeError
from probes.data.saliency import check_relus, guided_gradient
from probes.domains.atari_agents import AtariAgent, PlaneAxis, network_digest, random_agent, trained_agent
from probes.domains.atari_frames import LAYOUT, gray_levels
from probes.domains.imported_agents import NatureNetwork
from probes.states import to_states

ACTIONS = ("noop", "fire", "right", "left")


def nature(has_critic: bool, seed: int = 0, actions: int = 4) -> NatureNetwork:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return NatureNetwork(actions, has_critic)


def critic() -> AtariAgent:
    return AtariAgent(nature(True), ACTIONS, "a2c", "breakout")


def some_stored(gray: bool = False) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    shape = (3, 4, 1 if gray else 3, 84, 84)
    levels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    return np.broadcast_to(levels, (3, 4, 3, 84, 84)).copy()


class Constant(nn.Module):
    """Says the same of every stack."""

    def __init__(self, *said: Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, _: Tensor) -> object:
        return self.said if len(self.said) > 1 else self.said[0]


def test_an_agent_says_what_it_sees_and_does() -> None:
    agent = critic()
    assert isinstance(agent, Agent)
    assert (agent.layout, agent.actions) == (LAYOUT, ACTIONS)
    assert (agent.name, agent.game, agent.has_critic) == ("a2c", "breakout", True)
    assert (agent.domain, agent.world, agent.sticky) == ("atari", "breakout", 0.0)
    assert not agent.training
    assert not any(weight.requires_grad for weight in agent.parameters())


def test_a_q_networks_value_is_its_highest_score() -> None:
    agent = AtariAgent(nature(False), ACTIONS, "dqn", "breakout")
    output = agent.judge(some_stored())
    assert not agent.has_critic
    assert output.scores.shape == (3, 4)
    assert torch.equal(output.value, output.scores.max(1).values)


def test_bytes_are_judged_by_the_rounded_gray_that_the_learner_saw() -> None:
    agent, stored = critic(), some_stored()
    scores, value = agent.network(torch.from_numpy(gray_levels(stored)).float() / 255)
    output = agent.judge(stored)
    assert torch.equal(output.scores, scores)
    assert torch.equal(output.value, value.squeeze(1))
    assert float(output.value.std()) > 0


def test_bytes_and_floats_of_gray_pictures_are_judged_alike() -> None:
    agent, stored = critic(), some_stored(gray=True)
    slow = agent(to_states(torch.from_numpy(stored), LAYOUT))
    for fast, other in zip(agent.judge(stored), slow, strict=True):
        torch.testing.assert_close(fast, other, atol=1e-5, rtol=1e-4)


def test_the_features_are_what_policy_and_value_are_computed_from() -> None:
    agent = critic()
    states = to_states(torch.from_numpy(some_stored()), LAYOUT).requires_grad_(True)
    output, features = agent.features(states)
    assert features.shape == (3, 512)
    assert bool((features >= 0).all())
    network = agent.network
    assert isinstance(network, NatureNetwork)
    assert network.value is not None
    torch.testing.assert_close(network.scores(features), output.scores)
    torch.testing.assert_close(network.value(features).squeeze(1), output.value)
    (gradient,) = torch.autograd.grad(features.sum(), states)
    assert bool(gradient.any())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_network_without_a_linear_layer_has_no_features() -> None:
    agent = AtariAgent(Constant(torch.zeros(2, 4)), ACTIONS, "x", "breakout")
    with pytest.raises(ProbeError, match=r"calls no nn\.Linear"):
        agent.features(torch.zeros(2, 4, 3, 84, 84))


def test_relus_are_modules_so_that_saliency_finds_them() -> None:
    agent = critic()
    assert check_relus(agent) == 4
    gradient = guided_gradient(agent, to_states(torch.from_numpy(some_stored()), LAYOUT))
    assert gradient.shape == (3, 4, 3, 84, 84)
    torch.testing.assert_close(gradient[:, :, 0] * 587, gradient[:, :, 1] * 299)


def test_a_network_of_drivesim_plays_once_it_has_an_axis_of_planes() -> None:
    layout = InputLayout(("gray",), 4, 84, 84)
    config = ActorCriticConfig(4, pool=1, convolutions=NATURE_CONVOLUTIONS, hidden=16)
    network = ActorCritic(layout, config)
    agent = AtariAgent(PlaneAxis(network), ACTIONS, "own", "breakout")
    stored = some_stored()
    expected = network.head(network.prepare(gray_levels(stored)))
    torch.testing.assert_close(agent.judge(stored).scores, expected.policy, atol=1e-5, rtol=1e-4)
    assert agent.features(torch.zeros(1, 4, 3, 84, 84))[1].shape == (1, 16)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ((torch.zeros(2, 3),), r"found outputs \[\(2, 3\)\]"),
        ((torch.zeros(2, 4), torch.zeros(2, 4)), r"\(2, 4\), \(2, 4\)"),
        ((torch.zeros(2, 4), torch.zeros(2), torch.zeros(2)), "found outputs"),
        ((torch.zeros(2, 4, dtype=torch.int64),), "not finite numbers"),
        ((torch.full((2, 4), torch.nan),), "not finite numbers"),
    ],
    ids=["three scores", "values like scores", "three outputs", "whole numbers", "NaN"],
)
def test_outputs_that_make_no_sense_are_refused(said: tuple[Tensor, ...], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        AtariAgent(Constant(*said), ACTIONS, "x", "breakout")


def test_a_network_of_other_pictures_is_refused() -> None:
    with pytest.raises(ProbeError, match=r"its network fails on gray stacks \(2, 4, 84, 84\)"):
        AtariAgent(nn.Conv2d(3, 1, 1), ACTIONS, "x", "breakout")


def test_the_digest_changes_with_a_weight() -> None:
    network = nature(True)
    before = network_digest(network)
    assert before == network_digest(nature(True))
    with torch.no_grad():
        network.scores.bias[0] += 1
    assert network_digest(network) != before


def test_a_random_agent_is_of_the_same_network_but_has_learned_nothing() -> None:
    agent = critic()
    state = torch.random.get_rng_state()
    first, again, other = (random_agent(agent, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.name == "a2c-random-1"
    assert first.digest == again.digest
    assert len({first.digest, other.digest, agent.digest}) == 3
    assert agent.digest == critic().digest


TRAINED = {"game": "breakout", "actions": list(ACTIONS), "sticky": 0.25}


def test_a_trained_network_becomes_an_agent_of_its_game() -> None:
    network = ActorCritic(InputLayout(("gray",), 4, 84, 84), ActorCriticConfig(4, hidden=8))
    agent = trained_agent(network.eval(), TRAINED, "mine", Path("where"))
    assert (agent.name, agent.game, agent.actions) == ("mine", "breakout", ACTIONS)
    assert (agent.has_critic, agent.sticky) == (True, 0.25)
    assert random_agent(agent, 1).sticky == 0.25


@pytest.mark.parametrize("change", [{"game": None}, {"actions": "noop"}, {"sticky": "often"}])
def test_metadata_that_says_too_little_is_told(change: dict[str, object]) -> None:
    with pytest.raises(ProbeError, match=r"where/agent\.json: names no game, no actions"):
        trained_agent(nature(True), TRAINED | change, "mine", Path("where"))
