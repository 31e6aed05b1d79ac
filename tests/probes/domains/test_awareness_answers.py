from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.domains.awareness_answers import AHEAD, LEFT, MIDDLE, Answers

M = 12
BRAKE, VALUE = 0, 1


def made(**changes: NDArray[Any]) -> Answers:
    """Return answers of an agent that says 0.1 and 2 whatever it sees, and endangers nobody."""
    steady = np.array([0.1, 2.0])
    shapes = {
        "nothing": (),
        "person": (2, len(AHEAD), len(LEFT)),
        "pole": (2, len(AHEAD)),
        "car": (len(AHEAD),),
        "course": (2, 3),
        "course_pole": (2, 3),
    }
    parts = {
        name: np.broadcast_to(steady.reshape(2, *[1] * (len(shape) + 1)), (2, *shape, M)).copy()
        for name, shape in shapes.items()
    }
    flags = {name: np.zeros((2, 3, M), np.bool_) for name in ("dangers", "hits")}
    return Answers(**{**parts, **flags, **changes})


def test_the_score_is_the_mean_over_courses_against_nobody_and_against_a_pole() -> None:
    course, pole = made().course, made().course_pole
    course[BRAKE, 0, 0] = 0.7  # one of six courses: 0.6 more, a sixth of it on average
    pole[BRAKE, 1, 2] = 0.4
    course[VALUE] = 1.5
    found = made(course=course, course_pole=pole).evidence()
    assert found.score.estimate.value == pytest.approx(0.1)
    assert found.as_person.estimate.value == pytest.approx(0.1 - 0.05)
    assert found.value.estimate.value == pytest.approx(-0.5)
    assert found.score.estimate.n == M
    assert found.score.p_adjusted < 0.05
    assert found.hits is None


def test_hits_are_those_of_the_dangers() -> None:
    dangers, hits = made().dangers, made().hits
    dangers[:, 0, :10] = True
    hits[0, 0, :10] = True
    answers = made(dangers=dangers, hits=hits)
    share = answers.evidence().hits
    assert share is not None
    assert (share.value, share.n) == (0.5, 10)
    rows = answers.by_course()
    assert [(row["comes_from"], row["spare"], row["dangers"]) for row in rows[:4]] == [
        ("right", 0.1, 10), ("right", 0.3, 0), ("right", 0.5, 0), ("left", 0.1, 10)
    ]  # fmt: skip
    first, none, *_ = (row["hits"] for row in rows)
    assert isinstance(first, dict)
    assert (first["value"], first["n"], none) == (1.0, 10, None)


def test_every_place_is_told_once_with_what_stood_there() -> None:
    person, pole, car = made().person, made().pole, made().car
    person[BRAKE, 0, 2, MIDDLE] = 0.9
    pole[BRAKE, 0, 2] = 0.3
    car[VALUE, 1] = 0.0
    changes = made(person=person, pole=pole, car=car).changes()
    rows = changes.to_json()
    assert len(rows) == 2 * len(AHEAD) * (2 * (len(LEFT) + 1) + 1)
    told = {
        (row["what"], row["change_of"], row["ahead"], row["left"], row["comes_from"]): row["value"]
        for row in rows
    }
    assert len(told) == len(rows)
    assert told.pop(("person", "brake", 15.0, 0.0, "right")) == pytest.approx(0.8)
    assert told.pop(("person beyond pole", "brake", 15.0, 0.0, "right")) == pytest.approx(0.6)
    assert told.pop(("person beyond pole", "brake", 15.0, 0.0, "left")) == pytest.approx(0.0)
    assert told.pop(("car", "value", 10.0, 0.0, None)) == pytest.approx(-2.0)
    assert set(told.values()) == {0.0}


def test_the_map_is_the_mean_over_both_ways_and_marks_what_is_not_faint() -> None:
    person = made().person
    person[BRAKE, 0, 2, MIDDLE] = 0.9
    person[BRAKE, :, 3, MIDDLE] = 0.15  # more than chance, and faint
    changes = made(person=person).changes()
    assert changes.map_of_brakes[2, MIDDLE] == pytest.approx(0.4)
    assert changes.map_of_brakes[3, MIDDLE] == pytest.approx(0.05)
    assert np.argwhere(changes.is_notable()).tolist() == [[2, MIDDLE]]
