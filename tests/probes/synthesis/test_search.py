from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from probes.agent import AgentOutput, ProbeError
from probes.synthesis.climb import Progress
from probes.synthesis.diversity import mean_disagreement, pairwise_disagreement
from probes.synthesis.manifold import RealReference, check
from probes.synthesis.reference import Reference, for_target, measure_reference
from probes.synthesis.search import Sought, search, search_all
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.targets import Target, resolve
from tests.probes.linear_models import ACTIVE, LATENT, LAYOUT, LinearAgent, LinearModel, Pictures

MODEL, AGENT = LinearModel(), LinearAgent()
PICTURES = Pictures(MODEL, AGENT)
TARGET: Target = resolve("V+", AGENT, PICTURES.recorded())
REFERENCE: Reference = measure_reference(MODEL, AGENT, PICTURES, PICTURES.recorded(), np.arange(300))
REAL: RealReference = for_target(REFERENCE, TARGET, AGENT, PICTURES)
SHORT = SearchConfig(chains=4, steps=20)
SOFT = SearchConfig(ceiling=1.0, straight_through=False, round_trips=0)
"""The toy's pictures are so small that the likeliest classes keep little of a soft picture's J."""
find = partial(search, MODEL, AGENT, TARGET)


class NaNAfter(LinearAgent):
    """Judges `left` batches, then says NaN of the second state."""

    left = 2

    def forward(self, states: Tensor) -> AgentOutput:
        output = super().forward(states)
        self.left -= 1
        if self.left < 0:
            output.value[1] *= math.nan
        return output


