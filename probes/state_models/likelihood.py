"""How probable a decoder holds a recorded state: categorical classes, normally distributed levels.

A decoder's last layer is `raw` (B, S * C, H / 2, W / 2): for each plane, each of its channels, the S = 4 T
pixels of a block (2 rows, 2 columns, T frames). In this order a softmax over channels runs along whole
vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from probes.states import Plane, StateLayout

LEAST_SPREAD = 4 / 255
"""Of a level where nothing but levels tells what is there: finer shades are not told apart.

Under a Laplace distribution, which was tried, a fraction of a gray level cost a hundred times the nats of all
classes, so latents went into the shades of walls; and while it is open where a car of Freeway is, the
likeliest picture under it has no car at all."""
LEAST_SPREAD_BESIDE_CLASSES = 16 / 255
"""Of a level where classes tell what is there: shades then cost about as many nats as classes do."""


def least_spread(layout: StateLayout) -> float:
    """Return the least standard deviation of levels, in [0, 1] units."""
    has_classes = any(plane.kind == "class" for plane in layout.planes)
    return LEAST_SPREAD_BESIDE_CLASSES if has_classes else LEAST_SPREAD


def split_blocks(raw: Tensor, layout: StateLayout) -> Iterator[tuple[Plane, Tensor]]:
    """Yield each plane with its part of `raw`, float32 (B, H / 2, W / 2, channels, S)."""
    pixels = 4 * layout.stack
    last = raw.permute(0, 2, 3, 1)  # (B, h, w, C * S), as it lies in memory
    for plane, channels, _ in layout.slices():
        part = last[..., channels.start * pixels : channels.stop * pixels]
        yield plane, part.reshape(*part.shape[:3], plane.channels, pixels).float()


def stored_blocks(stored: Tensor, height: int, width: int) -> Tensor:
    """Return pictures (B, T, M, H, W) as blocks (B, height, width, M, S), padded by repeating the border."""
    batch, stack, planes = stored.shape[:3]
    missing = (2 * height - stored.shape[3], 2 * width - stored.shape[4])
    if missing != (0, 0):
        padded = functional.pad(
            stored.flatten(1, 2).float(), (0, missing[1], 0, missing[0]), mode="replicate"
        )
        stored = padded.to(stored.dtype).reshape(batch, stack, planes, 2 * height, 2 * width)
    blocks = stored.reshape(batch, stack, planes, height, 2, width, 2)
    return blocks.permute(0, 3, 5, 2, 4, 6, 1).reshape(batch, height, width, planes, 4 * stack)


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy of logits (R, K, S) with classes (R, 1, S) -> (R,).

    PyTorch's own runs along K, 13 numbers at a time, and keeps two more copies: several times slower here.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, classes: Tensor) -> Tensor:
        probabilities = torch.softmax(logits, dim=1)
        ctx.save_for_backward(probabilities, classes)
        return -probabilities.gather(1, classes).clamp_min(1e-20).log().sum(dim=(1, 2))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        probabilities, classes = ctx.saved_tensors
        ones = probabilities.new_full((1, 1, 1), -1.0).expand_as(classes)
        return probabilities.scatter_add(1, classes, ones).mul_(gradient[:, None, None]), None


def negative_log_likelihood(raw: Tensor, stored: Tensor, layout: StateLayout, log_spread: Tensor) -> Tensor:
    """Return nats (B,) summed over all pixels, planes and frames.

    Args:
        raw: the decoder's last layer; blocks beyond the picture's border do not count.
        stored: recorded states (B, T, M, H, W), uint8.
        layout: of the states.
        log_spread: (P,) logarithm of the standard deviation of each level plane, in [0, 1] units;
            learned, and kept above `least_spread`.
    """
    height, width = -(-layout.height // 2), -(-layout.width // 2)
    raw = raw[:, :, :height, :width]
    blocks = stored_blocks(stored, height, width)
    total = torch.zeros(len(raw), device=raw.device)
    for number, ((plane, part), (_, _, where)) in enumerate(
        zip(split_blocks(raw, layout), layout.slices(), strict=True)
    ):
        target = blocks[:, :, :, where]
        if plane.kind == "class":
            rows = part.flatten(0, 2)
            nats = _CrossEntropy.apply(rows, target.flatten(0, 2).long())  # type: ignore[no-untyped-call]
            total = total + nats.reshape(len(raw), -1).sum(1)
        else:
            scale = log_spread[number].clamp_min(math.log(least_spread(layout)))
            error = (torch.sigmoid(part) - target.float() / 255) / scale.exp()
            # The density times a gray level's width is the level's probability.
            nats = 0.5 * error.square() + scale + math.log(255 * math.sqrt(2 * math.pi))
            total = total + nats.flatten(1).sum(1)
    return total


def one_hot_frames(stored: Tensor, layout: StateLayout, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return what `to_states` does of (B, T, M, H, W), as frames (B, T * C, H, W) with channels last."""
    last = stored.permute(0, 3, 4, 1, 2)  # (B, H, W, T, M)
    parts = []
    for plane, _, where in layout.slices():
        if plane.kind == "class":
            classes = torch.arange(plane.channels, dtype=torch.uint8, device=stored.device)
            parts.append((last[..., where] == classes).to(dtype))
        else:
            parts.append((last[..., where].to(torch.float32) / 255).to(dtype))
    frames = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
    return frames.flatten(3, 4).contiguous().permute(0, 3, 1, 2)
