"""PyBullet bodies that stand for prisms: made once per shape, then moved; and the ground they stand on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivesim.render.bullet_frames import GROUND_LOOK
from drivesim.render.camera import Camera

if TYPE_CHECKING:
    from drivesim.render.bullet import BulletClient

#: Colour of a look: red, green, blue in [0, 1].
Paint = Callable[[int], tuple[float, float, float]]

#: Bodies out of use that are kept for a prism of the same shape to come; each slows an image by about 0.2%.
MAX_PARKED: int = 32
#: PyBullet keeps some 1.7 kB of every shape ever made until the simulation is reset; so many are let be.
MAX_SHAPES_LEFT: int = 1024
_PARKED_AT = (0.0, 0.0, -1000.0)
_UPRIGHT = (0.0, 0.0, 0.0, 1.0)
_GROUND_HALF_THICKNESS = 0.001


def rigid_poses(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rigid pose of each prism.

    Args:
        boxes: (P, 8) rows of `Prisms.boxes`.

    Returns:
        (P, 7): position of the middle (m) and unit quaternion x, y, z, w.
    """
    half_yaws = np.arctan2(boxes[:, 3], boxes[:, 2]) / 2
    poses = np.zeros((len(boxes), 7))
    poses[:, :2] = boxes[:, :2]
    poses[:, 2] = boxes[:, 6:8].mean(axis=1)
    poses[:, 5], poses[:, 6] = np.sin(half_yaws), np.cos(half_yaws)
    return poses


