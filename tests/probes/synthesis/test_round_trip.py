from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from probes.agent import AgentOutput, ProbeError
from probes.state_models.state_model import Posterior
from probes.states import Plane, StateLayout
from probes.synthesis.round_trip import (
    Pace,
    Probed,
    check_layouts,
    freeze_both,
    measure,
    output_scale,
    radius_weights,
    squared_radius,
    stored_batches,
)
from probes.synthesis.targets import Target
from tests.probes.linear_models import LinearAgent, LinearModel, Pictures

PIXEL = StateLayout((Plane("semantic", "class", 2),), stack=1, height=1, width=2)


class Forgetful:
    """Encodes to mu = (3, 4), sigma = (1/2, 1), and decodes everything to class 0."""

    layout = PIXEL
    latent_size = 2

    def encode(self, states: Tensor) -> Posterior:
        rows = torch.ones(len(states), 1)
        return Posterior(rows * torch.tensor([3.0, 4.0]), rows * torch.tensor([math.log(0.5), 0.0]))

    def decode(self, z: Tensor) -> Tensor:
        states = torch.zeros(len(z), *PIXEL.shape)
        states[:, :, 0] = 1.0
        return states


class Counter(LinearAgent):
    """Its scores are the pixels of class 0 and of class 1, its value twice the latter."""

    layout = PIXEL

    def forward(self, states: Tensor) -> AgentOutput:
        counts = states.sum((1, 3, 4))  # (B, 2)
        return AgentOutput(counts, 2 * counts[:, 1])


VALUE = Target("V+", "V+", "", 4.0, 1.0, lambda output, _: output.value)


def forgetful() -> Probed:
    return Probed(Forgetful(), Counter(), VALUE, np.array([1.0, 2.0, 4.0], np.float32))


def test_a_round_trip_is_measured_by_hand() -> None:
    stored = torch.tensor([[0, 0], [0, 1]], dtype=torch.uint8).view(2, *PIXEL.stored_shape)
    measured, sigma = measure(forgetful(), iter([stored[:1], stored[1:]]))
    kl = 0.5 * (9 + 0.25 - 1 - 2 * math.log(0.5) + 16 + 1 - 1 - 0)
    assert measured.kl.tolist() == pytest.approx([kl, kl])
    assert sigma.tolist() == pytest.approx([0.5, 1.0])
    assert measured.radius.tolist() == pytest.approx([0.75 * 9.25] * 2)  # weights 3/4 and 0
    assert measured.objective.tolist() == [0.0, 0.5]
    assert measured.agreement.tolist() == [1.0, 0.5]
    # scores (1, 1), value 2 become (2, 0) and 0: in deviations 1, -1/2 and -1/2
    assert measured.output_change.tolist() == pytest.approx([0.0, math.sqrt((1 + 0.25 + 0.25) / 3)])


def test_findings_are_measured_by_the_real_states_sigma() -> None:
    stored = torch.zeros(1, *PIXEL.stored_shape, dtype=torch.uint8)
    measured, sigma = measure(forgetful(), iter([stored]), np.array([1.0, 0.6], np.float32))
    assert sigma.tolist() == pytest.approx([1.0, 0.6])
    assert measured.radius.tolist() == pytest.approx([0.64 * 17.0])


def test_the_squared_radius_is_that_of_draws() -> None:
    mu, sigma, weights = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.5, 2.0]]), torch.tensor([1.0, 0.5])
    z = mu + sigma * torch.randn(20000, 2, generator=torch.Generator().manual_seed(0))
    radius = squared_radius(mu, sigma.log(), weights).item()
    assert radius == pytest.approx(4.25 + 0.5 * 5.0)
    assert (weights * z**2).sum(1).mean().item() == pytest.approx(radius, rel=0.02)


def test_a_sigma_above_one_weighs_nothing() -> None:
    assert radius_weights(np.array([0.0, 0.6, 1.2], np.float32)).tolist() == pytest.approx([1.0, 0.64, 0.0])


def test_real_states_have_the_priors_radius_however_sharp_their_posterior() -> None:
    model, agent = LinearModel(), LinearAgent()
    pictures = Pictures(model, agent)
    batches = stored_batches(pictures.stored, np.arange(300), Pace())
    measured, sigma = measure(Probed(model, agent, VALUE, np.ones(3, np.float32)), batches)
    assert measured.radius.mean() == pytest.approx(float(radius_weights(sigma).sum()), rel=0.1)


def test_a_constant_output_is_not_divided_by_nothing() -> None:
    scale = output_scale(np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([0.0, 6.0]))
    assert scale.tolist() == [1.0, 1.0, 3.0]


def test_batches_cover_the_indices_in_order_and_tell_how_far_they_are() -> None:
    told: list[tuple[int, int]] = []
    pace = Pace(batch=2, on_batch=lambda done, total: told.append((done, total)))
    read = [
        batch[:, 0].tolist()
        for batch in stored_batches(
            lambda chosen: chosen.astype(np.uint8)[:, None], np.array([5, 3, 1]), pace
        )
    ]
    assert read == [[5, 3], [1]]
    assert told == [(2, 3), (3, 3)]


def test_a_measure_that_is_not_finite_names_its_state() -> None:
    target = Target("V+", "V+", "", 0.0, 1.0, lambda output, _: output.value)
    stored = torch.tensor([[1, 1], [0, 1]], dtype=torch.uint8).view(2, *PIXEL.stored_shape)
    with pytest.raises(ProbeError, match="objective of state 0 is not finite"):
        measure(forgetful()._replace(target=target), iter([stored]))


def test_models_of_different_states_are_refused() -> None:
    with pytest.raises(ProbeError, match="fit a state model on states of this agent"):
        check_layouts(Forgetful(), LinearAgent())
    check_layouts(Forgetful(), Counter())


def test_frozen_models_take_no_gradient_and_do_not_train() -> None:
    model, agent = LinearModel().train(), LinearAgent().train()
    freeze_both(model, agent)
    assert not model.training
    assert not agent.training
    assert not any(weight.requires_grad for weight in agent.parameters())
