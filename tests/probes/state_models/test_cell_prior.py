from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from probes.state_models.cell_prior import CellPrior
from probes.state_models.gaussian import Gaussian

ABOVE = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(5))


def stirred(*, backwards: bool = False, channels: int = 1) -> CellPrior:
    """Return a prior that has learned something."""
    torch.manual_seed(0)
    prior = CellPrior(3, channels, 6, backwards=backwards)
    for parameter in prior.parameters():
        nn.init.normal_(parameter, std=0.5)
    return prior.requires_grad_(False)


def test_a_new_prior_is_the_standard_normal() -> None:
    u = torch.randn(1, 2, 4, 4)
    assert torch.equal(CellPrior(3, 2, 6)(u, ABOVE), u)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_depends_on_the_neighbours_of_earlier_turns_alone(backwards: bool) -> None:
    prior = stirred(backwards=backwards)

    def told(v: Tensor) -> Tensor:
        return sum_of(prior.given(v[None, None], ABOVE))

    jacobian = torch.autograd.functional.jacobian(told, torch.randn(4, 4))  # type: ignore[no-untyped-call]
    turn = torch.tensor([[0, 2, 0, 2], [3, 1, 3, 1]] * 2)
    turn = 3 - turn if backwards else turn
    row, column = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    near = ((row[:, :, None, None] - row).abs() <= 1) & ((column[:, :, None, None] - column).abs() <= 1)
    assert torch.equal(jacobian != 0, near & (turn < turn[:, :, None, None]))


def sum_of(gaussian: Gaussian) -> Tensor:
    return (gaussian.mu + gaussian.log_sigma)[0, 0]


@pytest.mark.parametrize("size", [(4, 4), (3, 5), (1, 1)])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_drawn_is_told_in_its_own_units_again(size: tuple[int, int], backwards: bool) -> None:
    prior, above = stirred(backwards=backwards, channels=2), torch.randn(5, 3, *size)
    u = torch.randn(5, 2, *size)
    v = prior(u, above)
    assert not torch.allclose(v, u)
    told = prior.given(v, above)
    torch.testing.assert_close((v - told.mu) / told.log_sigma.exp(), u, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [(4, 4), (3, 5)])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_told_is_what_convolutions_make_of_the_cells_drawn_before(
    size: tuple[int, int], backwards: bool
) -> None:
    prior = stirred(backwards=backwards, channels=2)
    v, above = torch.randn(2, 2, *size), torch.randn(2, 3, *size)
    told = prior.given(v, above)
    turn = torch.tensor([[0, 2, 0, 2, 0], [3, 1, 3, 1, 3]] * 2)[: size[0], : size[1]]
    turn = 3 - turn if backwards else turn
    context = prior.context(nn.functional.silu(above))
    for number, teller in enumerate(prior.turns):
        mu, log_sigma = teller(torch.cat([context, v * (turn < number)], dim=1)).chunk(2, dim=1)
        own = turn == number
        torch.testing.assert_close(told.mu[:, :, own], mu[:, :, own])
        torch.testing.assert_close(told.log_sigma[:, :, own], log_sigma.clamp(-4.0, 2.0)[:, :, own])


def test_cells_learn_to_go_with_their_neighbours() -> None:
    torch.manual_seed(0)
    above = torch.zeros(200, 3, 2, 2)
    v = torch.randn(200, 1, 1, 1).sign() + 0.1 * torch.randn(200, 1, 2, 2)  # a state's cells are alike
    prior = CellPrior(3, 1, 8)
    optimiser = torch.optim.Adam(prior.parameters(), 1e-2)
    for _ in range(100):
        told = prior.given(v, above)
        loss = (0.5 * ((v - told.mu) / told.log_sigma.exp()).square() + told.log_sigma).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    drawn = prior(torch.randn(200, 1, 2, 2), above).detach()[:, 0]
    strong = drawn[:, 0, 0].abs() > 0.5
    assert (drawn[strong, 0, 0].sign() == drawn[strong, 1, 1].sign()).float().mean() > 0.95
