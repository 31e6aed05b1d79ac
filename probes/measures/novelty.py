"""How far synthesised states are from those that the generator was fitted on (Sec. 4.8, Table 2, Fig. 7).

Each sample is compared with its nearest real state by mean squared error over float states, where a class
plane's channels are one-hot. Everything is computed on stored bytes and is exact: two one-hot vectors differ
by 2 where the classes differ, and sums of products of bytes are whole numbers that float64 holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from probes import statistics
from probes.agent import ProbeError
from probes.states import StateLayout
from probes.statistics import Estimate
from probes.synthesis.diversity import Relative, changed_pixels

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""

THRESHOLDS = (0.1, 0.2, 0.3, 0.5, 0.7)
"""Shares of changed pixels in Table 2."""
CHUNK_BYTES = 64 << 20
"""Real states read at once: enough for long matrix products, little memory."""
QUERY_BYTES = 1 << 20
"""Samples compared in turn with one real state: they should stay in the processor's second cache."""


class RealStates(Protocol):
    """What is read of a `StateSet`."""

    @property
    def layout(self) -> StateLayout:
        """Of the stored states."""
        ...

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """(N,) True where the state was kept from fitting."""
        ...

    def stored(self, indices: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """Return states (B, T, M, H, W)."""
        ...


class Nearest(NamedTuple):
    """The nearest real states of S samples, the nearest first."""

    indices: NDArray[np.int64]
    """(S, k), into the set."""
    mse: NDArray[np.float64]
    """(S, k), mean over all entries of the float states."""


@dataclass(frozen=True)
class Novelty:
    """How S samples differ from the nearest real state of each."""

    nearest: NDArray[np.int64]
    """(S,), into the set."""
    mse: NDArray[np.float64]
    """(S,), mean over all entries of the float states."""
    changed_by_range: NDArray[np.float64]
    """(S, T), share of each frame's pixels where a level differs by more than 25% of the range."""
    changed_by_value: NDArray[np.float64]
    """(S, T), where it differs by more than 25% of the real level, or of 1/255 if that is 0."""

    def changed(self, relative: Relative = "range", newest: bool = False) -> NDArray[np.float64]:
        """Return the share (S,) of changed pixels: of all frames, or of the newest alone."""
        shares = self.changed_by_range if relative == "range" else self.changed_by_value
        return shares[:, -1] if newest else shares.mean(axis=1)

    def table(self, relative: Relative = "range", newest: bool = False) -> dict[float, Estimate]:
        """Return the share of samples with more changed pixels than each of `THRESHOLDS` (Table 2)."""
        changed = self.changed(relative, newest)
        return {t: statistics.share(int((changed > t).sum()), len(changed)) for t in THRESHOLDS}

    def mean_changed(self, relative: Relative = "range", newest: bool = False) -> Estimate:
        """Return the mean share of changed pixels; the paper's is 25% (Sec. 4.8)."""
        return statistics.mean(self.changed(relative, newest))


def novelty(
    samples: NDArray[np.uint8],
    real: RealStates,
    indices: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> Novelty:
    """Compare samples with the nearest training state of each.

    Args:
        samples: stored states (S, T, M, H, W).
        real: the set that the generator was fitted on.
        indices: of the real states to compare with; by default those not held out.
        progress: told how many real states are done.

    Raises:
        ProbeError: the samples do not fit the set's layout, or there is nothing to compare.
    """
    found = nearest(samples, real, 1, indices, progress)
    index = found.indices[:, 0]
    neighbours = real.stored(index)
    by_range = changed_pixels(samples, neighbours, real.layout, "range")
    by_value = changed_pixels(samples, neighbours, real.layout, "value")
    return Novelty(index, found.mse[:, 0], by_range.mean(axis=(2, 3)), by_value.mean(axis=(2, 3)))


def nearest(
    samples: NDArray[np.uint8],
    real: RealStates,
    k: int = 1,
    indices: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> Nearest:
    """Find the k real states nearest to each sample by mean squared error, of equals the earlier (Fig. 7b).

    Args and errors are those of `novelty`.
    """
    chosen = np.flatnonzero(~real.held_out) if indices is None else np.asarray(indices, np.int64)
    if not 1 <= k <= len(chosen):
        raise ProbeError(f"nearest states: k is {k}, allowed are 1 to {len(chosen)}, the states to search")
    distances = mean_squared_errors(samples, real, chosen, progress)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return Nearest(chosen[order], np.take_along_axis(distances, order, axis=1))


def nearest_by_objective(objectives: NDArray[np.floating], real: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the position (S,) in `real` (N,) of the objective nearest to each of `objectives` (Fig. 7c)."""
    if len(real) == 0:
        raise ProbeError("nearest states by objective: there are no real states to compare with")
    position: NDArray[np.int64] = np.abs(objectives[:, None] - real[None]).argmin(axis=1)
    return position


def mean_squared_errors(
    samples: NDArray[np.uint8],
    real: RealStates,
    indices: NDArray[np.int64],
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return the mean squared error (S, N) over float states of each sample and each real state, exactly."""
    layout = real.layout
    if samples.dtype != np.uint8 or samples.shape[1:] != layout.stored_shape or not len(samples):
        raise ProbeError(
            f"samples to compare with real states are {samples.dtype} of shape {samples.shape}, "
            f"allowed is uint8 of shape {(max(1, len(samples)), *layout.stored_shape)}, as in the set"
        )
    rows = max(1, CHUNK_BYTES // int(np.prod(layout.stored_shape)))
    errors = np.empty((len(samples), len(indices)))
    for start in range(0, len(indices), rows):
        chunk = real.stored(indices[start : start + rows])
        errors[:, start : start + rows] = squared_distances(samples, chunk, layout)
        if progress is not None:
            progress(min(start + rows, len(indices)), len(indices))
    # Whole numbers until here, so that equal distances compare equal.
    return errors / (255.0**2 * np.prod(layout.shape))


def squared_distances(
    samples: NDArray[np.uint8], states: NDArray[np.uint8], layout: StateLayout
) -> NDArray[np.float64]:
    """Return squared distances (S, N) of stored states, in units of 1/255 squared: whole numbers."""
    total = np.zeros((len(samples), len(states)))
    for plane, _, where in layout.slices():
        if plane.kind == "class":
            classes, their_classes = _rows(samples[:, :, where]), _rows(states[:, :, where])
            total += 2 * 255**2 * disagreements(classes, their_classes)
            continue
        for frame in range(layout.stack):  # one at a time, to bound the memory that float64 takes
            levels, their_levels = _rows(samples[:, frame, where]), _rows(states[:, frame, where])
            total += _level_distances(levels.astype(np.float64), their_levels.astype(np.float64))
    return total


def disagreements(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count in how many of D entries each of S rows (S, D) differs from each of N rows (N, D): (S, N)."""
    counts = np.empty((len(ours), len(theirs)), np.int64)
    differs = np.empty(ours.shape[1], np.bool_)
    rows = max(1, QUERY_BYTES // max(1, ours.shape[1]))
    for start in range(0, len(ours), rows):
        for column, their in enumerate(theirs):
            for row in range(start, min(start + rows, len(ours))):
                np.not_equal(ours[row], their, out=differs)
                counts[row, column] = np.count_nonzero(differs)
    return counts


def _level_distances(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum((a - b)^2) as sum(a^2) + sum(b^2) - 2 sum(ab): exact, all are whole and below 2^53."""
    squares = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None]
    distances: NDArray[np.float64] = squares - 2 * (ours @ theirs.T)
    return distances


def _rows(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(planes).reshape(len(planes), -1)
