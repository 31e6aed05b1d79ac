"""From a decoder's last layer, whose pixels lie in blocks (see `likelihood`), to states.

Nearly a million numbers make a state, so a copy costs as much here as a layer. There is one, and after it
the memory lies in the order (B, H, C, W, T): a softmax over C runs along whole vectors, and H and W are
whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from probes.states import StateLayout

WORD = torch.complex128
"""The widest number that is copied as one."""


_SQUASH: dict[str, Callable[[Tensor], Tensor]] = {
    "class": lambda rows: torch.softmax(rows, dim=2),
    "level": torch.sigmoid,
}


def _swapped(blocks: Tensor) -> Tensor:
    """Swap the two dimensions before the last but one: (B, h, w, C, 2, S) -> (B, h, 2, C, w, S), and back.

    The runs of S numbers are copied as whole words where they are long enough, twice as fast.
    """
    order = (0, 1, 4, 3, 2, 5)
    blocks = blocks.contiguous()
    if blocks.shape[-1] * blocks.element_size() % WORD.itemsize or blocks.data_ptr() % WORD.itemsize:
        return blocks.permute(order).contiguous()
    return blocks.view(WORD).permute(order).contiguous().view(blocks.dtype)


class _Rows(torch.autograd.Function):
    """`_swapped`, which is its own inverse; to see numbers as words knows no gradient."""

    @staticmethod
    def forward(ctx: Any, blocks: Tensor) -> Tensor:
        del ctx
        return _swapped(blocks)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        del ctx
        return _swapped(gradient)


def _squashed(rows: Tensor, layout: StateLayout) -> Tensor:
    """Turn what a decoder says of each channel (B, H, C, W * T) into shares of classes, and levels."""
    if len(layout.planes) == 1:
        return _SQUASH[layout.planes[0].kind](rows)
    parts = torch.split(rows, [plane.channels for plane in layout.planes], dim=2)
    return torch.cat(
        [_SQUASH[plane.kind](part) for plane, part in zip(layout.planes, parts, strict=True)], dim=2
    )


def pictures(raw: Tensor, layout: StateLayout) -> Tensor:
    """Return the states (B, T, C, H, W) of a decoder's last layer (B, 4 * T * C, h, w), in its precision.

    Args:
        raw: as `likelihood` describes it; what lies beyond the picture's border is cut off.
        layout: of the states.
    """
    last = raw.permute(0, 2, 3, 1)  # (B, h, w, C * 2 * 2 * T), as it lies in memory
    batch, height, width, _ = last.shape
    blocks = last.reshape(batch, height, width, layout.channels, 2, 2 * layout.stack)
    rows: Tensor = _Rows.apply(blocks)  # type: ignore[no-untyped-call]
    rows = rows.reshape(batch, 2 * height, layout.channels, 2 * width * layout.stack)
    columns = torch.unflatten(_squashed(rows, layout), 3, (2 * width, layout.stack))
    states = columns.permute(0, 4, 2, 1, 3)
    return states[..., : layout.height, : layout.width]
