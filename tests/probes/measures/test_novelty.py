"""Nearest states against brute force over floats, changed pixels against hand-computed numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import probes.measures.novelty
from probes import statistics
from probes.agent import ProbeError
from probes.measures.novelty import (
    mean_squared_errors,
    nearest,
    nearest_by_objective,
    novelty,
)
from probes.states import Plane, StateLayout, to_states

MIXED = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", 5), Plane("colour", "level", 3)), 2, 6, 7
)
CLASSES = StateLayout((Plane("semantic", "class", 3),), 2, 1, 5)
GRAY = StateLayout((Plane("gray", "level"),), 1, 1, 6)


@dataclass
class Real:
    """States in memory."""

    layout: StateLayout
    all: NDArray[np.uint8]
    held_out: NDArray[np.bool_]

    def stored(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.all[indices]


def kept(layout: StateLayout, states: NDArray[np.uint8]) -> Real:
    return Real(layout, states, np.zeros(len(states), np.bool_))


def draw(layout: StateLayout, count: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 256, (count, *layout.stored_shape), dtype=np.uint8)
    for plane, _, where in layout.slices():
        if plane.kind == "class":
            stored[:, :, where] %= plane.channels
    return stored


def by_brute_force(
    samples: NDArray[np.uint8], states: NDArray[np.uint8], layout: StateLayout
) -> NDArray[np.float64]:
    a, b = (to_states(torch.from_numpy(x), layout).double().flatten(1) for x in (samples, states))
    errors: NDArray[np.float64] = ((a[:, None] - b[None]) ** 2).mean(dim=2).numpy()
    return errors


@pytest.mark.parametrize("layout", [MIXED, CLASSES, GRAY])
def test_errors_are_those_of_float_states(layout: StateLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    # so small that states and samples are taken in several parts, the last of them not full
    monkeypatch.setattr(probes.measures.novelty, "CHUNK_BYTES", 3 * int(np.prod(layout.stored_shape)))
    query = 2 * layout.stack * layout.height * layout.width
    monkeypatch.setattr(probes.measures.novelty, "QUERY_BYTES", query)
    samples, states = draw(layout, 5, 0), draw(layout, 10, 1)
    chosen = np.array([9, 2, 3, 0, 5, 6, 7])
    errors = mean_squared_errors(samples, kept(layout, states), chosen)
    np.testing.assert_allclose(errors, by_brute_force(samples, states[chosen], layout), rtol=1e-6)


def test_a_class_that_differs_counts_two_of_all_channels() -> None:
    # of 2 frames x 3 channels x 5 pixels = 30 entries, one pixel sets one channel and clears another
    sample = np.zeros((1, *CLASSES.stored_shape), np.uint8)
    other = sample.copy()
    other[0, 1, 0, 0, 3] = 2
    np.testing.assert_allclose(
        mean_squared_errors(sample, kept(CLASSES, other), np.array([0])), [[2 / 30]], rtol=1e-12
    )


def test_the_nearest_states_come_in_order_and_of_equals_the_earlier_first() -> None:
    levels = np.array([200, 103, 97, 100, 103], np.uint8)
    states = np.broadcast_to(levels[:, None, None, None, None], (5, *GRAY.stored_shape)).copy()
    found = nearest(np.full((1, *GRAY.stored_shape), 100, np.uint8), kept(GRAY, states), k=4)
    assert found.indices.tolist() == [[3, 1, 2, 4]]
    np.testing.assert_allclose(found.mse, [[0, 9 / 255**2, 9 / 255**2, 9 / 255**2]])
    many = nearest(states[:1], kept(GRAY, np.tile(states, (100, 1, 1, 1, 1))), k=50)
    assert many.indices.tolist() == [list(range(0, 250, 5))]


def test_indices_are_of_the_set_and_held_out_states_are_left_out() -> None:
    states = draw(CLASSES, 6, 0)
    real = Real(CLASSES, states, np.array([True, True, False, False, True, False]))
    assert nearest(states[[3, 5]], real).indices.tolist() == [[3], [5]]
    assert nearest(states[[0]], real).indices.item() in (2, 3, 5)
    assert nearest(states[[0]], real, indices=np.array([4, 0])).indices.tolist() == [[0]]


def test_progress_ends_at_all_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.measures.novelty, "CHUNK_BYTES", 4 * int(np.prod(CLASSES.stored_shape)))
    told: list[tuple[int, int]] = []
    states = draw(CLASSES, 10, 0)
    nearest(states[:1], kept(CLASSES, states), progress=lambda done, total: told.append((done, total)))
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_table_counts_samples_with_more_than_a_share_changed() -> None:
    real = np.zeros((1, *CLASSES.stored_shape), np.uint8)
    samples = np.zeros((4, *CLASSES.stored_shape), np.uint8)
    samples[1, 0, 0, 0, :1] = 1  # 1 of 10 pixels, none of the newest frame's 5
    samples[2, 1, 0, 0, :3] = 1  # 3 of 10, 3 of the newest 5
    samples[3] = 2  # all
    found = novelty(samples, kept(CLASSES, real))
    np.testing.assert_allclose(found.changed(), [0, 0.1, 0.3, 1])
    np.testing.assert_allclose(found.changed(newest=True), [0, 0, 0.6, 1])
    share = statistics.share
    assert found.table() == {
        0.1: share(2, 4),
        0.2: share(2, 4),
        0.3: share(1, 4),
        0.5: share(1, 4),
        0.7: share(1, 4),
    }
    assert found.table(newest=True)[0.5] == share(2, 4)
    assert found.mean_changed().value == pytest.approx(0.35)
    assert found.mean_changed(newest=True).value == pytest.approx(0.4)


def test_novelty_compares_with_the_nearest_state_under_both_definitions() -> None:
    states = np.stack([np.full(GRAY.stored_shape, level, np.uint8) for level in (0, 40, 200)])
    found = novelty(np.full((1, *GRAY.stored_shape), 60, np.uint8), kept(GRAY, states))
    assert found.nearest.tolist() == [1]
    np.testing.assert_allclose(found.mse, [(20 / 255) ** 2])
    # 20 of 255 is little, 20 of 40 is half
    assert found.changed("range").tolist() == [0.0]
    assert found.changed("value").tolist() == [1.0]
    assert found.table("value")[0.7].value == 1.0
    assert found.table("range")[0.1].value == 0.0


def test_nearest_by_objective_takes_the_least_difference() -> None:
    real = np.array([-1.0, 2.0, 5.0])
    assert nearest_by_objective(np.array([9.0, -7.0, 1.0, 3.4]), real).tolist() == [2, 0, 1, 1]
    with pytest.raises(ProbeError, match="no real states"):
        nearest_by_objective(np.array([1.0]), np.array([]))


def test_samples_of_another_layout_are_refused() -> None:
    states = draw(CLASSES, 2, 0)
    with pytest.raises(
        ProbeError, match=r"shape \(2, 2, 1, 1, 4\), allowed is uint8 of shape \(2, 2, 1, 1, 5\)"
    ):
        nearest(states[..., :4], kept(CLASSES, states))
    with pytest.raises(ProbeError, match=r"shape \(0, 2, 1, 1, 5\)"):
        nearest(states[:0], kept(CLASSES, states))
    with pytest.raises(ProbeError, match="real states are float32"):
        mean_squared_errors(states.astype(np.float32), kept(CLASSES, states), np.array([0]))


@pytest.mark.parametrize("k", [0, 3])
def test_more_neighbours_than_states_are_refused(k: int) -> None:
    states = draw(CLASSES, 2, 0)
    with pytest.raises(ProbeError, match=f"k is {k}, allowed are 1 to 2"):
        nearest(states, kept(CLASSES, states), k)
