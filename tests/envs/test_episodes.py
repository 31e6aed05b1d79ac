"""Episodes' seeds and sums."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.envs.episodes import HELD_OUT, EpisodeBook, later_seed, spread_seed
from drivesim.envs.rewards import Ending
from drivesim.world.state import OUTCOME

ALL = np.ones(3, np.bool_)
EVERY = np.arange(3)


def book(seeds: list[int | None]) -> EpisodeBook:
    """Make a book of three worlds with these seeds."""
    made = EpisodeBook(3)
    made.seed(seeds, ALL, np.random.default_rng(0))
    return made


def test_the_first_episode_has_the_seed_given_and_later_ones_follow_from_it() -> None:
    made = book([5, 6, 5])
    first, second, third = (made.begin(EVERY).tolist() for _ in range(3))
    assert first == [5, 6, 5]
    assert second == [later_seed(5, 1), later_seed(6, 1), later_seed(5, 1)]
    assert third == [later_seed(5, 2), later_seed(6, 2), later_seed(5, 2)]
    assert len({*first, *second, *third}) == 6


@pytest.mark.parametrize("base", [0, 12, 999_999])
def test_a_seed_for_training_never_leads_to_one_held_out(base: int) -> None:
    later = [later_seed(base, count) for count in range(1, 2000)]
    assert min(later) >= 0
    assert max(later) < HELD_OUT
    assert len(set(later)) > 1990


def test_a_seed_held_out_never_leads_to_one_for_training() -> None:
    assert all(HELD_OUT <= later_seed(HELD_OUT + 3, count) < 2 * HELD_OUT for count in range(1, 500))


def test_one_seed_is_counted_up_over_the_worlds_without_reaching_those_held_out() -> None:
    assert spread_seed(4, 3) == [4, 5, 6]
    assert spread_seed(HELD_OUT - 2, 3) == [HELD_OUT - 2, HELD_OUT - 1, 0]
    assert spread_seed(HELD_OUT, 3) == [HELD_OUT, HELD_OUT + 1, HELD_OUT + 2]


def test_worlds_without_a_seed_draw_one_once_and_go_on_with_it() -> None:
    generator = np.random.default_rng(3)
    made = EpisodeBook(3)
    made.seed([None, 8, None], ALL, generator)
    drawn = made.begin(EVERY)
    assert drawn[1] == 8
    assert drawn[0] != drawn[2]
    made.seed([None, None, None], ALL, generator)
    assert made.begin(EVERY).tolist() == [later_seed(int(seed), 1) for seed in drawn]


def test_only_the_chosen_worlds_are_seeded_and_begun() -> None:
    made = book([1, 2, 3])
    made.begin(EVERY)
    made.needs_reset[:] = True
    made.seed([10, 20, 30], np.array([False, True, False]), np.random.default_rng(0))
    assert made.begin(np.array([1])).tolist() == [20]
    assert made.needs_reset.tolist() == [True, False, True]


def test_decisions_add_up_until_the_next_episode() -> None:
    made = book([1, 2, 3])
    made.begin(EVERY)
    outcomes = np.zeros(3, OUTCOME)
    outcomes["progress"], outcomes["ran_red"] = [1.0, 2.0, 0.0], [0, 1, 0]
    moving = np.array([True, True, False])
    for _ in range(2):
        made.add(outcomes, np.array([0.5, -1.0, 0.0]), moving)
    report = made.report(np.array([Ending.NONE, Ending.PERSON, Ending.TIME], np.int8))
    assert {name: values.tolist() for name, values in report.items()} == {
        "return": [1.0, -2.0, 0.0],
        "length": [2.0, 2.0, 0.0],
        "distance_m": [2.0, 4.0, 0.0],
        "ran_red": [0.0, 2.0, 0.0],
        "ended_person": [0.0, 1.0, 0.0],
        "ended_car": [0.0, 0.0, 0.0],
        "ended_off_road": [0.0, 0.0, 0.0],
    }
    made.begin(np.array([1]))
    assert made.report(np.zeros(3, np.int8))["return"].tolist() == [1.0, 0.0, 0.0]
    assert report["return"][1] == -2.0


def test_all_that_is_kept_can_be_stored_and_put_back() -> None:
    made, other = book([1, 2, 3]), EpisodeBook(3)
    made.begin(EVERY)
    made.add(np.zeros(3, OUTCOME), np.ones(3), ALL)
    for name, array in other.arrays().items():
        array[...] = made.arrays()[name]
    assert other.begin(EVERY).tolist() == made.begin(EVERY).tolist()


def test_resuming_forgets_sums_and_endings() -> None:
    made = book([1, 2, 3])
    made.add(np.zeros(3, OUTCOME), np.ones(3), ALL)
    made.resume()
    assert not made.needs_reset.any()
    assert made.report(np.zeros(3, np.int8))["return"].tolist() == [0.0, 0.0, 0.0]
