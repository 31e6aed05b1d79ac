"""The action values' two entries agree, duels are fought by the formula, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from drivesim.rl.networks import ActorCritic, ActorCriticConfig, InputLayout, one_hot_states
from drivesim.rl.q_network import QNetwork, QNetworkConfig, duel
from tests.rl.random_frames import GRAY, TINY

MIXED = InputLayout(("gray", "semantic"), 2, 6, 6, 5)


@pytest.mark.parametrize("is_duelling", [True, False])
@pytest.mark.parametrize(("layout", "pool"), [(GRAY, 1), (GRAY, 2), (MIXED, 1)])
def test_both_entries_agree_to_float_precision(layout: InputLayout, pool: int, is_duelling: bool) -> None:
    network = QNetwork(layout, replace(TINY, pool=pool, is_duelling=is_duelling))
    observations = np.random.default_rng(0).integers(0, 5, (7, *layout.observation_shape), dtype=np.uint8)
    prepared = network.head(network.prepare(observations))
    probed = network(one_hot_states(torch.from_numpy(observations), layout))
    assert prepared.shape == (7, 3)
    assert prepared.dtype == torch.float32
    torch.testing.assert_close(prepared, probed, rtol=1e-5, atol=1e-6)


def test_a_duel_adds_the_value_to_advantages_of_mean_zero() -> None:
    values = duel(torch.tensor([[10.0], [-1.0]]), torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]]))
    assert values.tolist() == [[8.0, 9.0, 13.0], [-1.0, -1.0, -1.0]]


def test_each_stream_of_a_duelling_head_reads_its_half_of_the_hidden_units() -> None:
    network = QNetwork(GRAY, TINY)
    with torch.no_grad():
        for layer, weight in ((network.value, 1.0), (network.advantage, 0.0)):
            layer.weight.fill_(weight)
            layer.bias.zero_()
    features = torch.rand(5, *network.pixels.shape)
    hidden = network.trunk(features)
    expected = hidden[:, :8].sum(dim=1, keepdim=True).expand(5, 3)
    torch.testing.assert_close(network.head(features), expected)


def test_mnihs_network_has_mnihs_size_with_either_head() -> None:
    layout = InputLayout(("gray",), 4, 84, 84)
    plain, duelling = (QNetwork(layout, QNetworkConfig(6, is_duelling=d)) for d in (False, True))
    counts = [sum(parameter.numel() for parameter in one.parameters()) for one in (plain, duelling)]
    convolutions = 4 * 64 * 32 + 32 + 32 * 16 * 64 + 64 + 64 * 9 * 64 + 64
    assert counts[0] == convolutions + 3136 * 512 + 512 + 512 * 6 + 6
    assert counts[1] == convolutions + 3136 * 512 + 512 + 256 * 6 + 6 + 256 + 1


def test_a_gradient_reaches_every_pixel_that_the_convolutions_see_through_modules_of_relu() -> None:
    network = QNetwork(GRAY, TINY)
    states = torch.rand(2, *GRAY.state_shape, requires_grad=True)
    network(states).square().sum().backward()
    assert states.grad is not None
    seen = states.grad.abs().amax(dim=(0, 1, 2)) > 0
    assert seen.sum() == 25  # of windows of 3x3 pixels at steps of 2, two fit into 6 pixels
    assert seen[:5, :5].all()
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 2


def test_the_same_seed_gives_the_same_weights_and_leaves_chance_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, again, other = (QNetwork(GRAY, TINY, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["trunk.0.weight"], other["trunk.0.weight"])


def test_the_way_in_is_the_actor_critics() -> None:
    observations = np.random.default_rng(0).integers(0, 5, (3, *MIXED.observation_shape), dtype=np.uint8)
    theirs = ActorCritic(MIXED, ActorCriticConfig(actions=3, pool=2, convolutions=TINY.convolutions))
    ours = QNetwork(MIXED, replace(TINY, pool=2))
    assert torch.equal(ours.prepare(observations), theirs.prepare(observations))


def test_shapes_that_make_no_network_are_refused() -> None:
    with pytest.raises(ValueError, match="hidden=15 must be even"):
        replace(TINY, hidden=15)
    with pytest.raises(ValueError, match="got 0, 16 and 1"):
        replace(TINY, actions=0)
    with pytest.raises(ValueError, match="cannot be pooled"):
        QNetwork(InputLayout(("gray",), 4, 7, 6), replace(TINY, pool=2))
    with pytest.raises(ValueError, match="leave nothing"):
        QNetwork(GRAY, QNetworkConfig(3))
