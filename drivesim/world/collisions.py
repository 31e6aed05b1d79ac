"""Overlap of oriented boxes, by separating axes (Gottschalk et al. 1996, in the plane)."""

from __future__ import annotations

from drivesim.kernels import kernel


@kernel
def boxes_gap(
    ax: float,
    ay: float,
    a_cos: float,
    a_sin: float,
    a_length: float,
    a_width: float,
    bx: float,
    by: float,
    b_cos: float,
    b_sin: float,
    b_length: float,
    b_width: float,
) -> float:
    """Return the largest gap along the four face normals, in m; the boxes overlap where it is negative.

    A box is its centre, the direction of its length, and half its length and width. The gap is a lower
    bound of the distance, exact unless the nearest features are two corners.
    """
    dx, dy = bx - ax, by - ay
    cross_cos = abs(a_cos * b_cos + a_sin * b_sin)
    cross_sin = abs(a_cos * b_sin - a_sin * b_cos)
    gap = abs(dx * a_cos + dy * a_sin) - a_length - b_length * cross_cos - b_width * cross_sin
    gap = max(gap, abs(dy * a_cos - dx * a_sin) - a_width - b_length * cross_sin - b_width * cross_cos)
    gap = max(gap, abs(dx * b_cos + dy * b_sin) - b_length - a_length * cross_cos - a_width * cross_sin)
    return max(gap, abs(dy * b_cos - dx * b_sin) - b_width - a_length * cross_sin - a_width * cross_cos)
