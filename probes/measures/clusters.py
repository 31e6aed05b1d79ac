"""Findings clustered, so that a reader meets each weakness once, and how far the clusters can be trusted.

States are described by blocks of features: one for each thing that is shown, one for what the agent makes of
it. The squared distance of two states is the mean over the blocks of their squared distance in the block, in
units of the mean square over pairs of recorded states: 1 is as unlike as two recorded states are on average.
Clusters are those of average linkage, cut where recorded states a second apart are best told from states of
different episodes: within a cluster, findings differ on average by no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist, squareform

from probes.agent import ProbeError
from probes.statistics import Estimate, share

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Blocks = Mapping[str, Floats]
"""Features (B, F) of B states, by what they describe."""

HALVES = 200
"""Random halves of the findings over which stability is taken, and draws of recorded states."""
VERDICTS = ((0.9, "excellent"), (0.8, "good"), (0.65, "moderate"))
"""From which adjusted Rand index on clusters are that stable, after Steinley (2004); below, poor."""


class Successions(NamedTuple):
    """P pairs of recorded states of an episode, and beside each pair a state of another episode."""

    first: Indices
    later: Indices
    other: Indices
    """(P,) each: which states."""
    episode: Indices
    """(P,), of the pair."""
    decisions: int
    """How many lie between the two, in the median."""


class Cut(NamedTuple):
    """The distance up to which clusters are joined."""

    distance: float
    told: float
    """Share of pairs that it tells right: states of one episode as near, of different ones as far."""


@dataclass(frozen=True)
class Cluster:
    """Findings that are alike."""

    members: tuple[int, ...]
    """The medoid first, the others by their distance to it."""
    share: Estimate
    """Of all findings."""
    objective: float
    """Mean J."""
    passing: Estimate
    """Share of the members that pass the checks."""
    spread: float
    """Mean distance between members; 0 of one alone."""


def successions(provenance: NDArray[np.void], decisions: float, seed: int = 0) -> Successions:
    """Pair recorded states with those of their episode that lie nearest to so many decisions later.

    Args:
        provenance: (N,) of `data.state_set.PROVENANCE`.
        decisions: how many the pairs should be apart.
        seed: of the states of other episodes.

    Raises:
        ProbeError: no episode has two states, or there is one episode alone.
    """
    order = np.lexsort((provenance["step"], provenance["episode"]))
    episode, step = provenance["episode"][order].astype(np.int64), provenance["step"][order]
    gaps: dict[int, int] = {}
    for shift in range(1, len(order)):
        apart = (step[shift:] - step[:-shift])[episode[shift:] == episode[:-shift]]
        if not len(apart):
            break
        gaps[shift] = int(np.median(apart))
    sizes = np.bincount(episode)
    if not gaps or (sizes > 0).sum() < 2:
        found = f"{len(order)} states of {(sizes > 0).sum()} episodes, at most {sizes.max(initial=0)} each"
        raise ProbeError(f"clusters are held against recorded states: found {found}; at least 2 of 2 needed")
    shift = min(gaps, key=lambda s: abs(gaps[s] - decisions))
    first = np.flatnonzero(episode[shift:] == episode[:-shift])
    # States of an episode lie side by side: whoever is drawn from its start on is moved past its end.
    begins, size = np.searchsorted(episode, episode[first]), sizes[episode[first]]
    other = np.random.default_rng(seed).integers(0, len(order) - size)
    other += size * (other >= begins)
    return Successions(order[first], order[first + shift], order[other], episode[first], gaps[shift])


def block_units(recorded: Blocks, findings: Blocks) -> dict[str, float]:
    """Return the root mean square distance between recorded states in each block.

    Of a block in which they are all alike, that between findings; 1 if those are, too.
    """
    units = {}
    for name in recorded:
        squares = (2 * side[name].var(axis=0).sum() for side in (recorded, findings))
        units[name] = float(np.sqrt(next((square for square in squares if square > 0), 1.0)))
    return units


def embed(blocks: Blocks, units: Mapping[str, float]) -> Floats:
    """Return points (B, F) whose Euclidean distance is that of the states."""
    parts = [blocks[name] / (unit * np.sqrt(len(units))) for name, unit in units.items()]
    return np.concatenate(parts, axis=1)


def distances_between(points: Floats) -> Floats:
    """Return the distances (K, K) between points (K, F); exactly 0 between equal ones."""
    return np.asarray(cdist(points, points))


def equal_error_cut(near: Floats, far: Floats) -> Cut:
    """Return the least distance at which as many of `near` (P,) lie within as of `far` (Q,) lie beyond."""
    candidates = np.unique(np.concatenate([near, far]))
    within = np.searchsorted(np.sort(near), candidates, "right") / len(near)
    beyond = 1 - np.searchsorted(np.sort(far), candidates, "right") / len(far)
    at = int(np.argmax(within >= beyond))
    return Cut(float(candidates[at]), float((within[at] + beyond[at]) / 2))


def join(distances: Floats, cut: float) -> Indices:
    """Return the cluster (K,), from 0, of K states by average linkage, joined up to a mean distance."""
    if len(distances) < 2:
        return np.zeros(len(distances), np.int64)
    tree = linkage(squareform(distances, checks=False), "average")
    return np.asarray(fcluster(tree, cut, "distance"), np.int64) - 1


def adjusted_rand(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Return the adjusted Rand index of two clusterings (K,): 1 if they are equal, 0 as by chance.

    Hubert and Arabie (1985), Eq. 5: (sum_ij C(n_ij, 2) - e) / ((a + b) / 2 - e), where a and b count the
    pairs within each clustering's clusters and e = a b / C(K, 2). Where nothing could differ by chance, both
    being one cluster or both single states, they are equal: 1.
    """
    _, rows = np.unique(np.asarray(ours), return_inverse=True)
    _, columns = np.unique(np.asarray(theirs), return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    both, a, b, pairs = (
        float((n * (n - 1) / 2).sum()) for n in (table, table.sum(1), table.sum(0), table.sum())
    )
    expected = a * b / pairs if pairs else 0.0
    most = (a + b) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def stability(
    distances: Floats, labels: Indices, near: Floats, far: Floats, episode: Indices, seed: int = 0
) -> Estimate | None:
    """Return how the clusters agree with those of random halves, each with a cut of resampled episodes.

    The findings that a half leaves out join its nearest cluster, where that is within the cut. It tells
    whether the clusters would be found again, not whether gaps lie between them: evenly spread points are cut
    at places that the half decides, and still reach 0.6 to 0.9.

    Args:
        distances: (K, K), between findings.
        labels: (K,), clusters of all.
        near: (P,), distances between recorded states that follow each other.
        far: (P,), between states of different episodes.
        episode: (P,), of each pair, resampled whole.
        seed: of halves and resamples.

    Returns:
        The mean adjusted Rand index, with the middle 95% of the halves; None of fewer than four findings.
    """
    if len(labels) < 4:
        return None
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(episode == one) for one in np.unique(episode)]
    found = []
    for _ in range(HALVES):
        half = rng.permutation(len(labels))[: len(labels) // 2]
        drawn = np.concatenate([groups[g] for g in rng.integers(0, len(groups), len(groups))])
        cut = equal_error_cut(near[drawn], far[drawn]).distance
        found.append(adjusted_rand(labels, join_by_half(distances, half, cut)))
    return _middle(found, len(labels))


def join_by_half(distances: Floats, half: Indices, cut: float) -> Indices:
    """Return clusters (K,) of which only some states decide; the others join the nearest or stand alone.

    Args:
        distances: (K, K).
        half: which states decide.
        cut: the mean distance up to which states are joined.
    """
    labels = join(distances[np.ix_(half, half)], cut)
    count = int(labels.max()) + 1
    means = np.stack([distances[:, half[labels == one]].mean(1) for one in range(count)], axis=1)
    joined = np.where(means.min(1) <= cut, means.argmin(1), count + np.arange(len(distances)))
    joined[half] = labels
    return joined


def recorded_clusters(
    points: Floats, provenance: NDArray[np.void], count: int, cut: float, seed: int = 0
) -> Estimate | None:
    """Return how many clusters as many recorded states form, each of an episode of its own.

    Args:
        points: (N, F), of recorded states.
        provenance: (N,) of `data.state_set.PROVENANCE`.
        count: of states in a draw.
        cut: the mean distance up to which states are joined.
        seed: of the draws.

    Returns:
        The mean, with the middle 95% of the draws; None where there are fewer episodes than that.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(provenance["episode"] == one) for one in np.unique(provenance["episode"])]
    if len(groups) < count:
        return None
    found = []
    for _ in range(HALVES):
        chosen = [rng.choice(groups[g]) for g in rng.permutation(len(groups))[:count]]
        found.append(float(join(distances_between(points[chosen]), cut).max() + 1))
    return _middle(found, count)


def _middle(found: list[float], n: int) -> Estimate:
    low, high = np.quantile(found, [0.025, 0.975]).tolist()
    return Estimate(float(np.mean(found)), low, high, n)


def verdict_on(index: float) -> str:
    """Say in a word how stable clusters are, by `VERDICTS`."""
    return next((word for least, word in VERDICTS if index >= least), "poor")


def count_copies(differing: Floats, limit: float) -> int:
    """Return how many of K states add no picture of their own.

    Args:
        differing: (K, K), shares of pixels that differ.
        limit: up to which two states are copies, and so are copies of copies.
    """
    count, _ = connected_components(csr_array(differing <= limit), directed=False)
    return len(differing) - int(count)


def medoid(distances: Floats) -> int:
    """Return which of K states is nearest to all, by the sum of its distances (K, K); the first of equals."""
    sums = distances.sum(1)
    return int(np.argmax(sums <= sums.min() + 1e-9 * max(1.0, float(sums.min()))))


def gather(
    labels: Indices, distances: Floats, objective: Floats, passes: NDArray[np.bool_], order: Indices
) -> list[Cluster]:
    """Return the clusters, the largest first, of equal ones that of the highest mean J.

    Args:
        labels: (K,), which cluster each finding is in.
        distances: (K, K).
        objective: (K,) J.
        passes: (K,), whether a finding passes the checks.
        order: (K,), findings by preference: of two that stand for a cluster equally well, the earlier does.
    """
    clusters = []
    for label in np.unique(labels):
        members = order[labels[order] == label]
        inside = distances[np.ix_(members, members)]
        closest = np.argsort(inside[medoid(inside)], kind="stable")
        count = len(members)
        clusters.append(
            Cluster(
                tuple(members[closest].tolist()),
                share(count, len(labels)),
                float(objective[members].mean()),
                share(int(passes[members].sum()), count),
                float(inside.sum() / max(1, count * (count - 1))),
            )
        )
    return sorted(clusters, key=lambda one: (-len(one.members), -one.objective))
