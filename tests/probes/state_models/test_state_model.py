from __future__ import annotations

import math

import pytest
import torch

from probes.state_models.state_model import Posterior, kl_to_prior, reconstruct, sample_prior
from tests.probes.linear_models import LATENT, LAYOUT, LinearModel


def test_the_divergence_of_the_prior_from_itself_is_zero() -> None:
    assert torch.equal(kl_to_prior(torch.zeros(2, 5), torch.zeros(2, 5)), torch.zeros(2))


def test_the_divergence_is_summed_over_dimensions_and_kept_apart_by_state() -> None:
    mu = torch.tensor([[2.0, -1.0], [0.0, 0.0]])
    log_sigma = torch.tensor([[0.0, 0.0], [math.log(3.0), math.log(0.5)]])
    # 1/2 (4 + 1); 1/2 (9 - 1 - 2 ln 3 + 1/4 - 1 + 2 ln 2) = 1/2 (7.25 - 2.197225 + 1.386294)
    assert kl_to_prior(mu, log_sigma).tolist() == pytest.approx([2.5, 3.219535])


def test_a_reconstruction_decodes_the_posteriors_mean() -> None:
    class Halving(LinearModel):
        def encode(self, states: torch.Tensor) -> Posterior:
            return Posterior(torch.full((len(states), LATENT), 0.5), torch.full((len(states), LATENT), 9.0))

    model = Halving()
    made = reconstruct(model, torch.zeros(2, *LAYOUT.shape))
    assert torch.equal(made, model.decode(torch.full((2, LATENT), 0.5)))


def test_samples_are_decoded_draws_of_a_standard_normal_of_their_own_seed() -> None:
    model, before = LinearModel(), torch.get_rng_state()
    made = sample_prior(model, 3, seed=7)
    z = torch.randn(3, LATENT, generator=torch.Generator().manual_seed(7))
    assert torch.equal(made, model.decode(z))
    assert not torch.equal(made, sample_prior(model, 3, seed=8))
    assert torch.equal(torch.get_rng_state(), before)
