"""PyBullet as the reference renderer: it draws the same prisms as the ray caster, through the same camera.

The only file that imports pybullet, and only when a client is opened: where its wheels are missing (Python
3.12 and later), all else works. What also needs a client (physics, chase view) gets it from here.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import weakref
from collections.abc import Collection
from types import ModuleType, TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from drivesim.render.bodies import Stage
from drivesim.render.bullet_frames import (
    new_frames,
    projection_matrix,
    resolve_frame,
    surface_looks,
    view_matrix,
)
from drivesim.render.camera import Camera, Frames
from drivesim.render.raycaster import MODALITIES
from drivesim.render.scene import Scene
from drivesim.render.semantics import GRAY_LEVELS
from drivesim.render.shading import AMBIENT, DIFFUSE, LIGHT_DIRECTION

_HARDWARE_PROBE = """
from drivesim.render.bullet import BulletClient
client = BulletClient(hardware=True)
image = client.api.getCameraImage(8, 8, renderer=client.api.ER_BULLET_HARDWARE_OPENGL)
client.close()
raise SystemExit(0 if len(image) == 5 else 1)
"""


def hardware_gl_works(timeout: float = 20.0) -> bool:
    """Tell whether PyBullet's EGL plugin draws here, by trying it in another process, which it may crash.

    Args:
        timeout: s to wait for the answer.
    """
    try:
        probe = subprocess.run([sys.executable, "-c", _HARDWARE_PROBE], capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return False
    return probe.returncode == 0


class BulletClient:
    """One PyBullet simulation in this process, without a window; `close` ends it."""

    def __init__(self, hardware: bool = False) -> None:
        """Open a client.

        Args:
            hardware: load the EGL plugin, which must precede any body.

        Raises:
            ImportError: PyBullet is not installed.
            RuntimeError: the plugin cannot be loaded.
        """
        try:
            self.api: ModuleType = importlib.import_module("pybullet")
        except ImportError as error:
            raise ImportError(
                "the PyBullet renderer needs pybullet, whose wheels end with Python 3.11; "
                'choose renderer="raycast" instead'
            ) from error
        self.id: int = self.api.connect(self.api.DIRECT)
        # Runs once only: at `close`, when forgotten, or when the interpreter ends.
        self._end = weakref.finalize(self, self.api.disconnect, physicsClientId=self.id)
        if hardware:
            self._load_egl()

    def _load_egl(self) -> None:
        spec = importlib.util.find_spec("eglRenderer")
        origin = spec.origin if spec else None
        plugin = self.api.loadPlugin(origin, "_eglRendererPlugin", physicsClientId=self.id) if origin else -1
        if plugin < 0:
            self.close()
            raise RuntimeError("PyBullet's EGL plugin cannot be loaded here; use hardware=False")

    def close(self) -> None:
        """End the simulation; a second call does nothing."""
        self._end()


def _gray_paint(look: int) -> tuple[float, float, float]:
    # TinyRenderer truncates a tone and its shaded value where the ray caster rounds; a level more makes up.
    level = min(255.0, (look & 0xFF) + 1.5) / 255
    return (level, level, level)


#: The light of `shading`: TinyRenderer's formula with a distant light, without gloss or shadows, is the same.
_LIGHT = {
    "lightDirection": LIGHT_DIRECTION.tolist(),
    "lightColor": [1.0, 1.0, 1.0],
    "lightDistance": 1.0,
    "lightAmbientCoeff": AMBIENT,
    "lightDiffuseCoeff": DIFFUSE,
    "lightSpecularCoeff": 0.0,
    "shadow": 0,
}


class BulletRenderer:
    """Draw scenes with PyBullet: by TinyRenderer on the CPU or, if asked, by OpenGL on a GPU."""

    def __init__(self, camera: Camera, modalities: Collection[str], hardware: bool | None = False) -> None:
        """Open a client.

        Args:
            camera: the camera of all worlds.
            modalities: any of `MODALITIES`; the others are left out of the frames.
            hardware: use the EGL plugin; None: where it works.

        Raises:
            ValueError: an unknown modality.
            ImportError: PyBullet is not installed.
        """
        unknown = sorted(set(modalities) - set(MODALITIES))
        if unknown:
            raise ValueError(f"unknown modality {unknown[0]!r}; allowed: {', '.join(MODALITIES)}")
        self.camera = camera
        self.modalities = tuple(m for m in MODALITIES if m in modalities)
        self.hardware = hardware_gl_works() if hardware is None else hardware
        self._client = BulletClient(self.hardware)
        self._stage = Stage(self._client, camera, _gray_paint, is_culled=not self.hardware)
        self._projection = projection_matrix(camera, corner_sampled=not self.hardware)
        self._optics = np.array([camera.focal_px, camera.near, camera.far])
        self._spare = new_frames(camera, 1, tuple(MODALITIES))

    def render(self, scene: Scene, out: Frames | None = None) -> Frames:
        """Render one image per world and modality.

        Args:
            scene: N worlds.
            out: arrays to write to, at least for the modalities asked for.

        Returns:
            (N, H, W) frames: `out` if given, else new arrays; None where a modality was not asked for.
        """
        frames = new_frames(self.camera, len(scene.poses), self.modalities) if out is None else out
        for world in range(len(scene.poses)):
            self._render_world(scene, world, frames)
        return frames

    def _render_world(self, scene: Scene, world: int, frames: Frames) -> None:
        pose = scene.poses[world]
        boxes = scene.prisms.boxes[world, : scene.prisms.counts[world]]
        self._stage.arrange(boxes, surface_looks(scene.prisms, world), pose)
        colours, buffer, bodies = self._photograph(pose)
        targets = [
            (getattr(self._spare, name)[0] if name not in self.modalities else getattr(frames, name)[world])
            for name in MODALITIES
        ]
        which = scene.ground.index[world]
        resolve_frame(
            buffer,
            bodies,
            colours,
            self._stage.pool.looks,
            pose,
            self._optics,
            scene.ground.maps[which],
            scene.ground.periods[which],
            GRAY_LEVELS,
            *targets,
        )

    def _photograph(
        self, pose: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
        """Return colours (H, W, 4), depth buffer (H, W) and body ids (H, W) as PyBullet draws them."""
        api = self._client.api
        image = api.getCameraImage(
            self.camera.width,
            self.camera.height,
            view_matrix(pose[:3], pose[3]),
            self._projection,
            renderer=api.ER_BULLET_HARDWARE_OPENGL if self.hardware else api.ER_TINY_RENDERER,
            physicsClientId=self._client.id,
            **_LIGHT,
        )
        height, width = self.camera.height, self.camera.width
        # Where PyBullet was built without NumPy, buffers are tuples.
        colours = np.asarray(image[2], np.uint8).reshape(height, width, 4)
        buffer = np.asarray(image[3], np.float32).reshape(height, width)
        return colours, buffer, np.asarray(image[4], np.int32).reshape(height, width)

    def close(self) -> None:
        """Close the client; a second call does nothing."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
