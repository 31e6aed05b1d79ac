from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest

from probes.falsify import (
    POINT_METHODS,
    POPULATION,
    Floats,
    Meter,
    OutOfStepsError,
    Proposals,
    Run,
    cut_normal,
    find_failure,
    moved,
    placed,
    recorded,
)

FINE, NEAR, FAILS = Run(10, 4.0, False), Run(20, 1.0, False), Run(30, 0.5, True)


def play(batch: Sequence[Run]) -> Sequence[Run]:
    return batch


def method(*batches: list[Run], before: int = 0) -> Callable[[int, Meter], Proposals[list[Run]]]:
    def propose(_: int, meter: Meter) -> Proposals[list[Run]]:
        meter.spend(before)
        for batch in batches:
            told = yield batch
            assert told == batch

    return propose


def test_a_meter_counts_steps_and_complains_only_beyond_the_budget() -> None:
    told: list[int] = []
    meter = Meter(30, told.append)
    meter.spend(10)
    meter.spend(20)
    with pytest.raises(OutOfStepsError):
        meter.spend(1)
    assert told == [10, 30, 30]


def test_runs_count_in_their_order_up_to_the_first_failure() -> None:
    found = find_failure(method([FINE, NEAR], [FINE, FAILS, FINE]), play, 7, 1000)
    assert (found.seed, found.is_found, found.steps, found.runs) == (7, True, 10 + 20 + 10 + 30, 4)
    assert (found.recorded, found.least_cost) == (0, 0.5)


def test_what_a_method_records_for_itself_counts() -> None:
    found = find_failure(method([FINE, FAILS], before=100), play, 0, 1000)
    assert (found.is_found, found.steps, found.recorded) == (True, 140, 100)


@pytest.mark.parametrize(("budget", "is_found"), [(40, True), (39, False)])
def test_a_failure_counts_only_within_the_budget(budget: int, is_found: bool) -> None:
    found = find_failure(method([FINE, FAILS]), play, 0, budget)
    assert (found.is_found, found.steps, found.runs, found.recorded) == (is_found, budget, 2, 0)


def test_who_spends_all_on_recording_has_no_run() -> None:
    found = find_failure(method([FAILS], before=50), play, 0, 40)
    assert (found.is_found, found.steps, found.runs, found.least_cost) == (False, 40, 0, None)


def test_a_method_without_more_starts_has_found_nothing() -> None:
    found = find_failure(method([FINE], [NEAR]), play, 0, 1000)
    assert (found.is_found, found.steps, found.runs, found.least_cost) == (False, 1000, 2, 1.0)


def test_recording_is_done_again_and_counted_again_once_all_has_been_tried() -> None:
    turns: list[int] = []

    def record(turn: int) -> tuple[list[Run], int]:
        turns.append(turn)
        return [FINE, FAILS] if turn == 2 else [NEAR], 100

    found = find_failure(lambda _, meter: recorded(record, meter), play, 0, 1000)
    assert turns == [0, 1, 2]
    assert (found.steps, found.recorded) == (3 * 100 + 20 + 20 + 10 + 30, 300)


@pytest.mark.parametrize("name", POINT_METHODS)
def test_points_lie_in_the_unit_cube_and_follow_from_the_seed(name: str) -> None:
    first, again, other = (batches(name, seed) for seed in (3, 3, 4))
    assert first.shape == (4, POPULATION, 5)
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    assert (first == again).all()
    assert (first != other).any()


def batches(name: str, seed: int, count: int = 4, dimensions: int = 5) -> Floats:
    """Return batches (count, P, D); the nearer to a corner, the less a point costs."""
    proposals = POINT_METHODS[name](dimensions, seed)
    told = [next(proposals)]
    while len(told) < count:
        told.append(proposals.send([Run(1, cost, False) for cost in distance(told[-1])]))
    return np.stack(told)


def distance(points: Floats) -> list[float]:
    return [float(d) for d in np.linalg.norm(points - 0.9, axis=-1)]


@pytest.mark.parametrize(
    ("name", "is_guided"), [(n, n in ("cross-entropy", "cma-es")) for n in POINT_METHODS]
)
def test_guided_methods_come_nearer_and_the_others_do_not(name: str, is_guided: bool) -> None:
    tried = batches(name, 0, count=8)
    ratio = np.mean(distance(tried[-1])) / np.mean(distance(tried[0]))
    assert (ratio < 0.5) == is_guided


@pytest.mark.parametrize("name", ["cross-entropy", "cma-es"])
def test_a_guided_method_starts_over_elsewhere_once_it_has_converged(name: str) -> None:
    spread = batches(name, 0, count=150, dimensions=2).std(1).mean(1)
    narrow = int(np.argmax(spread < 0.05))
    assert spread[narrow] < 0.05
    assert spread[narrow:].max() > 0.15


def test_halton_puts_one_of_sixteen_points_into_each_sixteenth() -> None:
    first = batches("halton", 0)[0, :, 0]
    assert sorted(np.floor(16 * first)) == list(range(16))


def test_the_best_pull_a_distribution_half_of_the_way() -> None:
    assert moved(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == pytest.approx([0.5, 1.5])


def test_a_cut_normal_has_its_quantiles_between_the_cuts() -> None:
    mean, spread = np.array([0.5]), np.array([0.5])
    found = cut_normal(np.array([[0.0], [0.25], [0.5], [1.0]]), mean, spread)[:, 0]
    # Phi(-1) = 0.15866; a quarter of what lies within is at Phi(z) = 0.32933, z = -0.4418
    assert found == pytest.approx([0.0, 0.5 - 0.5 * 0.4418, 0.5, 1.0], abs=1e-4)


def test_a_distribution_without_spread_stays_where_it_is() -> None:
    found = cut_normal(np.array([[0.1], [0.9]]), np.array([0.3]), np.array([0.0]))
    assert found[:, 0] == pytest.approx([0.3, 0.3], abs=1e-4)


def test_points_are_placed_and_their_method_is_told_how_they_went() -> None:
    told: list[Sequence[Run]] = []

    def points() -> Proposals[Floats]:
        told.append((yield np.zeros((1, 2))))
        told.append((yield np.ones((1, 2))))

    proposals = placed(points(), partial(np.sum, axis=1))
    assert next(proposals) == [0.0]
    assert proposals.send([FINE]) == [2.0]
    with pytest.raises(StopIteration):
        proposals.send([NEAR])
    assert told == [[FINE], [NEAR]]
