"""A first reading of a picture: which street it shows, and who stands where, by level camera and flat ground.

Whoever is seen stands where the lowest pixel's line of sight meets the ground, and his speed is what that
does from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import GROUND_CLEARANCE
from drivesim.render.semantics import SemanticClass
from drivesim.world.signals import GREEN, RED, YELLOW, light
from probes.domains.likeness import MIN_PIXELS
from probes.domains.scenes import LIGHTS, MOVING, Blobs, class_pictures, find_blobs, is_one_of
from probes.domains.street_library import EPISODE, StreetLibrary, street_of
from probes.domains.town_sketch import EGO, Body, Canvas, Floats, Sketch, Sketcher
from probes.domains.viewpoint import Viewpoint, ground_distance, point_at

SPEEDS = 12
"""Speeds of the ego that are tried, up to its top speed."""
MOST_ABREAST = 4
"""People that are read from one blob."""
NEAR = 12.0
"""m up to which a speed along the line of sight is read; a pixel is 1.6 m deep there."""
LANE_REACH = 2.0
"""m from a lane's middle, up to which a car may seem to be."""
DEEP = 40.0
"""m^2 of squared distance to a metre that it may seem off; a pixel is d^2 / (f h) deep, 1 m at 9 m."""
REACH = 5.0
"""m that somebody may have come since a state's first frame; farther, it was another."""
FEWEST_SECONDS = 1e-3
DRAWN_SHARE = 0.8
"""Intersection over union from which on a blob is drawn already."""

_STATES = (RED, YELLOW, GREEN)
"""Of the lights that show `LIGHTS`."""


@dataclass(frozen=True)
class _Seen:
    """Somebody in one frame, where he is from the ego's centre."""

    body: Body
    box: tuple[slice, slice]
    """Of the blob, rows and columns."""
    x: float
    """m ahead."""
    y: float
    """m to the left."""
    is_near: bool
    """Whether the distance is known well enough for a speed."""


def _box(blobs: Blobs, k: int) -> tuple[slice, slice]:
    top, left = int(blobs.top[k]), int(blobs.left[k])
    return slice(top, top + int(blobs.height[k])), slice(left, left + int(blobs.width[k]))


