from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from probes.state_models.crisp_layers import Block, LatentBlock, Mixer, quiet
from probes.state_models.gaussian import Gaussian
from probes.state_models.state_model import kl_to_prior


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_quiet_layer_is_scaled_and_has_no_bias() -> None:
    layer = nn.Conv2d(2, 3, 1)
    before = layer.weight.detach().clone()
    assert quiet(layer, 0.5) is layer
    assert torch.equal(layer.weight, 0.5 * before)
    assert layer.bias is not None
    assert not layer.bias.any()


@pytest.mark.parametrize(("out", "residual", "adds"), [(4, True, True), (4, False, False), (3, True, False)])
def test_a_block_adds_to_its_input_where_it_can(out: int, residual: bool, adds: bool) -> None:
    block = Block(4, 2, out, residual=residual)
    nn.init.zeros_(block.widen.weight)
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(block(x), x if adds else torch.zeros(1, out, 3, 3))


@pytest.mark.parametrize(("mixes", "reach"), [(False, 9), (True, 25)])
def test_a_block_looks_one_cell_far_and_a_mixer_everywhere(mixes: bool, reach: int) -> None:
    layer = Mixer(3, 3, 25) if mixes else Block(3, 3, 3)
    x = torch.randn(1, 3, 5, 5, requires_grad=True)
    layer(x)[0, :, 2, 2].sum().backward()
    assert x.grad is not None
    assert int((x.grad.abs().sum(1) > 0).sum()) == reach


def test_a_gaussian_is_split_into_means_and_bounded_logarithms() -> None:
    gaussian = Gaussian.of(torch.tensor([[0.5, -40.0, 0.25, -9.0], [1.0, 2.0, 3.0, -1.0]]))
    assert gaussian.mu.tolist() == [[0.5, -40.0], [1.0, 2.0]]
    assert gaussian.log_sigma.tolist() == [[0.25, -6.0], [1.0, -1.0]]


def test_a_gaussians_divergence_is_that_of_the_whole_latent() -> None:
    gaussian = Gaussian(torch.tensor([2.0, 0.0]).reshape(1, 1, 1, 2), torch.full((1, 1, 1, 2), math.log(2.0)))
    # 1/2 (4 + 2 (4 - 1 - 2 ln 2))
    assert gaussian.kl().tolist() == pytest.approx([0.5 * (4 + 6 - 4 * math.log(2.0))])
    flat = kl_to_prior(gaussian.mu.flatten(1), gaussian.log_sigma.flatten(1))
    torch.testing.assert_close(gaussian.kl(), flat)


def test_draws_have_the_gaussians_mean_and_spread_and_pass_gradients() -> None:
    mu = torch.full((1, 40_000), 3.0, requires_grad=True)
    log_sigma = torch.full((1, 40_000), math.log(0.5), requires_grad=True)
    drawn = Gaussian(mu, log_sigma).draw()
    # Four standard errors of each.
    assert float(drawn.detach().mean()) == pytest.approx(3.0, abs=0.01)
    assert float(drawn.detach().std()) == pytest.approx(0.5, abs=0.0071)
    drawn.sum().backward()  # type: ignore[no-untyped-call]
    assert mu.grad is not None
    assert log_sigma.grad is not None
    assert torch.equal(mu.grad, torch.ones_like(mu))
    torch.testing.assert_close(log_sigma.grad, (drawn - mu).detach())


def test_a_latent_is_its_priors_mean_and_sigma_times_u() -> None:
    layer = LatentBlock(width=4, inner=2, channels=1, cells=4)
    with torch.no_grad():
        layer.prior.widen.weight.zero_()
        layer.prior.widen.bias[:] = torch.tensor([7.0, math.log(2.0), 0.0, 0.0, 0.0, 0.0])  # type: ignore[index]
    told: list[torch.Tensor] = []
    layer.insert.register_forward_hook(lambda _module, given, _made: told.append(given[0]))
    hidden = torch.randn(1, 4, 2, 2)
    layer(hidden, torch.full((1, 1, 2, 2), -3.0))
    layer(hidden, None)
    assert told[0].flatten().tolist() == pytest.approx([1.0] * 4)  # 7 + 2 * -3
    assert told[1].flatten().tolist() == pytest.approx([7.0] * 4)


def test_a_posterior_sees_both_the_decoder_and_the_encoder() -> None:
    layer = LatentBlock(width=4, inner=2, channels=3, cells=4)
    hidden, encoded = (torch.randn(2, 4, 2, 2, requires_grad=True) for _ in range(2))
    gaussian = layer.look(hidden, encoded)
    assert gaussian.mu.shape == gaussian.log_sigma.shape == (2, 3, 2, 2)
    gaussian.mu.sum().backward()  # type: ignore[no-untyped-call]
    for seen in (hidden, encoded):
        assert seen.grad is not None
        assert seen.grad.abs().sum() > 0
