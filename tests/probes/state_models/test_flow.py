from __future__ import annotations

import pytest
import torch
from torch import nn

from probes.state_models.flow import Flow
from probes.state_models.gaussian import Gaussian
from probes.state_models.scene_prior import ScenePrior


def stirred(count: int = 3) -> Flow:
    """Return a flow of vectors of 6 numbers that has learned something."""
    torch.manual_seed(0)
    flow = Flow.alternating(ScenePrior, (6, 3, 16), count)
    for parameter in flow.parameters():
        nn.init.normal_(parameter, std=0.3)
    return flow.requires_grad_(False)


def test_every_second_step_runs_backwards() -> None:
    groups = [step.group.tolist() for step in stirred().steps if isinstance(step, ScenePrior)]
    assert groups == [[0, 0, 1, 1, 2, 2], [2, 2, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2]]


def test_what_is_drawn_is_told_in_its_own_units_again() -> None:
    flow, u = stirred(), torch.randn(5, 6)
    v = flow(u)
    assert not torch.allclose(v, u, atol=0.1)
    torch.testing.assert_close(flow.in_units(Gaussian(v, torch.zeros_like(v)), v).mu, u, rtol=1e-3, atol=1e-3)


def test_a_posterior_is_as_wide_as_its_number_moving_alone() -> None:
    flow, v = stirred(), torch.randn(1, 6, dtype=torch.float64)
    flow.double()
    told = flow.in_units(Gaussian(v, torch.full_like(v, -8.0)), v)
    jacobian = torch.autograd.functional.jacobian(flow, told.mu)[0, :, 0]  # type: ignore[no-untyped-call]
    # The steps' matrices are triangular, in alternating order: the determinant is the product of the scales.
    scales = torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close((-8.0 - told.log_sigma).sum(), scales, rtol=1e-3, atol=1e-3)


def test_of_one_step_the_divergence_is_on_average_that_of_gaussians() -> None:
    flow = stirred(1)
    posterior = Gaussian(torch.randn(1, 6).expand(20_000, -1), torch.full((20_000, 6), -1.0))
    v = posterior.draw()
    found = flow.divergence(posterior, v)
    exact = flow.in_units(posterior, v).kl()  # of the draws above; each number's own is integrated
    assert float(found.mean()) == pytest.approx(float(exact.mean()), abs=4 * float(found.std()) / 20_000**0.5)
    assert float(found.std()) > 0.1


def test_a_step_backwards_learns_what_none_forwards_can() -> None:
    torch.manual_seed(0)
    second = torch.randn(2000, 1)
    data = torch.cat([2 * second.abs(), second], dim=1)  # given the first number, the second has two values
    posterior = Gaussian(data, torch.full_like(data, -2.0))
    one, two = (trained(count, posterior) for count in (1, 2))
    assert two < one - 0.5


def trained(count: int, posterior: Gaussian) -> float:
    """Fit a flow of vectors of 2 numbers; return its divergence."""
    torch.manual_seed(1)
    flow = Flow.alternating(ScenePrior, (2, 2, 16), count)
    optimiser = torch.optim.Adam(flow.parameters(), 1e-2)
    for _ in range(150):
        rows = torch.randint(len(posterior.mu), (128,))
        some = Gaussian(posterior.mu[rows], posterior.log_sigma[rows])
        optimiser.zero_grad()
        flow.divergence(some, some.draw()).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return float(flow.divergence(posterior, posterior.draw()).mean())
