"""Vertical spans of upright prisms, drawn column by column into one 64-bit key per pixel.

A key holds the bits of the depth (float32, positive, so they sort like the number) above a payload:
index of the prism (16 bits), gray (8), class (8). The smaller key wins a pixel; hence at equal depth the
prism with the lower index does, in whatever order prisms are drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.packing import BLOCK, Scratch, Worlds
from drivesim.render.plan import Crossing, Eye, View, cross_faces, find_columns, is_in_view, place_footprint
from drivesim.render.shading import face_gray

#: Buckets of depth for drawing near prisms first.
BUCKETS = 64
#: A key that wins no pixel.
LAST_KEY = np.int64(np.iinfo(np.int64).max)


class Bounds(NamedTuple):
    """What bounds all spans."""

    horizon: float
    """Row that looks straight ahead, as a real number."""
    height: float
    """Rows of the image."""
    nearest: float
    farthest: float
    """Inverse depths of the near and the far plane, 1/m."""


class Extent(NamedTuple):
    """How a prism stands before the camera."""

    inverse: float
    """Inverse of its least forward depth, 1/m."""
    highest: float
    """The first row that it could take, whole."""
    upper: float
    lower: float
    """Rows below the horizon, per inverse depth (1/m), of its top and bottom edge."""
    drop: float
    """How far its level face that is seen lies below the camera, m; 0 if none is seen."""
    drop_rows: float
    """Rows below the horizon, per inverse depth (1/m), of that face."""
    stands: bool
    """Whether it rises from the ground, and so hides all that is behind it below its top edge."""


class Payloads(NamedTuple):
    """Low half of the keys of a prism's faces: those across its x and its y axis, and the level one."""

    x: int
    y: int
    cap: int


class Spans(NamedTuple):
    """Rows that a prism takes in one column, each pair first and end."""

    enter: float
    """Inverse depth of its side, 1/m."""
    on_x: bool
    """Whether that side is a face across its x axis."""
    side: tuple[int, int]
    cap: tuple[int, int]


@kernel
def depth_bits(depth: float) -> int:
    """Return the bits of a positive depth (m) as float32, at their place in a key."""
    return np.int64(np.float32(depth).view(np.int32)) << 32  # type: ignore[return-value]  # an int to numba


@kernel
def order_prisms(boxes: NDArray[np.float64], count: int, eye: Eye, view: View, scratch: Scratch) -> int:
    """List the prisms (P, 8) that may be in view in `scratch.order`, near ones first; return how many."""
    order, next_in_bucket = scratch.order, scratch.next_in_bucket
    heads = np.full(BUCKETS, -1)
    for p in range(count - 1, -1, -1):
        prism = place_footprint(boxes[p], eye)
        if is_in_view(prism, view):
            bucket = int(max(0.0, prism.nearest) * (BUCKETS - 1) / view.far)
            next_in_bucket[p] = heads[bucket]
            heads[bucket] = p
    found = 0
    for bucket in range(BUCKETS):
        p = heads[bucket]
        while p >= 0:
            order[found] = p
            found += 1
            p = next_in_bucket[p]
    return found


@kernel
def measure_prism(box: NDArray[np.float64], nearest: float, z: float, focal: float, bounds: Bounds) -> Extent:
    """Work out how a prism stands before the camera.

    Args:
        box: (8,) see `Prisms.boxes`.
        nearest: its least forward depth, m.
        z: height of the camera, m.
        focal: focal length, pixels.
        bounds: of all spans.
    """
    upper, lower = z - box[7], z - box[6]
    inverse = min(1.0 / nearest, bounds.nearest) if nearest > 0.0 else bounds.nearest
    # A top edge above the horizon is highest where it is near, one below where it is far.
    highest = bounds.horizon + upper * focal * (inverse if upper < 0.0 else bounds.farthest)
    drop = upper if upper > 0.0 else min(lower, 0.0)
    stands = box[6] <= 0.0 < z
    return Extent(inverse, np.ceil(highest), upper * focal, lower * focal, drop, drop * focal, stands)


@kernel
def is_hidden(first: int, end: int, extent: Extent, columns: NDArray[np.float64]) -> bool:
    """Tell whether what is drawn covers a prism in all of its columns; see `Scratch.columns`."""
    for c in range(first, end):
        if extent.inverse >= columns[c, 1] or extent.highest < columns[c, 2]:
            return False
    return True


@kernel
def shade_prism(
    payload: int,
    tone: int,
    box: NDArray[np.float64],
    sides: tuple[float, float, float],
    light: NDArray[np.float64],
) -> Payloads:
    """Add grays to a prism's payload.

    Args:
        payload: its index and class.
        tone: gray of its unshaded faces.
        box: (8,) see `Prisms.boxes`.
        sides: sign of the outward normal of the face seen across each of its axes.
        light: (5,) see `light_parameters`.
    """
    x, y, z = sides
    return Payloads(
        x=payload | (face_gray(tone, x * box[2], x * box[3], 0.0, light) << 8),
        y=payload | (face_gray(tone, -y * box[3], y * box[2], 0.0, light) << 8),
        cap=payload | (face_gray(tone, 0.0, 0.0, z, light) << 8),
    )


