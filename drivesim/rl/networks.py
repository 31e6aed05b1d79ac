"""The actor-critic network, the layout of what a network sees, and the way in that every network shares.

A network has two entries that agree to float precision: `prepare` and `head` for uint8 observations (learning
and acting), and `forward` for float states, differentiable down to each pixel's class channels (probing).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from drivesim.rl.pixels import PALETTE_CHANNELS, features_in_torch, features_on_cpu

CLASS_PLANE = "semantic"


@dataclass(frozen=True)
class InputLayout:
    """What an observation holds, in order."""

    planes: tuple[str, ...]
    """Planes of a frame. `semantic` holds class ids; every other, whatever its name, levels from 0 to 255."""
    stack: int
    """T, frames in an observation, the oldest first."""
    height: int
    width: int
    num_classes: int = 0
    """K, classes of the semantic plane; 0 without one."""

    def __post_init__(self) -> None:
        if not self.planes or min(self.stack, self.height, self.width) < 1:
            raise ValueError(f"a layout needs at least one plane, frame, row and column, got {self}")
        if (CLASS_PLANE in self.planes) != (0 < self.num_classes <= 256):
            raise ValueError(f"num_classes must be 1 to 256 with a semantic plane, else 0, got {self}")

    @property
    def channels(self) -> int:
        """C, channels of a state's frame: K for the semantic plane, 1 for every other."""
        return sum(self.num_classes if plane == CLASS_PLANE else 1 for plane in self.planes)

    @property
    def state_shape(self) -> tuple[int, int, int, int]:
        """(T, C, H, W), of a float state."""
        return (self.stack, self.channels, self.height, self.width)

    @property
    def observation_shape(self) -> tuple[int, int, int, int]:
        """(T, M, H, W), of a uint8 observation."""
        return (self.stack, len(self.planes), self.height, self.width)


def one_hot_states(observations: Tensor, layout: InputLayout) -> Tensor:
    """Return the float states (B, T, C, H, W) in [0, 1] of uint8 observations (B, T, M, H, W)."""
    parts = []
    for index, plane in enumerate(layout.planes):
        image = observations.reshape(-1, *layout.observation_shape)[:, :, index]
        if plane == CLASS_PLANE:
            one_hot = functional.one_hot(image.long(), layout.num_classes)  # (B, T, H, W, K)
            parts.append(one_hot.movedim(-1, 2).float())
        else:
            parts.append(image.unsqueeze(2).float() / 255)
    return torch.cat(parts, dim=2)


def spread_palette(num_classes: int) -> tuple[tuple[int, ...], ...]:
    """Return colours (K, 4) for classes of unknown meaning, each far from those before it.

    Channel values are the radical inverses of the class id in the bases 2, 3, 5 and 7 (Halton 1960).
    """

    def radical_inverse(number: int, base: int) -> float:
        result, scale = 0.0, 1.0
        while number:
            number, digit = divmod(number, base)
            scale /= base
            result += digit * scale
        return result

    return tuple(tuple(round(255 * radical_inverse(k, b)) for b in (2, 3, 5, 7)) for k in range(num_classes))


class Convolution(NamedTuple):
    """One convolution, followed by a ReLU."""

    filters: int
    kernel: int
    stride: int
    padding: int = 0


#: Mnih et al. (2015), for 84x84 images without pooling.
NATURE_CONVOLUTIONS = (Convolution(32, 8, 4), Convolution(64, 4, 2), Convolution(64, 3, 1))


@dataclass(frozen=True)
class ActorCriticConfig:
    """The shape of an `ActorCritic`."""

    actions: int
    """A, discrete actions, or dimensions of a continuous one."""
    continuous: bool = False
    """Whether the policy is a Gaussian over (A,) numbers instead of a choice among A."""
    pool: int = 2
    """1, or 2 to average cells of 2x2 pixels first, which makes learning at 128x128 several times faster."""
    convolutions: tuple[Convolution, ...] = (
        Convolution(32, 6, 4, 1),
        Convolution(64, 3, 2, 1),
        Convolution(64, 3, 2, 1),
    )
    """On 64x64 pooled pixels these end at 4x4, each filter of the first seeing about as much of the image as
    in Mnih et al. (2015), at a quarter of the cost."""
    hidden: int = 256
    """Units of the linear layer under both heads."""
    palette: tuple[tuple[int, ...], ...] = ()
    """Four channel values, 0 to 255, for each class; empty takes `spread_palette`. Fixed, not learned: the
    gradient of a looked-up embedding costs ten times the rest of the backward pass on a CPU."""

    def __post_init__(self) -> None:
        if self.actions < 1 or self.pool not in (1, 2):
            raise ValueError(
                f"actions must be at least 1 and pool 1 or 2, got {self.actions} and {self.pool}"
            )
        for colour in self.palette:
            if len(colour) != PALETTE_CHANNELS or not all(0 <= value <= 255 for value in colour):
                raise ValueError(f"a palette entry is four integers from 0 to 255, got {colour}")


class PolicyValue(NamedTuple):
    """What the network says of each state."""

    policy: Tensor
    """(B, A) logits; for a continuous policy (B, 2 A), means before log standard deviations."""
    value: Tensor
    """(B,) expected discounted return."""


