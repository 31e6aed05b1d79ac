from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.data.state_set import PROVENANCE
from probes.measures.clusters import (
    adjusted_rand,
    block_units,
    count_copies,
    distances_between,
    embed,
    equal_error_cut,
    gather,
    join,
    join_by_half,
    medoid,
    recorded_clusters,
    stability,
    successions,
    verdict_on,
)
from probes.statistics import share

Floats = NDArray[np.float64]


def provenance(episodes: int, steps: list[int]) -> NDArray[np.void]:
    """Return states of episodes in the order in which worlds record them: step by step."""
    found = np.zeros(episodes * len(steps), PROVENANCE)
    found["episode"] = np.tile(np.arange(episodes), len(steps))
    found["step"] = np.repeat(steps, episodes)
    return found


def planted(seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Return 24 points in 3 heaps of 9, 8 and 7, 10 apart and 0.1 wide, shuffled; and their heaps."""
    rng = np.random.default_rng(seed)
    heaps = rng.permutation(np.repeat([0, 1, 2], [9, 8, 7]))
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    return centres[heaps] + 0.1 * rng.standard_normal((24, 2)), heaps


def calibration() -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return near pairs of 0.1 to 0.9, far ones of 5 to 15, and the episode of each."""
    rng = np.random.default_rng(1)
    return rng.uniform(0.1, 0.9, 60), rng.uniform(5, 15, 60), np.arange(60) // 6


def test_planted_clusters_are_recovered_exactly() -> None:
    points, heaps = planted()
    near, far, episode = calibration()
    distances = distances_between(points)
    labels = join(distances, equal_error_cut(near, far).distance)
    assert adjusted_rand(labels, heaps) == 1.0
    stable = stability(distances, labels, near, far, episode)
    assert stable is not None
    assert stable.value == pytest.approx(1.0)
    assert (stable.low, stable.high, stable.n) == (1.0, 1.0, 24)


def test_all_alike_are_one_cluster_and_all_unlike_are_none() -> None:
    points = 0.1 * np.random.default_rng(0).standard_normal((10, 2))
    assert set(join(distances_between(points), 1.0)) == {0}
    assert len(set(join(distances_between(100 * points), 0.1))) == 10
    assert join(np.zeros((1, 1)), 1.0).tolist() == [0]


def test_a_cluster_is_joined_up_to_its_mean_distance() -> None:
    # 0 and 1 join at 1; 3 is then 2 and 3 away, 2.5 in the mean
    distances = distances_between(np.array([[0.0], [1.0], [3.0]]))
    assert len(set(join(distances, 2.49))) == 2
    assert len(set(join(distances, 2.5))) == 1


def test_clusters_that_depend_on_the_half_are_not_called_stable() -> None:
    # 40 points on a line, 1 apart: where clusters of about 4 begin and end is up to the half
    distances = distances_between(np.arange(40.0)[:, None])
    near, far, episode = np.full(60, 3.0), np.full(60, 9.0), np.arange(60) // 6
    stable = stability(distances, join(distances, 3.0), near, far, episode)
    assert stable is not None
    assert stable.value < 0.65
    assert verdict_on(stable.value) == "poor"


def test_fewer_than_four_findings_tell_nothing_of_stability() -> None:
    near, far, episode = calibration()
    assert stability(np.zeros((3, 3)), np.zeros(3, np.int64), near, far, episode) is None
    assert stability(np.zeros((4, 4)), np.zeros(4, np.int64), near, far, episode) is not None


def test_the_cut_is_resampled_by_episodes() -> None:
    # With the cut of all pairs, 5, any half joins all; that of episode 0 or 1 alone, 0.1, joins nothing.
    near, far = np.array([0.1, 0.1, 5.0]), np.array([6.0, 6.0, 6.0])
    distances = distances_between(np.array([[0.0], [1.0], [2.0], [3.0]]))
    stable = stability(distances, np.zeros(4, np.int64), near, far, np.array([0, 1, 2]))
    assert stable is not None
    assert stable.value == pytest.approx(1 - (2 / 3) ** 3, abs=0.1)  # whether episode 2 is drawn


def test_who_is_left_out_joins_the_nearest_cluster_or_stands_alone() -> None:
    distances = distances_between(np.array([[0.0], [1.0], [1.5], [10.0], [11.0], [50.0], [51.0]]))
    joined = join_by_half(distances, np.array([0, 1, 3]), 2.0)
    assert joined[0] == joined[1] == joined[2]
    assert joined[3] == joined[4]
    assert len(set(joined)) == 4  # nobody of the half is near the last two, so nothing joins them


def test_recorded_states_are_drawn_from_different_episodes() -> None:
    # the states of an episode are all alike, those of different ones far apart: as many clusters as states
    recorded = provenance(5, [0, 5, 10])
    points = 10.0 * recorded["episode"].astype(np.float64)[:, None]
    usual = recorded_clusters(points, recorded, 4, 1.0)
    assert usual is not None
    assert (usual.value, usual.low, usual.high, usual.n) == (4.0, 4.0, 4.0, 4)
    wide = recorded_clusters(points, recorded, 5, 100.0)
    assert wide is not None
    assert wide.value == 1.0
    assert recorded_clusters(points, recorded, 6, 1.0) is None


@pytest.mark.parametrize(
    ("index", "word"),
    [
        (1.0, "excellent"),
        (0.9, "excellent"),
        (0.85, "good"),
        (0.65, "moderate"),
        (0.64, "poor"),
        (-1, "poor"),
    ],
)
def test_stability_is_called_as_steinley_does(index: float, word: str) -> None:
    assert verdict_on(index) == word


def test_adjusted_rand_meets_the_hand_computed_numbers() -> None:
    # pairs within: of ours 2, of theirs 1, of both 1, of 6; e = 1/3: (1 - 1/3) / (3/2 - 1/3) = 4/7
    assert adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(4 / 7)
    # ours 2, theirs 2, both 0; e = 2/3: (0 - 2/3) / (2 - 2/3) = -1/2
    assert adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-1 / 2)
    # names do not count
    assert adjusted_rand([0, 0, 1, 1, 2], [7, 7, 3, 3, 5]) == 1.0