class Reader:
    """Reads states of a scenario.

    Args:
        sketcher: of the scenario.
        viewpoint: of its camera.
    """

    def __init__(self, sketcher: Sketcher, viewpoint: Viewpoint) -> None:
        self._sketcher, self._viewpoint = sketcher, viewpoint
        self.library = StreetLibrary(sketcher)

    def read(self, stored: NDArray[np.uint8]) -> Sketch:
        """Read where and how fast the ego goes in a state (T, M, H, W), and the light; nobody else yet."""
        classes = class_pictures(stored[None], self._sketcher.layout)[0]  # (T, H, W)
        x, y = self.library.find(classes[-1]), self.library.y
        empty = Sketch(EPISODE, self._tick(x, classes[-1]), np.array([x, y, 0.0, 0.0]))
        return replace(empty, numbers=np.array([x, y, 0.0, self._speed(empty, classes)]))

    def candidates(
        self, stored: NDArray[np.uint8], drawn: NDArray[np.uint8], sketch: Sketch
    ) -> list[tuple[Body, Floats]]:
        """Return who may be there, and numbers of each: of every blob of the newest frame that is not drawn.

        Args:
            stored: the state (T, M, H, W).
            drawn: what is drawn of it so far, likewise.
            sketch: of which that is drawn; the ego's place and speed count.
        """
        x, y, _, speed = sketch.numbers[:EGO]
        now, before = (
            self._seen(stored, frame, (x + speed * self._sketcher.times[frame], y)) for frame in (-1, 0)
        )
        wanted, made = (class_pictures(of[None], self._sketcher.layout)[0, -1] for of in (stored, drawn))
        elapsed = max(-float(self._sketcher.times[0]), FEWEST_SECONDS)
        found = []
        for one in now:
            semantic = SemanticClass.CAR if one.body.is_car else SemanticClass.PERSON
            box = wanted[one.box] == semantic, made[one.box] == semantic
            if (box[0] & box[1]).sum() >= DRAWN_SHARE * (box[0] | box[1]).sum():
                continue
            past = [p for p in before if p.body == one.body]
            nearest = min(past, key=lambda p: np.hypot(p.x - one.x, p.y - one.y), default=one)
            is_same = np.hypot(nearest.x - one.x, nearest.y - one.y) < REACH
            sideways = (one.y - nearest.y) / elapsed if is_same else 0.0
            along = (one.x - nearest.x) / elapsed if is_same and one.is_near else -speed
            found.append((one.body, np.array([one.x, one.y, along, sideways])))
        return found

    def _tick(self, x: float, picture: NDArray[np.uint8]) -> int:
        """Return the middle of a time at which the next light is as it is seen; 0 if none is seen."""
        counts = [int((picture == c).sum()) for c in LIGHTS]
        sketcher = self._sketcher
        town, hz = sketcher.begun(EPISODE, 1, 0, 0).town[0], sketcher.scenario.sim.physics_hz
        cycle = round(2 * float(town["green"] + town["yellow"] + town["all_red"]) * hz)
        ahead = int(x // self.library.block_length) + 1
        states = np.array([light(town, ahead, False, tick / hz) for tick in range(2 * cycle)])
        wanted = _STATES[int(np.argmax(counts))]
        if not any(counts) or wanted not in states:
            return 0
        # Two cycles hold every time as a whole; the longest, lest one be cut off by their ends.
        edges = np.flatnonzero(np.diff(np.concatenate([[False], states == wanted, [False]]).astype(np.int8)))
        runs = edges.reshape(-1, 2)
        return int(runs[np.diff(runs, axis=1)[:, 0].argmax()].mean())

    def _speed(self, empty: Sketch, classes: NDArray[np.uint8]) -> float:
        """Return the ego's speed at which the street passes as it is seen to."""
        tried = np.linspace(0.0, self._viewpoint.top_speed, SPEEDS)
        numbers = np.tile(empty.numbers, (SPEEDS, 1))
        numbers[:, 3] = tried
        drawn = Canvas(self._sketcher, empty, SPEEDS).draw(numbers)
        street, seen = street_of(classes), ~is_one_of(classes, MOVING)
        alike = (street_of(class_pictures(drawn, self._sketcher.layout)) == street) & seen
        return float(tried[alike.sum((1, 2, 3)).argmax()])

    def _seen(self, stored: NDArray[np.uint8], frame: int, ego: tuple[float, float]) -> list[_Seen]:
        """Return whoever may be seen in one frame of a state, that was taken from an ego's place (m)."""
        blobs = find_blobs(stored[None], self._sketcher.layout, frame, MOVING, MIN_PIXELS)
        distances, found = self._distances(blobs, stored[frame]), list[_Seen]()
        for k in range(len(blobs)):
            if blobs.semantic[k] == SemanticClass.PERSON:
                found += self._people(blobs, k, float(distances[k]))
            else:
                found += self._cars(blobs, k, float(distances[k]), ego)
        return found

    def _distances(self, blobs: Blobs, planes: NDArray[np.uint8]) -> Floats:
        """Return how far away (m, along the optical axis) the faces of blobs are: by depth, if there is any.

        Whoever reaches the picture's lowest row shows no feet, and is taken to be that near.
        """
        view, scenario = self._viewpoint, self._sketcher.scenario
        rows = np.asarray(blobs.foot_row + 1, np.float64)
        is_car = blobs.semantic == SemanticClass.CAR
        found = np.where(is_car, ground_distance(view, rows, GROUND_CLEARANCE), ground_distance(view, rows))
        if "depth" in scenario.modalities:
            depth = planes[scenario.modalities.index("depth")] * (view.camera.far / 255)
            at_foot = [depth[r, left : right + 1].min() for r, left, right in
                       zip(blobs.foot_row, blobs.foot_left, blobs.foot_right, strict=True)]  # fmt: skip
            found = np.array(at_foot)
        return np.clip(found, view.camera.near, view.camera.far)

    def _people(self, blobs: Blobs, k: int, distance: float) -> list[_Seen]:
        """Return who a blob of people may be: as many side by side as are that wide, and one alone."""
        half, focal = self._sketcher.person_half, self._viewpoint.camera.focal_px
        _, columns = box = _box(blobs, k)
        width = columns.stop - columns.start
        widest = int(np.clip(round(width * distance / (2 * half * focal)), 1, MOST_ABREAST))
        middles = {columns.start + (i + 0.5) / n * width for n in {1, widest} for i in range(n)}
        return [
            _Seen(Body(is_car=False), box, x + half, y, distance < NEAR)
            for x, y in (point_at(self._viewpoint, distance, middle) for middle in sorted(middles))
        ]

    def _cars(self, blobs: Blobs, k: int, distance: float, ego: tuple[float, float]) -> list[_Seen]:
        """Return who a blob of cars may be: they keep to lanes, along the road or across it."""
        view, town = self._viewpoint, self.library
        half_length, half_width = self._sketcher.car_half
        _, columns = box = _box(blobs, k)
        foot = (float(blobs.foot_left[k]) + float(blobs.foot_right[k]) + 1) / 2
        found = []
        x, y = point_at(self._viewpoint, distance, foot)
        for lane in town.lanes:
            if abs(ego[1] + y - lane) < LANE_REACH:
                body = Body(True, 1.0 if lane < 0 else -1.0, 0.0)
                found.append(_Seen(body, box, x + half_length, lane - ego[1], distance < NEAR))
        side_road = round((ego[0] + x) / town.block_length) * town.block_length
        for lane in town.lanes:
            ahead = side_road + lane - ego[0]
            depth = ahead - half_width - view.forward
            if depth > view.camera.near and abs(depth - distance) < LANE_REACH + distance * distance / DEEP:
                # Of two that cross one hides a part of the other: each end may be an end of one.
                reach = half_length * view.camera.focal_px / depth
                middles = {foot, columns.start + reach, columns.stop - reach}
                sides = [point_at(self._viewpoint, depth, middle)[1] for middle in sorted(middles)]
                body = Body(True, 0.0, 1.0 if lane > 0 else -1.0)
                found += [_Seen(body, box, ahead, side, is_near=True) for side in sides]
        return found
