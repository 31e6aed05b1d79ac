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

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.block_pictures import pictures
from probes.state_models.crisp_layers import LatentBlock, enlarge
from probes.state_models.crisp_parts import CrispParts
from probes.state_models.flow import Flow
from probes.state_models.gaussian import Gaussian
from probes.state_models.likelihood import negative_log_likelihood
from probes.state_models.scene_prior import ScenePrior
from probes.state_models.state_model import Posterior


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


class CrispModel(CrispParts):
    """The hierarchical model.

    Args:
        layout: of the states.
        config: the model's shape.
        seed: of the initial weights; the global random state is left as it was.
    """

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

    def _descend(self, scene: Tensor, choose: Callable[[LatentBlock, int, Tensor], Tensor | None]) -> Tensor:
        """Go down from the global latent to the finest feature map.

        Args:
            scene: the global latent.
            choose: the latent of a layer, given its level's number and the feature map above it.
        """
        hidden: Tensor = self.lay_out(scene)
        for number, layers in self._levels():
            hidden = self._enter(hidden, number)
            for layer in layers:
                hidden = layer(hidden, choose(layer, number, hidden))
        return hidden

    def look(self, frames: Tensor, levels: int = 2) -> Pass:
        """Encode and decode frames (B, T * C, H, W), drawing from the posterior.

        Args:
            frames: states with stack and channels flattened, in any precision.
            levels: how many levels of local latents take part; the others stay at their prior's mean.
        """
        scene, seen = self._see(frames)
        drawn = scene.draw()
        kl = [self.scene_prior.in_units(scene, drawn).kl()]

        def choose(layer: LatentBlock, level: int, hidden: Tensor) -> Tensor | None:
            if level >= levels:
                kl.append(torch.zeros_like(kl[0]))
                return None
            posterior = layer.look(hidden, seen[level])
            kl.append(posterior.kl())
            return posterior.draw()

        raw = self._finish(self._descend(drawn, choose))
        return Pass(raw, torch.stack(kl, dim=1))

    def nats(self, raw: Tensor, stored: Tensor) -> Tensor:
        """Return how improbable (B,) the decoder holds recorded states (B, T, M, H, W), in nats."""
        return negative_log_likelihood(raw, stored, self.layout, self.log_spread)

    def walk(self, states: Tensor, choose: Callable[[Gaussian], Tensor]) -> list[Latent]:
        """Return the latents of float states (B, T, C, H, W), from the global one down.

        Args:
            states: as agents see them.
            choose: the value that the layers below see, of a posterior.
        """
        return self._walk(states, choose)[0]

    def _walk(self, states: Tensor, choose: Callable[[Gaussian], Tensor]) -> tuple[list[Latent], Tensor]:
        """Return the latents, and the finest feature map."""
        scene, seen = self._see(states.flatten(1, 2).contiguous(memory_format=torch.channels_last))
        latents = [Latent(self.scene_prior, (), scene, choose(scene))]

        def judge(layer: LatentBlock, level: int, hidden: Tensor) -> Tensor:
            posterior = layer.look(hidden, seen[level])
            latents.append(Latent(layer.flow, (hidden,), posterior, choose(posterior)))
            return latents[-1].v

        hidden = self._descend(latents[0].v, judge)
        return latents, hidden

    def encode(self, states: Tensor) -> Posterior:
        """Describe float states (B, T, C, H, W), each latent seeing the means of those above it."""
        told = [
            latent.posterior
            if latent.prior is None
            else latent.prior.in_units(latent.posterior, latent.v, *latent.above)
            for latent in self.walk(states, _mean)
        ]
        mu = torch.cat([posterior.mu.flatten(1) for posterior in told], dim=1)
        return Posterior(mu, torch.cat([posterior.log_sigma.flatten(1) for posterior in told], dim=1))

    def decode(self, z: Tensor) -> Tensor:
        """Return states (B, T, C, H, W) of latent vectors (B, n)."""
        parts = self._split(z)
        scene = self.scene_prior(next(parts))
        hidden = self._descend(scene, lambda layer, _, hidden: layer.bend(hidden, next(parts)))
        return self.pictures(self._finish(hidden))

    def reconstruct(self, states: Tensor) -> Tensor:
        """Return `decode(encode(states).mu)` at half its cost: the prior's units cancel, and each layer is
        gone through once."""
        return self.pictures(self._finish(self._walk(states, _mean)[1]))

    def pictures(self, raw: Tensor) -> Tensor:
        """Return the states (B, T, C, H, W) that the decoder's last layer stands for."""
        return pictures(raw, self.layout)


def _mean(posterior: Gaussian) -> Tensor:
    return posterior.mu
