"""How novel findings and samples are, told for a page: Table 2 and the nearest states (Fig. 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from probes import statistics
from probes.measures.novelty import (
    THRESHOLDS,
    Novelty,
    Progress,
    RealStates,
    nearest,
    nearest_by_objective,
)
from probes.synthesis.diversity import Relative, changed_pixels

RELATIVES: tuple[Relative, ...] = ("range", "value")
NEIGHBOURS = 3
PAPER = dict(zip(THRESHOLDS, (0.99, 0.73, 0.16, 0.01, 0.0), strict=True))
"""Table 2 of the paper, by the share of changed pixels."""
PAPER_MEAN = 0.25
"""Share of pixels that are changed on average (Sec. 4.8)."""


@dataclass(frozen=True)
class Source:
    """S states that are compared with those that were fitted."""

    kind: Literal["findings", "samples", "real"]
    stored: NDArray[np.uint8]
    """(S, T, M, H, W), the first ones to be shown first."""
    places: NDArray[np.int64]
    """(S,) where they are in their artifact, or in the set."""
    passes: NDArray[np.bool_] | None = None
    """(S,) which pass the checks of findings."""
    by_objective: NDArray[np.int64] | None = None
    """(S,) the real state of the nearest J, as an index into the set (Fig. 7c)."""
    about: dict[str, Any] = field(default_factory=dict)
    """What else a reader should know of them, plain data."""


@dataclass(frozen=True)
class Compared:
    """S states beside the fitted ones."""

    novelty: Novelty
    neighbours: NDArray[np.int64]
    """(S, k), indices into the set, the nearest first."""
    mse: NDArray[np.float64]
    """(S, k)"""


def compare_sources(
    sources: Mapping[str, Source], real: RealStates, progress: Progress | None = None
) -> dict[str, Compared]:
    """Find the nearest fitted states of every source in one pass, and what differs from the very nearest.

    Args:
        sources: by name.
        real: the set; its held-out states are no neighbours.
        progress: told how many real states are done.

    Raises:
        ProbeError: the states do not fit the set, or no state was fitted.
    """
    k = max(1, min(NEIGHBOURS, int((~real.held_out).sum())))
    found = nearest(np.concatenate([source.stored for source in sources.values()]), real, k, None, progress)
    compared, start = {}, 0
    for name, source in sources.items():
        rows = slice(start, start + len(source.stored))
        start = rows.stop
        compared[name] = _compare(source, found.indices[rows], found.mse[rows], real)
    return compared


def _compare(
    source: Source, neighbours: NDArray[np.int64], mse: NDArray[np.float64], real: RealStates
) -> Compared:
    first = real.stored(neighbours[:, 0])
    by_range, by_value = (
        changed_pixels(source.stored, first, real.layout, relative).mean(axis=(2, 3))
        for relative in RELATIVES
    )
    return Compared(Novelty(neighbours[:, 0], mse[:, 0], by_range, by_value), neighbours, mse)


def tell(source: Source, compared: Compared) -> dict[str, Any]:
    """Return plain data of a source: Table 2 of all its states, and of those alone that pass the checks."""
    result = {"kind": source.kind, **source.about, "all": tell_novelty(compared.novelty)}
    if source.passes is not None:
        chosen = select(compared.novelty, source.passes)
        result["passed"] = tell_novelty(chosen) if source.passes.any() else None
    return result


def tell_novelty(novelty: Novelty) -> dict[str, Any]:
    """Return plain data of Table 2, relative to range and to value, of all frames and of the newest alone."""
    tables = {
        f"{relative}_{frames}": _tell_table(novelty, relative, frames == "newest")
        for relative in RELATIVES
        for frames in ("all_frames", "newest")
    }
    return {"states": len(novelty.mse), "mse": statistics.mean(novelty.mse).to_json(), **tables}


def _tell_table(novelty: Novelty, relative: Relative, newest: bool) -> dict[str, Any]:
    table = novelty.table(relative, newest)
    return {
        "mean_changed": novelty.mean_changed(relative, newest).to_json(),
        "more_than": {str(threshold): estimate.to_json() for threshold, estimate in table.items()},
    }


def select(novelty: Novelty, chosen: NDArray[np.bool_]) -> Novelty:
    """Return the novelty of some of the states, by a mask (S,)."""
    return Novelty(*(column[chosen] for column in vars(novelty).values()))


def nearest_objectives(
    objectives: NDArray[np.float64], real: NDArray[np.float64], indices: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each J (S,) the real state of the nearest J, as an index into the set.

    Args:
        objectives: of the synthesised states.
        real: (R,) J of real states.
        indices: (R,) which states of the set those are.
    """
    return indices[nearest_by_objective(objectives, real)]


def shown_beside(source: Source, compared: Compared, real: RealStates, count: int) -> NDArray[np.uint8]:
    """Return the first states with what is nearest to each: (E, 1 + k, T, M, H, W), or one more by J.

    Args:
        source: of the states.
        compared: its neighbours.
        real: the set that they are in.
        count: E at most.
    """
    columns = [source.stored[:count]]
    columns += [real.stored(column[:count]) for column in compared.neighbours.T]
    if source.by_objective is not None:
        columns.append(real.stored(source.by_objective[:count]))
    return np.stack(columns, axis=1)
