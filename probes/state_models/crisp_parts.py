"""The layers of the `crisp` state model."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from probes.state_models.average_picture import AveragePicture
from probes.state_models.crisp_config import CrispConfig
from probes.state_models.crisp_layers import Block, LatentBlock, Mixer, quiet
from probes.state_models.flow import Flow
from probes.state_models.scene_prior import ScenePrior
from probes.states import StateLayout

SCENE_UNITS = 96
"""Of each layer of a step of the global latent's flow."""
CELL = 16
"""Pixels to a side of the coarsest cells; other sizes are padded to a multiple of it."""


class CrispParts(nn.Module):
    """An encoder, and a decoder with latents in its midst, for `CrispModel`, which tells of the arguments."""

    def __init__(self, layout: StateLayout, config: CrispConfig | None = None, seed: int = 0) -> None:
        super().__init__()
        self.layout = layout
        self.config = config or CrispConfig()
        self._size = tuple(-(-side // CELL) * CELL for side in (layout.height, layout.width))
        has_levels = any(plane.kind == "level" for plane in layout.planes)
        self.average = AveragePicture(layout, self._cells(2)) if has_levels else None
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self._build_encoder()
            self._build_decoder()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a keyword-only overload

    def _cells(self, cell: int) -> tuple[int, int]:
        return self._size[0] // cell, self._size[1] // cell

    def _stage(self, cell: int) -> nn.Sequential:
        """Look near, far and near again at one resolution."""
        width, inner = self.config.width, self.config.inner
        height, across = self._cells(cell)
        return nn.Sequential(
            Block(width, inner, width), Mixer(width, inner, height * across), Block(width, inner, width)
        )

    def _build_encoder(self) -> None:
        width, scene = self.config.width, self.config.scene
        coarse, fine = self.config.levels
        height, across = self._cells(coarse.cell)
        self.patches = nn.Conv2d(self.layout.stack * self.layout.channels, 48, 2, 2)
        self.narrow = nn.Sequential(
            nn.SiLU(), nn.Conv2d(48, 64, 3, 2, 1), nn.SiLU(), nn.Conv2d(64, width, 3, 2, 1)
        )
        self.see_fine = self._stage(fine.cell)
        self.see_coarse = nn.Sequential(nn.Conv2d(width, width, 3, 2, 1), self._stage(coarse.cell))
        self.see_scene = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(width, 32, 1),
            nn.Flatten(),
            nn.Linear(32 * height * across, 256),
            nn.SiLU(),
            nn.Linear(256, 2 * scene),
        )
        last = self.see_scene[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.3)
            last.bias.zero_()

    def _build_decoder(self) -> None:
        width, inner, scene = self.config.width, self.config.inner, self.config.scene
        coarse, fine = self.config.levels
        height, across = self._cells(coarse.cell)
        steps, cell_steps = self.config.flow
        groups = self.config.scene_groups
        self.scene_prior = (
            Flow.alternating(ScenePrior, (scene, groups, SCENE_UNITS), steps)
            if steps
            else ScenePrior(scene, groups)
        )
        self.lay_out = nn.Sequential(
            nn.Linear(scene, 512),
            nn.SiLU(),
            nn.Linear(512, 32 * height * across),
            nn.Unflatten(1, (32, height, across)),
            nn.Conv2d(32, width, 1),
        )
        self.places = nn.ParameterList(
            nn.Parameter(torch.zeros(1, width, *self._cells(level.cell))) for level in (coarse, fine)
        )
        self.stages = nn.ModuleList(self._stage(level.cell) for level in (coarse, fine))
        self.latents = nn.ModuleList(
            nn.ModuleList(
                LatentBlock(width, inner, level.channels, math.prod(self._cells(level.cell)), cell_steps)
                for _ in range(level.layers)
            )
            for level in (coarse, fine)
        )
        quarter, half = self.config.fine
        self.up = nn.ModuleList(
            [quiet(nn.Conv2d(width, 4 * quarter, 1), 1.0), quiet(nn.Conv2d(quarter, 4 * half, 1), 1.0)]
        )
        self.fine_places = nn.ParameterList(
            nn.Parameter(torch.zeros(1, channels, *self._cells(cell)))
            for channels, cell in ((quarter, 4), (half, 2))
        )
        self.draw = nn.ModuleList([Block(quarter, 40, quarter), Block(half, 32, half)])
        self.log_spread = nn.Parameter(torch.full((len(self.layout.planes),), -3.0))
        self.out = quiet(nn.Conv2d(half, 4 * self.layout.stack * self.layout.channels, 1), 1.0)

    @property
    def latent_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of one vector's parts, in order: the scene, then each layer's cells."""
        shapes: list[tuple[int, ...]] = [(self.config.scene,)]
        for level in self.config.levels:
            shapes += [(level.channels, *self._cells(level.cell))] * level.layers
        return shapes

    @property
    def latent_size(self) -> int:
        """n, the numbers in a latent vector."""
        return sum(math.prod(shape) for shape in self.latent_shapes)

    def _split(self, z: Tensor) -> Iterator[Tensor]:
        shapes = self.latent_shapes
        for part, shape in zip(
            torch.split(z, [math.prod(shape) for shape in shapes], dim=1), shapes, strict=True
        ):
            yield part.reshape(len(z), *shape)

    def flows(self) -> list[Flow]:
        """Return the flows of the prior, from the global latent down; none while the latents are fitted."""
        return [module for module in self.modules() if isinstance(module, Flow)]

    def _levels(self) -> Iterator[tuple[int, list[LatentBlock]]]:
        """Yield the number and the layers of the coarse level, then of the fine one."""
        for number, layers in enumerate(self.latents):
            assert isinstance(layers, nn.ModuleList)
            yield number, [layer for layer in layers if isinstance(layer, LatentBlock)]
