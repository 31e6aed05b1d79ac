from __future__ import annotations

import pytest

from probes.falsify import Attempt
from probes.first_failures import duel, fastest, found_over_steps, median_rank, summarise

BUDGET = 100


def attempts(*steps: int | None) -> list[Attempt]:
    """Make attempts by their steps; None has found nothing."""
    return [
        Attempt(seed, found is not None, BUDGET if found is None else found, 2, 5, 1.0)
        for seed, found in enumerate(steps)
    ]


@pytest.mark.parametrize(("n", "rank"), [(1, 0), (5, 0), (6, 1), (9, 2), (20, 6)])
def test_the_median_lies_between_ranks_that_the_binomial_gives(n: int, rank: int) -> None:
    # Of 6: 1/64 < 0.025. Of 9: (1 + 9)/512 < 0.025. Of 20: P(Binomial <= 5) = 0.0207, P(<= 6) = 0.0577.
    assert median_rank(n) == rank


def test_a_summary_counts_who_found_nothing_as_beyond_the_budget() -> None:
    told = summarise(attempts(40, None, 10, 30, None, 20))
    assert (told.median, told.low, told.high) == (35.0, 10.0, None)
    assert (told.first_quartile, told.third_quartile) == (20.0, None)
    assert (told.found.value, told.found.n) == (4 / 6, 6)
    assert (told.recorded, told.runs) == (5.0, 2.0)


def test_there_is_no_median_if_half_found_nothing() -> None:
    assert summarise(attempts(10, 20, 30, None, None, None)).median is None
    assert summarise(attempts(10, 20, 30)).median == 20.0


def test_few_seeds_leave_the_median_open_on_both_sides() -> None:
    told = summarise(attempts(10, 20, 30))
    assert (told.low, told.high) == (0.0, None)


def test_a_duel_counts_who_was_sooner_on_the_same_seeds() -> None:
    told = duel(attempts(10, 50, None, None, 20), attempts(20, 40, 90, None, None))
    assert (told.sooner, told.later, told.neither) == (2, 2, 1)
    assert told.share is not None
    assert (told.share.value, told.share.n) == (0.5, 4)
    assert duel(attempts(None), attempts(None)).share is None


def test_the_fastest_has_the_least_median() -> None:
    told = {
        "slow": summarise(attempts(30)),
        "fast": summarise(attempts(20)),
        "never": summarise(attempts(None)),
    }
    assert fastest(told) == "fast"
    assert fastest({"never": told["never"]}) is None


def test_the_share_of_seeds_rises_where_they_found_a_failure() -> None:
    x, y = found_over_steps(attempts(40, None, 10, 40), BUDGET)
    assert x == [0, 10, 10, 40, 40, 40, 40, 100]
    assert y == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]
