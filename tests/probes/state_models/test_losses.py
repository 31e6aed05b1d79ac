from __future__ import annotations

import pytest
import torch

from probes.agent import AgentOutput
from probes.state_models.losses import (
    agent_loss,
    agent_vector,
    decision_vector,
    pixel_loss,
    uniform_weights,
    with_floor,
)
from probes.states import Plane, StateLayout

CLASSES = StateLayout((Plane("semantic", "class", 2),), stack=1, height=1, width=2)
MIXED = StateLayout((Plane("semantic", "class", 2), Plane("colour", "level", 3)), 1, 1, 1)


def test_squares_are_summed_over_a_pixels_channels_and_weighed_by_the_pixel() -> None:
    states = torch.tensor([1.0, 0.0, 0.0, 1.0]).reshape(1, 1, 2, 1, 2)  # left class 0, right class 1
    decoded = torch.tensor([0.5, 0.2, 0.5, 0.8]).reshape(1, 1, 2, 1, 2)
    weights = torch.tensor([0.4, 0.1]).reshape(1, 1, 1, 1, 2)
    # left: 0.25 + 0.25, right: 0.04 + 0.04
    assert pixel_loss(decoded, states, weights, CLASSES).tolist() == pytest.approx([0.4 * 0.5 + 0.1 * 0.08])


def test_each_plane_has_weights_of_its_own() -> None:
    states = torch.tensor([1.0, 0.0, 0.1, 0.2, 0.3]).reshape(1, 1, 5, 1, 1)
    decoded = torch.tensor([0.9, 0.1, 0.1, 0.4, 0.0]).reshape(1, 1, 5, 1, 1)
    weights = torch.tensor([10.0, 100.0]).reshape(1, 1, 2, 1, 1)
    # classes: 0.01 + 0.01; colours: 0 + 0.04 + 0.09
    assert pixel_loss(decoded, states, weights, MIXED).tolist() == pytest.approx([0.2 + 13.0])


def test_the_pixel_loss_keeps_states_apart_and_sums_over_frames() -> None:
    layout = StateLayout((Plane("gray", "level"),), stack=2, height=1, width=1)
    states, decoded = torch.zeros(2, 2, 1, 1, 1), torch.zeros(2, 2, 1, 1, 1)
    decoded[1] = torch.tensor([0.5, 1.0]).reshape(2, 1, 1, 1)
    weights = torch.tensor([0.25, 0.75]).reshape(1, 2, 1, 1, 1)
    assert pixel_loss(decoded, states, weights, layout).tolist() == pytest.approx([0.0, 0.8125])


@pytest.mark.parametrize("layout", [CLASSES, MIXED])
def test_uniform_weights_make_the_mean_square(layout: StateLayout) -> None:
    states, decoded = torch.rand(2, 3, *layout.shape).unbind()
    even = pixel_loss(decoded, states, uniform_weights(layout), layout)
    assert even.tolist() == pytest.approx((decoded - states).square().flatten(1).mean(1).tolist())


def test_a_floor_spreads_its_share_of_the_weights_evenly() -> None:
    weights = torch.tensor([0.5, 0.0]).reshape(1, 1, 1, 1, 2)  # two channels each: they sum to 1
    assert with_floor(weights, 0.0, CLASSES) is weights
    assert with_floor(weights, 0.2, CLASSES).flatten().tolist() == pytest.approx([0.45, 0.05])
    assert 2 * float(with_floor(weights, 0.2, CLASSES).sum()) == pytest.approx(1.0)


def test_the_agents_loss_sums_squares_in_units_of_each_outputs_spread() -> None:
    seen = AgentOutput(torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([3.0, 0.0]))
    made = AgentOutput(torch.tensor([[0.0, 4.0], [0.0, 0.0]]), torch.tensor([9.0, 0.0]))
    with_value = agent_loss(seen, made, torch.tensor([1.0, 4.0, 2.0]))
    assert with_value.tolist() == pytest.approx([1.0 + 0.25 + 9.0, 0.0])
    assert agent_loss(seen, made, torch.tensor([1.0, 4.0])).tolist() == pytest.approx([1.25, 0.0])


def test_the_agents_loss_pulls_what_is_decoded_towards_what_was_seen() -> None:
    seen = AgentOutput(torch.tensor([[1.0, 2.0]]), torch.tensor([0.0]))
    scores = torch.tensor([[3.0, 2.0]], requires_grad=True)
    loss = agent_loss(seen, AgentOutput(scores, torch.tensor([0.0])), torch.tensor([2.0, 1.0]))
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    assert scores.grad.tolist() == [[1.0, 0.0]]  # 2 (3 - 1) / 2^2


def test_the_value_stands_behind_the_scores_where_it_is_asked_for() -> None:
    output = AgentOutput(torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16), torch.tensor([3.0]))
    assert agent_vector(output, 2).tolist() == [[1.0, 2.0]]
    assert agent_vector(output, 3).tolist() == [[1.0, 2.0, 3.0]]
    assert agent_vector(output, 2).dtype == torch.float32


def test_what_all_scores_share_decides_nothing() -> None:
    output = AgentOutput(torch.tensor([[1.0, 2.0, 6.0]]), torch.tensor([9.0]))
    shared = AgentOutput(output.scores + 100, output.value)
    assert decision_vector(output).tolist() == [[-2.0, -1.0, 3.0, 9.0]]
    assert decision_vector(shared).tolist() == [[-2.0, -1.0, 3.0, 9.0]]