def half_extents(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half length, half width and half height (m) of prisms (P, 8): (P, 3)."""
    return np.column_stack([boxes[:, 4:6], (boxes[:, 7] - boxes[:, 6]) / 2])


def in_view(boxes: NDArray[np.float64], camera: Camera, pose: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which prisms a level camera may see, by the circles around their footprints.

    Args:
        boxes: (P, 8) rows of `Prisms.boxes`.
        camera: intrinsics.
        pose: (4,) x, y, z (m), yaw (rad) of the camera.

    Returns:
        (P,) False only for what is outside the image or the range.
    """
    x, y = boxes[:, 0] - pose[0], boxes[:, 1] - pose[1]
    cos, sin = np.cos(pose[3]), np.sin(pose[3])
    forward, aside = x * cos + y * sin, np.abs(y * cos - x * sin)
    radius = np.hypot(boxes[:, 4], boxes[:, 5]) + 0.01
    half_angle = np.arctan(camera.width / 2 / camera.focal_px)
    beyond_edge = aside * np.cos(half_angle) - forward * np.sin(half_angle)
    found: NDArray[np.bool_] = (
        (forward + radius >= camera.near) & (forward - radius <= camera.far) & (beyond_edge <= radius)
    )
    return found


class BodyPool:
    """Boxes in a client that stand for a list of prisms, made once per shape and look and then moved.

    Prism i of one call and of the next share a body if shape and look agree, and only what moved is touched.
    """

    def __init__(self, client: BulletClient, paint: Paint) -> None:
        """Start empty.

        Args:
            client: where the bodies live.
            paint: colour of a look.
        """
        self.looks: NDArray[np.int32] = np.zeros(512, dtype=np.int32)
        """(bodies,) look of each body id."""
        self.made: int = 0
        """Bodies made so far."""
        self._shown: NDArray[np.bool_] = np.ones(512, dtype=bool)
        self._client = client
        self._paint = paint
        self._ids: list[int] = []
        self._keys: NDArray[np.int64] = np.empty((0, 4), dtype=np.int64)
        self._boxes: NDArray[np.float64] = np.empty((0, 8))
        self._free: dict[tuple[int, ...], list[int]] = {}

    def add(self, half: NDArray[np.float64], look: int) -> int:
        """Make a body.

        Args:
            half: (3,) half extents, m.
            look: what `paint` takes.

        Returns:
            Its id.
        """
        api, client = self._client.api, self._client.id
        shape = api.createVisualShape(
            api.GEOM_BOX,
            halfExtents=half.tolist(),
            rgbaColor=[*self._paint(look), 1.0],
            specularColor=[0.0, 0.0, 0.0],
            physicsClientId=client,
        )
        body = int(api.createMultiBody(0.0, -1, shape, physicsClientId=client))
        if body >= len(self.looks):
            self.looks = np.concatenate([self.looks, np.zeros_like(self.looks)])
            self._shown = np.concatenate([self._shown, np.ones_like(self._shown)])
        self.looks[body] = look
        self._shown[body] = True
        self.made += 1
        return body

    def move(self, body: int, position: Collection[float], quaternion: Collection[float]) -> None:
        """Put a body at a position (x, y, z; m) in an attitude (x, y, z, w)."""
        self._client.api.resetBasePositionAndOrientation(
            body, position, quaternion, physicsClientId=self._client.id
        )

    def place(self, boxes: NDArray[np.float64], looks: NDArray[np.int32]) -> list[int]:
        """Make the bodies stand where the prisms are.

        Args:
            boxes: (P, 8) rows of `Prisms.boxes`.
            looks: (P,).

        Returns:
            The body of each prism.
        """
        half = half_extents(boxes)
        keys = np.column_stack([np.rint(half * 1e6).astype(np.int64), looks])
        shared = min(len(boxes), len(self._boxes))
        kept = np.zeros(len(boxes), dtype=bool)
        kept[:shared] = (keys[:shared] == self._keys[:shared]).all(axis=1)
        moved = np.ones(len(boxes), dtype=bool)
        moved[:shared] = ~kept[:shared] | (boxes[:shared] != self._boxes[:shared]).any(axis=1)
        self._assign(keys, half, kept)
        self._keys, self._boxes = keys, boxes.copy()
        self._move_all(np.flatnonzero(moved))
        return self._ids

    def show(self, bodies: NDArray[np.int64], visible: NDArray[np.bool_]) -> None:
        """Let TinyRenderer draw a body or pass it over, which it does with what is wholly transparent.

        Args:
            bodies: (K,) ids.
            visible: (K,).
        """
        for body in bodies[self._shown[bodies] != visible].tolist():
            self._shown[body] = not self._shown[body]
            colour = [*self._paint(int(self.looks[body])), float(self._shown[body])]
            self._client.api.changeVisualShape(body, -1, rgbaColor=colour, physicsClientId=self._client.id)

    def forget_places(self) -> None:
        """Take no body to be where `place` has put it: someone else has moved them."""
        self._boxes = np.full_like(self._boxes, np.nan)

    def _assign(self, keys: NDArray[np.int64], half: NDArray[np.float64], kept: NDArray[np.bool_]) -> None:
        """Give each slot a body of its shape: its own, else one set free, else a new one."""
        freed: set[int] = set()
        for slot in range(len(self._ids)):
            if slot >= len(kept) or not kept[slot]:
                self._free.setdefault(tuple(self._keys[slot].tolist()), []).append(self._ids[slot])
                freed.add(self._ids[slot])
        self._ids = self._ids[: len(kept)] + [-1] * (len(kept) - len(self._ids))
        for slot in np.flatnonzero(~kept).tolist():
            key = tuple(keys[slot].tolist())
            spare = self._free.get(key)
            if spare:
                self._ids[slot] = spare.pop()
                freed.discard(self._ids[slot])
                if not spare:
                    del self._free[key]
            else:
                self._ids[slot] = self.add(half[slot], key[3])
        for body in freed:
            self.move(body, _PARKED_AT, _UPRIGHT)
        self.show(np.array(sorted(freed), dtype=np.int64), np.zeros(len(freed), dtype=bool))
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Remove parked bodies beyond the limit, those of the shape set free longest ago first."""
        excess = sum(map(len, self._free.values())) - MAX_PARKED
        while excess > 0:
            key = next(iter(self._free))
            for body in self._free.pop(key):
                self._client.api.removeBody(body, physicsClientId=self._client.id)
                excess -= 1

    def _move_all(self, slots: NDArray[np.int64]) -> None:
        poses = rigid_poses(self._boxes[slots])
        for slot, pose in zip(slots.tolist(), poses.tolist(), strict=True):
            self.move(self._ids[slot], pose[:3], pose[3:])


class GroundSheet:
    """One thin box whose top is the ground that a camera can see: two large triangles, cut at `far`."""

    def __init__(self, pool: BodyPool, camera: Camera) -> None:
        """Make the sheet, long enough for `camera`."""
        start, end = 1.01 * camera.near, 1.001 * camera.far
        half_width = end * camera.width / 2 / camera.focal_px * 1.01
        half = np.array([(end - start) / 2, half_width, _GROUND_HALF_THICKNESS])
        self._pool = pool
        self._middle = (start + end) / 2
        self._body = pool.add(half, GROUND_LOOK)

    def lay_before(self, x: float, y: float, yaw: float) -> None:
        """Lay the sheet in front of a camera at x, y (m) that looks along yaw (rad)."""
        position = (x + self._middle * np.cos(yaw), y + self._middle * np.sin(yaw), -_GROUND_HALF_THICKNESS)
        self._pool.move(self._body, position, (0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)))


class Stage:
    """The bodies and the ground of one client, built anew before what PyBullet cannot free grows large."""

    def __init__(self, client: BulletClient, camera: Camera, paint: Paint, is_culled: bool) -> None:
        """Set up the ground.

        Args:
            client: where the bodies live.
            camera: whose images are to be drawn.
            paint: colour of a look.
            is_culled: pass over what a level camera cannot see; a fifth of the time, and right for
                TinyRenderer alone.
        """
        self._client = client
        self._is_culled = is_culled
        self._camera = camera
        self._paint = paint
        self._build()

    def _build(self) -> None:
        self._client.api.resetSimulation(physicsClientId=self._client.id)
        self.pool = BodyPool(self._client, self._paint)
        self._ground = GroundSheet(self.pool, self._camera)

    def arrange(
        self, boxes: NDArray[np.float64], looks: NDArray[np.int32], pose: NDArray[np.float64]
    ) -> list[int]:
        """Make the bodies stand where the prisms are, and lay the ground before the camera.

        Args:
            boxes: (P, 8) rows of `Prisms.boxes`.
            looks: (P,).
            pose: (4,) x, y, z (m), yaw (rad) of the camera.

        Returns:
            The body of each prism.
        """
        if self.pool.made > MAX_SHAPES_LEFT + 2 * len(boxes):
            self._build()
        self._ground.lay_before(pose[0], pose[1], pose[3])
        bodies = self.pool.place(boxes, looks)
        visible = in_view(boxes, self._camera, pose) if self._is_culled else np.ones(len(boxes), dtype=bool)
        self.pool.show(np.array(bodies, dtype=np.int64), visible)
        return bodies
