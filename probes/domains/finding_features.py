"""What findings are clustered by: where each thing of interest is shown, as a person would compare pictures.

Only the newest frame counts. How things moved since the oldest one was tried, too, and left out: by it,
recorded driving states a second apart are told from those of different episodes no better than by chance.
What moves shows in what the agent makes of a state, which is compared in any domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.agent import ProbeError
from probes.domains.scenes import class_pictures
from probes.domains.street_words import in_words
from probes.domains.viewpoint import Viewpoint
from probes.states import StateLayout

Floats = NDArray[np.float64]

GRID = 4
"""Cells of a picture, each way: left and right, near and far, as one would say it."""
OF_INTEREST = (
    SemanticClass.LIGHT_RED,
    SemanticClass.LIGHT_YELLOW,
    SemanticClass.LIGHT_GREEN,
    SemanticClass.CAR,
    SemanticClass.PERSON,
    SemanticClass.CROSSWALK,
)
"""What a driver minds; houses, trees and the sky are most of a picture and never a weakness."""
ATARI_HZ = 15.0
"""Decisions per second: 60 frames, of which an agent acts on every fourth."""
BATCH = 64

Read = Callable[[NDArray[np.int64]], NDArray[np.uint8]]
"""Returns the stored states of some indices."""


class Features(Protocol):
    """What a domain tells of states (B, T, M, H, W)."""

    hz: float
    """Decisions per second."""

    def blocks(self, stored: NDArray[np.uint8]) -> dict[str, Floats]:
        """Return features (B, F) by what they describe."""
        ...

    def words(self, stored: NDArray[np.uint8], clusters: Sequence[NDArray[np.bool_]]) -> list[str]:
        """Say of each cluster, a mask (B,), what sets it apart; an empty text where that is not told."""
        ...


def coarse(pictures: Floats) -> Floats:
    """Return the square roots of the means of pictures (B, H, W) over a grid: (B, GRID * GRID).

    Of the roots, squared differences are those of Hellinger: a light of few pixels counts, though a car near
    by fills a hundred times as many.
    """
    size = (GRID, GRID)
    cells = [cv2.resize(np.asarray(one, np.float32), size, interpolation=cv2.INTER_AREA) for one in pictures]
    return np.sqrt(np.stack(cells).astype(np.float64)).reshape(len(pictures), -1)


class StreetFeatures:
    """Where driving states show what a driver minds.

    Args:
        layout: of the states.
        viewpoint: of the camera that took them.
        hz: decisions per second.
    """

    def __init__(self, layout: StateLayout, viewpoint: Viewpoint, hz: float) -> None:
        self._layout, self._viewpoint = layout, viewpoint
        self.hz = hz

    def blocks(self, stored: NDArray[np.uint8]) -> dict[str, Floats]:
        """Return the area of each class of interest over a grid."""
        now = class_pictures(stored, self._layout)[:, -1]
        return {c.name.lower().replace("_", " "): coarse(now == c) for c in OF_INTEREST}

    def words(self, stored: NDArray[np.uint8], clusters: Sequence[NDArray[np.bool_]]) -> list[str]:
        """Say what each cluster's members show more often, or less, than the other findings."""
        return in_words(stored, clusters, self._layout, self._viewpoint)


class GameFeatures:
    """Where a game's states depart from the average picture: what moves, appears or is gone.

    Args:
        average: (M, H, W), the mean newest frame of recorded states, levels 0 to 255.
    """

    def __init__(self, average: Floats) -> None:
        self._average = average
        self.hz = ATARI_HZ

    def blocks(self, stored: NDArray[np.uint8]) -> dict[str, Floats]:
        """Return how far the picture departs from the average over a grid."""
        departure = np.abs(stored[:, -1] - self._average).mean(axis=1) / 255
        return {"picture": coarse(departure)}

    def words(self, stored: NDArray[np.uint8], clusters: Sequence[NDArray[np.bool_]]) -> list[str]:
        """Say nothing: what a game's picture shows is not known."""
        del stored
        return [""] * len(clusters)


def batches_of(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield indices (N,), some at a time."""
    for start in range(0, len(indices), BATCH):
        yield indices[start : start + BATCH]


def average_picture(read: Read, indices: NDArray[np.int64], layout: StateLayout) -> Floats:
    """Return the mean newest frame (M, H, W) of states.

    Args:
        read: the states from.
        indices: of them, at least one.
        layout: of the states.

    Raises:
        ProbeError: they hold classes, of which there is no mean.
    """
    if any(plane.kind == "class" for plane in layout.planes):
        found = ", ".join(f"{plane.name} ({plane.kind})" for plane in layout.planes)
        raise ProbeError(f"average picture of a game: found planes {found}; allowed: levels alone")
    total = np.zeros(layout.stored_shape[1:])
    for some in batches_of(indices):
        total += read(some)[:, -1].sum(axis=0, dtype=np.float64)
    average: Floats = total / len(indices)
    return average
