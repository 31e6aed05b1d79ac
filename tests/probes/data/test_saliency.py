from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from probes.agent import AgentOutput, ProbeError
from probes.data.saliency import check_relus, guided_gradient, normalised, plane_saliency, spread, weights
from probes.states import Plane, StateLayout
from tests.probes.counters import LAYOUT, Critic

PAIR = StateLayout((Plane("gray", "level"),), 1, 1, 2)


class TwoUnits(Critic):
    """Units h = relu((x1, x2)) of a picture of two pixels under the scores (h1 - h2, 0)."""

    def __init__(self, critic: bool = False) -> None:
        super().__init__(PAIR, critic=critic)
        self.hidden = nn.Sequential(nn.Flatten(), nn.ReLU())
        self.scores, self.value = nn.Linear(2, 2), nn.Linear(2, 1)
        with torch.no_grad():
            self.scores.weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 0.0]]))
            self.scores.bias.zero_()
            self.value.weight.copy_(torch.tensor([[0.0, 4.0]]))
        self.requires_grad_(False)


def pair(first: float, second: float) -> Tensor:
    return torch.tensor([first, second]).reshape(1, 1, 1, 1, 2)


def test_a_gradient_that_is_negative_at_a_relu_is_cut_off_there() -> None:
    agent, states = TwoUnits(), pair(0.75, 0.25).requires_grad_(True)
    (plain,) = torch.autograd.grad(agent(states).scores.max(), states)
    assert plain.flatten().tolist() == [1.0, -1.0]
    assert guided_gradient(agent, states).flatten().tolist() == [1.0, 0.0]


def test_of_an_actor_critic_the_best_actions_log_probability_is_differentiated() -> None:
    # d log pi(1) / d q1 = 1 - pi(1), with q = (0.5, 0).
    found = guided_gradient(TwoUnits(critic=True), pair(0.75, 0.25)).flatten().tolist()
    assert found == [pytest.approx(1 - 1 / (1 + math.exp(-0.5))), 0.0]


def test_the_value_can_be_differentiated_with_it() -> None:
    found = guided_gradient(TwoUnits(critic=True), pair(0.75, 0.25), with_value=True).flatten().tolist()
    slope = 1 - 1 / (1 + math.exp(-0.5))
    assert found == [pytest.approx(slope), pytest.approx(4 - slope)]


def test_neither_states_nor_agent_are_left_changed() -> None:
    agent, states = Critic(), torch.rand(2, *LAYOUT.shape)
    before = states.clone()
    weights(agent, states)
    assert torch.equal(states, before)
    assert not states.requires_grad
    assert not any(module._backward_hooks or module._forward_pre_hooks for module in agent.modules())


def test_a_states_gradient_is_its_own_in_a_batch() -> None:
    states = torch.rand(3, *LAYOUT.shape)
    agent = Critic()
    one = guided_gradient(agent, states[1:2])
    torch.testing.assert_close(guided_gradient(agent, states)[1:2], one, atol=1e-6, rtol=1e-5)
    assert bool(one.any())


def test_every_relu_that_a_pass_goes_through_is_counted() -> None:
    assert check_relus(Critic()) == 2
    agent = Critic()
    relu = nn.ReLU()
    agent.hidden = nn.Sequential(nn.Flatten(), nn.Linear(160, 8), relu, nn.Linear(8, 8), relu)
    assert check_relus(agent) == 2


class Functional(Critic):
    """Calls one ReLU as a function."""

    how = "relu"

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        rectified = {"relu": nn.functional.relu, "torch": torch.relu, "method": Tensor.relu}[self.how](states)
        return super().features(rectified)


@pytest.mark.parametrize("how", ["relu", "torch", "method"])
def test_a_relu_that_is_a_function_is_an_error(how: str) -> None:
    agent = Functional()
    agent.how = how
    with pytest.raises(ProbeError, match=r"calls ReLU 3 times but only 2 of them as nn\.ReLU"):
        check_relus(agent)


