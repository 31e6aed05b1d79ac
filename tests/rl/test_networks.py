"""The network's two entries agree, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from drivesim.rl.networks import (
    NATURE_CONVOLUTIONS,
    ActorCritic,
    ActorCriticConfig,
    Convolution,
    InputLayout,
    one_hot_states,
    spread_palette,
)

TINY = (Convolution(8, 4, 2), Convolution(8, 3, 2))
LAYOUTS = {
    "classes": InputLayout(("semantic",), 4, 32, 24, 13),
    "all": InputLayout(("depth", "semantic", "gray"), 3, 32, 24, 13),
    "colour": InputLayout(("red", "green", "blue"), 2, 32, 24),
    "gray": InputLayout(("gray",), 4, 32, 24),
}


def draw(layout: InputLayout, batch: int = 5) -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    planes = [
        random.integers(
            0, layout.num_classes or 256, (batch, layout.stack, layout.height, layout.width), dtype=np.uint8
        )
        for _ in layout.planes
    ]
    return np.stack(planes, axis=2)


@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("name", LAYOUTS)
def test_both_entries_agree_to_float_precision(name: str, pool: int) -> None:
    layout = LAYOUTS[name]
    network = ActorCritic(layout, ActorCriticConfig(actions=5, pool=pool, convolutions=TINY, hidden=32))
    observations = draw(layout)
    states = one_hot_states(torch.from_numpy(observations), layout)
    assert states.shape[1:] == layout.state_shape
    prepared, probed = network.head(network.prepare(observations)), network(states)
    torch.testing.assert_close(prepared.policy, probed.policy, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(prepared.value, probed.value, rtol=1e-5, atol=1e-6)


def test_soft_classes_mix_the_features_of_the_hard_ones() -> None:
    layout = InputLayout(("semantic",), 1, 2, 2, 2)
    network = ActorCritic(
        layout, ActorCriticConfig(actions=2, palette=((0, 0, 0, 0), (255, 0, 255, 51)), convolutions=())
    )
    torch.testing.assert_close(network.lift @ torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.0, 0.5, 0.1]))


def test_gradient_reaches_every_class_channel_of_the_input() -> None:
    layout = LAYOUTS["all"]
    network = ActorCritic(layout, ActorCriticConfig(actions=5, convolutions=TINY, hidden=32))
    states = one_hot_states(torch.from_numpy(draw(layout)), layout).requires_grad_()
    network(states).value.sum().backward()
    assert states.grad is not None
    per_channel = states.grad.abs().sum(dim=(0, 1, 3, 4))
    assert (per_channel[[0, 2, 14]] > 0).all()


def test_atari_stack_without_a_plane_axis_fits() -> None:
    layout = InputLayout(("gray",), 4, 84, 84)
    config = ActorCriticConfig(actions=6, pool=1, convolutions=NATURE_CONVOLUTIONS, hidden=512)
    network = ActorCritic(layout, config)
    output = network.head(network.prepare(np.zeros((2, 4, 84, 84), dtype=np.uint8)))
    assert output.policy.shape == (2, 6)
    assert output.value.shape == (2,)
    assert network.trunk[-2].in_features == 64 * 7 * 7


def test_every_nonlinearity_is_a_relu_module() -> None:
    network = ActorCritic(LAYOUTS["classes"], ActorCriticConfig(actions=5, convolutions=TINY))
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == len(TINY) + 1


def test_seed_decides_the_weights_and_leaves_the_global_stream_alone() -> None:
    before = torch.random.get_rng_state()
    config = ActorCriticConfig(actions=5, convolutions=TINY)
    one, same, other = (ActorCritic(LAYOUTS["gray"], config, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.policy.weight, same.policy.weight)
    assert not torch.equal(one.policy.weight, other.policy.weight)


def test_spread_colours_differ_pairwise() -> None:
    palette = np.array(spread_palette(13))
    distances = np.abs(palette[:, None] - palette[None]).max(axis=2)[~np.eye(13, dtype=bool)]
    assert palette[1].tolist() == [128, 85, 51, 36]
    assert distances.min() >= 30


@pytest.mark.parametrize(
    ("layout", "config"),
    [
        (LAYOUTS["classes"], ActorCriticConfig(actions=2, palette=((0, 0, 0, 0),))),
        (InputLayout(("gray",), 1, 33, 32), ActorCriticConfig(actions=2)),
        (InputLayout(("gray",), 1, 4, 4), ActorCriticConfig(actions=2)),
    ],
    ids=["palette too short", "odd height", "image too small"],
)
def test_a_network_that_cannot_be_built_is_refused(layout: InputLayout, config: ActorCriticConfig) -> None:
    with pytest.raises(ValueError):
        ActorCritic(layout, config)


def test_layouts_and_configurations_are_checked() -> None:
    with pytest.raises(ValueError, match="num_classes"):
        InputLayout(("semantic",), 4, 8, 8)
    with pytest.raises(ValueError, match="num_classes"):
        InputLayout(("gray",), 4, 8, 8, 13)
    with pytest.raises(ValueError, match="at least one"):
        InputLayout((), 4, 8, 8)
    with pytest.raises(ValueError, match="pool"):
        ActorCriticConfig(actions=2, pool=3)
    with pytest.raises(ValueError, match="four integers"):
        ActorCriticConfig(actions=2, palette=((0, 0, 256, 0),))
