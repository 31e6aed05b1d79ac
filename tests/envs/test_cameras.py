"""Which renderer an environment draws with."""

from __future__ import annotations

import pytest

from drivesim.envs.cameras import make_camera, make_renderer
from drivesim.render.camera import Camera
from drivesim.render.raycaster import RaycastRenderer
from tests.towns import changed, scenario


def test_the_camera_is_the_scenarios() -> None:
    plan = changed(
        "reasonable", camera={"width": 40, "height": 24, "field_of_view": 1.0, "near": 0.2, "far": 50.0}
    )
    assert make_camera(plan) == Camera(40, 24, 1.0, 0.2, 50.0)


def test_the_ray_caster_draws_the_scenarios_modalities() -> None:
    renderer = make_renderer("raycast", scenario("mixed_field"), 2)
    assert isinstance(renderer, RaycastRenderer)
    assert renderer.modalities == ("depth", "semantic", "gray")
    assert renderer.threads == 2
    assert make_renderer("none", scenario(), 1) is None


def test_an_unknown_renderer_is_refused() -> None:
    with pytest.raises(
        ValueError, match="renderer: found 'mesa', allowed are 'raycast', 'bullet', 'bullet-egl' and 'none'"
    ):
        make_renderer("mesa", scenario(), 1)  # type: ignore[arg-type]  # what is refused
