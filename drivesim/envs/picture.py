"""Pictures for people: the camera's view in class colours, each face shaded as its gray is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drivesim.render.camera import Camera
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Scene
from drivesim.render.semantics import GRAY_LEVELS, PALETTE

WIDTH = 512
"""px of a picture; its height follows the camera's shape."""


class PictureMaker:
    """Draws scenes larger than the agent sees them."""

    def __init__(self, camera: Camera, width: int = WIDTH) -> None:
        large = replace(camera, width=width, height=round(width * camera.height / camera.width))
        self._renderer = RaycastRenderer(large, ("semantic", "gray"))

    def draw(self, scene: Scene) -> NDArray[np.uint8]:
        """Draw every world, (N, H, W, 3)."""
        frames = self._renderer.render(scene)
        if frames.semantic is None or frames.gray is None:
            raise AssertionError("both modalities were asked for")
        light = np.clip(frames.gray / np.maximum(GRAY_LEVELS[frames.semantic], 1.0), 0.45, 1.15)
        return np.clip(PALETTE[frames.semantic] * light[..., None], 0, 255).astype(np.uint8)

    def close(self) -> None:
        """Close the renderer; harmless twice."""
        self._renderer.close()
