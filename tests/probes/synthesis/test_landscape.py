from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from probes.agent import AgentOutput
from probes.state_models.state_model import Posterior
from probes.synthesis.chains import Chains, chain_seeds, start_chains
from probes.synthesis.landscape import Landscape, slices
from probes.synthesis.targets import Target
from tests.probes.linear_models import LAYOUT, LinearAgent, LinearModel

LATENT = 2
ALPHA, GAMMA = torch.full((2,), 0.1), torch.full((2,), 0.4)


class Transparent(nn.Module):
    """Decodes a latent vector to itself; what it makes has no picture."""

    layout = LAYOUT
    latent_size = LATENT

    def encode(self, states: Tensor) -> Posterior:
        return Posterior(states, torch.zeros_like(states))

    def decode(self, z: Tensor) -> Tensor:
        return z


class Silent(LinearAgent):
    """Says 0 of everything."""

    def forward(self, states: Tensor) -> AgentOutput:
        return AgentOutput(torch.zeros(len(states), 2), torch.zeros(len(states)))


THREEFOLD = Target("first", "first", "", 1.0, 1.0, lambda _, states: 3.0 * states[:, 0])


def landscape(batch: int = 8, ceiling: float | None = None) -> Landscape:
    weights = torch.tensor([1.0, 0.5])
    return Landscape(Transparent(), Silent(), THREEFOLD, weights, None, batch, False, False, ceiling)


def chains() -> Chains:
    return start_chains(chain_seeds(2, 0), torch.tensor([0.5, 0.5]), torch.device("cpu"), from_prior=True)


def gradients(of: Chains) -> tuple[Tensor, Tensor]:
    assert of.mu.grad is not None
    assert of.log_sigma.grad is not None
    return of.mu.grad, of.log_sigma.grad


def test_the_gradient_is_that_of_minus_j_plus_the_kl_and_half_the_radius() -> None:
    # E = -3 z_0 + 0.1 KL + 0.2 (z_0^2 + z_1^2 / 2)
    some, same = chains(), chains()
    eps = same.draw(1)[:, 0]
    j = landscape().descend(some, ALPHA, GAMMA, samples=1)
    of_mu, of_log_sigma = gradients(some)
    mu = some.mu.detach()
    assert j.tolist() == pytest.approx((3 * (mu + 0.5 * eps)[:, 0]).tolist(), rel=1e-5)
    assert of_mu[:, 0].tolist() == pytest.approx((-3 + (0.1 + 0.4) * mu[:, 0]).tolist(), rel=1e-5)
    assert of_mu[:, 1].tolist() == pytest.approx(((0.1 + 0.2) * mu[:, 1]).tolist(), rel=1e-5)
    assert of_log_sigma[:, 0].tolist() == pytest.approx(
        (-3 * 0.5 * eps[:, 0] + 0.1 * (0.25 - 1) + 0.4 * 0.25).tolist(), rel=1e-5
    )
    assert of_log_sigma[:, 1].tolist() == pytest.approx([0.1 * (0.25 - 1) + 0.2 * 0.25] * 2, rel=1e-5)


def test_j_is_the_mean_over_the_draws() -> None:
    some, same = chains(), chains()
    eps = same.draw(5)  # (2, 5, 2)
    expected = 3 * (same.mu[:, None] + 0.5 * eps)[:, :, 0].mean(1)
    assert landscape().descend(some, ALPHA, GAMMA, samples=5).tolist() == pytest.approx(
        expected.tolist(), rel=1e-5
    )


def test_above_the_ceiling_j_pulls_no_longer() -> None:
    some = chains()
    landscape(ceiling=-1e6).descend(some, ALPHA, GAMMA, samples=1)
    assert gradients(some)[0][:, 0].tolist() == pytest.approx(
        (0.5 * some.mu.detach()[:, 0]).tolist(), rel=1e-5
    )


def test_the_gradient_does_not_depend_on_the_batch() -> None:
    whole, parts = chains(), chains()
    landscape(batch=2).descend(whole, ALPHA, GAMMA, samples=1)
    landscape(batch=1).descend(parts, ALPHA, GAMMA, samples=1)
    assert torch.equal(gradients(whole)[0], gradients(parts)[0])
    assert torch.equal(gradients(whole)[1], gradients(parts)[1])


def test_a_hard_state_keeps_the_gradient_of_the_soft_one() -> None:
    def first_pixel(_: AgentOutput, states: Tensor) -> Tensor:
        return states[:, 0, 0, 0, 0]

    target = Target("pixel", "pixel", "", 1.0, 1.0, first_pixel)
    made = Landscape(LinearModel(), LinearAgent(), target, torch.ones(40), None, 8, False, False, None)
    z = torch.randn(4, 40, generator=torch.Generator().manual_seed(0), requires_grad=True)
    _, _, soft = made.judge(z)
    _, _, hard = made.judge(z, is_hard=True)
    assert set(hard.tolist()) <= {0.0, 1.0}
    assert not torch.equal(soft, hard)
    of_soft = torch.autograd.grad(soft.sum(), z)[0]
    assert of_soft.abs().max() > 0
    assert torch.equal(torch.autograd.grad(hard.sum(), z)[0], of_soft)


def test_slices_cover_all_rows_once() -> None:
    assert [(one.start, one.stop) for one in slices(5, 2)] == [(0, 2), (2, 4), (4, 5)]
