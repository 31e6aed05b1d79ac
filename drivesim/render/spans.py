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
from drivesim.render.plan import (
    Crossing,
    Eye,
    View,
    cross_faces,
    find_columns,
    is_in_view,
    place_footprint,
)
from drivesim.render.shading import face_gray

#: Index in the payload of a pixel that shows no prism.
NO_PRISM = 0xFFFF
#: Buckets of depth for drawing near prisms first.
BUCKETS = 64
#: Rows that are filled together; columns of keys are padded to a multiple.
BLOCK = 8
#: A key that wins no pixel.
LAST_KEY = np.int64(np.iinfo(np.int64).max)


class Scratch(NamedTuple):
    """Working memory of one thread, reused from world to world."""

    keys: NDArray[np.int64]
    """(W, H + padding): the keys, column by column."""
    columns: NDArray[np.float64]
    """(W, 3): right over forward; then an inverse depth, 1/m, and a whole row: what is farther than the one
    is hidden from the other down."""
    row_scale: NDArray[np.float32]
    """(H + padding,) forward depth, in each row, of a level plane 1 m below the camera, m."""
    next_in_bucket: NDArray[np.int64]
    """(P,)"""
    order: NDArray[np.int64]
    """(P,) prisms in view, near ones first."""


class Part(NamedTuple):
    """What is to be drawn of one prism."""

    upper: float
    lower: float
    """Rows below the horizon, per inverse depth (1/m), of its top and bottom edge."""
    drop: float
    """How far its level face that is seen lies below the camera, m; 0 if none is seen."""
    payload_x: int
    payload_y: int
    payload_cap: int
    """Low half of the keys of its side faces and of its level face."""
    stands: bool
    """Whether it rises from the ground, and so hides all that is behind it below its top edge."""


class Spans(NamedTuple):
    """Rows that a prism takes in one column: first and end."""

    top: int
    bottom: int
    """Of its side."""
    enter: float
    """Inverse depth of its side, 1/m."""
    payload: int
    """Low half of the key of its side."""
    cap_top: int
    cap_bottom: int
    """Of its level face."""


@kernel
def depth_bits(depth: float) -> int:
    """Return the bits of a positive depth (m) as float32, at their place in a key."""
    return np.int64(np.float32(depth).view(np.int32)) << 32  # type: ignore[return-value]


@kernel
def order_prisms(
    boxes: NDArray[np.float64],
    count: int,
    eye: Eye,
    view: View,
    next_in_bucket: NDArray[np.int64],
    order: NDArray[np.int64],
) -> int:
    """List the prisms (P, 8) that may be in view in `order` (P,), near ones first; return how many."""
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
def is_hidden(first: int, end: int, inverse: float, highest: float, columns: NDArray[np.float64]) -> bool:
    """Tell whether prisms drawn before cover all that a prism could show.

    Args:
        first: its first column.
        end: the column after its last.
        inverse: inverse of its least forward depth, 1/m.
        highest: the first row that it could take.
        columns: see `Scratch`.
    """
    for c in range(first, end):
        if inverse >= columns[c, 1] or highest < columns[c, 2]:
            return False
    return True


@kernel
def fill_side(keys: NDArray[np.int64], c: int, first: int, end: int, key: int) -> None:
    """Draw one key into rows first to end - 1 of column c."""
    # Whole blocks with the rows outside masked, and unsigned indices: so it becomes vector code.
    lead, count, column = np.uint64(first), np.uint64(end - first), np.uint64(c)
    for r in range(np.uint64(first & -BLOCK), np.uint64((end + BLOCK - 1) & -BLOCK)):
        keys[column, r] = min(keys[column, r], key if r - lead < count else LAST_KEY)


@kernel
def fill_cap(
    keys: NDArray[np.int64],
    c: int,
    first: int,
    end: int,
    drop: float,
    payload: int,
    row_scale: NDArray[np.float32],
) -> None:
    """Draw a level face `drop` m below the camera into rows first to end - 1 of column c."""
    scale = np.float32(drop)
    lead, count, column = np.uint64(first), np.uint64(end - first), np.uint64(c)
    for r in range(np.uint64(first & -BLOCK), np.uint64((end + BLOCK - 1) & -BLOCK)):
        key = depth_bits(scale * row_scale[r]) | payload
        keys[column, r] = min(keys[column, r], key if r - lead < count else LAST_KEY)


