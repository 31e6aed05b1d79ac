from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from probes.states import to_stored
from probes.synthesis.manifold import Found, Limits, Possible, RealReference, check, extremes
from probes.synthesis.reference import Reference, for_target, measure_reference
from probes.synthesis.targets import Target, resolve
from tests.probes.linear_models import LATENT, LAYOUT, LinearAgent, LinearModel, Pictures

MODEL, AGENT = LinearModel(), LinearAgent()
PICTURES = Pictures(MODEL, AGENT)
TARGET: Target = resolve("V+", AGENT, PICTURES.recorded())
REFERENCE: Reference = measure_reference(MODEL, AGENT, PICTURES, PICTURES.recorded(), np.arange(300))
REAL: RealReference = for_target(REFERENCE, TARGET, AGENT, PICTURES)


def found(z: torch.Tensor, kl: float = 1.0, radius: float = 1.0) -> Found:
    stored = to_stored(MODEL.decode(z), LAYOUT).numpy()
    return Found(stored, np.full(len(z), kl), np.full(len(z), radius))


def draws(count: int) -> torch.Tensor:
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(11))


def test_draws_of_the_prior_mostly_pass() -> None:
    verdicts = check(MODEL, AGENT, TARGET, REAL, found(draws(100)))
    assert verdicts.passes.mean() > 0.75
    assert verdicts.real_pass_share > 0.85


def test_noise_fails_the_round_trip() -> None:
    stored = np.random.default_rng(0).integers(0, 3, (20, *LAYOUT.stored_shape), np.uint8)
    verdicts = check(MODEL, AGENT, TARGET, REAL, Found(stored, np.ones(20), np.ones(20)))
    assert verdicts.failed["agreement"].all()
    assert verdicts.counts()["passed"] == 0


def test_chains_far_from_the_prior_fail_whatever_their_picture() -> None:
    limit_kl, limit_radius = REAL.measured.kl.max(), REAL.measured.radius.max()
    unlikely = check(MODEL, AGENT, TARGET, REAL, found(draws(5), kl=limit_kl + 1))
    assert unlikely.failed["chain_kl"].all()
    assert not unlikely.failed["chain_radius"].any()
    far = check(MODEL, AGENT, TARGET, REAL, found(draws(5), radius=limit_radius + 1))
    assert far.counts()["chain_radius"] == 5
    assert not far.failed["chain_kl"].any()
    assert not far.passes.any()


def test_an_objective_is_ranked_among_the_real_ones() -> None:
    order = np.argsort(REAL.measured.objective)
    some = order[[0, 150, 299]]
    verdicts = check(MODEL, AGENT, TARGET, REAL, Found(PICTURES.stored(some), np.ones(3), np.ones(3)))
    assert verdicts.percentile.tolist() == pytest.approx([0.0, 50.0, 100 * 299 / 300])
    assert verdicts.beyond_99.tolist() == [False, False, True]
    assert verdicts.beyond_maximum.tolist() == [False, False, False]
    lower = replace(REAL, measured=replace(REAL.measured, objective=REAL.measured.objective - 100))
    beyond = check(MODEL, AGENT, TARGET, lower, Found(PICTURES.stored(some), np.ones(3), np.ones(3)))
    assert beyond.beyond_maximum.all()
    assert beyond.percentile.tolist() == [100.0] * 3


def test_reasons_are_counted_and_stricter_limits_fail_more() -> None:
    strict = Limits(kl=0.0, radius=0.0, agreement=1.0, output_change=0.0)
    verdicts = check(MODEL, AGENT, TARGET, REAL, found(draws(10), kl=1e9, radius=1e9), strict)
    counts = verdicts.counts()
    assert list(counts) == ["passed", "chain_kl", "chain_radius", "picture_kl", "agreement", "output_change"]
    assert counts["passed"] == 0
    assert counts["chain_kl"] == counts["chain_radius"] == 10
    assert counts["output_change"] >= 9


def test_what_a_domain_knows_cannot_be_fails_too() -> None:
    told = np.arange(10) >= 3
    real = np.arange(len(REAL.measured.kl)) >= 30
    verdicts = check(MODEL, AGENT, TARGET, REAL, found(draws(10)), possible=Possible(lambda _: told, real))
    assert verdicts.failed["unreal"].tolist() == [True] * 3 + [False] * 7
    assert verdicts.counts()["unreal"] == 3
    assert not verdicts.passes[:3].any()
    without = check(MODEL, AGENT, TARGET, REAL, found(draws(10)))
    assert without.real_pass_share - 0.11 < verdicts.real_pass_share < without.real_pass_share


def test_the_agent_may_change_its_mind_as_much_as_over_real_states_of_high_objective() -> None:
    ramp = np.arange(101.0)
    real = replace(REAL.measured, objective=ramp, output_change=ramp, kl=ramp, radius=ramp, agreement=ramp)
    assert extremes(ramp).tolist() == [100, 99, 98, 97, 96, 95]
    assert Limits().numbers(real)["output_change"] == pytest.approx(99.75)
    calm = replace(real, objective=-ramp)  # where J is high, little changes
    assert Limits().numbers(calm)["output_change"] == pytest.approx(95.0)
