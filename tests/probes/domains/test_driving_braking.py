from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.agent import ProbeError
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_braking import CONDITIONS, Braking, conditions, measure_braking, without_traffic
from tests.probes.domains.drawings import SEG4, pictures, put, street
from tests.towns import changed, scenario


def test_the_road_is_emptied_and_all_else_is_as_it_was() -> None:
    mixed = scenario("mixed_field")
    emptied = without_traffic(mixed)
    assert (emptied.cars.count, emptied.pedestrians.count) == (0, 0)
    assert emptied.name == "mixed_field_without_traffic"
    for section in ("map", "signals", "ego", "camera", "modalities", "stack", "actions", "reward", "sim"):
        assert getattr(emptied, section) == getattr(mixed, section)


def held(stored: NDArray[np.uint8], speed: float = 5.0) -> list[str]:
    """Return which conditions hold for one state."""
    found = conditions(stored, SEG4, np.array([speed]))[:, 0]
    return [name for name, holds in zip(CONDITIONS, found, strict=True) if holds]


def test_an_empty_street_meets_every_condition_but_only_when_moving() -> None:
    assert held(street()) == list(CONDITIONS)
    assert held(street(), speed=1.0) == []


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        (SemanticClass.LIGHT_RED, 1),
        (SemanticClass.LIGHT_YELLOW, 1),
        (SemanticClass.CAR, 2),
        (SemanticClass.PERSON, 2),
        (SemanticClass.LIGHT_GREEN, 3),
    ],
)
def test_whatever_any_frame_shows_decides_which_conditions_are_left(shown: SemanticClass, kept: int) -> None:
    stored = street()
    put(pictures(stored)[:, 0], shown, (40, 50), (60, 62))
    assert held(stored) == list(CONDITIONS[:kept])


def test_decisions_are_shared_out_over_episodes() -> None:
    braking = Braking(np.array([10, 30, 0]), np.array([1, 3, 0]), np.array([2.0, 6.0, 0.0]))
    assert braking.share is not None
    assert braking.mean_probability is not None
    assert braking.episodes is not None
    assert braking.share.value == pytest.approx(0.1)
    assert braking.mean_probability.value == pytest.approx(0.2)
    assert (braking.episodes.value, braking.episodes.n) == (1.0, 2)
    told = braking.to_json()
    assert (told["decisions"], told["brakes"]) == (40, 4)
    assert told["share"]["n"] == 2


def test_never_to_have_braked_is_not_taken_for_certainty() -> None:
    braking = Braking(np.array([10, 30]), np.zeros(2, np.int64), np.zeros(2))
    assert braking.share is not None
    assert braking.episodes is not None
    assert (braking.share.value, braking.share.high) == (0.0, 0.0)
    assert braking.episodes.high > 0.5


def test_without_a_decision_there_is_no_estimate() -> None:
    told = Braking(np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2)).to_json()
    assert told["share"] is told["mean_probability"] is told["episodes"] is None


def leaning(action: str) -> DrivingAgent:
    """Return the first agent with a bias that always makes it take one action, by 9 to 1 and more."""
    agent = load_agent("reasonable-seg4")
    policy = agent.network.policy
    policy.weight.zero_()
    policy.bias.zero_()
    policy.bias[agent.actions.index(action)] = 10.0
    return agent


def test_an_agent_that_always_brakes_is_found_to_and_one_that_never_does_not() -> None:
    brief = without_traffic(changed("reasonable", sim={"episode_s": 2.0}))
    for action, brakes in (("brake", 1.0), ("accelerate", 0.0)):
        moving = measure_braking(leaning(action), brief, range(1_000_000, 1_000_004), worlds=3)["moving"]
        assert moving.share is not None
        assert moving.mean_probability is not None
        assert moving.share.value == brakes
        assert moving.mean_probability.value == pytest.approx(brakes, abs=1e-3)
        # All 20 decisions at full throttle but the first few; while braking only until it stands.
        assert (moving.decisions.sum() > 40) == (action == "accelerate")
        assert 0 < moving.decisions.max() <= 20


def test_the_number_of_worlds_changes_no_count() -> None:
    brief, agent = changed("reasonable", sim={"episode_s": 1.0}), load_agent("reasonable-seg4")
    one, three = (measure_braking(agent, brief, range(5, 8), worlds) for worlds in (1, 3))
    for name in CONDITIONS:
        assert one[name].decisions.tolist() == three[name].decisions.tolist()
        np.testing.assert_allclose(one[name].probability, three[name].probability, atol=1e-4)


def test_an_agent_is_not_measured_where_it_cannot_see() -> None:
    with pytest.raises(ProbeError, match="choose an agent that was made for it"):
        measure_braking(load_agent("reasonable-seg4"), "mixed_field", [1])
