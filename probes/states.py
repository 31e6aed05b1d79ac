"""The states that probes work on: whole stacks of frames, as stored bytes and as floats (Sec. 2).

Stored, a class plane is one plane of class numbers and a level plane holds 0 to 255. As floats
(B, T, C, H, W) a class plane becomes one channel per class, one-hot or soft, and levels are scaled to [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Plane:
    """One kind of picture within a frame."""

    name: str
    """For example `semantic`, `depth`, `gray`, `colour`."""
    kind: Literal["class", "level"]
    """Whether a pixel holds a class, or levels from 0 to 255."""
    channels: int = 1
    """K classes of a class plane; 1 for depth and gray, 3 for colour."""


class PlaneSlices(NamedTuple):
    """Where a plane lies."""

    plane: Plane
    channels: slice
    """Of a float state's C channels."""
    stored: slice
    """Of a stored state's M planes."""


@dataclass(frozen=True)
class StateLayout:
    """What a state holds, in order."""

    planes: tuple[Plane, ...]
    """Of each frame."""
    stack: int
    """T, frames in a state, the oldest first."""
    height: int
    width: int

    def __post_init__(self) -> None:
        if not self.planes or min(self.stack, self.height, self.width) < 1:
            raise ValueError(f"a layout needs at least one plane, frame, row and column, got {self}")
        if any(plane.channels < 1 or plane.kind not in ("class", "level") for plane in self.planes):
            raise ValueError(f"a plane is of kind class or level and has at least one channel, got {self}")

    @property
    def channels(self) -> int:
        """C, channels of a float state's frame."""
        return sum(plane.channels for plane in self.planes)

    @property
    def stored_planes(self) -> int:
        """M, planes of a stored state's frame."""
        return sum(1 if plane.kind == "class" else plane.channels for plane in self.planes)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, C, H, W), of a float state."""
        return (self.stack, self.channels, self.height, self.width)

    @property
    def stored_shape(self) -> tuple[int, int, int, int]:
        """(T, M, H, W), of a stored state."""
        return (self.stack, self.stored_planes, self.height, self.width)

    def slices(self) -> Iterator[PlaneSlices]:
        """Yield each plane with the channels and the stored planes that are its own."""
        channel = stored = 0
        for plane in self.planes:
            width = 1 if plane.kind == "class" else plane.channels
            yield PlaneSlices(plane, slice(channel, channel + plane.channels), slice(stored, stored + width))
            channel, stored = channel + plane.channels, stored + width

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> StateLayout:
        """Build a layout from what `to_json` returned."""
        planes = tuple(Plane(**plane) for plane in data["planes"])
        return StateLayout(planes, data["stack"], data["height"], data["width"])


def to_states(stored: Tensor, layout: StateLayout) -> Tensor:
    """Return float states (B, T, C, H, W) in [0, 1] of stored ones (B, T, M, H, W), uint8. Exact."""
    states = torch.zeros((len(stored), *layout.shape), device=stored.device)
    for plane, channels, where in layout.slices():
        picture = stored[:, :, where]
        if plane.kind == "class":
            states[:, :, channels].scatter_(2, picture.long(), 1.0)
        else:
            states[:, :, channels].copy_(picture).div_(255)
    return states


def likeliest(shares: Tensor) -> Tensor:
    """Return the class of the highest share (B, T, H, W), uint8, the first of equal ones.

    What `argmax` says of the shares (B, T, K, H, W), an eighth of its time.
    """
    best = shares[:, :, 0].clone()
    classes = torch.zeros_like(best, dtype=torch.uint8)
    for number in range(1, shares.shape[2]):
        share = shares[:, :, number]
        torch.maximum(classes, (share > best).to(torch.uint8) * number, out=classes)
        torch.maximum(best, share, out=best)
    return classes


def to_stored(states: Tensor, layout: StateLayout) -> Tensor:
    """Return stored states (B, T, M, H, W), uint8, of float ones: likeliest classes, rounded levels.

    Undoes `to_states` exactly.
    """
    parts = []
    for plane, channels, _ in layout.slices():
        picture = states[:, :, channels]
        if plane.kind == "class":
            parts.append(likeliest(picture.detach())[:, :, None])
        else:
            parts.append((picture.clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.cat(parts, dim=2)
