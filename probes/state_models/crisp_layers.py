"""The layers of the `crisp` state model: residual blocks, and latents whose prior is learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.cell_prior import CellPrior
from probes.state_models.flow import Flow
from probes.state_models.gaussian import Gaussian

LOG_SIGMA_RANGE = (-6.0, 3.0)
"""Of a layer's own prior."""
TURN_UNITS = 16
"""Channels of a cell prior's hidden layers."""


def quiet(layer: nn.Conv2d, gain: float) -> nn.Conv2d:
    """Scale a new layer's weights by `gain` and silence its bias, so that residual sums start small."""
    with torch.no_grad():
        layer.weight.mul_(gain)
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


def enlarge(x: Tensor, up: nn.Conv2d) -> Tensor:
    """Return `pixel_shuffle(up(x), 2)` of x (B, width, h, w), moving whole vectors of channels."""
    channels = up.out_channels // 4
    order = torch.arange(up.out_channels).reshape(channels, 2, 2).permute(1, 2, 0).flatten().to(x.device)
    assert up.bias is not None
    y = functional.conv2d(x, up.weight[order], up.bias[order])  # (B, 2 * 2 * C, h, w)
    batch, _, height, width = y.shape
    rows = y.permute(0, 2, 3, 1).reshape(batch, height, width, 2, 2 * channels).transpose(2, 3)
    return rows.reshape(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


class Block(nn.Module):
    """A bottleneck: what lies near (B, width, r, r) -> (B, out, r, r); residual where the widths agree."""

    def __init__(self, width: int, inner: int, out: int, gain: float = 0.3, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual and width == out
        self.narrow = nn.Conv2d(width, inner, 1)
        self.look = nn.Conv2d(inner, inner, 3, padding=1)
        self.widen = quiet(nn.Conv2d(inner, out, 1), gain)

    def forward(self, x: Tensor) -> Tensor:
        """Transform a feature map."""
        y: Tensor = self.narrow(functional.silu(x))
        y = self.widen(functional.silu(self.look(functional.silu(y))))
        return x + y if self.residual else y


class Mixer(nn.Module):
    """Lets every cell see every other (after Tolstikhin et al., MLP-Mixer, 2021): (B, width, h, w).

    With a camera fixed to the car, what stands where is a matter of position; a dense map over cells learns
    that, and a line across the picture stays one line.
    """

    def __init__(self, width: int, inner: int, cells: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(width, inner, 1)
        self.across = nn.Linear(cells, cells)
        self.widen = quiet(nn.Conv2d(inner, width, 1), 0.3)
        with torch.no_grad():
            self.across.weight.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Transform a feature map."""
        y = self.narrow(functional.silu(x))
        batch, inner, height, across = y.shape
        # (h * w, B * inner), for the map to be one product; both copies move whole vectors of channels.
        cells = functional.silu(y.permute(2, 3, 0, 1).reshape(height * across, batch * inner))
        cells = functional.silu(torch.addmm(self.across.bias[:, None], self.across.weight, cells))
        y = cells.reshape(height, across, batch, inner).permute(2, 3, 0, 1)
        return x + self.widen(y.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]


class LatentBlock(nn.Module):
    """One layer of local latents (B, channels, h, w) within the decoder.

    The latent itself is `prior mean + prior sigma * v`; the prior of v is N(0, I) whatever the decoder has
    drawn above, or what `flow` makes of it.

    Args:
        width: channels of the feature maps.
        inner: channels within the bottlenecks.
        channels: latent numbers to a cell.
        cells: of the layer.
        steps: of the flow; 0 for none.
    """

    def __init__(self, width: int, inner: int, channels: int, cells: int, steps: int = 0) -> None:
        super().__init__()
        self.channels = channels
        self.prior = Block(width, inner, 2 * channels + width, gain=0.1, residual=False)
        self.posterior = Block(2 * width, inner, 2 * channels, residual=False)
        self.insert = quiet(nn.Conv2d(channels, width, 1), 0.5)
        self.block = Block(width, inner, width)
        self.mixer = Mixer(width, inner, cells)
        self.flow = Flow.alternating(CellPrior, (width, channels, TURN_UNITS), steps) if steps else None

    def look(self, hidden: Tensor, encoded: Tensor) -> Gaussian:
        """Judge what the encoder saw against what the decoder knows so far."""
        return Gaussian.of(self.posterior(torch.cat([hidden, encoded], dim=1)))

    def bend(self, hidden: Tensor, u: Tensor) -> Tensor:
        """Return v of u, whose prior is N(0, I)."""
        return u if self.flow is None else self.flow(u, hidden)

    def forward(self, hidden: Tensor, v: Tensor | None) -> Tensor:
        """Go on with the latent v; None stands for its prior mean."""
        told = self.prior(hidden)
        prior = Gaussian.of(told[:, : 2 * self.channels], LOG_SIGMA_RANGE)
        latent = prior.mu if v is None else prior.value(v)
        hidden = hidden + told[:, 2 * self.channels :] + self.insert(latent)
        return self.mixer(self.block(hidden))  # type: ignore[no-any-return]
