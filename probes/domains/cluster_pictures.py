"""Clusters of findings as one picture: a row each, who stands for it large and some members small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from probes.domains.pictures import render_stack
from probes.states import StateLayout

Picture = NDArray[np.uint8]

LARGE, SMALL = 256, 128
"""Pixels of a picture, each way."""
COLUMNS, SHOWN = 3, 6
"""Small pictures beside each other, and of a row in all."""
GAP, LINE = 4, 20
"""Pixels between pictures, and of a line of text."""
_SIZE = 0.45
_PAPER, _INK = 255, (24, 24, 28)


class Row(NamedTuple):
    """A cluster as it is drawn."""

    members: Sequence[int]
    """Indices of its states, the one that stands for it first."""
    lines: Sequence[str]
    """What is written above."""


def sheet(stored: NDArray[np.uint8], rows: Sequence[Row], layout: StateLayout) -> Picture:
    """Draw clusters of states (K, T, M, H, W) below each other: (h, w, 3)."""
    return np.concatenate([_row(stored, row, layout) for row in rows])


def newest(stored: NDArray[np.uint8], layout: StateLayout) -> Picture:
    """Draw the newest frame (H, W, 3) of a state (T, M, H, W): its classes, or its first plane without."""
    pictures = render_stack(stored, layout)
    classes = [plane.name for plane in layout.planes if plane.kind == "class"]
    return np.asarray(pictures[(classes or [layout.planes[0].name])[0]][-1])


def _row(stored: NDArray[np.uint8], row: Row, layout: StateLayout) -> Picture:
    width = LARGE + COLUMNS * (GAP + SMALL)
    text = LINE * len(row.lines) + GAP
    drawn = np.full((text + LARGE + 2 * GAP, width, 3), _PAPER, np.uint8)
    for number, line in enumerate(row.lines):
        _write(drawn, line, LINE * (number + 1) - 5)
    first, *others = (newest(stored[k], layout) for k in row.members[: SHOWN + 1])
    drawn[text : text + LARGE, :LARGE] = _scaled(first, LARGE)
    for place, picture in enumerate(others):
        top = text + place // COLUMNS * SMALL
        left = LARGE + GAP + place % COLUMNS * (SMALL + GAP)
        drawn[top : top + SMALL, left : left + SMALL] = _scaled(picture, SMALL)
    return drawn


def _scaled(picture: Picture, side: int) -> Picture:
    how = cv2.INTER_NEAREST if side >= picture.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how), np.uint8)


def _write(drawn: Picture, line: str, baseline: int) -> None:
    """Write a line, smaller if it would not fit."""
    (width, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, _SIZE, 1)
    scale = _SIZE * min(1.0, (drawn.shape[1] - 8) / max(1, width))
    cv2.putText(drawn, line, (4, baseline), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