def test_adjusted_rand_of_trivial_clusterings() -> None:
    assert adjusted_rand([0, 0, 0], [1, 1, 1]) == 1.0
    assert adjusted_rand([0, 1, 2], [2, 1, 0]) == 1.0
    assert adjusted_rand([0, 0, 0], [0, 1, 2]) == 0.0


def test_the_cut_errs_alike_on_both_sides() -> None:
    # at 3: 3 of 4 within, and of the far 3 of 4 beyond
    assert equal_error_cut(np.array([1.0, 2.0, 3.0, 9.0]), np.array([2.5, 7.0, 8.0, 9.5])) == (3.0, 0.75)
    assert equal_error_cut(np.array([1.0, 2.0]), np.array([5.0, 6.0])) == (2.0, 1.0)


def test_successions_are_as_far_apart_as_asked_for_and_stay_within_an_episode() -> None:
    recorded = provenance(3, [0, 5, 10, 15])
    found = successions(recorded, 11.0)
    assert found.decisions == 10
    assert len(found.first) == 6  # two of each episode
    assert (recorded["step"][found.later] - recorded["step"][found.first] == 10).all()
    assert (recorded["episode"][found.later] == recorded["episode"][found.first]).all()
    assert (recorded["episode"][found.first] == found.episode).all()


def test_the_state_beside_a_succession_is_of_any_other_episode() -> None:
    recorded = provenance(3, list(range(0, 100, 5)))
    found = successions(recorded, 10.0)
    pairs = set(zip(found.episode.tolist(), recorded["episode"][found.other].tolist(), strict=True))
    assert pairs == {(a, b) for a in range(3) for b in range(3) if a != b}


@pytest.mark.parametrize(("episodes", "steps"), [(1, [0, 5, 10]), (4, [0])])
def test_recorded_states_that_give_no_pairs_are_refused(episodes: int, steps: list[int]) -> None:
    with pytest.raises(ProbeError, match=r"of [14] episodes, at most [13] each; at least 2 of 2 needed"):
        successions(provenance(episodes, steps), 10.0)


def test_two_recorded_states_are_one_apart_in_the_root_mean_square() -> None:
    rng = np.random.default_rng(0)
    recorded = {"car": 7 * rng.standard_normal((400, 3)), "agent": 0.01 * rng.standard_normal((400, 1))}
    points = embed(recorded, block_units(recorded, recorded))
    distances = distances_between(points)
    assert np.sqrt((distances**2).mean()) == pytest.approx(1.0)
    # and each block has an equal part in it
    assert 2 * points[:, :3].var(axis=0).sum() == pytest.approx(0.5)


def test_a_block_in_which_recorded_states_are_alike_is_measured_by_findings() -> None:
    blank, seen = np.zeros((4, 1)), np.array([[0.0], [0.0], [4.0], [4.0]])
    # the variance of the findings is 4, the mean square of their distances 8
    assert block_units({"light": blank}, {"light": seen}) == {"light": pytest.approx(np.sqrt(8))}
    assert block_units({"light": blank}, {"light": blank}) == {"light": 1.0}


def test_copies_of_copies_are_counted_once() -> None:
    differing = distances_between(np.array([[0.0], [0.01], [0.02], [0.5], [0.9]]))
    assert count_copies(differing, 0.011) == 2
    assert count_copies(differing, 0.001) == 0
    assert count_copies(np.zeros((5, 5)), 0.0) == 4


def test_the_medoid_is_nearest_to_all_and_the_first_of_equals() -> None:
    assert medoid(distances_between(np.array([[0.0], [2.0], [3.0], [9.0]]))) == 1  # 12 apart, as the third
    assert medoid(distances_between(np.array([[0.0], [5.0], [6.0]]))) == 1
    assert medoid(np.zeros((1, 1))) == 0


def test_clusters_come_by_size_and_then_by_objective() -> None:
    points = np.array([[0.0], [1.0], [3.0], [50.0], [90.0]])
    labels = np.array([0, 0, 0, 1, 2])
    objective, passes = np.array([1.0, 2.0, 6.0, 4.0, 5.0]), np.array([True, False, True, False, True])
    found = gather(labels, distances_between(points), objective, passes, np.arange(5))
    assert [one.members for one in found] == [(1, 0, 2), (4,), (3,)]
    first = found[0]
    assert first.share == share(3, 5)
    assert first.objective == 3.0
    assert first.passing == share(2, 3)
    assert first.spread == pytest.approx((1 + 2 + 3) / 3)
    assert found[1].spread == 0.0


def test_of_two_that_stand_for_a_cluster_equally_the_preferred_one_does() -> None:
    distances, labels = distances_between(np.array([[0.0], [1.0]])), np.zeros(2, np.int64)
    passes = np.array([False, True])
    found = gather(labels, distances, np.zeros(2), passes, np.array([1, 0]))
    assert found[0].members == (1, 0)


def test_successions_name_the_states_that_were_given() -> None:
    found = successions(provenance(2, [0, 5]), 5.0)
    assert found.first.tolist() == [0, 1]
    assert found.later.tolist() == [2, 3]
    assert found.other[0] in (1, 3)
    assert found.other[1] in (0, 2)
