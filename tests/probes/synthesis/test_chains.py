from __future__ import annotations

import math

import pytest
import torch

from probes.synthesis.chains import Multiplier, chain_seeds, start_chains

CPU = torch.device("cpu")


def test_a_chains_seed_does_not_depend_on_how_many_there_are() -> None:
    assert chain_seeds(3, 7) == chain_seeds(5, 7)[:3]
    assert len(set(chain_seeds(5, 7) + chain_seeds(5, 8))) == 10


def test_a_chain_draws_the_same_noise_whatever_the_others_are() -> None:
    sigma = torch.ones(4)
    three = start_chains(chain_seeds(3, 0), sigma, CPU, from_prior=False).draw(2)
    one = start_chains(chain_seeds(1, 0), sigma, CPU, from_prior=False).draw(2)
    assert three.shape == (3, 2, 4)
    assert torch.equal(three[:1], one)
    assert not torch.equal(three[0], three[1])


def test_the_papers_start_is_the_prior_itself() -> None:
    chains = start_chains(chain_seeds(2, 0), torch.ones(3), CPU, from_prior=False)
    assert chains.mu.tolist() == [[0.0] * 3] * 2
    assert chains.log_sigma.tolist() == [[0.0] * 3] * 2
    assert chains.mu.requires_grad
    assert chains.log_sigma.requires_grad


def test_draws_of_chains_that_start_from_the_prior_are_distributed_as_the_prior() -> None:
    sigma = torch.tensor([0.1, 0.8])
    chains = start_chains(chain_seeds(4000, 0), sigma, CPU, from_prior=True)
    z = chains.mu + chains.log_sigma.exp() * chains.draw(1)[:, 0]
    assert chains.mu.var(0).tolist() == pytest.approx([0.99, 0.36], rel=0.1)
    assert z.mean(0).tolist() == pytest.approx([0.0, 0.0], abs=0.06)
    assert z.var(0).tolist() == pytest.approx([1.0, 1.0], rel=0.1)


def test_a_fixed_weight_stays() -> None:
    multiplier = Multiplier(torch.tensor([0.5]), None)
    multiplier.update(torch.tensor([1e9]))
    assert multiplier.weight.tolist() == [0.5]


def test_a_weight_grows_above_its_limit_and_falls_below_it() -> None:
    multiplier = Multiplier(torch.tensor([2.0, 2.0, 2.0]), 100.0)
    multiplier.update(torch.tensor([110.0, 100.0, 90.0]))
    # the error is 0.1: proportional 5 * 0.1, integral 0.2 * 0.1
    assert multiplier.weight.tolist() == pytest.approx([2 * math.exp(0.52), 2.0, 2 * math.exp(-0.52)])
    multiplier.update(torch.tensor([100.0, 100.0, 100.0]))
    assert multiplier.weight.tolist() == pytest.approx([2 * math.exp(0.02), 2.0, 2 * math.exp(-0.02)])


def test_what_was_long_below_its_limit_is_soon_felt_above_it() -> None:
    multiplier = Multiplier(torch.tensor([1.0]), 100.0)
    for _ in range(1000):
        multiplier.update(torch.tensor([0.0]))
    assert multiplier.weight.item() == pytest.approx(math.exp(-8.0 - 5.0))
    for _ in range(40):
        multiplier.update(torch.tensor([200.0]))
    assert multiplier.weight.item() == pytest.approx(math.exp(0.0 + 5.0), rel=1e-3)