def test_the_same_seed_finds_the_same_bits() -> None:
    one, two = find(SHORT, REAL), find(SHORT, REAL)
    for name in ("mu", "log_sigma", "z", "stored", "objective", "seeds"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert not np.array_equal(one.mu, find(replace(SHORT, seed=1), REAL).mu)


def test_the_batch_changes_nothing() -> None:
    whole, parts = find(SHORT, REAL), find(replace(SHORT, batch=3), REAL)
    assert parts.mu == pytest.approx(whole.mu, abs=1e-3)
    assert parts.objective == pytest.approx(whole.objective, abs=1e-3)


@pytest.mark.parametrize("batch", [2, 4])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_two_threads_find_the_bits_that_one_does(precision: Literal["float32", "bf16"], batch: int) -> None:
    config, before, found = replace(SHORT, batch=batch, precision=precision), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(find(config, REAL))
    finally:
        torch.set_num_threads(before)
    for name in ("mu", "log_sigma", "z", "stored", "objective"):
        assert np.array_equal(getattr(found[0], name), getattr(found[1], name)), name


def test_targets_side_by_side_find_the_bits_that_each_finds_alone() -> None:
    told: list[Progress] = []
    other = resolve("V-", AGENT, PICTURES.recorded())
    sought = [Sought(TARGET, REAL), Sought(other, for_target(REFERENCE, other, AGENT, PICTURES))]
    config = replace(SHORT, steps=150, patience=20)  # one ends before the other
    beside = search_all(MODEL, AGENT, sought, config, told.append)
    alone = [search(MODEL, AGENT, target, config, real) for target, real in sought]
    steps = [len(finding.curve.objective) for finding in beside]
    assert steps[0] != steps[1]
    assert [sum(now.target == target.name for now in told) for target, _ in sought] == steps
    for one, same in zip(beside, alone, strict=True):
        assert one.ended == same.ended
        for name in ("mu", "log_sigma", "z", "stored", "objective"):
            assert np.array_equal(getattr(one, name), getattr(same, name)), name


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_climbs_as_a_cpu_does() -> None:
    config = SearchConfig(chains=4, steps=5, alpha=0.01, diversity=0.0)
    on_cpu = find(config)
    moved = search(LinearModel().to("cuda"), LinearAgent().to("cuda"), TARGET, config, device="cuda")
    assert moved.mu == pytest.approx(on_cpu.mu, abs=1e-2)
    assert moved.curve.objective == pytest.approx(on_cpu.curve.objective, abs=1e-2)


def test_a_chain_does_not_depend_on_the_others_without_diversity() -> None:
    alone = replace(SHORT, diversity=0.0)
    assert find(replace(alone, chains=2), REAL).mu == pytest.approx(find(alone, REAL).mu[:2], abs=1e-3)


def test_a_search_goes_beyond_the_ordinary_and_stays_among_real_states() -> None:
    finding = find(replace(SOFT, chains=8, steps=200), REAL)
    verdicts = check(MODEL, AGENT, TARGET, REAL, finding.found())
    assert np.median(verdicts.percentile) > 97
    assert verdicts.beyond_maximum.any()
    assert not verdicts.failed["chain_kl"].any()
    assert not verdicts.failed["chain_radius"].any()
    assert finding.curve.objective[-1].mean() > finding.curve.objective[0].mean() + 1


def test_a_small_alpha_leaves_the_real_states() -> None:
    # the trap that alpha="auto" is there for: J far above, and so is what holds the chain to the prior
    config = replace(SOFT, chains=4, steps=200, alpha=1e-4, ceiling=None)
    finding = find(config, REAL)
    assert finding.objective.mean() > REAL.measured.objective.max()
    assert finding.kl.min() > np.quantile(REAL.measured.kl, 0.99)
    assert finding.radius.min() > np.quantile(REAL.measured.radius, 0.99)


def test_an_overwhelming_alpha_ends_at_the_prior() -> None:
    finding = find(SearchConfig(chains=2, steps=300, alpha=1e3, diversity=0.0), REAL)
    assert finding.kl == pytest.approx([0.0, 0.0], abs=0.1)


def test_without_the_ceiling_the_multipliers_hold_kl_and_radius_at_their_limits() -> None:
    config = SearchConfig(chains=4, steps=300, quantile=0.25, ceiling=None)
    finding = find(config, REAL)
    assert finding.settings["limits"]["kl"] == pytest.approx(np.quantile(REAL.measured.kl, 0.25))
    assert (finding.kl < 1.1 * np.quantile(REAL.measured.kl, 0.25)).all()
    assert (finding.radius < 1.1 * np.quantile(REAL.measured.radius, 0.25)).all()
    assert finding.radius.max() > 0.9 * np.quantile(REAL.measured.radius, 0.25)


def test_the_start_is_as_probable_as_a_real_state() -> None:
    finding = find(SearchConfig(chains=64, steps=1, step_size=1e-6), REAL)
    assert finding.curve.kl[0].mean() == pytest.approx(REAL.measured.kl.mean(), rel=0.1)
    assert finding.curve.radius[0].mean() == pytest.approx(REAL.measured.radius.mean(), rel=0.1)


def test_the_papers_start_is_one_point_without_real_states() -> None:
    finding = find(SearchConfig(chains=3, steps=1, start="paper", alpha=0.01))
    assert finding.curve.kl[0].tolist() == [0.0, 0.0, 0.0]
    assert finding.curve.alpha[0].tolist() == pytest.approx([0.01] * 3)
    assert finding.radius == pytest.approx([LATENT] * 3, rel=0.1)


def test_diversity_keeps_chains_that_start_alike_apart() -> None:
    config = SearchConfig(chains=6, steps=150, start="paper", ceiling=None, diversity_goal=1.0)
    variety = [
        mean_disagreement(pairwise_disagreement(find(replace(config, diversity=price), REAL).stored, LAYOUT))
        for price in (0.0, 20.0)
    ]
    assert variety[1] > variety[0] + 0.05
    assert variety[1] > 0.6 * REAL.disagreement


def test_straight_through_judges_the_likeliest_classes() -> None:
    config = replace(SHORT, steps=1, straight_through=True, start="paper", alpha=0.0)
    hard, soft = (
        find(config, REAL).curve.objective,
        find(replace(config, straight_through=False), REAL).curve.objective,
    )
    assert not np.allclose(hard, soft)


def test_bf16_and_sgd_climb_too() -> None:
    for config in (
        replace(SHORT, precision="bf16", steps=60),
        replace(SHORT, optimiser="sgd", step_size=0.1, alpha=0.1, steps=60),
        replace(SHORT, samples_per_step=3, steps=60),
    ):
        curve = find(config, REAL).curve.objective
        assert curve[-1].mean() > curve[0].mean() + 0.5


def test_a_search_that_no_longer_rises_stops() -> None:
    finding = find(SearchConfig(chains=8, steps=400, patience=30), REAL)
    assert finding.ended == "stalled"
    assert 60 <= len(finding.curve.objective) < 400
    assert find(SHORT, REAL).ended == "steps"


def test_each_step_is_told_and_summed_up() -> None:
    told: list[Progress] = []
    finding = find(SHORT, REAL, told.append)
    assert [(one.step, one.steps) for one in told] == [(step, 20) for step in range(1, 21)]
    row = finding.curve.summary()[-1]
    assert row["objective"] == pytest.approx(told[-1].objective, rel=1e-5)
    assert row["objective_quantiles"] == pytest.approx(
        np.quantile(finding.curve.objective[-1], [0, 0.25, 0.5, 0.75, 1])
    )


def test_the_settings_name_target_and_limits() -> None:
    settings = find(replace(SHORT, steps=1), REAL).settings
    assert settings["search"]["chains"] == 4
    assert settings["target"]["used"] == "V+"
    assert settings["limits"]["objective"] == pytest.approx(REAL.measured.objective.max() + 0.5)


def test_a_number_that_is_not_finite_stops_the_search_and_names_the_step() -> None:
    with pytest.raises(ProbeError, match=r"search V\+: step 2: J of chains \[1\] is NaN or infinite"):
        search(MODEL, NaNAfter(), TARGET, SHORT, REAL)


def test_auto_needs_real_states() -> None:
    with pytest.raises(ProbeError, match="give some, or a number for alpha"):
        find(SHORT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chains", 0),
        ("alpha", -1.0),
        ("step_size", 0.0),
        ("diversity", -1.0),
        ("quantile", 1.5),
        ("start_sigma", math.inf),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ProbeError, match=f"search: {name} is"):
        replace(SHORT, **{name: value})  # type: ignore[arg-type]  # one name of many


def test_dimensions_that_change_no_picture_stay_at_the_prior() -> None:
    finding = find(SearchConfig(chains=4, steps=300), REAL)
    assert np.abs(finding.mu[:, ACTIVE:]).max() < 0.3
    assert finding.log_sigma[:, ACTIVE:] == pytest.approx(np.zeros((4, LATENT - ACTIVE)), abs=0.3)
