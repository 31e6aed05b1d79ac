"""From PyBullet's buffers to our frames: matrices, depth in metres, and which class a pixel shows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.camera import Camera, Frames
from drivesim.render.scene import Prisms
from drivesim.render.semantics import SemanticClass

#: What the ground's body looks like: its pixels' classes are looked up in the class map.
GROUND_LOOK: int = 255 << 8

_SKY = int(SemanticClass.SKY)


def surface_looks(prisms: Prisms, world: int) -> NDArray[np.int32]:
    """Return the look of each prism of a world, `class << 8 | tone`: (count,)."""
    count = prisms.counts[world]
    classes = prisms.classes[world, :count].astype(np.int32)
    return classes << 8 | prisms.tones[world, :count]


def new_frames(camera: Camera, worlds: int, modalities: Collection[str]) -> Frames:
    """Allocate frames of N worlds; None for the modalities that are not asked for."""
    shape = (worlds, camera.height, camera.width)
    return Frames(
        depth=np.empty(shape, np.float32) if "depth" in modalities else None,
        semantic=np.empty(shape, np.uint8) if "semantic" in modalities else None,
        gray=np.empty(shape, np.uint8) if "gray" in modalities else None,
    )


def projection_matrix(camera: Camera, corner_sampled: bool) -> list[float]:
    """Return OpenGL's projection of a camera, column by column.

    Args:
        camera: intrinsics.
        corner_sampled: whether the rasteriser samples pixels at their corner, as TinyRenderer does. The
            image is then shifted by half a pixel, so that each sample lies where the camera says.

    Returns:
        16 floats.
    """
    near, far = camera.near, camera.far
    matrix = np.zeros(16)
    matrix[0] = 2 * camera.focal_px / camera.width
    matrix[5] = 2 * camera.focal_px / camera.height
    matrix[10] = -(far + near) / (far - near)
    matrix[11] = -1.0
    matrix[14] = -2 * far * near / (far - near)
    if corner_sampled:
        matrix[8] = 1 / camera.width
        matrix[9] = 1 / camera.height
    return [float(value) for value in matrix]


def camera_axes(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Return a camera's right, up and forward axes.

    Args:
        yaw: rad, counter-clockwise from +x.
        pitch: rad, upwards.

    Returns:
        (3, 3): one unit vector per row.
    """
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([(sy, -cy, 0.0), (-sp * cy, -sp * sy, cp), (cp * cy, cp * sy, sp)])


def view_matrix(eye: NDArray[np.float64], yaw: float, pitch: float = 0.0) -> list[float]:
    """Return OpenGL's view matrix, column by column.

    Args:
        eye: (3,) position of the camera, m.
        yaw: rad, counter-clockwise from +x.
        pitch: rad, upwards.

    Returns:
        16 floats.
    """
    axes = camera_axes(yaw, pitch) * np.array([(1.0,), (1.0,), (-1.0,)])
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ eye
    return [float(value) for value in matrix.T.ravel()]


@kernel
def _map_class(ground_map: NDArray[np.uint8], period: float, x: float, y: float) -> int:
    """Return the class of the ground at a point (m), on a map (S, S) that repeats with its period (m)."""
    size = ground_map.shape[0]
    column = int(np.floor(x / period * size)) % size
    row = int(np.floor(y / period * size)) % size
    return int(ground_map[row, column])


@kernel
def ground_classes(
    ground_map: NDArray[np.uint8], period: float, points: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the classes (K,) of points on the ground (K, 2; m)."""
    classes = np.empty(len(points), np.uint8)
    for i in range(len(points)):
        classes[i] = _map_class(ground_map, period, points[i, 0], points[i, 1])
    return classes


@kernel
def resolve_frame(
    buffer: NDArray[np.float32],
    bodies: NDArray[np.int32],
    colours: NDArray[np.uint8],
    looks: NDArray[np.int32],
    pose: NDArray[np.float64],
    optics: NDArray[np.float64],
    ground_map: NDArray[np.uint8],
    period: float,
    gray_levels: NDArray[np.uint8],
    depth: NDArray[np.float32],
    semantic: NDArray[np.uint8],
    gray: NDArray[np.uint8],
) -> None:
    """Fill one frame from what PyBullet drew through a level camera.

    Args:
        buffer: (H, W) OpenGL depth in [0, 1].
        bodies: (H, W) body ids, -1 where nothing was drawn.
        colours: (H, W, 4); bodies are painted gray, so one channel tells the tone.
        looks: (B,) look of each body id.
        pose: (4,) camera x, y, z (m), yaw (rad).
        optics: (3,) focal length (pixels), near, far (m).
        ground_map: (S, S) classes of the ground.
        period: m, of the map.
        gray_levels: (classes,) gray of the ground and the sky.
        depth: (H, W) receives m.
        semantic: (H, W) receives classes.
        gray: (H, W) receives 0 to 255.
    """
    height, width = buffer.shape
    focal, near, far = optics
    cos, sin = np.cos(pose[3]), np.sin(pose[3])
    for row in range(height):
        for column in range(width):
            body = bodies[row, column]
            metres = far * near / (far - (far - near) * np.float64(buffer[row, column]))
            if body < 0 or metres >= far:
                metres, shown, tone = far, _SKY, gray_levels[_SKY]
            elif looks[body] == GROUND_LOOK:
                right = metres * (column + 0.5 - 0.5 * width) / focal
                x, y = pose[0] + metres * cos + right * sin, pose[1] + metres * sin - right * cos
                shown = _map_class(ground_map, period, x, y)
                tone = gray_levels[shown]
            else:
                shown, tone = looks[body] >> 8, colours[row, column, 0]
            depth[row, column], semantic[row, column], gray[row, column] = metres, shown, tone
