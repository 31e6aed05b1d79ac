"""Where somebody would have to stand to be seen as a piece of a picture is: places on a small grid.

A piece tells its distance by its foot on the ground, by its height and by its head above the horizon. Of a
few pixels all are coarse, and where a part is hidden they differ: places at and around all are proposed.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from drivesim.render.actors import GROUND_CLEARANCE
from drivesim.render.semantics import SemanticClass
from probes.domains.likeness import Piece
from probes.domains.street_library import StreetLibrary
from probes.domains.town_sketch import Body, Floats, Sketcher
from probes.domains.viewpoint import Viewpoint, ground_distance, point_at

STRETCHES = (0.85, 0.95, 1.0, 1.05, 1.15)
"""Times the distances that a piece tells."""
CAR_HEIGHT = 1.5
"""m, about that of most cars."""
LANE_REACH = 2.5
"""m from a lane's middle, up to which a car may seem to be."""


class Proposer:
    """Proposes who may be seen.

    Args:
        sketcher: of the scenario.
        viewpoint: of its camera.
        library: of its streets.
    """

    def __init__(self, sketcher: Sketcher, viewpoint: Viewpoint, library: StreetLibrary) -> None:
        self._sketcher, self._viewpoint, self._library = sketcher, viewpoint, library

    def propose(self, piece: Piece, ego: Floats) -> list[tuple[Body, Floats]]:
        """Return who may be seen as a car's or a person's piece of the newest frame, and numbers of each.

        Whoever it is stands, or, a car, drives as fast as the ego.

        Args:
            piece: what is seen.
            ego: (4,) numbers of the ego.
        """
        _, _, left, right = piece.extent
        found = []
        for distance in self._distances(piece):
            if piece.semantic == SemanticClass.PERSON:
                x, y = point_at(self._viewpoint, distance, (left + right) / 2)
                found.append(
                    (Body(is_car=False), np.array([x + self._sketcher.person_half, y, -ego[3], 0.0]))
                )
            else:
                for column in (left, (left + right) / 2, right):
                    found += self._cars(*point_at(self._viewpoint, distance, column), ego)
        return found

    def _distances(self, piece: Piece) -> list[float]:
        """Return how far away (m, along the optical axis) what shows as a piece may be."""
        view, is_car = self._viewpoint, piece.semantic == SemanticClass.CAR
        top, bottom, _, _ = piece.extent
        height = CAR_HEIGHT if is_car else self._sketcher.person_height
        by_foot = float(ground_distance(view, np.array(float(bottom)), GROUND_CLEARANCE if is_car else 0.0))
        by_height = view.camera.focal_px * height / (bottom - top)
        by_head = view.camera.focal_px * (height - view.height) / max(view.horizon - top, 0.5)
        told = np.clip([by_foot, by_height, by_head], view.camera.near, view.camera.far)
        return sorted({float(distance * stretch) for distance, stretch in product(told, STRETCHES)})

    def _cars(self, x: float, y: float, ego: Floats) -> list[tuple[Body, Floats]]:
        """Return the cars whose near face may be at a place: along the road or across it."""
        half_length, half_width = self._sketcher.car_half
        block, found = self._library.block_length, []
        for lane in self._library.lanes:
            body = Body(True, 1.0 if lane < 0 else -1.0, 0.0)
            if abs(ego[1] + y - lane) < LANE_REACH:
                found += [
                    (body, np.array([x + half_length, lane - ego[1], pace, 0.0])) for pace in (0.0, -ego[3])
                ]
            ahead = round((ego[0] + x) / block) * block + lane - ego[0]
            if abs(ahead - half_width - x) < 2 * LANE_REACH:
                across = Body(True, 0.0, 1.0 if lane > 0 else -1.0)
                found += [
                    (across, np.array([ahead, y + side, -ego[3], 0.0]))
                    for side in (-half_length, 0.0, half_length)
                ]
        return found
