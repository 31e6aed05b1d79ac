"""The average of recorded states, against which a state model tells what is there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from probes.state_models.likelihood import one_hot_frames, stored_blocks
from probes.states import StateLayout

LEAST_SHARE = 1e-4
"""Of a class at a pixel where it was never recorded."""
LEAST_LEVEL = 1 / 510
"""Half a gray level: how near to black or white an average may come, whose logits would be infinite."""
LEAST_DEVIATION = 1 / 255
"""Of a plane that hardly changes."""
BATCH = 64


class AveragePicture(nn.Module):
    """What each pixel is on average, and how far planes are off it.

    Args:
        layout: of the states. Until `take` all classes are equally likely, and all levels 1/2.
        size: rows and columns of the decoder's last layer.
    """

    picture: Tensor
    """(C, H, W): shares of classes, and levels; on average the frames of a stack are alike."""
    deviation: Tensor
    """(C, 1, 1), of each channel the root mean square of its plane's distance from the average."""
    raw: Tensor
    """(1, 4 * T * C, *size), the decoder's last layer that stands for the average; follows from `picture`."""

    def __init__(self, layout: StateLayout, size: tuple[int, int]) -> None:
        super().__init__()
        self.layout = layout
        self._size = size
        start = torch.cat([torch.full((p.channels,), _even(p.kind, p.channels)) for p in layout.planes])
        even = start[:, None, None].expand(-1, layout.height, layout.width)
        self.register_buffer("picture", even.clone())
        self.register_buffer("deviation", torch.ones(layout.channels, 1, 1))
        self.register_buffer("raw", self._drawn(), persistent=False)
        # Of the module that is given, not of `self`: a copy has its own.
        self.register_load_state_dict_post_hook(lambda module, _: module._redraw())  # type: ignore[no-untyped-call]

    def take(self, stored: Tensor) -> Tensor:
        """Average recorded states (B, T, M, H, W), uint8; return the deviation (P,) of each plane."""
        count = len(stored) * self.layout.stack
        total = torch.zeros_like(self.picture, dtype=torch.float64)
        squares = torch.zeros_like(total)
        for part in torch.split(stored, BATCH):
            frames = self._stacks(one_hot_frames(part, self.layout)).double()
            total += frames.sum((0, 1))
            squares += frames.square().sum((0, 1))
        average = total / count
        means = (squares / count - average.square()).clamp_min(0).mean((1, 2)).float()  # (C,)
        of_planes = torch.stack([means[channels].mean() for _, channels, _ in self.layout.slices()])
        deviations = of_planes.sqrt().clamp_min(LEAST_DEVIATION)
        spread = [
            deviation.expand(plane.channels)
            for deviation, plane in zip(deviations, self.layout.planes, strict=True)
        ]
        self.picture.copy_(average)
        self.deviation.copy_(torch.cat(spread)[:, None, None])
        self._redraw()
        return deviations

    def centred(self, frames: Tensor) -> Tensor:
        """Return what frames (B, T * C, H, W) are off the average, in units of their planes' deviation."""
        stacks = self._stacks(frames)
        centred = (stacks - self.picture.to(frames.dtype)) / self.deviation.to(frames.dtype)
        return centred.flatten(1, 2).contiguous(memory_format=torch.channels_last)

    def _stacks(self, frames: Tensor) -> Tensor:
        """Return frames (B, T * C, H, W) as stacks (B, T, C, H, W)."""
        return frames.reshape(len(frames), self.layout.stack, self.layout.channels, *frames.shape[2:])

    def _redraw(self) -> None:
        self.raw = self._drawn()

    def _drawn(self) -> Tensor:
        layout = self.layout
        maps = self.picture.expand(1, layout.stack, -1, -1, -1)
        logits = [
            maps[:, :, channels].clamp_min(LEAST_SHARE).log()
            if plane.kind == "class"
            else torch.logit(maps[:, :, channels], eps=LEAST_LEVEL)
            for plane, channels, _ in layout.slices()
        ]
        blocks = stored_blocks(torch.cat(logits, dim=2), *self._size)  # (1, h, w, C, 4 * T)
        return blocks.flatten(3).permute(0, 3, 1, 2)


def _even(kind: str, channels: int) -> float:
    return 1 / channels if kind == "class" else 0.5
