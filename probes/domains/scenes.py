"""The classes of driving states, and their connected pieces: blobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.agent import ProbeError
from probes.states import StateLayout

GROUND = (SemanticClass.ROAD, SemanticClass.LANE_MARKING, SemanticClass.CROSSWALK, SemanticClass.SIDEWALK)
"""Classes that lie flat on the ground and nowhere else; grass shares its class with the crowns of trees."""
CARRIAGEWAY = (SemanticClass.ROAD, SemanticClass.LANE_MARKING, SemanticClass.CROSSWALK)
"""What a road is painted with."""
LIGHTS = (SemanticClass.LIGHT_RED, SemanticClass.LIGHT_YELLOW, SemanticClass.LIGHT_GREEN)
MOVING = (SemanticClass.CAR, SemanticClass.PERSON)


def is_one_of(pictures: NDArray[np.uint8], classes: Sequence[SemanticClass]) -> NDArray[np.bool_]:
    """Tell which pixels (...) are of some of the classes."""
    table = np.zeros(256, np.bool_)
    table[list(classes)] = True
    return table[pictures]


def class_pictures(stored: NDArray[np.uint8], layout: StateLayout) -> NDArray[np.uint8]:
    """Return the class planes (B, T, H, W) of stored states (B, T, M, H, W).

    Raises:
        ProbeError: the layout has not exactly one plane of the driving classes, or the states are not of it.
    """
    planes = [(plane, where) for plane, _, where in layout.slices() if plane.kind == "class"]
    if len(planes) != 1 or planes[0][0].channels != NUM_CLASSES:
        found = ", ".join(f"{p.name} ({p.kind}, {p.channels})" for p in layout.planes)
        raise ProbeError(f"driving scenes: found planes {found}; allowed: one class plane of {NUM_CLASSES}")
    if stored.ndim != 5 or stored.shape[1:] != layout.stored_shape:
        allowed = f"(B, {', '.join(map(str, layout.stored_shape))})"
        raise ProbeError(f"driving scenes: found states {stored.shape}; allowed: {allowed}")
    pictures: NDArray[np.uint8] = stored[:, :, planes[0][1].start]
    if pictures.size and pictures.max() >= NUM_CLASSES:
        raise ProbeError(f"driving scenes: found class {pictures.max()}; allowed: 0 to {NUM_CLASSES - 1}")
    return pictures


@dataclass(frozen=True)
class Blobs:
    """K connected pieces (by sides or corners) of one class in one picture each; all arrays are (K,)."""

    state: NDArray[np.int64]
    """Of the states given."""
    frame: NDArray[np.int64]
    """Of its stack, 0 the oldest."""
    semantic: NDArray[np.int64]
    """A `SemanticClass`."""
    area: NDArray[np.int64]
    """Pixels."""
    left: NDArray[np.int64]
    """First column of the bounding box."""
    top: NDArray[np.int64]
    """Its first row."""
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    foot_left: NDArray[np.int64]
    """First column of the blob in its lowest row."""
    foot_right: NDArray[np.int64]
    """Last column of the blob in its lowest row."""

    def __len__(self) -> int:
        return len(self.state)

    @property
    def foot_row(self) -> NDArray[np.int64]:
        """The blobs' lowest rows."""
        return self.top + self.height - 1

    def select(self, which: NDArray[np.bool_]) -> Blobs:
        """Return some of the blobs."""
        return Blobs(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


def _blobs_of(mask: NDArray[np.bool_], min_pixels: int) -> Iterator[tuple[int, ...]]:
    """Yield area, box (left, top, width, height) and the ends of the lowest row of each piece of (H, W)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    for number, (left, top, width, height, area) in enumerate(stats.tolist()):
        if number > 0 and area >= min_pixels:
            lowest = labels[top + height - 1, left : left + width] == number
            columns = lowest.nonzero()[0]
            yield area, left, top, width, height, left + int(columns[0]), left + int(columns[-1])


def find_blobs(
    stored: NDArray[np.uint8],
    layout: StateLayout,
    frame: int | None = -1,
    classes: Sequence[SemanticClass] = tuple(SemanticClass),
    min_pixels: int = 1,
) -> Blobs:
    """Find the connected pieces of each class.

    Args:
        stored: (B, T, M, H, W), stored states.
        layout: of the states.
        frame: which of the T to look at, by default the newest; None for each.
        classes: which to look for.
        min_pixels: smaller pieces are left out.

    Raises:
        ProbeError: the states are no driving states.
    """
    pictures = class_pictures(stored, layout)
    frames = range(layout.stack) if frame is None else [range(layout.stack)[frame]]
    found = []
    for state in range(len(pictures)):
        for t in frames:
            picture = np.ascontiguousarray(pictures[state, t])
            present = np.bincount(picture.ravel(), minlength=NUM_CLASSES) >= min_pixels
            for semantic in classes:
                if present[semantic]:
                    pieces = _blobs_of(picture == semantic, min_pixels)
                    found += [(state, t, int(semantic), *piece) for piece in pieces]
    columns = np.array(found, np.int64).reshape(len(found), len(fields(Blobs)))
    return Blobs(*columns.T)