def test_an_agent_without_relus_is_an_error() -> None:
    agent = Critic()
    agent.hidden = nn.Sequential(nn.Flatten(), nn.Linear(160, 8), nn.Tanh())
    with pytest.raises(ProbeError, match=r"no nn\.ReLU module"):
        check_relus(agent)


def test_a_relu_that_no_pass_goes_through_does_not_count() -> None:
    agent = Critic()
    agent.hidden = nn.Sequential(nn.Flatten(), nn.Linear(160, 8), nn.Tanh())
    agent.add_module("unused", nn.ReLU())
    with pytest.raises(ProbeError, match=r"no nn\.ReLU module"):
        check_relus(agent)


def test_a_planes_saliency_is_the_sum_of_absolute_gradients_of_its_channels() -> None:
    layout = StateLayout(
        (Plane("semantic", "class", 2), Plane("gray", "level"), Plane("colour", "level", 3)), 1, 1, 1
    )
    gradient = torch.tensor([1.0, -2.0, -4.0, 0.5, -0.25, 0.25]).reshape(1, 1, 6, 1, 1)
    assert plane_saliency(gradient, layout).flatten().tolist() == [3.0, 4.0, 1.0]


def test_a_pixels_saliency_spreads_to_five_by_five_pixels() -> None:
    layout = StateLayout((Plane("gray", "level"),), 1, 9, 9)
    saliency = torch.zeros(1, 1, 1, 9, 9)
    saliency[..., 4, 4] = 5.0
    found = normalised(saliency, layout)[0, 0, 0]
    expected = torch.zeros(9, 9)
    expected[2:7, 2:7] = 1 / 25
    torch.testing.assert_close(found, expected)


def test_at_the_border_the_average_is_over_the_pixels_that_exist() -> None:
    layout = StateLayout((Plane("gray", "level"),), 1, 9, 9)
    saliency = torch.rand(1, 1, 1, 9, 9)
    blurred = nn.functional.avg_pool2d(saliency[0], 5, 1, 2, count_include_pad=False)
    torch.testing.assert_close(normalised(saliency, layout)[0], blurred / blurred.sum())


def test_the_weights_of_all_entries_sum_to_one_however_many_channels_a_plane_has() -> None:
    layout = StateLayout((Plane("semantic", "class", 3), Plane("gray", "level")), 1, 1, 1)
    planes = normalised(torch.tensor([2.0, 4.0]).reshape(1, 1, 2, 1, 1), layout)
    # 3 * 2 + 1 * 4 = 10
    assert planes.flatten().tolist() == [pytest.approx(0.2), pytest.approx(0.4)]
    full = spread(planes, layout).flatten().tolist()
    assert full == [pytest.approx(w) for w in (0.2, 0.2, 0.2, 0.4)]
    assert sum(full) == pytest.approx(1.0)


def test_a_state_in_which_nothing_is_salient_is_weighted_evenly() -> None:
    saliency = torch.zeros(2, *LAYOUT.shape[:1], 2, 4, 4)
    saliency[1] = 3.0
    found = normalised(saliency, LAYOUT)
    assert torch.equal(found[0], torch.full_like(found[0], 1 / (2 * 5 * 4 * 4)))
    torch.testing.assert_close(found[1], found[0])


def test_the_weights_of_an_agents_states_sum_to_one_and_are_equal_over_a_planes_channels() -> None:
    found = weights(Critic(), torch.rand(3, *LAYOUT.shape))
    assert found.shape == (3, *LAYOUT.shape)
    torch.testing.assert_close(found.sum((1, 2, 3, 4)), torch.ones(3))
    assert torch.equal(found[:, :, 0], found[:, :, 3])
    assert not torch.equal(found[:, :, 0], found[:, :, 4])
    assert bool((found >= 0).all())


def test_the_gradient_of_an_agent_that_pools_is_equal_within_a_cell() -> None:
    gradient = guided_gradient(Critic(pool=2), torch.rand(2, *LAYOUT.shape))
    assert bool(gradient.any())
    corners = [gradient[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]
    assert all(torch.equal(corner, corners[0]) for corner in corners)
