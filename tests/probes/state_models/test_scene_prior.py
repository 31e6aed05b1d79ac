from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from probes.state_models.gaussian import Gaussian
from probes.state_models.scene_prior import ScenePrior


def stirred(size: int = 10, groups: int = 4, seed: int = 0) -> ScenePrior:
    """Return a prior that has learned something."""
    torch.manual_seed(seed)
    prior = ScenePrior(size, groups)
    nn.init.normal_(prior.tell.weight, std=0.3)
    nn.init.normal_(prior.tell.bias, std=0.3)
    return prior.requires_grad_(False)


def test_a_new_prior_is_the_standard_normal() -> None:
    u = torch.randn(3, 10)
    assert torch.equal(ScenePrior(10, 4)(u), u)


def test_numbers_depend_on_the_groups_before_their_own_alone() -> None:
    prior = stirred()
    assert prior.group.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    jacobian = torch.autograd.functional.jacobian(lambda s: sum_of(prior.given(s[None])), torch.randn(10))  # type: ignore[no-untyped-call]
    depends = jacobian != 0
    groups = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3, 3])
    assert torch.equal(depends, groups[None] < groups[:, None])


def sum_of(gaussian: Gaussian) -> Tensor:
    return (gaussian.mu + gaussian.log_sigma)[0]


@pytest.mark.parametrize(("size", "groups"), [(10, 4), (10, 16), (3, 1), (128, 16)])
def test_what_is_drawn_is_told_in_its_own_units_again(size: int, groups: int) -> None:
    prior = stirred(size, groups).double()  # sigmas from e^-6 to e^3: rounding shows
    u = torch.randn(5, size, dtype=torch.float64)
    s = prior(u)
    assert not torch.allclose(s, u)
    found = prior.in_units(Gaussian(s, torch.zeros_like(s)), s)
    torch.testing.assert_close(found.mu, u, rtol=1e-3, atol=1e-3)


def test_the_divergence_is_that_of_the_posterior_to_the_prior() -> None:
    prior = stirred()
    posterior = Gaussian(torch.randn(2, 10), torch.randn(2, 10).clamp(-1, 1))
    s = posterior.draw()
    told = prior.given(s)
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(posterior.mu, posterior.log_sigma.exp()),
        torch.distributions.Normal(told.mu, told.log_sigma.exp()),
    )
    torch.testing.assert_close(prior.in_units(posterior, s).kl(), exact.sum(1))


def test_a_prior_learns_what_numbers_go_together() -> None:
    torch.manual_seed(0)
    first = torch.randn(2000, 2).sign()
    data = torch.cat([first, first.flip(1)], dim=1) + 0.1 * torch.randn(2000, 4)
    prior = ScenePrior(4, 2)
    posterior = Gaussian(data, torch.full_like(data, -3.0))
    optimiser = torch.optim.Adam(prior.parameters(), 1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        prior.in_units(posterior, data).kl().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    drawn = prior(torch.randn(1000, 4)).detach()
    strong = drawn[:, 0].abs() > 0.5
    assert (drawn[strong, 0].sign() == drawn[strong, 3].sign()).float().mean() > 0.95


def test_the_masks_are_not_kept_with_the_weights() -> None:
    assert {name.split(".")[1] for name in ScenePrior(4, 2).state_dict()} == {"weight", "bias"}
