"""The shape of the `crisp` state model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Level(NamedTuple):
    """Layers of local latents of one resolution."""

    cell: int
    """Pixels to a side of a cell: 16, then 8."""
    layers: int
    """In fitted models each layer uses one channel of a cell: what it can say grows with the layers."""
    channels: int
    """Latent numbers to a cell and layer."""


@dataclass(frozen=True)
class CrispConfig:
    """The shape of a `CrispModel`."""

    width: int = 96
    """Channels of the feature maps at the latents' resolutions."""
    inner: int = 48
    """Channels within their bottlenecks."""
    scene: int = 128
    """Numbers of the global latent."""
    scene_groups: int = 16
    """In which its prior draws them, one after the other."""
    levels: tuple[Level, Level] = (Level(16, 2, 16), Level(8, 4, 8))
    fine: tuple[int, int] = (64, 40)
    """Channels of the decoder at a quarter and at half the picture's resolution."""
    flow: tuple[int, int] = (0, 0)
    """Steps of the prior of the global latent, and of each layer's: (0, 0) while the latents themselves are
    fitted, whose priors are Gaussian then."""
