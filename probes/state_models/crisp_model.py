"""Our own state model: a hierarchical variational autoencoder that keeps people, lights and cars.

One global latent lays out the scene, layers of local latents add what stands in it (after Child, VDVAE,
2021). Each latent is coded in the units of its learned prior, so the prior of the whole vector is exactly
N(0, I) and the search of Sec. 2.2 holds as it stands. The global latent's prior is learned as well: under a
plain N(0, I) samples held half as many cars again as the data. Reconstruction is the likelihood itself
(cross-entropy on classes), unweighted, for weights would draw more people than there are. When all that is
fitted the priors become flows, which `prior_objective` fits with everything else fixed.

Where planes hold levels, all is told against the average picture. Else the first steps, which have to paint
the background, silence the latents for good: in Freeway, whose cars are a fortieth of the pixels, nothing
that moves was ever drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.average_picture import AveragePicture
from probes.state_models.block_pictures import pictures
from probes.state_models.crisp_config import CrispConfig
from probes.state_models.crisp_layers import Block, LatentBlock, Mixer, enlarge, quiet
from probes.state_models.flow import Flow
from probes.state_models.gaussian import Gaussian
from probes.state_models.likelihood import negative_log_likelihood
from probes.state_models.scene_prior import ScenePrior
from probes.state_models.state_model import Posterior
from probes.states import StateLayout

SCENE_UNITS = 96
"""Of each layer of a step of the global latent's flow."""
CELL = 16
"""Pixels to a side of the coarsest cells; other sizes are padded to a multiple of it."""


class Latent(NamedTuple):
    """The global latent of a batch, or a layer of local ones, as the encoder sees it."""

    prior: ScenePrior | Flow | None
    """None where it is N(0, I)."""
    above: tuple[Tensor, ...]
    """What the prior depends on: nothing, or the feature map (B, width, h, w)."""
    posterior: Gaussian
    v: Tensor
    """The value with which the decoder goes on."""


class Pass(NamedTuple):
    """What training needs of one look at a batch."""

    raw: Tensor
    """The decoder's last layer, for `pictures`."""
    kl: Tensor
    """(B, L) nats, a column for the global latent and for each layer of local ones."""


class CrispModel(nn.Module):
    """The hierarchical model.

    Args:
        layout: of the states.
        config: the model's shape.
        seed: of the initial weights; the global random state is left as it was.
    """

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

    def _see(self, frames: Tensor) -> tuple[Gaussian, list[Tensor]]:
        """Return the global latent's posterior, and what each level's latents are told, of frames."""
        if self.average is not None:
            frames = self.average.centred(frames)
        height, width = self._size
        if (height, width) != frames.shape[2:]:
            missing = (height - frames.shape[2], width - frames.shape[3])
            frames = functional.pad(frames, (0, missing[1], 0, missing[0]), mode="replicate")
        seen_fine = self.see_fine(self.narrow(self.patches(frames)))
        seen_coarse = self.see_coarse(seen_fine)
        return Gaussian.of(self.see_scene(seen_coarse)), [seen_coarse, seen_fine]

    def _enter(self, hidden: Tensor, level: int) -> Tensor:
        """Begin a level: at the coarse one with the scene's layout, at the fine one with larger cells."""
        if level:
            hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
        hidden = self._place(hidden, self.places[level]).contiguous(memory_format=torch.channels_last)
        return self.stages[level](hidden)  # type: ignore[no-any-return]

    def _place(self, hidden: Tensor, place: Tensor) -> Tensor:
        """Add what is learned of each place; in float32 where it is still being learned."""
        return hidden + (place if self.training else place.to(hidden.dtype))

    def _finish(self, hidden: Tensor) -> Tensor:
        """Draw the picture's blocks of 2x2 pixels (B, 4 * T * C, H / 2, W / 2)."""
        for up, place, draw in zip(self.up, self.fine_places, self.draw, strict=True):
            assert isinstance(up, nn.Conv2d)
            hidden = draw(self._place(enlarge(functional.silu(hidden), up), place))
        raw: Tensor = self.out(functional.silu(hidden))
        return raw if self.average is None else raw + self.average.raw

    def start_at(self, stored: Tensor) -> None:
        """Let a new model begin at the average of recorded states (B, T, M, H, W), if it knows one."""
        if self.average is not None:
            deviations = self.average.take(stored)
            with torch.no_grad():
                self.log_spread.copy_(deviations.log())

    def look(self, frames: Tensor, levels: int = 2) -> Pass:
        """Encode and decode frames (B, T * C, H, W), drawing from the posterior.

        Args:
            frames: states with stack and channels flattened, in any precision.
            levels: how many levels of local latents take part; the others stay at their prior's mean.
        """
        scene, seen = self._see(frames)
        drawn = scene.draw()
        kl = [self.scene_prior.in_units(scene, drawn).kl()]
        hidden = self.lay_out(drawn)
        for number, layers in self._levels():
            hidden = self._enter(hidden, number)
            for layer in layers:
                v = None
                if number < levels:
                    posterior = layer.look(hidden, seen[number])
                    v = posterior.draw()
                    kl.append(posterior.kl())
                else:
                    kl.append(torch.zeros_like(kl[0]))
                hidden = layer(hidden, v)
        return Pass(self._finish(hidden), torch.stack(kl, dim=1))

    def nats(self, raw: Tensor, stored: Tensor) -> Tensor:
        """Return how improbable (B,) the decoder holds recorded states (B, T, M, H, W), in nats."""
        return negative_log_likelihood(raw, stored, self.layout, self.log_spread)

    def walk(self, states: Tensor, choose: Callable[[Gaussian], Tensor]) -> Iterator[Latent]:
        """Yield the latents of float states (B, T, C, H, W), from the global one down.

        Args:
            states: as agents see them.
            choose: the value that the layers below see, of a posterior.
        """
        scene, seen = self._see(states.flatten(1, 2).contiguous(memory_format=torch.channels_last))
        v = choose(scene)
        yield Latent(self.scene_prior, (), scene, v)
        hidden = self.lay_out(v)
        for number, layers in self._levels():
            hidden = self._enter(hidden, number)
            for layer in layers:
                posterior = layer.look(hidden, seen[number])
                v = choose(posterior)
                yield Latent(layer.flow, (hidden,), posterior, v)
                hidden = layer(hidden, v)

    def encode(self, states: Tensor) -> Posterior:
        """Describe float states (B, T, C, H, W), each latent seeing the means of those above it."""
        told = [
            latent.posterior
            if latent.prior is None
            else latent.prior.in_units(latent.posterior, latent.v, *latent.above)
            for latent in self.walk(states, lambda posterior: posterior.mu)
        ]
        mu = torch.cat([posterior.mu.flatten(1) for posterior in told], dim=1)
        return Posterior(mu, torch.cat([posterior.log_sigma.flatten(1) for posterior in told], dim=1))

    def decode(self, z: Tensor) -> Tensor:
        """Return states (B, T, C, H, W) of latent vectors (B, n)."""
        parts = self._split(z)
        hidden = self.lay_out(self.scene_prior(next(parts)))
        for number, layers in self._levels():
            hidden = self._enter(hidden, number)
            for layer in layers:
                hidden = layer(hidden, layer.bend(hidden, next(parts)))
        return self.pictures(self._finish(hidden))

    def pictures(self, raw: Tensor) -> Tensor:
        """Return the states (B, T, C, H, W) that the decoder's last layer stands for."""
        return pictures(raw, self.layout)
