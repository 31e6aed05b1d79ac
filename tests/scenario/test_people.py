"""People: the sources of the defaults."""

from __future__ import annotations

import pytest

from drivesim.scenario.people import Pedestrians, Profile
from drivesim.scenario.quantity import Normal


@pytest.mark.parametrize(("width", "gap"), [(4.0, 2.2), (7.5, 5.9), (11.0, 9.6)])
def test_the_default_line_gives_the_gaps_that_95_percent_accept(width: float, gap: float) -> None:
    profile = Profile()
    assert isinstance(profile.gap_slope, float)
    assert isinstance(profile.gap_intercept, float)
    assert profile.gap_slope * width + profile.gap_intercept == pytest.approx(gap, abs=0.1)


def test_people_walk_as_weidmann_measured() -> None:
    assert Profile().walking_speed == Normal(normal=(1.34, 0.26))


def test_everyone_is_attentive_by_default() -> None:
    people = Pedestrians()
    assert list(people.profiles) == list(people.mix) == ["attentive"]
