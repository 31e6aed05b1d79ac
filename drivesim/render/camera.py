"""The camera: a pinhole that stays level, and the frames it makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """Intrinsics of a level pinhole camera with square pixels.

    Pixel (row r, column c) looks along forward 1, right (c + 0.5 - W / 2) / f, down (r + 0.5 - H / 2) / f,
    where f = (W / 2) / tan(field_of_view / 2) in pixels.
    """

    width: int = 128
    height: int = 128
    field_of_view: float = 1.5708
    """Horizontal, rad."""
    near: float = 0.1
    """m; nothing closer along the optical axis is drawn."""
    far: float = 80.0
    """m; nothing farther is drawn: sky, at depth `far`. The ground, too, ends there."""

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return float(self.width / 2 / np.tan(self.field_of_view / 2))


@dataclass(frozen=True)
class Frames:
    """One image per world and modality; those that were not asked for are None."""

    depth: NDArray[np.float32] | None
    """(N, H, W), m along the optical axis; `far` for the sky."""
    semantic: NDArray[np.uint8] | None
    """(N, H, W), ids of `SemanticClass`."""
    gray: NDArray[np.uint8] | None
    """(N, H, W), 0 to 255."""
