from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.awareness import (
    AWARE,
    CANNOT_TELL,
    FEW,
    UNAWARE,
    Effect,
    Evidence,
    bca,
    decide,
    effects,
    hit_share,
    holm,
    sign_flip_p,
)
from probes.statistics import Estimate


def test_signs_are_flipped_in_all_ways_where_they_are_few() -> None:
    # Of 8 ways to sign 1, 2, 3 one has this sum, and one its mirror image; of those of 2, 1, 1 three reach 2.
    p = sign_flip_p(np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [3.0, -1.0, 0.0]]))
    np.testing.assert_allclose(p, [2 / 8, 6 / 8, 1.0])


def test_ties_that_rounding_would_break_count() -> None:
    # The sums of 0.1 + 0.2 - 0.3 and its mirror image differ from 0 by rounding alone.
    assert sign_flip_p(np.array([[0.1], [0.2], [-0.3]]))[0] == 1.0


def test_holm_multiplies_by_how_many_are_left_and_keeps_the_order() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1.0, 1.0])


def test_what_a_verdict_rests_on_is_corrected_more_strictly_than_a_map() -> None:
    rows = np.repeat([[1.0], [2.0], [3.0]], 3, axis=1)
    assert [one.p_adjusted for one in effects(rows, is_verdict=True)] == [0.75] * 3
    assert [one.p_adjusted for one in effects(rows, is_verdict=False)] == [0.25] * 3


def test_an_interval_reaches_farther_to_where_the_tail_is() -> None:
    tail = np.array([[0.0], [0.0], [0.0], [0.0], [0.0], [0.1], [0.1], [0.2], [0.3], [2.3]])
    right, left = bca(tail)[0], bca(-tail)[0]
    assert right.value == pytest.approx(0.3)
    assert right.n == 10
    assert right.high - right.value > 2 * (right.value - right.low) > 0
    assert left.value - left.low > 2 * (left.high - left.value) > 0
    assert bca(tail) == bca(tail)


def test_what_never_varies_has_an_interval_of_no_width() -> None:
    constant, varied = bca(np.array([[0.5, 0.0], [0.5, 1.0], [0.5, 5.0]]))
    assert constant == Estimate(0.5, 0.5, 0.5, 3)
    assert varied.low < 2.0 < varied.high


@pytest.mark.parametrize("rows", [np.ones((1, 2)), np.ones(3), np.array([[1.0], [np.nan]])])
def test_differences_that_cannot_be_tested_are_refused(rows: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="two or more moments"):
        effects(rows, is_verdict=True)


def test_hits_are_shared_out_over_moments_with_a_danger() -> None:
    found = hit_share([1] * FEW + [0], [2] * FEW + [0])
    assert found is not None
    assert (found.value, found.n) == (0.5, FEW)
    # Wilson, 5 of 10.
    assert found.low == pytest.approx(0.2366, abs=1e-4)
    assert hit_share([1] * (FEW - 1), [2] * (FEW - 1)) is None


def effect(value: float, half: float, p: float) -> Effect:
    return Effect(Estimate(value, value - half, value + half, 50), p, p)


STRONG, WEAK, NONE = effect(0.3, 0.1, 0.001), effect(0.3, 0.4, 0.3), effect(0.01, 0.02, 0.4)
FAINT = effect(0.02, 0.01, 0.001)
OFTEN, SELDOM, BETWEEN = (Estimate(x, x - 0.1, x + 0.1, 50) for x in (0.8, 0.2, 0.5))


@pytest.mark.parametrize(
    ("score", "as_person", "hits", "word"),
    [
        (STRONG, STRONG, SELDOM, AWARE),
        (STRONG, NONE, SELDOM, CANNOT_TELL),  # it brakes for a pole as well
        (STRONG, STRONG, BETWEEN, CANNOT_TELL),
        (STRONG, STRONG, OFTEN, CANNOT_TELL),  # it minds people, and hits them
        (STRONG, STRONG, None, CANNOT_TELL),
        (effect(0.3, 0.1, 0.06), STRONG, SELDOM, CANNOT_TELL),  # the test does not agree with the interval
        (NONE, NONE, OFTEN, UNAWARE),
        (FAINT, FAINT, OFTEN, UNAWARE),  # shown, and too little
        (NONE, NONE, None, UNAWARE),
        (NONE, NONE, SELDOM, CANNOT_TELL),
        (WEAK, NONE, OFTEN, CANNOT_TELL),  # too few moments
    ],
)
def test_a_verdict_needs_what_is_thought_and_what_is_done(
    score: Effect, as_person: Effect, hits: Estimate | None, word: str
) -> None:
    assert decide(Evidence(score, as_person, NONE, hits)).word == word


def test_a_verdict_tells_its_numbers() -> None:
    found = Evidence(STRONG, FAINT, effect(-0.5, 0.1, 0.001), SELDOM)
    score, person, value, hits = decide(found).reasons
    assert "+0.300 [+0.200, +0.400] (p = 0.001)" in score
    assert "too little" not in score
    assert "+0.020" in person
    assert "-0.500" in value
    assert "hits 20% [10%, 30%], at 50 moments" in hits
    faint, *_, nothing = decide(Evidence(FAINT, NONE, NONE, None)).reasons
    assert "too little" in faint
    assert "hits tell nothing" in nothing
    assert found.to_json()["score"] == {
        "value": 0.3, "low": pytest.approx(0.2), "high": 0.4, "n": 50, "p": 0.001, "p_adjusted": 0.001
    }  # fmt: skip
