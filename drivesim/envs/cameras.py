"""The cameras of an environment: which renderer draws what the agent sees."""

from __future__ import annotations

from typing import Literal, Protocol

from drivesim.render.camera import Camera, Frames
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Scene
from drivesim.scenario.schema import Scenario

RendererName = Literal["raycast", "bullet", "bullet-egl", "none"]


class Renderer(Protocol):
    """Draws scenes."""

    def render(self, scene: Scene) -> Frames:
        """Render one image per world and modality, (N, H, W) each."""
        ...

    def close(self) -> None:
        """Free what the renderer holds; harmless twice."""
        ...


def make_camera(scenario: Scenario) -> Camera:
    """Make the renderer's camera of a scenario."""
    c = scenario.camera
    return Camera(c.width, c.height, c.field_of_view, c.near, c.far)


def make_renderer(name: RendererName, scenario: Scenario, threads: int) -> Renderer | None:
    """Make the renderer of a scenario's camera and modalities.

    Args:
        name: `raycast`, `bullet` (imported here only, so that all else works without PyBullet), `bullet-egl`
            (PyBullet on a GPU where its plugin draws, else as `bullet`) or `none`.
        scenario: whose camera it is.
        threads: of the ray caster.

    Returns:
        The renderer; None for `none`.

    Raises:
        ValueError: for another name.
    """
    camera, modalities = make_camera(scenario), tuple(scenario.modalities)
    if name == "raycast":
        return RaycastRenderer(camera, modalities, threads)
    if name in ("bullet", "bullet-egl"):
        from drivesim.render.bullet import BulletRenderer

        return BulletRenderer(camera, modalities, hardware=None if name == "bullet-egl" else False)
    if name == "none":
        return None
    raise ValueError(f"renderer: found {name!r}, allowed are 'raycast', 'bullet', 'bullet-egl' and 'none'")
