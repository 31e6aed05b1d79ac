from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from probes.domains.driving import load_agent
from probes.domains.driving_realize import Realised, Realiser, flip_while_better, to_json
from probes.domains.likeness import find_things
from tests.probes.domains.sketches import CAR, PERSON, SEGMENTED, drawn, sketch, sketcher

pytestmark = pytest.mark.slow

TRUTH = sketch(
    x=40.0,
    speed=5.0,
    bodies=[
        (PERSON, [9.0, 1.0, -5.0, -1.2]),
        (PERSON, [14.0, -3.0, -5.0, 0.0]),
        (CAR, [18.0, 0.0, 0.5, 0.0]),
    ],
)


@cache
def realiser() -> Realiser:
    return Realiser(sketcher().scenario, SEGMENTED, load_agent("reasonable-seg4"), np.ones(6))


@cache
def realised() -> Realised:
    return realiser().realise(drawn(TRUTH))


def test_a_town_is_recovered_from_what_is_seen_of_it() -> None:
    found = realised()
    assert found.is_realised, found.reasons
    assert found.agreement > 0.98
    truth, numbers = TRUTH.numbers.reshape(-1, 4), found.sketch.numbers.reshape(-1, 4)
    assert sorted(body.is_car for body in found.sketch.bodies) == [False, False, True]
    for body, row in zip(TRUTH.bodies, truth[1:], strict=True):
        same = [n for b, n in zip(found.sketch.bodies, numbers[1:], strict=True) if b.is_car == body.is_car]
        nearest = same[int(np.argmin([np.hypot(*(n - row)[:2]) for n in same]))]
        distance = row[0] - 1.0  # of the camera
        assert abs(nearest[1] - row[1]) <= 0.5
        assert abs(nearest[0] - row[0]) <= max(0.5, distance**2 / (64 * 1.4))


def test_the_agent_says_the_same_there() -> None:
    assert realised().output_gap < 0.5


def test_the_same_state_is_realised_alike() -> None:
    again = realiser().realise(drawn(TRUTH))
    assert np.array_equal(again.sketch.numbers, realised().sketch.numbers)


def test_what_is_no_town_is_not_realised_and_why_is_told() -> None:
    noise = np.random.default_rng(0).integers(0, 13, SEGMENTED.stored_shape).astype(np.uint8)
    found = realiser().realise(noise)
    assert not found.is_realised
    assert "of the pixels agree, of 90%" in found.reasons[0]


def test_a_thing_that_is_missing_is_named() -> None:
    things = find_things(drawn(TRUTH), drawn(sketch(x=40.0)), SEGMENTED)
    assert {thing.semantic for thing in things} >= {int(SemanticClass.PERSON), int(SemanticClass.CAR)}
    assert all(t.overlap == 0 for t in things if t.semantic == SemanticClass.PERSON)
    same = find_things(drawn(TRUTH), drawn(TRUTH), SEGMENTED)
    assert {thing.overlap for thing in same} == {1.0}


def test_what_is_kept_says_who_is_where() -> None:
    told = to_json(realised())
    assert told["is_realised"] is True
    assert told["ego"]["speed"] == pytest.approx(5.0, abs=1.0)
    assert [body["kind"] for body in told["bodies"]].count("person") == 2
    assert all((body["heading"] is None) == (body["kind"] == "person") for body in told["bodies"])


def test_flags_are_flipped_one_at_a_time_until_none_lowers_the_cost() -> None:
    wanted = np.array([True, False, True, False])
    calls = []

    def cost(tried: np.ndarray) -> np.ndarray:
        calls.append(tried[0].tolist())
        costs: np.ndarray = (tried != wanted) @ np.array([1.0, 2.0, 3.0, 4.0])
        return costs

    found = flip_while_better(np.array([False, True, False, False]), cost)
    assert found.tolist() == wanted.tolist()
    # The dearest first.
    assert calls == [
        [False, True, False, False],
        [False, True, True, False],
        [False, False, True, False],
        [True, False, True, False],
    ]