class PixelInput(nn.Module):
    """The way into a network: class colours looked up, cells of pixels averaged, frames side by side.

    Args:
        layout: what an observation holds.
        palette: four channel values for each class; empty takes `spread_palette`.
        pool: 1, or 2 to average cells of 2x2 pixels.
    """

    lift: Tensor

    def __init__(self, layout: InputLayout, palette: tuple[tuple[int, ...], ...], pool: int) -> None:
        super().__init__()
        if layout.height % pool or layout.width % pool:
            raise ValueError(f"{layout.height}x{layout.width} pixels cannot be pooled by {pool}")
        chosen = palette or spread_palette(layout.num_classes)
        if len(chosen) != layout.num_classes:
            raise ValueError(f"the palette has {len(chosen)} entries for {layout.num_classes} classes")
        self.layout = layout
        self.pool = pool
        colours = np.array(chosen, dtype=np.uint8).reshape(-1, PALETTE_CHANNELS)
        self._palettes = [colours if plane == CLASS_PLANE else None for plane in layout.planes]
        self.register_buffer("lift", _lift_matrix(layout, colours), persistent=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T * F, H / pool, W / pool), of the features."""
        height, width = self.layout.height // self.pool, self.layout.width // self.pool
        return (self.layout.stack * self.lift.shape[0], height, width)

    def prepare(self, observations: NDArray[np.uint8], dtype: torch.dtype) -> Tensor:
        """Return the features of observations (B, T, M, H, W) or (B, T, H, W), without a gradient."""
        device = self.lift.device
        stacks = observations.reshape(-1, *self.layout.observation_shape)
        if device.type == "cpu":
            return features_on_cpu(stacks, self._palettes, self.pool, dtype)
        moved = torch.from_numpy(np.ascontiguousarray(stacks)).to(device)
        return features_in_torch(moved, self._palettes, self.pool, dtype)

    def forward(self, states: Tensor) -> Tensor:
        """Return the features of float states (B, T, C, H, W), differentiably."""
        pool = self.pool
        pooled_height, pooled_width = self.shape[1:]
        # Channels are mixed and rows averaged at once: (B, h, pool * C, W * T) -> (B, h, F, W * T).
        rows = (
            torch.unflatten(states, 3, (pooled_height, pool))
            .permute(0, 3, 4, 2, 5, 1)
            .flatten(4)
            .flatten(2, 3)
        )
        mixed = (self.lift / pool**2).repeat(1, pool).to(rows.dtype) @ rows
        columns = torch.unflatten(mixed, 3, (pooled_width, pool, self.layout.stack)).permute(0, 1, 3, 4, 5, 2)
        cells = reduce(torch.add, columns.flatten(4).unbind(3))  # (B, h, w, T * F)
        return cells.permute(0, 3, 1, 2)


def make_trunk(
    pixels: tuple[int, int, int], convolutions: tuple[Convolution, ...], hidden: int
) -> nn.Sequential:
    """Build the layers from the features (T * F, h, w) to the last hidden units, every ReLU a module."""
    channels, height, width = pixels
    layers: list[nn.Module] = []
    for filters, size, stride, padding in convolutions:
        layers += [nn.Conv2d(channels, filters, size, stride, padding), nn.ReLU()]
        channels = filters
        height, width = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
    if min(height, width) < 1:
        raise ValueError(f"the convolutions leave nothing of {pixels[1]}x{pixels[2]} cells")
    layers += [nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.ReLU()]
    return nn.Sequential(*layers)


class ActorCritic(nn.Module):
    """Policy and value over one convolutional trunk.

    Args:
        layout: what an observation holds.
        config: the network's shape.
        seed: of the initial weights; the global random state is left as it was.
    """

    def __init__(self, layout: InputLayout, config: ActorCriticConfig, seed: int = 0) -> None:
        super().__init__()
        self.layout = layout
        self.config = config
        self.pixels = PixelInput(layout, config.palette, config.pool)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self._build()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a keyword-only overload

    @property
    def lift(self) -> Tensor:
        """The matrix (F, C) that takes a frame's state channels to its features."""
        return self.pixels.lift

    def _build(self) -> None:
        hidden = self.config.hidden
        self.trunk = make_trunk(self.pixels.shape, self.config.convolutions, hidden)
        self.policy = nn.Linear(hidden, self.config.actions)
        self.value = nn.Linear(hidden, 1)
        if self.config.continuous:
            self.log_std = nn.Parameter(torch.zeros(self.config.actions))
        for layer in self.trunk:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                _initialise(layer, math.sqrt(2))
        _initialise(self.policy, 0.01)
        _initialise(self.value, 1.0)

    def prepare(self, observations: NDArray[np.uint8], dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the features (B, F, H / pool, W / pool) of observations (B, T, M, H, W) or (B, T, H, W).

        No gradient passes; the result lies on the network's device.
        """
        return self.pixels.prepare(observations, dtype)

    def head(self, features: Tensor) -> PolicyValue:
        """Return policy and value of the features that `prepare` made."""
        hidden = self.trunk(features)
        policy: Tensor = self.policy(hidden).float()
        if self.config.continuous:
            policy = torch.cat([policy, self.log_std.expand_as(policy)], dim=1)
        return PolicyValue(policy, self.value(hidden).float().squeeze(1))

    def forward(self, states: Tensor) -> PolicyValue:
        """Return policy and value of float states (B, T, C, H, W) in [0, 1].

        Class channels may be one-hot or soft. Differentiable in every entry.
        """
        return self.head(self.pixels(states))


def _lift_matrix(layout: InputLayout, palette: NDArray[np.uint8]) -> Tensor:
    """Return the matrix (F, C) that takes a frame's state channels to its features."""
    rows = []
    for index, plane in enumerate(layout.planes):
        block = torch.from_numpy(palette.T / np.float32(255)) if plane == CLASS_PLANE else torch.ones(1, 1)
        before = sum(layout.num_classes if p == CLASS_PLANE else 1 for p in layout.planes[:index])
        after = layout.channels - before - block.shape[1]
        rows.append(functional.pad(block, (before, after)))
    return torch.cat(rows)


def _initialise(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    """Set orthogonal weights and no bias, as Kostrikov's A2C does."""
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
