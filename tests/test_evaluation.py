"""Episodes, their rates and the intervals around them."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.evaluation import Episode, drive, rate_per_km, resampled, summarise
from drivesim.pilots import load_pilot
from tests.towns import changed, scenario


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Table of exact Poisson limits, Garwood (1936).
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.39), (30, 20.24, 42.83)],
)
def test_a_rates_interval_is_garwoods(count: int, low: float, high: float) -> None:
    for km in (1.0, 4.0):
        estimate = rate_per_km(count, km)
        assert estimate.value == count / km
        assert estimate.low == pytest.approx(low / km, rel=2e-3)
        assert estimate.high == pytest.approx(high / km, rel=2e-3)


def test_where_nothing_was_driven_a_rate_may_be_millions_but_stays_a_number() -> None:
    estimate = rate_per_km(0, 0.0)
    assert estimate.low == 0.0
    assert 1e6 < estimate.high < float("inf")


def test_the_bootstrap_covers_a_means_standard_error() -> None:
    numbers = np.random.default_rng(1).normal(5.0, 2.0, 400)
    estimate = resampled(lambda chosen: float(numbers[chosen].mean()), 400)
    assert estimate.value == numbers.mean()
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.1, rel=0.15)
    assert estimate.low < estimate.value < estimate.high


def test_a_summary_counts_endings_per_kilometre() -> None:
    episodes = [
        Episode(0, "person", 500.0, 50.0, 1, 8.0, True),
        Episode(1, "person", 250.0, 25.0, 0, 8.0, False),
        Episode(2, "car", 750.0, 75.0, 2, 8.0),
        Episode(3, "time", 500.0, 50.0, 0, 8.0),
    ]
    found = summarise(episodes)
    assert (found["episodes"], found["km"], found["mean_speed_mps"]) == (4, 2.0, 10.0)
    assert found["person_per_km"]["value"] == 1.0
    assert found["avoidable_person_per_km"]["value"] == 0.5
    assert found["car_per_km"]["value"] == 0.5
    assert found["offroad_per_km"]["value"] == 0.0
    assert found["red_per_km"]["value"] == 1.5
    assert found["distance_per_episode_m"]["value"] == 500.0
    assert found["mean_speed_interval"]["low"] == pytest.approx(10.0)


def test_the_result_depends_neither_on_how_many_worlds_run_at_once_nor_on_the_seeds_order() -> None:
    plan = changed("distracted", sim={"episode_s": 45.0})
    pilot, _ = load_pilot("driver:blind", plan)
    whole = drive(plan, pilot, range(7))
    assert {episode.ending for episode in whole} >= {"person", "time"}
    assert drive(plan, pilot, range(7), worlds=1) == whole
    assert drive(plan, pilot, range(7), worlds=3) == whole
    assert drive(plan, pilot, [6, 2], worlds=2) == [whole[6], whole[2]]


def test_an_episode_says_how_far_how_long_and_how_it_ended() -> None:
    pilot, _ = load_pilot("driver:blind", scenario("empty_road"))
    told: list[int] = []
    first, second = drive(scenario("empty_road"), pilot, [3, 4], on_episode=told.append)
    assert (first.seed, second.seed) == (3, 4)
    assert first.ending == second.ending == "time"
    assert first.time_s == pytest.approx(60.0)
    assert 200.0 < first.distance_m < 11.2 * 60.0
    assert first.ran_red == 0
    assert first.is_avoidable is None
    assert told == [2]


def test_a_parked_car_covers_next_to_nothing_and_hits_nobody() -> None:
    plan = changed("distracted", sim={"episode_s": 20.0})
    pilot, _ = load_pilot("driver:parked", plan)
    for episode in drive(plan, pilot, range(6)):
        assert episode.ending in ("time", "car")
        assert episode.distance_m < 8.0