@kernel
def cut_column(
    ray: tuple[float, float, float], x: Crossing, y: Crossing, extent: Extent, bounds: Bounds
) -> Spans:
    """Find the rows that a prism takes in one column, less those that the column's cover hides.

    Args:
        ray: slope and cover of the column; see `Scratch.columns`.
        x: the rays' crossings of the faces across the prism's x axis.
        y: the same across its y axis.
        extent: how the prism stands.
        bounds: of all spans.
    """
    slope, cover_inverse, cover_row = ray
    enter_x, enter_y = x.enter + x.enter_rate * slope, y.enter + y.enter_rate * slope
    enter, on_x = min(enter_x, enter_y), enter_x <= enter_y
    if enter < cover_inverse and cover_row <= extent.highest:
        return Spans(enter, on_x, (0, 0), (0, 0))
    leave_x = max(x.leave + x.leave_rate * slope, x.leave_other + x.leave_other_rate * slope)
    leave_y = max(y.leave + y.leave_rate * slope, y.leave_other + y.leave_other_rate * slope)
    leave = max(leave_x, leave_y)
    horizon, height, nearest, farthest = bounds
    if not (leave <= enter and enter >= farthest and leave <= nearest):
        return Spans(enter, on_x, (0, 0), (0, 0))
    limit = cover_row if enter < cover_inverse else height
    top, bottom, cap_top, cap_bottom = 0.0, 0.0, 0.0, 0.0
    if enter <= nearest:
        top = min(max(np.ceil(horizon + extent.upper * enter), 0.0), limit)
        bottom = min(max(np.ceil(horizon + extent.lower * enter), 0.0), limit)
    if extent.drop != 0.0:
        at_enter = np.ceil(horizon + extent.drop_rows * min(enter, nearest))
        at_leave = np.ceil(horizon + extent.drop_rows * max(leave, farthest))
        cap_top = min(max(min(at_enter, at_leave), 0.0), limit)
        cap_bottom = min(max(max(at_enter, at_leave), 0.0), limit)
    return Spans(enter, on_x, (int(top), int(bottom)), (int(cap_top), int(cap_bottom)))


@kernel
def fill_side(keys: NDArray[np.int64], c: int, rows: tuple[int, int], key: int) -> None:
    """Draw one key into some rows, first and end, of column c."""
    # Whole blocks with the rows outside masked, and unsigned indices: so it becomes vector code.
    first, count, column = np.uint64(rows[0]), np.uint64(rows[1] - rows[0]), np.uint64(c)
    for r in range(np.uint64(rows[0] & -BLOCK), np.uint64((rows[1] + BLOCK - 1) & -BLOCK)):
        keys[column, r] = min(keys[column, r], key if r - first < count else LAST_KEY)


@kernel
def fill_cap(
    keys: NDArray[np.int64],
    c: int,
    rows: tuple[int, int],
    face: tuple[float, int],
    row_scale: NDArray[np.float32],
) -> None:
    """Draw a level face, so far below the camera (m) and with such a payload, into some rows of column c."""
    drop, payload = np.float32(face[0]), face[1]
    first, count, column = np.uint64(rows[0]), np.uint64(rows[1] - rows[0]), np.uint64(c)
    for r in range(np.uint64(rows[0] & -BLOCK), np.uint64((rows[1] + BLOCK - 1) & -BLOCK)):
        key = depth_bits(drop * row_scale[r]) | payload
        keys[column, r] = min(keys[column, r], key if r - first < count else LAST_KEY)


@kernel
def draw_prisms(n: int, eye: Eye, worlds: Worlds, scratch: Scratch) -> None:
    """Draw the prisms of world n into `scratch.keys`."""
    boxes, classes, tones = worlds.boxes[n], worlds.classes[n], worlds.tones[n]
    keys, columns, row_scale = scratch.keys, scratch.columns, scratch.row_scale
    order, view, light = scratch.order, worlds.camera, worlds.light
    bounds = Bounds(0.5 * view.height - 0.5, view.height, 1.0 / view.near, 1.0 / view.far)
    columns[:, 1] = 0.0
    columns[:, 2] = view.height
    for i in range(order_prisms(boxes, worlds.counts[n], eye, view, scratch)):
        p = order[i]
        box = boxes[p]
        prism = place_footprint(box, eye)
        first, end = find_columns(prism, view)
        extent = measure_prism(box, prism.nearest, eye.z, view.focal, bounds)
        if is_hidden(first, end, extent, columns):
            continue
        forward, right, cos, sin = prism.forward, prism.right, prism.cos, prism.sin
        x = cross_faces(-forward * cos - right * sin, box[4], cos, sin)
        y = cross_faces(-forward * sin + right * cos, box[5], sin, -cos)
        sides = (x.side, y.side, 1.0 if extent.drop > 0.0 else -1.0)
        payloads = shade_prism((p << 16) | classes[p], tones[p], box, sides, light)
        for c in range(first, end):
            ray = (columns[c, 0], columns[c, 1], columns[c, 2])
            spans = cut_column(ray, x, y, extent, bounds)
            if spans.side[0] < spans.side[1]:
                payload = payloads.x if spans.on_x else payloads.y
                fill_side(keys, c, spans.side, depth_bits(1.0 / spans.enter) | payload)
                if extent.stands:
                    columns[c, 1] = spans.enter
                    columns[c, 2] = spans.side[0]
            if spans.cap[0] < spans.cap[1]:
                fill_cap(keys, c, spans.cap, (extent.drop, payloads.cap), row_scale)
