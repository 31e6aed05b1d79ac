"""Stored states as pictures for people, every frame of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import NUM_CLASSES
from drivesim.render.video import colorize_classes, colorize_depth, colorize_gray
from probes.agent import ProbeError
from probes.states import Plane, StateLayout

FAR = 80.0
"""m, the range by which the scenarios' cameras scale depth."""


def render_plane(planes: NDArray[np.uint8], plane: Plane, far: float = FAR) -> NDArray[np.uint8]:
    """Colour one plane of a stored state.

    Args:
        planes: (T, M, H, W), M as stored for this plane.
        plane: what it is. Classes are coloured by the palette of `drivesim.render.semantics`, `depth` on a
            logarithmic scale, one channel in gray, three as red, green, blue.
        far: m, that the depth 255 stands for.

    Returns:
        (T, H, W, 3).

    Raises:
        ProbeError: there is no way to show such a plane.
    """
    if plane.kind == "class" and plane.channels == NUM_CLASSES:
        return colorize_classes(planes[:, 0])
    if plane.kind == "level" and plane.channels == 3:
        return np.ascontiguousarray(np.moveaxis(planes, 1, -1))
    if plane.kind == "level" and plane.channels == 1:
        if plane.name == "depth":
            metres = planes[:, 0].astype(np.float32) * np.float32(far / 255)
            return np.stack([colorize_depth(frame, far) for frame in metres])
        return colorize_gray(planes[:, 0])
    raise ProbeError(
        f"plane {plane.name!r}: found {plane.channels} channels of kind {plane.kind!r}; "
        f"allowed: {NUM_CLASSES} classes, or 1 or 3 levels"
    )


def render_stack(
    stored: NDArray[np.uint8], layout: StateLayout, far: float = FAR
) -> dict[str, NDArray[np.uint8]]:
    """Colour each plane of one stored state (T, M, H, W): (T, H, W, 3) by the plane's name.

    Raises:
        ProbeError: the state is not of the layout, or holds a plane that cannot be shown.
    """
    if stored.shape != layout.stored_shape:
        raise ProbeError(f"picture of a state: found {stored.shape}; allowed: {layout.stored_shape}")
    return {plane.name: render_plane(stored[:, where], plane, far) for plane, _, where in layout.slices()}
