import numpy as np

from benchmarks.towns import drive_through, join, random_states


def test_driving_through_a_town_gives_states_that_follow_each_other() -> None:
    ticks = drive_through("empty_road", 3, seed=1).town["tick"]
    assert len(ticks) == 3
    assert np.all(np.diff(ticks) == 6)  # 60 Hz, 10 decisions a second


def test_random_states_come_from_different_towns() -> None:
    state = random_states("empty_road", 50, seed=1)
    assert len(state) == 50
    assert len(np.unique(state.ego["x"])) == 50


def test_joined_states_keep_their_order() -> None:
    first, second = random_states("empty_road", 50, seed=1), random_states("empty_road", 50, seed=2)
    joined = join([first, second])
    assert np.array_equal(joined.ego[50:], second.ego)
