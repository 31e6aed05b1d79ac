"""The state model of Sec. 4.1 to the letter, widened to class channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from probes.state_models.state_model import Posterior
from probes.states import StateLayout

START = 8
"""Cells to a side from which the paper's decoder begins; larger pictures need more."""


@dataclass(frozen=True)
class PaperConfig:
    """The shape of a `PaperModel`."""

    latent: int = 100
    """n"""
    filters: tuple[int, ...] = (32, 64, 128, 256)
    """Of the encoder's stages; the decoder's are the same in reverse."""


class PaperModel(nn.Module):
    """A variational autoencoder: 3x3 convolutions of stride 2 and their transposes, with batch norm.

    The decoder mirrors the encoder. From 8 x 8 cells its four stages lead to 128 x 128 pixels, as in the
    paper; of a smaller picture, such as 84 x 84, that is the centre.

    Args:
        layout: of the states.
        config: the model's shape.
        seed: of the initial weights; the global random state is left as it was.
    """

    def __init__(self, layout: StateLayout, config: PaperConfig | None = None, seed: int = 0) -> None:
        super().__init__()
        self.layout = layout
        self.config = config or PaperConfig()
        stages = 2 ** len(self.config.filters)
        self._seen = (-(-layout.height // stages), -(-layout.width // stages))
        self._cells = (max(START, self._seen[0]), max(START, self._seen[1]))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self._build(layout.stack * layout.channels)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a keyword-only overload

    def _build(self, channels: int) -> None:
        filters, latent = self.config.filters, self.config.latent
        down: list[nn.Module] = []
        for before, after in zip((channels, *filters), filters, strict=False):
            down += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.encoder = nn.Sequential(*down)
        seen = filters[-1] * self._seen[0] * self._seen[1]
        self.mu = nn.Linear(seen, latent)
        self.log_variance = nn.Linear(seen, latent)
        self.start = nn.Linear(latent, filters[-1] * self._cells[0] * self._cells[1])
        up: list[nn.Module] = []
        for before, after in zip(filters[::-1], filters[-2::-1], strict=False):
            up += [
                nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.decoder = nn.Sequential(*up, nn.ConvTranspose2d(filters[0], channels, 3, 2, 1, output_padding=1))

    @property
    def latent_size(self) -> int:
        """n, the numbers in a latent vector."""
        return self.config.latent

    def encode(self, states: Tensor) -> Posterior:
        """Describe float states (B, T, C, H, W) by Gaussians over (B, n)."""
        frames = states.flatten(1, 2)  # (B, T * C, H, W)
        hidden = self.encoder(frames.contiguous(memory_format=torch.channels_last)).flatten(1)
        return Posterior(self.mu(hidden).float(), self.log_variance(hidden).float() / 2)

    def decode(self, z: Tensor) -> Tensor:
        """Return states (B, T, C, H, W) of latent vectors (B, n)."""
        start = self.start(z).reshape(len(z), -1, *self._cells)
        frames = self.decoder(start.contiguous(memory_format=torch.channels_last)).float()
        top = (frames.shape[2] - self.layout.height) // 2
        left = (frames.shape[3] - self.layout.width) // 2
        frames = frames[:, :, top : top + self.layout.height, left : left + self.layout.width]
        stacks = frames.reshape(len(z), *self.layout.shape)
        parts = [
            torch.softmax(stacks[:, :, channels], dim=2)
            if plane.kind == "class"
            else torch.sigmoid(stacks[:, :, channels])
            for plane, channels, _ in self.layout.slices()
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
