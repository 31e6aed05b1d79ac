"""A scene from above: the ground's classes, and on it the outlines of all that stands there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.scene import Scene
from drivesim.render.semantics import PALETTE

AHEAD_SHARE = 0.7
"""Share of the picture's width that lies ahead of the camera."""


def bird_view(scene: Scene, world: int, *, size: int = 512, span: float = 100.0) -> NDArray[np.uint8]:
    """Draw one world from above; +x is to the right, +y up, the camera an arrow.

    Args:
        scene: as for the cameras.
        world: which world.
        size: of the square picture, px.
        span: of the square shown, m.

    Returns:
        (size, size, 3).
    """
    x, y, _, yaw = scene.poses[world]
    left, top = x - (1.0 - AHEAD_SHARE) * span, y + 0.5 * span
    scale = size / span
    xs = left + (np.arange(size) + 0.5) / scale
    ys = top - (np.arange(size) + 0.5) / scale
    index = scene.ground.index[world]
    cells = scene.ground.maps.shape[1]
    to_cell = cells / scene.ground.periods[index]
    columns = np.floor(xs * to_cell).astype(np.int64) % cells
    rows = np.floor(ys * to_cell).astype(np.int64) % cells
    picture: NDArray[np.uint8] = PALETTE[scene.ground.maps[index][np.ix_(rows, columns)]].copy()

    prisms, count = scene.prisms, int(scene.prisms.counts[world])
    boxes = prisms.boxes[world, :count]
    for i in np.argsort(boxes[:, 7], kind="stable"):
        px, py, cos, sin, length, width = boxes[i, :6]
        corners = np.array([(length, width), (length, -width), (-length, -width), (-length, width)])
        turned = corners @ np.array([(cos, sin), (-sin, cos)]) + (px, py)
        pixels = np.rint((turned - (left, top)) * (scale, -scale)).astype(np.int32)
        colour = PALETTE[prisms.classes[world, i]].tolist()
        cv2.fillConvexPoly(picture, pixels, colour, cv2.LINE_AA)
    start = np.array([(x - left) * scale, (top - y) * scale])
    tip = start + 28.0 * np.array([np.cos(yaw), -np.sin(yaw)])
    cv2.arrowedLine(
        picture,
        start.astype(int).tolist(),
        tip.astype(int).tolist(),
        (220, 30, 30),
        3,
        cv2.LINE_AA,
        tipLength=0.4,
    )
    return picture
