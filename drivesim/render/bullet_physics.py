"""The reference physics of a replay: who touches the ego, and what a hit does to the one who is hit.

Until a hit, bodies follow the poses that the world computed: they have mass, but are driven by velocity and
do not push each other. After it, those struck are free: gravity, friction and the ego's body move them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import EGO_OWNER, FIRST_PERSON
from drivesim.render.bodies import half_extents, rigid_poses
from drivesim.render.bullet import BulletClient

#: kg; a mean adult, and a mean passenger car.
PERSON_MASS: float = 75.0
CAR_MASS: float = 1500.0
GRAVITY: float = 9.81
#: Coefficients of friction and restitution of clothes on tarmac or sheet metal.
FRICTION: float = 0.6
RESTITUTION: float = 0.1
#: m in one step; who moves farther was put elsewhere, not driven.
_JUMP = 3.0


class Contact(NamedTuple):
    """Two bodies that touch."""

    owner_a: int
    owner_b: int
    distance: float
    """m, negative: how deep they overlap."""


class BulletPhysics:
    """Bodies of one world's movers: the ego (owner 0), cars (1 + i) and people (1000 + j)."""

    def __init__(self, rate: float = 60.0) -> None:
        """Open a client.

        Args:
            rate: physics steps per second.
        """
        self._step = 1.0 / rate
        self._client = BulletClient()
        self._api = self._client.api
        self._api.setTimeStep(self._step, physicsClientId=self._client.id)
        self._owners: list[int] = []
        self._bodies: list[int] = []
        self._radii: NDArray[np.float64] = np.empty(0)

    def set_bodies(self, owners: NDArray[np.int16], boxes: NDArray[np.float64]) -> None:
        """Replace all bodies.

        Args:
            owners: (K,) whose body each is; the ego's among them, each once.
            boxes: (K, 8) rows of `Prisms.boxes`.

        Raises:
            ValueError: the ego is missing or an owner occurs twice.
        """
        found = [int(owner) for owner in owners]
        if EGO_OWNER not in found or len(set(found)) < len(found):
            raise ValueError(f"owners are {found}; allowed: each once, the ego ({EGO_OWNER}) among them")
        self._api.resetSimulation(physicsClientId=self._client.id)
        self._api.setTimeStep(self._step, physicsClientId=self._client.id)
        self._owners = found
        half = half_extents(boxes)
        self._radii = np.hypot(half[:, 0], half[:, 1])
        self._bodies = [
            self._add(owner, extents, pose)
            for owner, extents, pose in zip(found, half.tolist(), rigid_poses(boxes).tolist(), strict=True)
        ]

    def _add(self, owner: int, half: list[float], pose: list[float]) -> int:
        api, client = self._api, self._client.id
        shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=half, physicsClientId=client)
        mass = PERSON_MASS if owner >= FIRST_PERSON else CAR_MASS
        body = int(api.createMultiBody(mass, shape, -1, pose[:3], pose[3:], physicsClientId=client))
        api.changeDynamics(
            body,
            -1,
            lateralFriction=FRICTION,
            restitution=RESTITUTION,
            linearDamping=0.0,
            angularDamping=0.0,
            activationState=api.ACTIVATION_STATE_DISABLE_SLEEPING,
            physicsClientId=client,
        )
        api.setCollisionFilterGroupMask(body, -1, 0, 0, physicsClientId=client)
        return body

    def poses(self) -> NDArray[np.float64]:
        """Return position (m) and quaternion (x, y, z, w) of each body: (K, 7)."""
        found = [
            self._api.getBasePositionAndOrientation(body, physicsClientId=self._client.id)
            for body in self._bodies
        ]
        return np.array([[*position, *quaternion] for position, quaternion in found])

    def follow(self, boxes: NDArray[np.float64]) -> None:
        """Take one physics step towards where the world has everyone after it.

        Args:
            boxes: (K, 8) rows of `Prisms.boxes`, in the order of `set_bodies`.
        """
        targets, now = rigid_poses(boxes), self.poses()
        linear = (targets[:, :3] - now[:, :3]) / self._step
        turn = 2 * (np.arctan2(targets[:, 5], targets[:, 6]) - np.arctan2(now[:, 5], now[:, 6]))
        rates = ((turn + np.pi) % (2 * np.pi) - np.pi) / self._step
        for body, target, velocity, rate in zip(self._bodies, targets, linear, rates, strict=True):
            if np.linalg.norm(velocity) * self._step > _JUMP:
                self._api.resetBasePositionAndOrientation(
                    body, target[:3].tolist(), target[3:].tolist(), physicsClientId=self._client.id
                )
                velocity, rate = np.zeros(3), 0.0
            self._drive(body, velocity, float(rate))
        self._api.stepSimulation(physicsClientId=self._client.id)

    def _drive(self, body: int, velocity: NDArray[np.float64], rate: float) -> None:
        self._api.resetBaseVelocity(
            body, velocity.tolist(), [0.0, 0.0, rate], physicsClientId=self._client.id
        )

    def contacts(self) -> list[Contact]:
        """Return who touches the ego now."""
        ego = self._owners.index(EGO_OWNER)
        positions = self.poses()[:, :2]
        reach = self._radii + self._radii[ego]
        close = np.linalg.norm(positions - positions[ego], axis=1) <= reach
        found = []
        for index in np.flatnonzero(close).tolist():
            if index == ego:
                continue
            points = self._api.getClosestPoints(
                self._bodies[ego], self._bodies[index], 0.0, physicsClientId=self._client.id
            )
            if points:
                depth = min(float(point[8]) for point in points)
                found.append(Contact(EGO_OWNER, self._owners[index], depth))
        return found

    def impact(self, struck: Collection[int], steps: int, ego_braking: float = 6.0) -> NDArray[np.float64]:
        """Let the struck go where the hit throws them, while the ego brakes and all others keep their motion.

        Args:
            struck: owners that the ego has hit.
            steps: physics steps to take.
            ego_braking: m/s^2.

        Returns:
            (steps, K, 7): position (m) and quaternion (x, y, z, w) of each body after each step.
        """
        free = {self._bodies[self._owners.index(owner)] for owner in struck}
        ego = self._bodies[self._owners.index(EGO_OWNER)]
        velocities = self._velocities()
        self._let_collide([ego, *free, self._add_ground()])
        trace = np.empty((steps, len(self._bodies), 7))
        for step in range(steps):
            for body in free:
                self._pull_down(body)
            for body, velocity in velocities.items():
                if body == ego:
                    speed = float(np.linalg.norm(velocity))
                    velocity *= max(0.0, speed - ego_braking * self._step) / max(speed, 1e-9)
                if body not in free:
                    self._drive(body, velocity, 0.0)
            self._api.stepSimulation(physicsClientId=self._client.id)
            trace[step] = self.poses()
        return trace

    def _velocities(self) -> dict[int, NDArray[np.float64]]:
        """Return the linear velocity (m/s) of each body."""
        return {
            body: np.array(self._api.getBaseVelocity(body, physicsClientId=self._client.id)[0])
            for body in self._bodies
        }

    def _add_ground(self) -> int:
        shape = self._api.createCollisionShape(self._api.GEOM_PLANE, physicsClientId=self._client.id)
        ground = int(self._api.createMultiBody(0.0, shape, physicsClientId=self._client.id))
        self._api.changeDynamics(ground, -1, lateralFriction=1.0, physicsClientId=self._client.id)
        return ground

    def _let_collide(self, bodies: list[int]) -> None:
        for body in bodies:
            self._api.setCollisionFilterGroupMask(body, -1, 1, 1, physicsClientId=self._client.id)

    def _pull_down(self, body: int) -> None:
        """Apply gravity to one body: a world's gravity would sink those who are driven."""
        mass = float(self._api.getDynamicsInfo(body, -1, physicsClientId=self._client.id)[0])
        position, _ = self._api.getBasePositionAndOrientation(body, physicsClientId=self._client.id)
        self._api.applyExternalForce(
            body,
            -1,
            [0.0, 0.0, -mass * GRAVITY],
            position,
            self._api.WORLD_FRAME,
            physicsClientId=self._client.id,
        )

    def close(self) -> None:
        """Close the client; a second call does nothing."""
        self._client.close()
