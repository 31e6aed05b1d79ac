"""The column renderer against a reference that meets every pixel's ray with every face in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.camera import Camera, Frames
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Ground, Prisms, Scene
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.render.shading import face_shade

ALL = ("depth", "semantic", "gray")
CAMERA = Camera(width=48, height=40, field_of_view=1.3, near=0.1, far=60.0)


def random_scene(seed: int, worlds: int = 3, prisms: int = 40) -> Scene:
    """Build worlds of random boxes, on the ground, stacked and in the air, around cameras of any heading."""
    rng = np.random.default_rng(seed)
    shape = (worlds, prisms)
    yaw = rng.uniform(-np.pi, np.pi, shape)
    half = np.exp(rng.uniform(np.log(0.1), np.log(6.0), (*shape, 2)))
    bottom = np.where(rng.random(shape) < 0.6, 0.0, rng.uniform(0.0, 5.0, shape))
    top = bottom + np.exp(rng.uniform(np.log(0.1), np.log(12.0), shape))
    place = rng.uniform(-35.0, 35.0, (*shape, 2)) + np.array([1000.0, -500.0])
    boxes = np.concatenate(
        [place, np.stack([np.cos(yaw), np.sin(yaw)], -1), half, np.stack([bottom, top], -1)], axis=-1
    )
    poses = rng.uniform([995.0, -505.0, 0.5, -4.0], [1005.0, -495.0, 3.0, 4.0], (worlds, 4))
    maps = np.kron(rng.integers(1, 6, (2, 8, 8), dtype=np.uint8), np.ones((1, 4, 4), np.uint8))
    return Scene(
        Prisms(
            boxes=boxes,
            classes=rng.integers(5, 13, shape, dtype=np.uint8),
            tones=rng.integers(0, 256, shape, dtype=np.uint8),
            owners=np.full(shape, -1, np.int16),
            counts=rng.integers(prisms // 2, prisms + 1, worlds).astype(np.int32),
        ),
        Ground(maps=maps, periods=np.array([24.0, 70.0]), index=rng.integers(0, 2, worlds).astype(np.int32)),
        poses,
    )


def one_prism_scene(box: tuple[float, ...], pose: tuple[float, ...] = (0.0, 0.0, 1.5, 0.0)) -> Scene:
    """Build one world with one car-coloured prism of tone 200 on a ground that is all road."""
    x, y, yaw, half_length, half_width, bottom, top = box
    return Scene(
        Prisms(
            boxes=np.array([[[x, y, np.cos(yaw), np.sin(yaw), half_length, half_width, bottom, top]]]),
            classes=np.array([[SemanticClass.CAR]], np.uint8),
            tones=np.array([[200]], np.uint8),
            owners=np.zeros((1, 1), np.int16),
            counts=np.ones(1, np.int32),
        ),
        Ground(np.full((1, 2, 2), SemanticClass.ROAD, np.uint8), np.array([10.0]), np.zeros(1, np.int32)),
        np.array([pose]),
    )


class Reference(NamedTuple):
    """What each pixel of one world shows: depth (m), class, gray and prism (-1 for none), each (H, W)."""

    depth: NDArray[np.float64]
    label: NDArray[np.uint8]
    gray: NDArray[np.float64]
    prism: NDArray[np.int64]


def reference_world(scene: Scene, n: int, camera: Camera) -> Reference:
    """Trace every pixel of world n."""
    z, yaw = scene.poses[n, 2:]
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    right, down = (columns - camera.width / 2) / camera.focal_px, (rows - camera.height / 2) / camera.focal_px
    ray = np.stack(
        [np.cos(yaw) + right * np.sin(yaw), np.sin(yaw) - right * np.cos(yaw), -down], axis=-1
    )  # (H, W, 3), forward component 1
    with np.errstate(divide="ignore"):
        plane = z / down
    on_ground = (plane >= camera.near) & (plane <= camera.far)
    depth = np.where(on_ground, plane, camera.far)
    label = np.where(on_ground, ground_classes(scene.ground, n, scene.poses[n, :2], ray, depth), 0)
    gray, prism = GRAY_LEVELS[label].astype(np.float64), np.full(depth.shape, -1)
    for p in range(scene.prisms.counts[n]):
        t, shade = meet_box(scene.prisms.boxes[n, p], scene.poses[n, :3], ray, camera)
        nearer = t < depth
        tone = np.floor(np.minimum(float(scene.prisms.tones[n, p]) * shade, 255.0) + 0.5)
        depth, gray = np.where(nearer, t, depth), np.where(nearer, tone, gray)
        label, prism = np.where(nearer, scene.prisms.classes[n, p], label), np.where(nearer, p, prism)
    return Reference(depth, label, gray, prism)


def ground_classes(
    ground: Ground, n: int, eye: NDArray[np.float64], ray: NDArray[np.float64], depth: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Look up the class map where each pixel's ray is at `depth` m."""
    m = ground.index[n]
    size = ground.maps.shape[1]
    point = eye + depth[..., None] * ray[..., :2]
    cell = np.floor(point / ground.periods[m] * size).astype(np.int64) % size
    return np.asarray(ground.maps[m, cell[..., 1], cell[..., 0]])


