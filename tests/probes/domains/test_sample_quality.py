"""Samples beside real states: what is told, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from probes.domains.class_frequencies import ClassComparison
from probes.domains.sample_quality import compare_samples, count_within, halves, join, look, shares
from probes.statistics import Estimate
from tests.probes.domains.drawings import SEG4, pictures, put, street, viewpoint

PERSON = SemanticClass.PERSON


def crowd(states: int, people: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Draw streets with so many people, 40 pixels each, in every frame."""
    stored = street(states)
    for index in range(people):
        put(pictures(stored), PERSON, (66, 75), (10 + 10 * index, 13 + 10 * index))
    return stored


REAL = look(crowd(6, 2), SEG4, viewpoint())
EPISODES = np.array([3, 3, 5, 5, 9, 9])


def test_a_model_that_draws_twice_the_people_is_found_out() -> None:
    told = compare_samples(look(crowd(3, 4), SEG4, viewpoint()), REAL, EPISODES)
    people = next(one for one in told["classes"] if one["class"] == "person")
    assert people["area_ratio"]["value"] == people["blobs_ratio"]["value"] == 2.0
    assert people["real_share"] == pytest.approx(80 / 128**2)
    assert told["classes_within"] == {"within": 2, "of": 3, "outside": ["person"]}
    assert told["areas"]["person"] == {
        "samples": pytest.approx(160 / 128**2),
        "real": pytest.approx(80 / 128**2),
    }
    assert (told["samples"], told["real_states"]) == (3, 6)
    assert told["presence"]["real"]["person"]["value"] == 1.0
    assert told["presence"]["samples"]["light"] == {
        "value": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.5615, abs=1e-4),
        "n": 3,
    }
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_halves_of_the_real_states_show_how_far_real_states_differ() -> None:
    mixed = np.concatenate([crowd(2, 1), crowd(2, 3), crowd(2, 1)])
    told = compare_samples(REAL, look(mixed, SEG4, viewpoint()), EPISODES)
    people = next(one for one in told["real_halves"] if one["class"] == "person")
    assert people["blobs_ratio"]["value"] == pytest.approx(1 / 3)  # episodes 3 and 9 against 5


def test_halves_never_share_an_episode() -> None:
    first, second = halves(EPISODES)
    assert first.tolist() == [True, True, False, False, True, True]
    assert (first ^ second).all()


def test_realism_is_told_of_both() -> None:
    floating = street(4)
    put(pictures(floating), PERSON, (20, 40), (60, 66))
    told = compare_samples(look(floating, SEG4, viewpoint()), REAL, EPISODES)
    assert told["realism"]["samples"]["nobody_floats"]["value"] == 0.0
    assert told["realism"]["real"]["smooth"]["value"] == 1.0


def test_measures_of_batches_are_joined_in_their_order() -> None:
    joined = join([look(crowd(2, 1), SEG4, viewpoint()), look(crowd(1, 3), SEG4, viewpoint())])
    assert joined.classes.blobs[:, PERSON].tolist() == [1, 1, 3]
    assert len(joined.classes) == len(joined.realism["realistic"]) == len(joined.present["car"]) == 3


def test_classes_outside_the_tolerance_are_named() -> None:
    right, wrong = Estimate(1.25, 1.0, 1.5, 3), Estimate(1.26, 1.0, 1.5, 3)
    found = [ClassComparison("a", 0.1, right, right), ClassComparison("b", 0.1, right, wrong)]
    assert count_within(found) == {"within": 1, "of": 2, "outside": ["b"]}


def test_a_share_is_told_with_its_interval() -> None:
    told = shares({"x": np.array([True, False, False, False])})
    assert (told["x"]["value"], told["x"]["n"]) == (0.25, 4)
    assert told["x"]["low"] < 0.25 < told["x"]["high"]
