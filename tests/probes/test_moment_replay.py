from __future__ import annotations

from dataclasses import replace

import pytest

from probes import statistics
from probes.agent import ProbeError
from probes.moment_replay import CONFIRMED, OPEN, REFUTED, more_often, tell, verdict
from probes.replay import Outcome
from probes.statistics import Estimate

CALM = Outcome(0, "time", 60.0, 8.0, is_hit=False, is_avoidable=False, impact=7.0)
HIT = Outcome(1, "person", 20.0, 3.0, True, True, 6.0, time_to_collision=0.4, first_brake=1.0)
SUDDEN = replace(HIT, is_avoidable=False, time_to_collision=1.0, first_brake=None)


def test_a_moment_counts_once_however_many_drives_start_from_it() -> None:
    found = tell([[CALM, HIT], [SUDDEN, HIT], [CALM, CALM], [CALM, CALM]])
    assert (found.moments, found.drives) == (4, 8)
    assert found.avoidable == statistics.share(1, 4)  # a half of the drives of two moments
    assert found.hit == statistics.share(1.5, 4)
    assert found.braked == statistics.share(1, 4)


def test_the_time_to_collision_is_the_median_of_the_drives_that_have_one() -> None:
    assert tell([[CALM, HIT], [SUDDEN, HIT]]).time_to_collision == 0.4
    assert tell([[CALM]]).time_to_collision is None


def test_no_moments_are_refused() -> None:
    with pytest.raises(ProbeError, match="at least one is needed"):
        tell([])


def test_moments_are_set_beside_others() -> None:
    found = more_often([[HIT]] * 56 + [[CALM]] * 14, [[HIT]] * 48 + [[CALM]] * 32)
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=5e-5)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.01, 0.4, CONFIRMED), (-0.2, 0.04, REFUTED), (-0.2, 0.2, OPEN), (0.0, 0.2, OPEN)],
)
def test_the_whole_interval_decides(low: float, high: float, told: str) -> None:
    assert verdict(Estimate((low + high) / 2, low, high, 20), 5) == told


def test_few_moments_without_a_hit_refute_nothing() -> None:
    assert verdict(more_often([[CALM]] * 5, [[CALM]] * 24), 5) == OPEN
    assert verdict(more_often([[CALM]] * 100, [[CALM]] * 24), 100) == REFUTED


def test_four_moments_decide_nothing() -> None:
    gap = more_often([[HIT]] * 4, [[CALM]] * 24)
    assert gap.low > 0
    assert verdict(gap, 4) == OPEN
    assert verdict(gap, 5) == CONFIRMED


def test_of_several_differences_each_interval_is_wider() -> None:
    hits, calm = [[HIT]] * 20 + [[CALM]] * 20, [[HIT]] * 10 + [[CALM]] * 30
    alone, of_three = more_often(hits, calm), more_often(hits, calm, tests=3)
    assert of_three.value == alone.value == 0.25
    assert of_three.low < alone.low < alone.high < of_three.high
    # What one test alone would call shown is not, when it is one of three.
    assert verdict(alone, 40) == CONFIRMED
    assert verdict(of_three, 40) == OPEN
