from __future__ import annotations

import math

import pytest
import torch

from probes.agent import Agent, AgentOutput, ProbeError, action_index, freeze
from tests.probes.counters import LAYOUT, Critic


def test_the_policy_is_the_softmax_of_the_logits() -> None:
    output = AgentOutput(torch.tensor([[0.0, math.log(3.0)]]), torch.zeros(1))
    assert output.log_policy.exp().tolist() == [[pytest.approx(0.25), pytest.approx(0.75)]]


def test_an_action_is_found_by_its_name() -> None:
    assert action_index(("coast", "brake"), "brake") == 1


def test_an_unknown_action_is_answered_by_the_nearest_and_all_that_are_allowed() -> None:
    with pytest.raises(
        ProbeError, match=r"no action 'brakes': allowed are coast, brake; did you mean 'brake'\?"
    ):
        action_index(("coast", "brake"), "brakes")
    with pytest.raises(ProbeError, match=r"allowed are coast, brake$"):
        action_index(("coast", "brake"), "xyz")


def test_a_frozen_agent_passes_gradients_to_its_input_alone() -> None:
    agent = Critic()
    agent.train().requires_grad_(True)
    freeze(agent)
    states = torch.rand(2, *LAYOUT.shape, requires_grad=True)
    agent(states).scores.sum().backward()
    assert not agent.training
    assert all(weights.grad is None for weights in agent.parameters())
    assert states.grad is not None
    assert bool(states.grad.any())


def test_a_module_with_the_protocols_members_is_an_agent_and_a_plain_module_is_none() -> None:
    assert isinstance(Critic(), Agent)
    assert not isinstance(torch.nn.ReLU(), Agent)
