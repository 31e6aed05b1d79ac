"""States as they would be stored, for a gradient that passes as if they were soft."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from probes.states import StateLayout


class _Harden(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, layout: StateLayout) -> Tensor:
        del ctx
        hard = torch.empty_like(states)
        for plane, channels, _ in layout.slices():
            # In the order (B, H, K, W, T), in which a `crisp` model's states lie in memory.
            soft, place = (of[:, :, channels].permute(0, 3, 2, 4, 1) for of in (states, hard))
            if plane.kind == "class":
                # Written as numbers at once: a tensor of bools and its conversion take ten times as long.
                torch.eq(soft, soft.amax(2, keepdim=True), out=place)
            else:
                place.copy_((soft.float().clamp(0, 1) * 255).round() / 255)
        return hard

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        del ctx
        return gradient, None


def harden(states: Tensor, layout: StateLayout) -> Tensor:
    """Return soft states (B, T, C, H, W) with likeliest classes and rounded levels, their gradient unchanged.

    The straight-through estimator (Bengio et al. 2013). Where two classes are equally likely to the last bit
    both count, unlike in `to_stored`, which takes the first.
    """
    hard: Tensor = _Harden.apply(states, layout)  # type: ignore[no-untyped-call]
    return hard
