from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from probes.agent import ProbeError
from probes.replay import Outcome, contrast, replay, summarise, worst

CALM = Outcome(0, "time", 500.0, 50.0, is_hit=False, is_avoidable=False, impact=9.0)
HIT = Outcome(0, "person", 500.0, 25.0, is_hit=True, is_avoidable=True, impact=6.0)


def outcomes(*kinds: Outcome) -> list[Outcome]:
    return [replace(kind, start=start) for start, kind in enumerate(kinds)]


def test_the_same_starts_are_played_in_every_scenario_whatever_a_start_is() -> None:
    asked: list[tuple[str, list[str]]] = []

    def play(scenario: str, starts: Sequence[str]) -> list[Outcome]:
        asked.append((scenario, list(starts)))
        return outcomes(*[CALM if scenario == "reasonable" else HIT for _ in starts])

    found = replay(play, ["reasonable", "distracted"], ["dawn", "noon"])
    assert asked == [("reasonable", ["dawn", "noon"]), ("distracted", ["dawn", "noon"])]
    assert [o.ending for o in found["distracted"]] == ["person", "person"]


@pytest.mark.parametrize(("scenarios", "starts"), [([], [1]), (["a"], []), (["a", "a"], [1])])
def test_nothing_to_play_or_a_scenario_twice_is_refused(scenarios: list[str], starts: list[int]) -> None:
    with pytest.raises(ProbeError, match="allowed are at least one start and different scenarios"):
        replay(lambda _, given: outcomes(*[CALM for _ in given]), scenarios, starts)


def test_hits_are_counted_per_kilometre_with_garwoods_interval() -> None:
    spared = replace(HIT, is_avoidable=False)
    found = summarise(outcomes(CALM, HIT, CALM, spared))
    assert (found.episodes, found.km) == (4, 2.0)
    assert found.hits_per_km is not None
    assert found.avoidable_per_km is not None
    assert found.hits_per_km.value == 1.0
    # Garwood (1936): 2 events are 0.242 to 7.225.
    assert found.hits_per_km.low == pytest.approx(0.242 / 2, abs=1e-3)
    assert found.hits_per_km.high == pytest.approx(7.225 / 2, abs=1e-3)
    assert found.avoidable_per_km.value == 0.5
    assert found.mean_speed.value == pytest.approx(2000 / 150)
    assert found.endings == {"time": 2, "person": 2}


def test_who_never_moved_has_no_rate() -> None:
    parked = replace(CALM, metres=0.0)
    found = summarise(outcomes(parked, parked))
    assert found.hits_per_km is None
    assert found.mean_speed.value == 0.0
    json.dumps(found.to_json(), allow_nan=False)
    assert contrast(outcomes(parked, parked), outcomes(CALM, CALM)).hits_per_km is None


def test_a_contrast_is_the_other_side_less_the_first() -> None:
    found = contrast(outcomes(CALM, HIT, CALM, CALM), outcomes(HIT, HIT, CALM, CALM))
    assert found.hits_per_km is not None
    assert found.mean_speed is not None
    assert found.hits_per_km.value == pytest.approx(2 / 2 - 1 / 2)
    assert found.mean_speed.value == pytest.approx(2000 / 150 - 2000 / 175)
    assert found.hit_share.value == 0.25
    assert (found.both, found.only_before, found.only_other) == (1, 0, 1)
    assert found.hits_per_km.low <= found.hits_per_km.value <= found.hits_per_km.high


def test_pairs_that_all_differ_alike_leave_no_doubt() -> None:
    found = contrast(outcomes(*[CALM] * 9), outcomes(*[HIT] * 9))
    assert found.hits_per_km is not None
    assert found.hits_per_km.to_json() == {"value": 2.0, "low": 2.0, "high": 2.0, "n": 9}
    assert found.mean_speed is not None
    assert found.mean_speed.value == 10.0
    assert found.hit_share.low == 1.0


def test_pairing_makes_the_interval_narrower_than_the_starts_are_apart() -> None:
    slow = [replace(CALM, metres=100.0 * (1 + start), seconds=50.0) for start in range(8)]
    fast = [replace(side, metres=side.metres + 50.0) for side in slow]
    found = contrast(outcomes(*slow), outcomes(*fast)).mean_speed
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert (found.low, found.high) == pytest.approx((1.0, 1.0))


def test_episodes_of_other_starts_are_no_pairs() -> None:
    first = outcomes(CALM, CALM)
    with pytest.raises(ProbeError, match="same starts in the same order"):
        contrast(first, first[::-1])


def test_the_worst_is_the_hardest_hit_that_could_have_been_avoided() -> None:
    drives = outcomes(HIT, CALM, replace(HIT, impact=8.0), replace(HIT, impact=11.0, is_avoidable=False))
    assert [hit.start for hit in worst(drives)] == [2, 0]
    assert worst(outcomes(CALM)) == []
