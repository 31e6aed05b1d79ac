"""Shading of faces: one distant light and an ambient share, the same in both renderers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel

#: Unit vector from the town towards the light, world axes.
LIGHT_DIRECTION: NDArray[np.float64] = np.array([0.35, 0.5, 0.79]) / np.linalg.norm([0.35, 0.5, 0.79])
#: Share of a surface's tone that shows without any direct light.
AMBIENT: float = 0.55
#: Share of a surface's tone that direct light adds when it falls perpendicularly.
DIFFUSE: float = 0.45


def face_shade(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the factor that multiplies the tone of a face: `AMBIENT + DIFFUSE * max(0, n . L)`.

    Args:
        normals: (..., 3) unit outward normals of faces, world axes.

    Returns:
        (...) factors, at least `AMBIENT`.
    """
    facing: NDArray[np.float64] = np.maximum(normals @ LIGHT_DIRECTION, 0.0)
    return AMBIENT + DIFFUSE * facing


def light_parameters() -> NDArray[np.float64]:
    """Pack direction (3), ambient and diffuse share: (5,), the last argument of `face_gray`.

    Kernels take them as an argument because a constant would be frozen into the code cached on disk.
    """
    return np.array([*LIGHT_DIRECTION, AMBIENT, DIFFUSE])


@kernel
def face_gray(tone: int, nx: float, ny: float, nz: float, light: NDArray[np.float64]) -> int:
    """Return the gray, 0 to 255, of a face of unshaded gray `tone` and outward unit normal (nx, ny, nz)."""
    facing = max(0.0, nx * light[0] + ny * light[1] + nz * light[2])
    return int(min(255.0, np.floor(tone * (light[3] + light[4] * facing) + 0.5)))
