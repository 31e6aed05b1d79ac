"""What the flows of a crisp model's prior are fitted to: the latents of recorded states.

A second stage, as Dai and Wipf (2019) have it: the first gives the latents a coarse prior, and samples of it
show half as many person pixels as the data, in half as many blobs again. With the latents fixed their prior
can be learned from a store of them, without a picture being drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.data.saliency import device_of
from probes.data.state_set import StateSet
from probes.state_models.crisp_model import CrispModel, Latent
from probes.state_models.flow import Flow
from probes.state_models.gaussian import Gaussian
from probes.state_models.objectives import Objective, Terms
from probes.states import to_states

KEPT = 10_000
"""Recorded states, at most, whose latents are kept: at 128x128 pixels a quarter of a megabyte each."""
SCENES = 4
"""States whose global latent is drawn, for each state whose cells are: it is quicker to learn from."""
_BATCH = 32


class _Kept(NamedTuple):
    """The global latent of recorded states, or a layer of local ones, in half precision."""

    flow: Flow
    above: tuple[Tensor, ...]
    mu: Tensor
    log_sigma: Tensor

    @staticmethod
    def room(latent: Latent, count: int) -> _Kept:
        """Return room for what is kept of so many states.

        Taken at once: small parts that stay among large ones that go leave memory in pieces, 20 GB of them.
        """
        flow, (mu, log_sigma) = latent.prior, latent.posterior
        assert isinstance(flow, Flow)
        above = tuple(x.new_empty((count, *x.shape[1:]), dtype=torch.bfloat16) for x in latent.above)
        mus, sigmas = (x.new_empty((count, *x.shape[1:]), dtype=torch.float16) for x in (mu, log_sigma))
        return _Kept(flow, above, mus, sigmas)

    def put(self, latent: Latent, first: int) -> None:
        """Keep what a batch says, from one row on."""
        rows = slice(first, first + len(latent.v))
        for kept, told in zip(
            (*self.above, self.mu, self.log_sigma), (*latent.above, *latent.posterior), strict=True
        ):
            kept[rows] = told

    def divergence(self, rows: Tensor) -> Tensor:
        """Estimate the KL divergence (B,) of some states' posteriors to the flow."""
        posterior = Gaussian(self.mu[rows].float(), self.log_sigma[rows].float())
        above = (x[rows].float() for x in self.above)
        return self.flow.divergence(posterior, posterior.draw(), *above)


def chosen_states(states: StateSet) -> NDArray[np.int64]:
    """Return the states to fit whose latents are kept, evenly spread."""
    fit = states.fit_indices
    return fit[np.linspace(0, len(fit) - 1, min(KEPT, len(fit))).astype(np.int64)]


def prior_objective(
    model: CrispModel, states: StateSet, precision: torch.dtype, seed: int, report: Callable[[int], None]
) -> Objective:
    """Return the divergence of recorded states' posteriors to the flows of the model's prior.

    Args:
        model: all but its flows is frozen.
        states: of its layout. The objective's indices are places in `chosen_states`.
        precision: in which states are encoded.
        seed: of what is drawn while they are.
        report: told now and then how many states have been encoded.
    """
    device = device_of(model)
    model.requires_grad_(False)
    for flow in model.flows():
        flow.requires_grad_(True)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else ()):
        torch.manual_seed(seed)
        kept = _keep(model, states, precision, report)
    scene, cells = kept[0], kept[1:]

    def compute(indices: NDArray[np.int64], share: float) -> Terms:
        del share
        rows = torch.from_numpy(indices).to(scene.mu.device)
        more = torch.randint(len(scene.mu), (SCENES * len(rows),), device=rows.device)
        terms = {"scene": scene.divergence(more).mean()}
        terms["cells"] = torch.stack([layer.divergence(rows).mean() for layer in cells]).sum()
        return {"loss": terms["scene"] + terms["cells"], **terms}

    return compute


@torch.no_grad()
def _keep(
    model: CrispModel, states: StateSet, precision: torch.dtype, report: Callable[[int], None]
) -> list[_Kept]:
    """Encode states; return their latents, from the global one down."""
    device, chosen = device_of(model), chosen_states(states)
    kept: list[_Kept] = []
    for first in range(0, len(chosen), _BATCH):
        stored = torch.from_numpy(states.stored(chosen[first : first + _BATCH])).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            for place, latent in enumerate(model.walk(to_states(stored, states.layout), Gaussian.draw)):
                if not first:
                    kept.append(_Kept.room(latent, len(chosen)))
                kept[place].put(latent, first)
        report(min(first + _BATCH, len(chosen)))
    return kept
