from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

from probes.agent import AgentOutput
from probes.state_models.state_model import Posterior
from probes.synthesis.chains import Chains, chain_seeds, start_chains
from probes.synthesis.landscape import Landscape, Slope, descend, slices
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


def go_down(
    through: Landscape, some: Chains, alpha: Tensor = ALPHA, gamma: Tensor = GAMMA, samples: int = 1
) -> Tensor:
    return descend([Slope(through, some, alpha, gamma, samples)])[0]


def gradients(of: Chains) -> tuple[Tensor, Tensor]:
    assert of.mu.grad is not None
    assert of.log_sigma.grad is not None
    return of.mu.grad, of.log_sigma.grad


def test_the_gradient_is_that_of_minus_j_plus_the_kl_and_half_the_radius() -> None:
    # E = -3 z_0 + 0.1 KL + 0.2 (z_0^2 + z_1^2 / 2)
    some, same = chains(), chains()
    eps = same.draw(1)[:, 0]
    j = go_down(landscape(), some)
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
    assert go_down(landscape(), some, samples=5).tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_above_the_ceiling_j_pulls_no_longer() -> None:
    some = chains()
    go_down(landscape(ceiling=-1e6), some)
    assert gradients(some)[0][:, 0].tolist() == pytest.approx(
        (0.5 * some.mu.detach()[:, 0]).tolist(), rel=1e-5
    )


def test_the_gradient_does_not_depend_on_the_batch() -> None:
    whole, parts = chains(), chains()
    go_down(landscape(batch=2), whole)
    go_down(landscape(batch=1), parts)
    assert torch.equal(gradients(whole)[0], gradients(parts)[0])
    assert torch.equal(gradients(whole)[1], gradients(parts)[1])


class Rounded(Transparent):
    """Decodes a latent vector by a product, which bfloat16 rounds, and notes the threads that asked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.precisions: set[torch.dtype] = set()

    def decode(self, z: Tensor) -> Tensor:
        made: Tensor = z @ torch.tensor([[1.0, 0.3], [0.3, 1.0]])
        self.threads.add(threading.get_ident())
        self.precisions.add(made.dtype)
        return made


def climbed(threads: int, is_bf16: bool) -> tuple[Rounded, list[Tensor]]:
    """Take a step of two parts; return what decoded, and J and the gradients."""
    model, some, before = Rounded(), chains(), torch.get_num_threads()
    weights = torch.tensor([1.0, 0.5])
    made = Landscape(model, Silent(), THREEFOLD, weights, None, 1, False, is_bf16, None)
    torch.set_num_threads(threads)
    try:
        j = go_down(made, some)
    finally:
        torch.set_num_threads(before)
    return model, [j, *gradients(some)]


@pytest.mark.parametrize("is_bf16", [False, True])
def test_threads_side_by_side_compute_what_one_does_and_in_the_same_precision(is_bf16: bool) -> None:
    alone, expected = climbed(1, is_bf16)
    shared, found = climbed(2, is_bf16)
    assert threading.get_ident() not in shared.threads
    assert alone.threads == {threading.get_ident()}
    assert shared.precisions == alone.precisions == {torch.bfloat16 if is_bf16 else torch.float32}
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_several_searches_go_down_at_once_as_each_does_alone() -> None:
    through = [landscape(batch=1), landscape(batch=2, ceiling=-1e6)]
    alone, beside = [chains(), chains()], [chains(), chains()]
    expected = [go_down(*one) for one in zip(through, alone, strict=True)]
    slopes = [Slope(one, some, ALPHA, GAMMA, 1) for one, some in zip(through, beside, strict=True)]
    for j, of_alone, some, same in zip(descend(slopes), expected, beside, alone, strict=True):
        assert torch.equal(j, of_alone)
        assert all(torch.equal(*pair) for pair in zip(gradients(some), gradients(same), strict=True))
    assert not torch.equal(gradients(beside[0])[0], gradients(beside[1])[0])


def test_the_gradient_of_a_step_takes_the_place_of_the_last_one_s() -> None:
    some = chains()
    for _ in range(2):  # without KL and radius, of mu: -3 of z_0 whatever the draw
        go_down(landscape(), some, ALPHA * 0, GAMMA * 0)
    assert gradients(some)[0].tolist() == [[-3.0, 0.0]] * 2


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
