"""Shares beyond the real states, quantiles and the histogram against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from probes import statistics
from probes.agent import ProbeError
from probes.measures.objective_distribution import compare_objectives

REAL = np.arange(101.0)
"""0 to 100: the 99th percentile is 99, the maximum 100."""
SYNTHESISED = np.array([50.0, 99.0, 99.5, 100.0, 101.0])


def test_beyond_means_above_and_not_equal() -> None:
    # above 99: 99.5, 100 and 101; above 100: 101 alone
    everything = compare_objectives(REAL, SYNTHESISED).everything
    assert everything.beyond_percentile == statistics.share(3, 5)
    assert everything.beyond_maximum == statistics.share(1, 5)


def test_higher_objectives_give_an_auroc_above_a_half() -> None:
    # of 101 real ones, 50.5, 99.5, 100, 100.5 and 101 lie below, ties counting half
    auroc = compare_objectives(REAL, SYNTHESISED).everything.auroc
    assert auroc.value == pytest.approx((50.5 + 99.5 + 100 + 100.5 + 101) / 505)
    assert compare_objectives(SYNTHESISED, REAL).everything.auroc.value == pytest.approx(1 - auroc.value)


def test_only_states_that_pass_are_counted_on_the_manifold() -> None:
    mask = np.array([True, True, True, False, False])
    found = compare_objectives(REAL, SYNTHESISED, mask)
    assert found.on_manifold is not None
    assert found.on_manifold.beyond_percentile == statistics.share(1, 3)
    assert found.on_manifold.beyond_maximum == statistics.share(0, 3)
    assert found.passing == statistics.share(3, 5)
    assert found.everything == compare_objectives(REAL, SYNTHESISED).everything


def test_nothing_is_said_of_the_manifold_where_no_state_passes() -> None:
    found = compare_objectives(REAL, SYNTHESISED, np.zeros(5, np.bool_))
    assert found.on_manifold is None
    assert found.passing.value == 0


def test_quantiles_interpolate() -> None:
    found = compare_objectives(REAL, SYNTHESISED)
    assert (found.real_count, found.real_quantiles[0.99], found.real_quantiles[0.25]) == (101, 99.0, 25.0)
    # the fourth of five, plus 0.8 of the way to the fifth
    assert found.everything.quantiles[0.95] == pytest.approx(100.8)


def test_the_histogram_has_common_bins_and_shares() -> None:
    mask = np.array([True, True, False, False])
    drawn = compare_objectives([0.0, 1.0, 1.0, 3.0], [1.0, 3.0, 3.0, 4.0], mask, bins=4).histogram
    np.testing.assert_allclose(drawn.edges, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(drawn.real, [0.25, 0.5, 0, 0.25])
    np.testing.assert_allclose(drawn.synthesised, [0, 0.25, 0, 0.75])
    np.testing.assert_allclose(drawn.on_manifold, [0, 0.25, 0, 0.25])


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [[1.0]]])
def test_objectives_that_are_no_row_of_numbers_are_refused(bad: list[float]) -> None:
    with pytest.raises(ProbeError, match="held-out real"):
        compare_objectives(bad, SYNTHESISED)
    with pytest.raises(ProbeError, match="synthesised"):
        compare_objectives(REAL, bad)


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ProbeError, match=r"bool of shape \(2,\), allowed is bool of shape \(5,\)"):
        compare_objectives(REAL, SYNTHESISED, np.array([True, False]))
    with pytest.raises(ProbeError, match="mask of findings that pass is int64"):
        compare_objectives(REAL, SYNTHESISED, np.array([0, 1, 2, 3, 4], np.int64))
