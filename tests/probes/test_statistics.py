"""Estimates and their intervals, against numbers worked out by hand or found in tables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from probes import statistics
from probes.statistics import Estimate


def test_an_estimate_becomes_four_numbers_of_json() -> None:
    assert Estimate(0.5, 0.25, 0.75, 8).to_json() == {"value": 0.5, "low": 0.25, "high": 0.75, "n": 8}


def test_a_share_has_wilsons_interval() -> None:
    # z = 1.959964: centre (0.2 + 0.192073) / 1.384146 = 0.283260,
    # half width 1.959964 / 1.384146 * sqrt(0.016 + 0.0096036) = 0.226577.
    found = statistics.share(2, 10)
    assert found.value == 0.2
    assert (found.low, found.high) == pytest.approx((0.056682, 0.509837), abs=1e-6)
    assert found.n == 10


def test_of_five_shares_each_interval_holds_with_99_percent() -> None:
    found = statistics.share(20, 50, tests=5)
    z = 2.5758293035489004
    for end in (found.low, found.high):
        # Wilson's ends are where the observed share is just z standard errors off.
        assert abs(0.4 - end) / (end * (1 - end) / 50) ** 0.5 == pytest.approx(z)


def test_a_share_of_none_and_of_all_is_exact_at_its_end() -> None:
    # z^2 / (n + z^2) with n = 10.
    assert statistics.share(0, 10).to_json() == pytest.approx(
        {"value": 0, "low": 0, "high": 0.277533, "n": 10}
    )
    assert statistics.share(10, 10).low == pytest.approx(1 - 0.277533, abs=1e-6)
    assert (statistics.share(0, 10).low, statistics.share(10, 10).high) == (0.0, 1.0)


def test_groups_that_all_agree_leave_as_much_open_as_so_many_trials() -> None:
    assert statistics.mean_share([0.0] * 10) == statistics.share(0, 10)
    assert statistics.mean_share([0.25, 0.75, 0.5, 0.5]) == statistics.share(2, 4)
    with pytest.raises(ValueError, match="0 to n hits"):
        statistics.mean_share([1.5, 1.5])


def test_the_gap_of_two_shares_has_newcombes_interval() -> None:
    # The first example of Newcombe (1998), table II: 56/70 and 48/80, by method 10: 0.0524 to 0.3339.
    found = statistics.share_gap(statistics.share(56, 70), statistics.share(48, 80))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.n == 150


def test_wilsons_interval_covers_about_95_percent() -> None:
    n, p = 60, 0.15
    found = [statistics.share(hits, n) for hits in range(n + 1)]
    covered = [hits for hits, estimate in enumerate(found) if estimate.low <= p <= estimate.high]
    assert 0.93 < stats.binom.pmf(covered, n, p).sum() < 0.98


def test_a_bootstrap_interval_covers_about_95_percent() -> None:
    rng = np.random.default_rng(5)
    samples = rng.exponential(2.0, (300, 60))
    found = [statistics.mean(sample, seed, draws=400) for seed, sample in enumerate(samples)]
    covered = np.mean([estimate.low <= 2.0 <= estimate.high for estimate in found])
    assert 0.89 < covered < 0.98


def test_the_interval_of_a_mean_is_that_of_the_normal_law_for_many_values() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 1000)
    found = statistics.mean(values)
    half = 1.96 * values.std() / math.sqrt(1000)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.006)
    assert found.n == 1000


def test_the_percentiles_of_two_values_are_worked_out_by_hand() -> None:
    # A resample's mean is 0, 1, 1 or 2: each end has a quarter, more than the 2.5% that are cut.
    assert statistics.mean([0.0, 2.0]) == Estimate(1.0, 0.0, 2.0, 2)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert statistics.mean(values, seed=1) == statistics.mean(values, seed=1)
    assert statistics.mean(values, seed=1) != statistics.mean(values, seed=2)


def test_an_interval_is_that_of_all_draws_when_they_do_not_fit_one_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).normal(size=50)
    whole = statistics.mean(values)
    monkeypatch.setattr(statistics, "_BLOCK", 333)
    assert statistics.mean(values) == whole


def test_a_difference_is_of_pairs() -> None:
    # Each pair differs by 1, whatever it is that they share: no resample differs.
    assert statistics.difference([11.0, 51.0, 91.0], [10.0, 50.0, 90.0]) == Estimate(1.0, 1.0, 1.0, 3)
    assert statistics.difference([0.0], [2.0]).value == -2.0


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios() -> None:
    # (1 + 3) / (1 + 9) = 0.4; the mean of 1/1 and 3/9 would be 0.667. Ends: both the first, both the second.
    found = statistics.ratio([1.0, 3.0], [1.0, 9.0])
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 1 / 3, 1.0))


def test_a_ratio_whose_divisor_is_often_zero_has_no_estimate() -> None:
    with pytest.raises(ValueError, match="interval open"):
        statistics.ratio([1.0, 1.0], [0.0, 5.0])
    with pytest.raises(ValueError, match="not be negative"):
        statistics.ratio([1.0, 1.0], [-1.0, 5.0])
    with pytest.raises(ValueError, match="nor all 0"):
        statistics.ratio([1.0], [0.0])


def test_a_resample_without_a_ratio_counts_against_both_ends() -> None:
    resampled = np.array([math.nan, *np.arange(1.0, 101.0)])
    # Of 101 sorted values the third from below and from above: -inf, 1, 2 and inf, 100, 99.
    assert statistics._estimate(50.0, resampled, 7) == Estimate(50.0, 2.0, 99.0, 7)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.688879), (5, 1.623486, 11.668332), (10, 4.795389, 18.390356)]
)
def test_a_rate_has_garwoods_interval(count: int, low: float, high: float) -> None:
    found = statistics.rate(count, 2.0)
    assert found.value == count / 2
    assert (found.low, found.high) == pytest.approx((low / 2, high / 2), abs=1e-6)
    assert found.n == count


def test_auroc_counts_wins_and_half_of_ties() -> None:
    # 1 over {0}: one win and one tie, 1.5; 2 over {0, 1}: 2 wins. 3.5 of 4 pairs.
    assert statistics.auroc([1.0, 2.0], [0.0, 1.0]).value == 0.875
    assert statistics.auroc([0.0, 1.0], [1.0, 2.0]).value == 0.125
    assert statistics.auroc([1.0, 2.0], [0.0, 1.0]).n == 4
    assert statistics.auroc([3.0, 3.0], [3.0]) == Estimate(0.5, 0.5, 0.5, 3)


def test_the_interval_of_auroc_is_near_that_of_hanley_and_mcneil() -> None:
    rng = np.random.default_rng(1)
    above, below = rng.normal(1.0, 1.0, 80), rng.normal(0.0, 1.0, 120)
    found = statistics.auroc(above, below)
    a = found.value
    wins = above[:, None] > below
    assert a == pytest.approx(wins.mean())
    both, twice = a / (2 - a), 2 * a * a / (1 + a)
    error = math.sqrt((a * (1 - a) + 79 * (both - a * a) + 119 * (twice - a * a)) / (80 * 120))
    assert (found.low, found.high) == pytest.approx((a - 1.96 * error, a + 1.96 * error), abs=0.015)


def test_a_kept_share_is_the_gain_over_the_advantage() -> None:
    # Means 8, 10 and 2: (8 - 2) / (10 - 2).
    found = statistics.kept_share([7.0, 9.0], [9.0, 11.0], [1.0, 3.0])
    assert found == Estimate(0.75, 0.75, 0.75, 2)
    assert statistics.kept_share([1.0], [9.0], [3.0]).value == pytest.approx(-1 / 3)


def test_a_kept_share_needs_an_agent_above_the_floor() -> None:
    with pytest.raises(ValueError, match="not above"):
        statistics.kept_share([1.0, 1.0], [2.0, 2.0], [2.0, 2.0])
    with pytest.raises(ValueError, match="interval open"):
        statistics.kept_share([1.0, 1.0], [9.0, 0.0], [2.0, 2.0])


@pytest.mark.parametrize(
    "estimate",
    [
        lambda: statistics.share(0, 0),
        lambda: statistics.share(3, 2),
        lambda: statistics.share(-1, 2),
        lambda: statistics.mean([]),
        lambda: statistics.mean([1.0, math.nan]),
        lambda: statistics.mean([[1.0]]),
        lambda: statistics.difference([1.0, 2.0], [1.0]),
        lambda: statistics.ratio([], []),
        lambda: statistics.rate(1, 0.0),
        lambda: statistics.rate(-1, 1.0),
        lambda: statistics.auroc([], [1.0]),
        lambda: statistics.auroc([1.0], []),
        lambda: statistics.kept_share([], [], []),
    ],
)
def test_nothing_is_estimated_of_nothing_or_of_nonsense(estimate: Callable[[], Estimate]) -> None:
    with pytest.raises(ValueError):
        estimate()
