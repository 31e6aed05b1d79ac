"""From uint8 observations to the network's input: class colours looked up, 2x2 cells averaged.

Both steps are linear in a one-hot picture, so that a network fed by this file agrees with one that is fed
soft class channels. They run once per new observation and need no gradient.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from drivesim.kernels import kernel

#: A class is shown in this many channels, because four 16-bit sums fit one 64-bit word.
PALETTE_CHANNELS = 4


def pack_palette(palette: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a table (256,) that holds the four channels of each class in one 64-bit word.

    Args:
        palette: (K, 4) channel values of each class, 0 to 255. Ids from K on are black.
    """
    table = np.zeros(256, dtype=np.uint64)
    for channel in range(PALETTE_CHANNELS):
        table[: len(palette)] |= palette[:, channel].astype(np.uint64) << np.uint64(16 * channel)
    return table


def level_table(pool: int, dtype: torch.dtype) -> Tensor:
    """Return the value in [0, 1] of each possible sum over a cell of `pool` x `pool` bytes."""
    highest = 255 * pool * pool
    return (torch.arange(highest + 1, dtype=torch.float64) / highest).to(dtype)


@kernel
def _look_up(
    observations: NDArray[np.uint8],
    is_class: NDArray[np.bool_],
    packed: NDArray[np.uint64],
    levels: NDArray[np.generic],
    out: NDArray[np.generic],
) -> None:
    """Fill `out` (B, H, W, T * F) from observations (B, T, M, H, W); no pooling."""
    batch, stack, planes, height, width = observations.shape
    low = np.uint64(0xFFFF)
    for b in range(batch):
        for i in range(height):
            f = 0
            for t in range(stack):
                for m in range(planes):
                    row = observations[b, t, m, i]
                    if is_class[m]:
                        for j in range(width):
                            word = packed[row[j]]
                            out[b, i, j, f] = levels[word & low]
                            out[b, i, j, f + 1] = levels[(word >> np.uint64(16)) & low]
                            out[b, i, j, f + 2] = levels[(word >> np.uint64(32)) & low]
                            out[b, i, j, f + 3] = levels[word >> np.uint64(48)]
                        f += 4
                    else:
                        for j in range(width):
                            out[b, i, j, f] = levels[row[j]]
                        f += 1


@kernel
def _look_up_and_halve(
    observations: NDArray[np.uint8],
    is_class: NDArray[np.bool_],
    packed: NDArray[np.uint64],
    levels: NDArray[np.generic],
    out: NDArray[np.generic],
) -> None:
    """Fill `out` (B, H / 2, W / 2, T * F) from observations (B, T, M, H, W).

    Sums and indices are unsigned throughout, or numba would test each index for being negative.
    """
    batch, stack, planes = observations.shape[:3]
    low = np.uint64(0xFFFF)
    for b in range(batch):
        for i in range(out.shape[1]):
            f = 0
            for t in range(stack):
                for m in range(planes):
                    top = observations[b, t, m, 2 * i]
                    bottom = observations[b, t, m, 2 * i + 1]
                    if is_class[m]:
                        column = out[b, i, :, f : f + 4]
                        for j in range(out.shape[2]):
                            word = packed[top[2 * j]] + packed[top[2 * j + 1]]
                            word += packed[bottom[2 * j]] + packed[bottom[2 * j + 1]]
                            column[j, 0] = levels[word & low]
                            column[j, 1] = levels[(word >> np.uint64(16)) & low]
                            column[j, 2] = levels[(word >> np.uint64(32)) & low]
                            column[j, 3] = levels[word >> np.uint64(48)]
                        f += 4
                    else:
                        level = out[b, i, :, f]
                        for j in range(out.shape[2]):
                            total = np.uint64(top[2 * j]) + np.uint64(top[2 * j + 1])
                            total += np.uint64(bottom[2 * j]) + np.uint64(bottom[2 * j + 1])
                            level[j] = levels[total]
                        f += 1


def features_on_cpu(
    observations: NDArray[np.uint8], palettes: list[NDArray[np.uint8] | None], pool: int, dtype: torch.dtype
) -> Tensor:
    """Turn observations into network input with a compiled kernel.

    Args:
        observations: (B, T, M, H, W) uint8, class ids or levels.
        palettes: for each plane its palette (K, 4), or None where the plane holds levels, 0 to 255. All
            class planes share one palette.
        pool: 1, or 2 to average cells of 2x2 pixels.
        dtype: float32 or bfloat16, of the result.

    Returns:
        (B, T * F, H / pool, W / pool) in [0, 1], channels last in memory, F being 4 per class plane and 1
        per other plane.
    """
    batch, stack, _, height, width = observations.shape
    is_class = np.array([palette is not None for palette in palettes])
    features = stack * int(np.where(is_class, PALETTE_CHANNELS, 1).sum())
    out = torch.empty((batch, height // pool, width // pool, features), dtype=dtype)
    palette = next((p for p in palettes if p is not None), np.zeros((0, PALETTE_CHANNELS), np.uint8))
    levels = level_table(pool, dtype)
    if dtype == torch.bfloat16:  # numpy has no bfloat16: hand over the same bits as 16-bit integers
        arrays = levels.view(torch.int16).numpy(), out.view(torch.int16).numpy()
    else:
        arrays = levels.numpy(), out.numpy()
    run = _look_up if pool == 1 else _look_up_and_halve
    run(np.ascontiguousarray(observations), is_class, pack_palette(palette), *arrays)
    return out.permute(0, 3, 1, 2)


def features_in_torch(
    observations: Tensor, palettes: list[NDArray[np.uint8] | None], pool: int, dtype: torch.dtype
) -> Tensor:
    """Do as `features_on_cpu` by torch operations, on the device of `observations` (B, T, M, H, W) uint8."""
    batch, _, _, height, width = observations.shape
    parts = []
    for plane, palette in enumerate(palettes):
        image = observations[:, :, plane]
        if palette is None:
            parts.append(image.unsqueeze(-1).float() / 255)
        else:
            table = torch.zeros((256, PALETTE_CHANNELS), device=image.device)
            table[: len(palette)] = torch.from_numpy(palette / np.float32(255)).to(image.device)
            parts.append(table[image.long()])
    # (B, T, H, W, F) -> (B, T, F, H, W) -> (B, T * F, H, W)
    features = torch.cat(parts, dim=-1).permute(0, 1, 4, 2, 3).reshape(batch, -1, height, width)
    pooled = functional.avg_pool2d(features, pool) if pool > 1 else features
    return pooled.to(dtype).contiguous(memory_format=torch.channels_last)
