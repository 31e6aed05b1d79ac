"""The view in the plan: a level camera sees each image column as one ray over the flat town.

Forward depths along such a ray are handled as inverses. The inverse depth of a vertical plane is linear in
the column, and so is the image row of any level edge in that plane; faces need no clipping and no division.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel

#: Inverse depth (1/m) that stands for "at the camera".
HUGE = 1e30
#: m; a camera nearer to the plane of a face than this counts as that far in front of it.
TOUCHING = 1e-12
#: Columns by which rounding may move a corner.
MARGIN = 1e-6


class View(NamedTuple):
    """The camera's numbers as kernels take them; see `Camera`."""

    width: int
    height: int
    focal: float
    near: float
    far: float


class Eye(NamedTuple):
    """Pose of one world's camera: position (m), forward direction in the plan."""

    x: float
    y: float
    z: float
    cos: float
    sin: float


class Footprint(NamedTuple):
    """A prism's rectangle in the plan, in the camera's axes."""

    forward: float
    right: float
    """The centre, m."""
    cos: float
    sin: float
    """Forward and right component of the prism's x axis; (sin, -cos) is its y axis."""
    length: float
    width: float
    """Half extents along those axes, m."""
    nearest: float
    farthest: float
    """Forward depths that it spans, m."""


class Crossing(NamedTuple):
    """Inverse depths at which rays cross the two faces across one axis of a prism: constant + rate * slope.

    A ray is given by its slope, right over forward. A camera between the two faces sees the back of both,
    hence two leaves; else they are the same.
    """

    enter: float
    enter_rate: float
    leave: float
    leave_rate: float
    leave_other: float
    leave_other_rate: float
    side: float
    """Sign of the outward normal of the face seen; 0 if the camera is between the two."""


@kernel
def place_footprint(box: NDArray[np.float64], eye: Eye) -> Footprint:
    """Bring a prism, (8,) see `Prisms.boxes`, into the camera's axes."""
    x, y = box[0] - eye.x, box[1] - eye.y
    forward, right = x * eye.cos + y * eye.sin, x * eye.sin - y * eye.cos
    cos, sin = box[2] * eye.cos + box[3] * eye.sin, box[2] * eye.sin - box[3] * eye.cos
    reach = box[4] * abs(cos) + box[5] * abs(sin)
    return Footprint(forward, right, cos, sin, box[4], box[5], forward - reach, forward + reach)


@kernel
def is_in_view(prism: Footprint, view: View) -> bool:
    """Tell whether a prism reaches between the planes that bound the view in the plan."""
    if prism.farthest <= view.near or prism.nearest > view.far:
        return False
    edge = 0.5 * view.width / view.focal
    cos, sin = edge * prism.cos, edge * prism.sin
    to_right = prism.length * abs(prism.sin - cos) + prism.width * abs(prism.cos + sin)
    to_left = prism.length * abs(prism.sin + cos) + prism.width * abs(prism.cos - sin)
    return prism.right - edge * prism.forward <= to_right and -prism.right - edge * prism.forward <= to_left


@kernel
def find_columns(prism: Footprint, view: View) -> tuple[int, int]:
    """Bound the columns that a prism may touch: first and end."""
    if prism.nearest < view.near:
        return 0, view.width
    low, high = HUGE, -HUGE
    for i in range(4):
        along = prism.length if i & 1 else -prism.length
        aside = prism.width if i & 2 else -prism.width
        right = prism.right + along * prism.sin - aside * prism.cos
        slope = right / (prism.forward + along * prism.cos + aside * prism.sin)
        low, high = min(low, slope), max(high, slope)
    middle = 0.5 * view.width - 0.5
    # Whether a column whose centre meets a corner counts is for `Crossing` to decide, not for this bound.
    first = max(0.0, np.ceil(middle + view.focal * low - MARGIN))
    end = min(float(view.width), np.ceil(middle + view.focal * high + MARGIN))
    return int(first), int(end)


@kernel
def cross_faces(offset: float, half: float, ahead: float, across: float) -> Crossing:
    """Intersect the rays with the two faces across one axis of a prism.

    Args:
        offset: the camera's coordinate along that axis, from the prism's centre, m.
        half: half the prism's extent along it, m.
        ahead: component of the camera's forward direction along the axis.
        across: component of its right direction.
    """
    if -half < offset < half:
        upper, lower = half - offset, -half - offset
        return Crossing(HUGE, 0.0, ahead / upper, across / upper, ahead / lower, across / lower, 0.0)
    side = 1.0 if offset > 0.0 else -1.0
    front = -side / max(side * offset - half, TOUCHING)
    back = -side / (side * offset + half)
    leave, leave_rate = ahead * back, across * back
    return Crossing(ahead * front, across * front, leave, leave_rate, leave, leave_rate, side)