def meet_box(
    box: NDArray[np.float64], eye: NDArray[np.float64], ray: NDArray[np.float64], camera: Camera
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Meet rays (H, W, 3) with the six faces of a box: depth of the nearest one seen, else inf; its shade."""
    axes = np.array([[box[2], box[3], 0.0], [-box[3], box[2], 0.0], [0.0, 0.0, 1.0]])
    half = np.array([box[4], box[5], (box[7] - box[6]) / 2])
    centre = np.array([box[0], box[1], (box[6] + box[7]) / 2])
    origin, direction = axes @ (eye - centre), ray @ axes.T
    best, shade = np.full(ray.shape[:2], np.inf), np.zeros(ray.shape[:2])
    for axis in range(3):
        for sign in (-1.0, 1.0):
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (sign * half[axis] - origin[axis]) / direction[..., axis]
                inside = [abs(origin[o] + t * direction[..., o]) <= half[o] for o in range(3) if o != axis]
            front = sign * direction[..., axis] < 0
            seen = inside[0] & inside[1] & front & (t >= camera.near) & (t <= camera.far) & (t < best)
            best = np.where(seen, t, best)
            shade = np.where(seen, face_shade(sign * axes[axis]), shade)
    return best, shade


@pytest.mark.parametrize("seed", range(4))
def test_every_pixel_equals_the_reference(seed: int) -> None:
    scene = random_scene(seed)
    renderer = RaycastRenderer(CAMERA, ALL)
    frames = renderer.render(scene)
    counts = renderer.visible_owners(scene)
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    for n in range(len(scene.poses)):
        depth, label, gray, prism = reference_world(scene, n, CAMERA)
        np.testing.assert_array_equal(frames.semantic[n], label)
        np.testing.assert_allclose(frames.depth[n], depth, rtol=1e-6)
        assert np.abs(frames.gray[n] - gray).max() <= 1
        np.testing.assert_array_equal(counts[n], np.bincount(prism[prism >= 0], minlength=counts.shape[1]))


def test_prisms_across_the_near_plane_are_cut_as_in_the_reference() -> None:
    camera = replace(CAMERA, near=2.0)
    scene = random_scene(9, worlds=4, prisms=60)
    scene.prisms.boxes[..., :2] = scene.poses[:, None, :2] + (scene.prisms.boxes[..., :2] % 7.0) - 3.5
    frames = RaycastRenderer(camera, ALL).render(scene)
    assert frames.depth is not None
    assert frames.semantic is not None
    for n in range(4):
        depth, label, _, _ = reference_world(scene, n, camera)
        np.testing.assert_array_equal(frames.semantic[n], label)
        np.testing.assert_allclose(frames.depth[n], depth, rtol=1e-6)


def test_a_wall_ahead_has_hand_computed_depth_rows_and_gray() -> None:
    # f = 4 px; the wall is 5 m ahead, 4 m to either side, from the ground to 3 m above the camera.
    camera = Camera(width=8, height=8, field_of_view=np.pi / 2, near=0.1, far=80.0)
    frames = RaycastRenderer(camera, ALL).render(one_prism_scene((6.0, 0.0, 0.0, 1.0, 4.0, 0.0, 4.5)))
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    wall = np.zeros((8, 8), bool)
    # Top edge 4 * 3 / 5 = 2.4 px above the middle, bottom edge 4 * 1.5 / 5 = 1.2 px below; sides 3.2 px off.
    wall[2:5, 1:7] = True
    np.testing.assert_array_equal(frames.semantic[0] == SemanticClass.CAR, wall)
    assert np.all(frames.depth[0][wall] == 5.0)
    assert np.all(frames.gray[0][wall] == round(200 * 0.55))  # it faces -x, away from the light
    assert np.all(frames.semantic[0, :2] == SemanticClass.SKY)
    assert np.all(frames.depth[0, :2] == 80.0)
    assert np.all(frames.depth[0, 7] == np.float32(4 * 1.5 / 3.5))
    assert np.all(frames.gray[0, 7] == GRAY_LEVELS[SemanticClass.ROAD])


def test_a_low_prism_shows_its_top() -> None:
    camera = Camera(width=8, height=8, field_of_view=np.pi / 2)
    frames = RaycastRenderer(camera, ALL).render(one_prism_scene((3.0, 0.0, 0.0, 2.0, 4.0, 0.0, 0.5)))
    assert frames.depth is not None
    assert frames.gray is not None
    # Its top is 1 m below the camera: depths 4 / 1.5 and 4 / 2.5 lie between the edges at 1 m and 5 m.
    assert frames.depth[0, 5, 4] == np.float32(4 / 1.5)
    assert frames.depth[0, 6, 4] == np.float32(4 / 2.5)
    top = np.rint(200 * face_shade(np.array([0.0, 0.0, 1.0])))
    assert frames.gray[0, 6, 4] == top


def test_nothing_is_drawn_of_a_prism_around_the_camera() -> None:
    scene = one_prism_scene((0.0, 0.0, 0.3, 2.0, 2.0, 0.0, 4.0))
    renderer = RaycastRenderer(CAMERA, ("semantic",))
    frames = renderer.render(scene)
    assert frames.semantic is not None
    assert not np.any(frames.semantic == SemanticClass.CAR)
    assert renderer.visible_owners(scene).tolist() == [[0]]


def test_only_prisms_in_use_are_drawn() -> None:
    scene = random_scene(1)
    empty = replace(scene, prisms=replace(scene.prisms, counts=np.zeros(3, np.int32)))
    assert not RaycastRenderer(CAMERA, ALL).visible_owners(empty).any()


def test_ground_repeats_with_its_period() -> None:
    scene = random_scene(2)
    empty = replace(scene, prisms=replace(scene.prisms, counts=np.zeros(3, np.int32)))
    period = scene.ground.periods[scene.ground.index]
    shift = np.stack([3 * period, -2 * period, 0 * period, 0 * period], axis=1)
    renderer = RaycastRenderer(CAMERA, ("semantic",))
    here, there = renderer.render(empty), renderer.render(replace(empty, poses=scene.poses + shift))
    np.testing.assert_array_equal(here.semantic, there.semantic)


def test_frames_depend_neither_on_threads_nor_on_the_batch() -> None:
    scene = random_scene(3, worlds=5)
    whole = RaycastRenderer(CAMERA, ALL).render(scene)
    shared = RaycastRenderer(CAMERA, ALL, threads=3)
    for _ in range(2):
        assert_same_frames(shared.render(scene), whole)
    shared.close()
    alone = RaycastRenderer(CAMERA, ALL)
    for n in range(5):
        assert_same_frames(alone.render(select_world(scene, n)), select_frames(whole, n))


def select_world(scene: Scene, n: int) -> Scene:
    """Take world n as a batch of one."""
    p, one = scene.prisms, slice(n, n + 1)
    prisms = Prisms(p.boxes[one], p.classes[one], p.tones[one], p.owners[one], p.counts[one])
    return Scene(prisms, replace(scene.ground, index=scene.ground.index[one]), scene.poses[one])


def select_frames(frames: Frames, n: int) -> Frames:
    """Take the frames of world n as a batch of one."""
    assert frames.depth is not None
    assert frames.semantic is not None
    assert frames.gray is not None
    one = slice(n, n + 1)
    return Frames(frames.depth[one], frames.semantic[one], frames.gray[one])


def assert_same_frames(a: Frames, b: Frames) -> None:
    """Assert equality bit for bit."""
    np.testing.assert_array_equal(a.depth, b.depth)
    np.testing.assert_array_equal(a.semantic, b.semantic)
    np.testing.assert_array_equal(a.gray, b.gray)


def test_only_modalities_asked_for_are_computed() -> None:
    scene = random_scene(4)
    frames = RaycastRenderer(CAMERA, ("gray",)).render(scene)
    assert frames.depth is None
    assert frames.semantic is None
    np.testing.assert_array_equal(frames.gray, RaycastRenderer(CAMERA, ALL).render(scene).gray)


def test_frames_are_written_to_the_arrays_given() -> None:
    scene = random_scene(5)
    renderer = RaycastRenderer(CAMERA, ("semantic",))
    out = Frames(None, np.full((3, 40, 48), 77, np.uint8), None)
    assert renderer.render(scene, out) is out
    np.testing.assert_array_equal(out.semantic, renderer.render(scene).semantic)


def test_arrays_of_the_wrong_shape_are_refused() -> None:
    renderer = RaycastRenderer(CAMERA, ("semantic",))
    with pytest.raises(ValueError, match=r"out\.semantic is uint8"):
        renderer.render(random_scene(5), Frames(None, np.zeros((3, 48, 40), np.uint8), None))
    with pytest.raises(ValueError, match=r"out\.semantic is None"):
        renderer.render(random_scene(5), Frames(None, None, None))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown modality 'colour'; allowed: depth, semantic, gray"):
        RaycastRenderer(CAMERA, ("depth", "colour"))
    with pytest.raises(ValueError, match="threads is 0"):
        RaycastRenderer(CAMERA, ALL, threads=0)


def test_closing_twice_is_harmless() -> None:
    renderer = RaycastRenderer(CAMERA, ("semantic",), threads=2)
    renderer.render(random_scene(7))
    renderer.close()
    renderer.close()
