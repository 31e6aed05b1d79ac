"""The chase view: a colour picture for people, of the same bodies, from behind and above the ego."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.bodies import Stage, half_extents, rigid_poses
from drivesim.render.bullet import BulletClient
from drivesim.render.bullet_frames import (
    GROUND_LOOK,
    camera_axes,
    ground_classes,
    projection_matrix,
    surface_looks,
    view_matrix,
)
from drivesim.render.camera import Camera
from drivesim.render.scene import Scene
from drivesim.render.semantics import GRAY_LEVELS, NUM_CLASSES, PALETTE, SemanticClass
from drivesim.render.shading import LIGHT_DIRECTION

EGO_LOOK: int = 1 << 16
EGO_COLOUR: tuple[int, int, int] = (213, 94, 0)
ZENITH_COLOUR: NDArray[np.float32] = np.array([96, 150, 205], np.float32)
HORIZON_COLOUR: NDArray[np.float32] = np.array([214, 226, 234], np.float32)
#: Colours in the picture: the palette, with quieter stripes and natural greens.
GROUND_COLOURS: NDArray[np.float32] = PALETTE.astype(np.float32)
GROUND_COLOURS[SemanticClass.LANE_MARKING] = (232, 232, 226)
GROUND_COLOURS[SemanticClass.VEGETATION] = (128, 160, 104)
OBJECT_COLOURS: NDArray[np.float32] = PALETTE.astype(np.float32)
OBJECT_COLOURS[SemanticClass.VEGETATION] = (74, 124, 74)
OBJECT_COLOURS[SemanticClass.BUILDING] = (158, 134, 116)
#: Distance over which haze swallows half of a colour, m.
HAZE_DISTANCE: float = 160.0
#: Share of the ground's light that remains in a shadow.
SHADOW: float = 0.62

CHASE_FIELD_OF_VIEW: float = 1.2
CHASE_NEAR: float = 0.5
CHASE_FAR: float = 150.0


class Loose(NamedTuple):
    """Bodies that have left the upright: where physics has taken their owners since the scene was made."""

    owners: NDArray[np.int16]
    """(K,)."""
    start: NDArray[np.float64]
    """(K, 7) position (m) and quaternion (x, y, z, w) in the scene."""
    now: NDArray[np.float64]
    """(K, 7) likewise, now."""


def chase_pose(x: float, y: float, yaw: float, back: float = 9.0, up: float = 4.5) -> NDArray[np.float64]:
    """Return the pose of a camera behind and above a car at x, y (m), looking a little down: (5,)."""
    return np.array([x - back * np.cos(yaw), y - back * np.sin(yaw), up, yaw, -0.24])


def chase_view(scene: Scene, pose: NDArray[np.float64], width: int, height: int) -> NDArray[np.uint8]:
    """Draw one picture of world 0, opening PyBullet for it alone; `ChaseCamera` draws many.

    Args:
        scene: what there is, the ego's own prisms (owner 0) included.
        pose: (5,) x, y, z (m), yaw, pitch (rad, upwards).
        width: pixels.
        height: pixels.

    Returns:
        (H, W, 3) red, green, blue.
    """
    camera = ChaseCamera(width, height)
    try:
        return camera.view(scene, pose)
    finally:
        camera.close()


def _paint(look: int) -> tuple[float, float, float]:
    label, tone = look >> 8 & 0xFF, look & 0xFF
    if look & EGO_LOOK:
        colour = np.array(EGO_COLOUR, dtype=np.float32)
    elif label < NUM_CLASSES:
        colour = OBJECT_COLOURS[label] * np.clip(tone / GRAY_LEVELS[label], 0.7, 1.3)
    else:
        colour = np.full(3, 128, np.float32)
    red, green, blue = np.minimum(colour / 255, 1.0).tolist()
    return (red, green, blue)


class ChaseCamera:
    """A pitched colour camera on its own PyBullet client."""

    def __init__(self, width: int, height: int, supersampling: int = 1) -> None:
        """Open a client.

        Args:
            width: pixels.
            height: pixels.
            supersampling: pixels drawn per pixel along either side; 2 smooths edges, at five times the cost.
        """
        self._size = (width, height)
        self._camera = Camera(
            width * supersampling, height * supersampling, CHASE_FIELD_OF_VIEW, CHASE_NEAR, CHASE_FAR
        )
        self._client = BulletClient()
        self._stage = Stage(self._client, self._camera, _paint, is_culled=False)

    def view(
        self, scene: Scene, pose: NDArray[np.float64], world: int = 0, loose: Loose | None = None
    ) -> NDArray[np.uint8]:
        """Draw one picture.

        Args:
            scene: what there is, the ego's own prisms (owner 0) included.
            pose: (5,) x, y, z (m), yaw, pitch (rad, upwards).
            world: which of the scene's worlds.
            loose: owners that are no longer where the scene has them.

        Returns:
            (H, W, 3) red, green, blue.
        """
        count = scene.prisms.counts[world]
        boxes, owners = scene.prisms.boxes[world, :count], scene.prisms.owners[world, :count]
        looks = surface_looks(scene.prisms, world) + np.where(owners == 0, np.int32(EGO_LOOK), np.int32(0))
        bodies = self._stage.arrange(boxes, looks, pose)
        poses = rigid_poses(boxes)
        if loose is not None:
            poses = carry(poses, owners, loose)
            for index in np.flatnonzero(np.isin(owners, loose.owners)).tolist():
                self._stage.pool.move(bodies[index], poses[index, :3].tolist(), poses[index, 3:].tolist())
            self._stage.pool.forget_places()
        return self._compose(scene, world, pose, poses)

    def _compose(
        self, scene: Scene, world: int, pose: NDArray[np.float64], poses: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        colours, metres, shown = self._photograph(pose)
        axes = camera_axes(pose[3], pose[4])
        rays = _pixel_rays(self._camera, axes)
        picture, sky = colours, shown < 0
        picture[sky] = _sky_colours(rays[sky])
        ground = ~sky & (self._stage.pool.looks[shown] == GROUND_LOOK)
        points = pose[:2] + metres[ground][:, None] * rays[ground][:, :2]
        which = scene.ground.index[world]
        labels = ground_classes(scene.ground.maps[which], scene.ground.periods[which], points)
        boxes = scene.prisms.boxes[world, : len(poses)]
        shade = ground_shadows(self._camera, pose, axes, prism_corners(boxes, poses))
        picture[ground] = GROUND_COLOURS[labels] * shade[ground][:, None]
        haze = np.where(sky, np.float32(0), 1 - np.exp2(-metres / HAZE_DISTANCE))[..., None]
        picture += (HORIZON_COLOUR - picture) * haze
        whole = np.clip(picture, 0, 255).astype(np.uint8)
        return np.asarray(cv2.resize(whole, self._size, interpolation=cv2.INTER_AREA), np.uint8)

    def _photograph(
        self, pose: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
        """Return colours (H, W, 3), depth (H, W; m) and body ids (H, W)."""
        camera, api = self._camera, self._client.api
        _, _, colours, buffer, shown = api.getCameraImage(
            camera.width,
            camera.height,
            view_matrix(pose[:3], pose[3], pose[4]),
            projection_matrix(camera, corner_sampled=True),
            renderer=api.ER_TINY_RENDERER,
            physicsClientId=self._client.id,
            lightDirection=LIGHT_DIRECTION.tolist(),
            lightColor=[1.0, 1.0, 1.0],
            lightDistance=1.0,
            lightAmbientCoeff=0.6,
            lightDiffuseCoeff=0.5,
            lightSpecularCoeff=0.0,
            shadow=0,
        )
        shape = (camera.height, camera.width)
        depth = np.asarray(buffer, np.float32).reshape(shape)
        metres = camera.far * camera.near / (camera.far - (camera.far - camera.near) * depth)
        bodies = np.asarray(shown, np.int32).reshape(shape)
        bodies = np.where(metres >= camera.far, np.int32(-1), bodies)
        return np.asarray(colours).reshape(*shape, 4)[..., :3].astype(np.float32), metres, bodies

    def close(self) -> None:
        """Close the client; a second call does nothing."""
        self._client.close()


def _pixel_rays(camera: Camera, axes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return each pixel's ray, one metre long along the optical axis, in world axes: (H, W, 3)."""
    right = (np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal_px
    up = (camera.height / 2 - np.arange(camera.height) - 0.5) / camera.focal_px
    across = (right[:, None] * axes[0]).astype(np.float32)
    upwards = (up[:, None] * axes[1] + axes[2]).astype(np.float32)
    rays: NDArray[np.float32] = across[None] + upwards[:, None]
    return rays


def _sky_colours(rays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fade from the horizon to the zenith by the sine of the elevation of rays (K, 3): (K, 3)."""
    sine = rays[:, 2] / np.sqrt((rays * rays).sum(axis=1))
    rise = np.sqrt(np.clip(sine, 0.0, 1.0))[:, None]
    colours: NDArray[np.float32] = HORIZON_COLOUR * (1 - rise) + ZENITH_COLOUR * rise
    return colours


def _multiply(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of quaternions (K, 4) in order x, y, z, w."""
    cross = np.cross(a[:, :3], b[:, :3])
    vector = a[:, 3:] * b[:, :3] + b[:, 3:] * a[:, :3] + cross
    return np.column_stack([vector, a[:, 3] * b[:, 3] - (a[:, :3] * b[:, :3]).sum(axis=1)])


def _rotate(quaternions: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn vectors (K, 3) by unit quaternions (K, 4)."""
    twist = 2 * np.cross(quaternions[:, :3], vectors)
    return vectors + quaternions[:, 3:] * twist + np.cross(quaternions[:, :3], twist)


def carry(poses: NDArray[np.float64], owners: NDArray[np.int16], loose: Loose) -> NDArray[np.float64]:
    """Take prisms rigidly along with the bodies of their owners.

    Args:
        poses: (P, 7) of the prisms in the scene.
        owners: (P,).
        loose: where owners' bodies were and are.

    Returns:
        (P, 7) poses now.
    """
    carried = poses.copy()
    chosen = np.flatnonzero(np.isin(owners, loose.owners))
    order = np.argsort(loose.owners)
    body = order[np.searchsorted(loose.owners, owners[chosen], sorter=order)]
    start, now = loose.start[body], loose.now[body]
    turn = _multiply(now[:, 3:], start[:, 3:] * np.array([-1.0, -1.0, -1.0, 1.0]))
    carried[chosen, :3] = now[:, :3] + _rotate(turn, poses[chosen, :3] - start[:, :3])
    carried[chosen, 3:] = _multiply(turn, poses[chosen, 3:])
    return carried


def prism_corners(boxes: NDArray[np.float64], poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eight corners of prisms (P, 8) that stand at poses (P, 7): (P, 8, 3), m."""
    signs = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]) * 2.0 - 1.0
    corners = half_extents(boxes)[:, None, :] * signs
    turned = _rotate(np.repeat(poses[:, 3:], 8, axis=0), corners.reshape(-1, 3))
    return turned.reshape(-1, 8, 3) + poses[:, None, :3]


def ground_shadows(
    camera: Camera, pose: NDArray[np.float64], axes: NDArray[np.float64], corners: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Compute how much of its light each pixel keeps if it shows ground.

    A box's shadow on flat ground is the convex hull of its corners' shadows.

    Args:
        camera: intrinsics.
        pose: (5,) of the camera.
        axes: (3, 3) of the camera.
        corners: (P, 8, 3) of the boxes, m.

    Returns:
        (H, W): 1 in the light, `SHADOW` in the shade.
    """
    light = np.ones((camera.height, camera.width), np.float32)
    falls = corners[..., :2] - corners[..., 2:] / LIGHT_DIRECTION[2] * LIGHT_DIRECTION[:2]
    for corners_on_ground in falls.astype(np.float32):
        hull = cv2.convexHull(corners_on_ground)[:, 0, :].astype(np.float64)
        seen = _before_camera(np.column_stack([hull, np.zeros(len(hull))]) - pose[:3], axes, camera.near)
        if len(seen) < 3:
            continue
        right, down = seen[:, 0] / seen[:, 2], -seen[:, 1] / seen[:, 2]
        pixels = np.column_stack([right, down]) * camera.focal_px + (camera.width / 2, camera.height / 2)
        limited = np.clip(pixels - 0.5, -30_000, 30_000)
        cv2.fillConvexPoly(light, np.rint(limited * 16).astype(np.int32), SHADOW, shift=4)
    return light


def _before_camera(
    offsets: NDArray[np.float64], axes: NDArray[np.float64], near: float
) -> NDArray[np.float64]:
    """Bring a polygon (K, 3; m from the camera) into right, up, forward and cut off what is behind `near`."""
    points = offsets @ axes.T
    kept: list[NDArray[np.float64]] = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[2] >= near:
            kept.append(a)
        if (a[2] >= near) != (b[2] >= near):
            kept.append(a + (b - a) * (near - a[2]) / (b[2] - a[2]))
    return np.array(kept).reshape(-1, 3)
