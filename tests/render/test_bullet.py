"""PyBullet's images against the ray caster's, pixel by pixel, and the life of its client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from drivesim.render.bullet import BulletClient, BulletRenderer
from drivesim.render.camera import Camera, Frames
from drivesim.render.parity import parity
from drivesim.render.raycaster import MODALITIES, RaycastRenderer
from drivesim.render.scene import Scene
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from tests.render.streets import box, street_scene

CAMERA = Camera(width=128, height=128)
SMALL = Camera(width=40, height=32, field_of_view=1.2, far=50.0)


@pytest.fixture(scope="module")
def bullet() -> Iterator[BulletRenderer]:
    with BulletRenderer(CAMERA, tuple(MODALITIES)) as renderer:
        yield renderer


def one_box_scene(row: tuple[float, ...], tone: int = 200) -> Scene:
    """Build a world with one car-coloured prism."""
    scene = street_scene(0, prisms=1)
    prisms = replace(
        scene.prisms,
        boxes=np.array([[row]]),
        classes=np.array([[SemanticClass.CAR]], np.uint8),
        tones=np.array([[tone]], np.uint8),
    )
    return replace(scene, prisms=prisms, poses=np.array([(0.0, 0.0, 1.4, 0.0)]))


def equal_frames(a: Frames, b: Frames) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in MODALITIES)


@pytest.mark.parametrize(("seed", "origin"), [(0, 0.0), (1, 800.0)])
def test_it_shows_what_the_ray_caster_shows(bullet: BulletRenderer, seed: int, origin: float) -> None:
    scene = street_scene(seed, worlds=4, origin=origin)
    found = parity(RaycastRenderer(CAMERA, tuple(MODALITIES)).render(scene), bullet.render(scene))
    for part in (found.everything, found.objects, found.ground):
        assert part.pixels > 5_000
        assert part.classes >= 0.999
        assert part.depth_p99 <= 0.01
        assert part.gray_mean <= 0.5


@pytest.mark.parametrize(
    "row",
    [
        box(0.0, 3.0, 0.0, (30.0, 1.0), 0.0, 8.0),
        box(0.0, 0.0, 0.3, (3.0, 2.0), 0.0, 3.0),
        box(0.0, 0.0, 0.1, (3.0, 2.0), 0.0, 1.0),
        box(0.0, 0.0, 0.2, (20.0, 3.0), 3.0, 4.0),
    ],
    ids=["beside the camera", "around it", "below it", "above it"],
)
def test_prisms_that_reach_behind_the_camera_are_cut_as_the_ray_caster_cuts_them(
    bullet: BulletRenderer, row: tuple[float, ...]
) -> None:
    scene = one_box_scene(row)
    found = parity(RaycastRenderer(CAMERA, tuple(MODALITIES)).render(scene), bullet.render(scene))
    assert found.everything.classes >= 0.999
    assert found.everything.depth_p99 <= 0.01


def test_a_face_ahead_has_its_depth_its_class_and_its_shade(bullet: BulletRenderer) -> None:
    frames = bullet.render(one_box_scene(box(12.0, 0.0, 0.0, (2.0, 3.0), 0.0, 3.0)))
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    assert frames.depth[0, 64, 64] == pytest.approx(10.0, abs=1e-3)
    assert frames.semantic[0, 64, 64] == SemanticClass.CAR
    # The face looks away from the light: the ambient share alone, 0.55 of 200.
    assert abs(int(frames.gray[0, 64, 64]) - 110) <= 1


def test_what_is_beyond_the_range_is_sky(bullet: BulletRenderer) -> None:
    frames = bullet.render(one_box_scene(box(90.0, 0.0, 0.0, (2.0, 30.0), 0.0, 30.0)))
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    assert frames.semantic[0, 50, 64] == SemanticClass.SKY
    assert frames.depth[0, 50, 64] == np.float32(CAMERA.far)
    assert frames.gray[0, 50, 64] == GRAY_LEVELS[SemanticClass.SKY]


def test_an_image_does_not_depend_on_what_was_drawn_before(bullet: BulletRenderer) -> None:
    first, other = street_scene(3), street_scene(4, prisms=90)
    fresh = bullet.render(first)
    bullet.render(other)
    moved = replace(first, prisms=replace(first.prisms, boxes=np.roll(first.prisms.boxes, 1, axis=1)))
    bullet.render(moved)
    assert equal_frames(fresh, bullet.render(first))


def test_only_what_is_asked_for_is_made_and_frames_can_be_filled_in_place() -> None:
    scene = street_scene(5, worlds=2)
    semantic = np.full((2, 32, 40), 77, np.uint8)
    out = Frames(None, semantic, None)
    with BulletRenderer(SMALL, ("semantic",)) as renderer:
        assert renderer.render(scene, out) is out
        made = renderer.render(scene)
    assert made.depth is None
    assert made.gray is None
    assert made.semantic is not None
    assert np.array_equal(made.semantic, semantic)
    assert 77 not in semantic


def test_an_unknown_modality_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'colour'; allowed: depth"):
        BulletRenderer(SMALL, ("colour",))


def test_a_client_is_closed_for_certain() -> None:
    client = BulletClient()
    api, number = client.api, client.id
    client.close()
    client.close()
    assert api.getConnectionInfo(number)["isConnected"] == 0
    forgotten = BulletClient()
    number = forgotten.id
    del forgotten
    assert api.getConnectionInfo(number)["isConnected"] == 0


def test_a_renderer_is_closed_twice_without_harm() -> None:
    renderer = BulletRenderer(SMALL, ("depth",))
    renderer.close()
    renderer.close()


def test_two_renderers_in_one_process_do_not_disturb_each_other(bullet: BulletRenderer) -> None:
    scene = street_scene(6)
    before = bullet.render(scene)
    with BulletRenderer(CAMERA, tuple(MODALITIES)) as second:
        second.render(street_scene(7))
        assert equal_frames(before, bullet.render(scene))


def test_without_pybullet_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(ImportError, match='renderer="raycast"'):
        BulletClient()
