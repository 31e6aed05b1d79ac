"""How far two renderers agree on the same scenes, pixel by pixel; objects and ground apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.render.camera import Frames
from drivesim.render.semantics import SemanticClass

#: Classes that lie on the ground. Vegetation is both grass and trees, and counted here.
GROUND_CLASSES: tuple[SemanticClass, ...] = (
    SemanticClass.ROAD,
    SemanticClass.LANE_MARKING,
    SemanticClass.CROSSWALK,
    SemanticClass.SIDEWALK,
    SemanticClass.VEGETATION,
)


@dataclass(frozen=True)
class Agreement:
    """Agreement over some of the pixels; NaN where there are none."""

    pixels: int
    classes: float
    """Share of pixels that both give the same class."""
    depth_p99: float
    """m, 99th percentile of the absolute difference where classes agree."""
    gray_mean: float
    """Mean absolute difference, of 255."""


@dataclass(frozen=True)
class Parity:
    """Agreement of frames b with frames a; which pixels are what is what a says."""

    everything: Agreement
    objects: Agreement
    ground: Agreement


def parity(a: Frames, b: Frames) -> Parity:
    """Compare two renderers' frames of the same scenes.

    Args:
        a: frames with all three modalities.
        b: likewise, of the same shape.

    Returns:
        The agreement over all pixels, over those of objects and over those of the ground.

    Raises:
        ValueError: a modality is missing or shapes differ.
    """
    for name in ("depth", "semantic", "gray"):
        first, second = getattr(a, name), getattr(b, name)
        if first is None or second is None or first.shape != second.shape:
            raise ValueError(f"both frames need {name} of one shape")
    assert a.semantic is not None
    ground = np.isin(a.semantic, GROUND_CLASSES)
    objects = ~ground & (a.semantic != SemanticClass.SKY)
    return Parity(
        everything=_agreement(a, b, np.ones_like(ground)),
        objects=_agreement(a, b, objects),
        ground=_agreement(a, b, ground),
    )


def _agreement(a: Frames, b: Frames, chosen: NDArray[np.bool_]) -> Agreement:
    assert a.depth is not None
    assert a.semantic is not None
    assert a.gray is not None
    assert b.depth is not None
    assert b.semantic is not None
    assert b.gray is not None
    equal = (a.semantic == b.semantic)[chosen]
    metres = np.abs(a.depth[chosen].astype(np.float64) - b.depth[chosen])[equal]
    levels = np.abs(a.gray[chosen].astype(np.float64) - b.gray[chosen])
    return Agreement(
        pixels=int(chosen.sum()),
        classes=float(equal.mean()) if equal.size else float("nan"),
        depth_p99=float(np.percentile(metres, 99)) if metres.size else float("nan"),
        gray_mean=float(levels.mean()) if levels.size else float("nan"),
    )