@kernel
def cut_column(
    ray: tuple[float, float, float], x: Crossing, y: Crossing, part: Part, view: View
) -> Spans:
    """Find the rows that a prism takes in one column.

    Args:
        ray: slope of the column, and its cover; see `Scratch.columns`.
        x: the rays' crossings of the faces across the prism's x axis.
        y: the same across its y axis.
        part: what to draw.
        view: the camera.
    """
    slope, cover_inverse, cover_row = ray
    enter_x, enter_y = x.enter + x.enter_rate * slope, y.enter + y.enter_rate * slope
    leave_x = max(x.leave + x.leave_rate * slope, x.leave_other + x.leave_other_rate * slope)
    leave_y = max(y.leave + y.leave_rate * slope, y.leave_other + y.leave_other_rate * slope)
    enter, leave = min(enter_x, enter_y), max(leave_x, leave_y)
    horizon, nearest, farthest = 0.5 * view.height - 0.5, 1.0 / view.near, 1.0 / view.far
    if not (leave <= enter and enter >= farthest and leave <= nearest):
        return Spans(0, 0, enter, 0, 0, 0)
    limit = cover_row if enter < cover_inverse else float(view.height)
    top = min(max(np.ceil(horizon + part.upper * enter), 0.0), float(view.height))
    bottom = min(np.ceil(horizon + part.lower * enter), limit) if enter <= nearest else 0.0
    payload = part.payload_x if enter_x <= enter_y else part.payload_y
    cap_top, cap_bottom = 0.0, 0.0
    if part.drop != 0.0:
        cap = part.drop * view.focal
        at_enter = np.ceil(horizon + cap * min(enter, nearest))
        at_leave = np.ceil(horizon + cap * max(leave, farthest))
        cap_top, cap_bottom = min(max(min(at_enter, at_leave), 0.0), limit), min(max(at_enter, at_leave), limit)
    return Spans(int(top), int(bottom), enter, payload, int(cap_top), int(cap_bottom))


@kernel
def dress_prism(
    payload: int, tone: int, box: NDArray[np.float64], sides: tuple[float, float], eye: Eye, view: View, light: NDArray[np.float64]
) -> Part:
    """Work out what to draw of a prism.

    Args:
        payload: its payload without gray.
        tone: gray of its unshaded faces.
        box: (8,) see `Prisms.boxes`.
        sides: sign of the face seen across its x and its y axis.
        eye: pose of the camera.
        view: the camera.
        light: (5,) see `light_parameters`.
    """
    x, y = sides
    upper, lower = eye.z - box[7], eye.z - box[6]
    drop = upper if upper > 0.0 else min(lower, 0.0)
    return Part(
        upper=upper * view.focal,
        lower=lower * view.focal,
        drop=drop,
        payload_x=payload | (face_gray(tone, x * box[2], x * box[3], 0.0, light) << 8),
        payload_y=payload | (face_gray(tone, -y * box[3], y * box[2], 0.0, light) << 8),
        payload_cap=payload | (face_gray(tone, 0.0, 0.0, 1.0 if drop > 0.0 else -1.0, light) << 8),
        stands=box[6] <= 0.0 < eye.z,
    )


@kernel
def draw_prisms(
    boxes: NDArray[np.float64], classes: NDArray[np.uint8], tones: NDArray[np.uint8], count: int, eye: Eye, view: View, light: NDArray[np.float64], scratch: Scratch,
) -> None:
    """Draw one world's prisms, the first `count` of P.

    Args:
        boxes: (P, 8) see `Prisms`, as of the next two.
        classes: (P,)
        tones: (P,)
        count: prisms in use.
        eye: pose of the camera.
        view: the camera.
        light: (5,) see `light_parameters`.
        scratch: its keys are drawn into.
    """
    keys, columns, row_scale, order = scratch.keys, scratch.columns, scratch.row_scale, scratch.order
    columns[:, 1] = 0.0
    columns[:, 2] = view.height
    for i in range(order_prisms(boxes, count, eye, view, scratch.next_in_bucket, order)):
        p = order[i]
        box = boxes[p]
        prism = place_footprint(box, eye)
        first, end = find_columns(prism, view)
        inverse, upper = 1.0 / max(prism.nearest, view.near), view.focal * (eye.z - box[7])
        highest = np.ceil(0.5 * view.height - 0.5 + upper * (inverse if upper < 0.0 else 1.0 / view.far))
        if is_hidden(first, end, inverse, highest, columns):
            continue
        forward, right, cos, sin = prism.forward, prism.right, prism.cos, prism.sin
        x = cross_faces(-forward * cos - right * sin, box[4], cos, sin)
        y = cross_faces(-forward * sin + right * cos, box[5], sin, -cos)
        part = dress_prism((p << 16) | classes[p], tones[p], box, (x.side, y.side), eye, view, light)
        for c in range(first, end):
            ray = (columns[c, 0], columns[c, 1], columns[c, 2])
            spans = cut_column(ray, x, y, part, view)
            if spans.top < spans.bottom:
                fill_side(keys, c, spans.top, spans.bottom, depth_bits(1.0 / spans.enter) | spans.payload)
                if part.stands:
                    columns[c, 1] = spans.enter
                    columns[c, 2] = spans.top
            if spans.cap_top < spans.cap_bottom:
                fill_cap(keys, c, spans.cap_top, spans.cap_bottom, part.drop, part.payload_cap, row_scale)
