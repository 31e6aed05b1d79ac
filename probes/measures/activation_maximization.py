"""Activation maximisation in pixel space: the usual regularisers, no state model (Sec. 4.6, Fig. 3).

The state itself ascends the target. It is parametrised so that it stays a state: class channels are the
softmax of free logits, levels their sigmoid. Nothing keeps it like real states: how far it is, is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import get_affine_matrix2d, warp_affine
from numpy.typing import NDArray
from torch import Tensor

from probes.agent import Agent, ProbeError, freeze
from probes.measures.novelty import Progress, RealStates, nearest
from probes.state_models.state_model import StateModel, reconstruct
from probes.states import StateLayout, to_states, to_stored
from probes.synthesis.targets import TargetFunction

Regulariser = Literal["none", "sobolev", "total_variation", "gaussian_blur", "transforms"]
REGULARISERS: tuple[Regulariser, ...] = get_args(Regulariser)
Streams = Sequence[torch.Generator]


@dataclass(frozen=True)
class AscentConfig:
    """How to ascend. The paper gives no settings for Fig. 3: these are ours, for 128x128 pixels."""

    regulariser: Regulariser = "none"
    steps: int = 200
    step_size: float = 0.5
    """Root mean square by which a step moves a state's logits; the gradient's own size does not matter."""
    start_spread: float = 0.1
    """Standard deviation of the logits at the start, which are noise around 0."""
    sobolev_lambda: float = 10.0
    """Pixels squared: gradients are smoothed by (I - lambda * Laplacian)^-1 (Baust et al. 2018)."""
    tv_weight: float = 30.0
    """Of the total variation per pixel (Mahendran & Vedaldi 2016); J is in its standard deviations."""
    blur_sigma: float = 1.0
    """Pixels, of the Gaussian that blurs the logits (Nguyen et al. 2015)."""
    blur_every: int = 4
    """Steps from one blur to the next."""
    jitter: float = 4.0
    """Pixels: the agent sees the state shifted by up to so much, along either axis (Olah et al. 2017)."""
    rotation: float = 5.0
    """Degrees, turned by up to so much to either side."""
    scaling: float = 0.05
    """Share, enlarged or shrunk by up to so much."""
    cropping: float = 0.1
    """Share of the side, up to which a window is cut away; the rest is enlarged to full size."""
    batch: int = 16
    """States that ascend together."""
    device: str = "cpu"
    """Where the agent is: `cpu` or `cuda`."""

    def __post_init__(self) -> None:
        if self.regulariser not in REGULARISERS:
            near = get_close_matches(self.regulariser, REGULARISERS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ProbeError(
                f"no regulariser {self.regulariser!r}: allowed are {', '.join(REGULARISERS)}{hint}"
            )
        positive = (self.steps, self.step_size, self.blur_sigma, self.blur_every, self.batch)
        shares = (self.scaling, self.cropping)
        if min(positive) <= 0 or self.sobolev_lambda < 0 or not all(0 <= share < 1 for share in shares):
            raise ProbeError(
                "activation maximisation: steps, step_size, blur_sigma, blur_every and batch must be "
                f"above 0, sobolev_lambda at least 0, scaling and cropping from 0 to below 1, got {self}"
            )


@dataclass(frozen=True)
class Ascent:
    """K states that were synthesised pixel by pixel."""

    stored: NDArray[np.uint8]
    """(K, T, M, H, W), the likeliest classes and rounded levels."""
    soft: Tensor
    """(K, T, C, H, W) in [0, 1], what the ascent found."""
    objective: NDArray[np.float32]
    """(K,), J of the soft states."""
    objective_stored: NDArray[np.float32]
    """(K,), J of the stored states: less, where mixed classes fooled the agent."""
    curve: NDArray[np.float32]
    """(steps, K), J before each step; under random transforms, of the transformed state."""


def maximise(
    agent: Agent,
    target: TargetFunction,
    config: AscentConfig,
    count: int,
    seed: int,
    progress: Progress | None = None,
) -> Ascent:
    """Synthesise `count` states that make J large. The same seed gives the same states.

    Args:
        agent: is put in eval mode.
        target: J, to be maximised.
        config: how.
        count: K, at least 1; each starts from noise of its own.
        seed: of the noise and of the random transforms.
        progress: told how many states are done, after each batch.

    Raises:
        ProbeError: `count` is below 1, or J is not finite.
    """
    if count < 1:
        raise ProbeError(f"activation maximisation: count is {count}, at least 1 is needed")
    freeze(agent)
    streams = [
        torch.Generator().manual_seed(int(np.random.SeedSequence((seed, chain)).generate_state(1)[0]))
        for chain in range(count)
    ]
    parts: list[Ascent] = []
    for first in range(0, count, config.batch):
        parts.append(_ascend(agent, target, config, streams[first : first + config.batch]))
        if progress is not None:
            progress(min(first + config.batch, count), count)
    return Ascent(
        np.concatenate([part.stored for part in parts]),
        torch.cat([part.soft for part in parts]),
        np.concatenate([part.objective for part in parts]),
        np.concatenate([part.objective_stored for part in parts]),
        np.concatenate([part.curve for part in parts], axis=1),
    )


def to_valid(logits: Tensor, layout: StateLayout) -> Tensor:
    """Return states in [0, 1] of free logits, (B, T, C, H, W): softmax over classes, sigmoid of levels."""
    parts = [
        logits[:, :, channels].softmax(dim=2) if plane.kind == "class" else logits[:, :, channels].sigmoid()
        for plane, channels, _ in layout.slices()
    ]
    return torch.cat(parts, dim=2)


def sobolev(gradient: Tensor, strength: float) -> Tensor:
    """Smooth a gradient (..., H, W) by (I - strength * Laplacian)^-1, in Fourier space (Baust et al. 2018).

    The Laplacian is the five-point one of a picture that wraps around; its eigenvalues at angular frequencies
    (v, w) are 2 cos v + 2 cos w - 4, so the mean stays as it is.

    Args:
        gradient: of each picture.
        strength: lambda, pixels squared, at least 0.
    """
    height, width = gradient.shape[-2:]
    rows = torch.cos(2 * torch.pi * torch.fft.fftfreq(height, device=gradient.device))
    columns = torch.cos(2 * torch.pi * torch.fft.rfftfreq(width, device=gradient.device))
    response = 1 / (1 + strength * (4 - 2 * rows[:, None] - 2 * columns[None]))
    smooth: Tensor = torch.fft.irfft2(torch.fft.rfft2(gradient) * response, s=(height, width))
    return smooth


def total_variation(states: Tensor) -> Tensor:
    """Return the total variation (B,) of states (B, T, C, H, W), per pixel.

    The absolute differences of neighbours in a row and in a column, summed over channels and averaged over
    frames and pixels: a border between two certain classes counts 2 per pixel of its length.
    """
    along = [states.diff(dim=axis).abs().sum(dim=(1, 2, 3, 4)) for axis in (-2, -1)]
    return (along[0] + along[1]) / states[0, :, 0].numel()


def blur(logits: Tensor, sigma: float) -> Tensor:
    """Blur each picture of (B, T, C, H, W) by a Gaussian of `sigma` pixels; the border repeats beyond it."""
    size = 2 * ceil(3 * sigma) + 1
    blurred: Tensor = gaussian_blur2d(logits.flatten(1, 2), (size, size), (sigma, sigma), "replicate")
    return blurred.view_as(logits)


def draw_transforms(config: AscentConfig, streams: Streams, layout: StateLayout) -> Tensor:
    """Draw a random shift, turn, scale and crop per stream: matrices (B, 2, 3) from source to shown pixels.

    A window of share c of the side, its centre o from the picture's, is enlarged to full size by a scale of
    1 / c and a shift of -o / c.
    """
    draws = torch.stack([torch.rand(7, generator=stream) for stream in streams]) * 2 - 1  # (B, 7)
    size = torch.tensor([layout.width, layout.height], dtype=torch.float32)  # x, then y
    window = 1 - config.cropping * (draws[:, 4:5] + 1) / 2
    offset = draws[:, 5:7] * (1 - window) * (size - 1) / 2
    return get_affine_matrix2d(
        draws[:, 0:2] * config.jitter - offset / window,
        ((size - 1) / 2).expand(len(draws), 2),
        ((1 + draws[:, 2:3] * config.scaling) / window).expand(len(draws), 2),
        draws[:, 3] * config.rotation,
    )[:, :2]


def transform(states: Tensor, matrices: Tensor) -> Tensor:
    """Warp states (B, T, C, H, W) by affine matrices (B, 2, 3), all frames and channels of a state alike.

    Interpolation is bilinear and border pixels repeat beyond it, so class channels still sum to 1.
    """
    size = (states.shape[-2], states.shape[-1])
    warped = warp_affine(states.flatten(1, 2), matrices.to(states.device), size, padding_mode="border")
    return warped.view_as(states)


class StateDistance(NamedTuple):
    """How far B states are from others."""

    mse: NDArray[np.float64]
    """(B,), over all entries of the float states, soft as they are."""
    class_disagreement: NDArray[np.float64]
    """(B,), share of class planes' pixels whose likeliest classes differ; NaN without class planes."""


def distance(states: Tensor, others: Tensor, layout: StateLayout) -> StateDistance:
    """Compare float states (B, T, C, H, W) with others, pair by pair."""
    mse = ((states - others) ** 2).mean(dim=(1, 2, 3, 4))
    planes = [channels for plane, channels, _ in layout.slices() if plane.kind == "class"]
    differs = [states[:, :, c].argmax(dim=2) != others[:, :, c].argmax(dim=2) for c in planes]
    shares = [d.double().mean(dim=(1, 2, 3)) for d in differs] or [torch.full((len(states),), torch.nan)]
    return StateDistance(mse.double().cpu().numpy(), torch.stack(shares).mean(0).cpu().numpy())


def distance_to_real(
    states: Tensor,
    real: RealStates,
    indices: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> StateDistance:
    """Compare each float state with the real state that is nearest to what is stored of it.

    Args:
        states: (B, T, C, H, W).
        real: the set to search.
        indices: of the real states to search; by default those not held out.
        progress: told how many real states are done.
    """
    stored = to_stored(states, real.layout).cpu().numpy()
    index = nearest(stored, real, 1, indices, progress).indices[:, 0]
    neighbours = to_states(torch.from_numpy(real.stored(index)), real.layout)
    return distance(states.cpu(), neighbours, real.layout)


@torch.no_grad()
def reconstruction_error(states: Tensor, model: StateModel) -> StateDistance:
    """Compare each float state (B, T, C, H, W) with the state model's reconstruction g(mu(s))."""
    return distance(states, reconstruct(model, states), model.layout)


def _ascend(agent: Agent, target: TargetFunction, config: AscentConfig, streams: Streams) -> Ascent:
    """Ascend from noise, one state for each stream."""
    starts = [torch.randn(agent.layout.shape, generator=stream) for stream in streams]
    logits = (config.start_spread * torch.stack(starts)).to(config.device)
    curve = np.empty((config.steps, len(streams)), np.float32)
    for step in range(config.steps):
        objective, gradient = _gradient(agent, target, config, streams, logits)
        curve[step] = objective.cpu().numpy()
        if not np.isfinite(curve[step]).all():
            raise ProbeError(f"activation maximisation: J is not finite at step {step} of {config.steps}")
        if config.regulariser == "sobolev":
            gradient = sobolev(gradient, config.sobolev_lambda)
        size = gradient.square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
        logits = logits + config.step_size * gradient / size.clamp_min(torch.finfo(size.dtype).tiny)
        if config.regulariser == "gaussian_blur" and (step + 1) % config.blur_every == 0:
            logits = blur(logits, config.blur_sigma)
    return _judge(agent, target, to_valid(logits, agent.layout), curve)


def _gradient(
    agent: Agent, target: TargetFunction, config: AscentConfig, streams: Streams, logits: Tensor
) -> tuple[Tensor, Tensor]:
    """Return J (B,) and the gradient with respect to logits (B, T, C, H, W) of what is to be raised."""
    logits = logits.detach().requires_grad_(True)
    states = to_valid(logits, agent.layout)
    if config.regulariser == "transforms":
        states = transform(states, draw_transforms(config, streams, agent.layout))
    objective = target(agent(states), states)
    raised = objective.sum()
    if config.regulariser == "total_variation":
        raised = raised - config.tv_weight * total_variation(states).sum()
    (gradient,) = torch.autograd.grad(raised, logits)
    return objective.detach(), gradient


@torch.no_grad()
def _judge(agent: Agent, target: TargetFunction, states: Tensor, curve: NDArray[np.float32]) -> Ascent:
    """Judge states as they are, and as they are stored."""
    stored = to_stored(states, agent.layout)
    hard = to_states(stored, agent.layout)
    return Ascent(
        stored.cpu().numpy(),
        states.cpu(),
        target(agent(states), states).cpu().numpy(),
        target(agent(hard), hard).cpu().numpy(),
        curve,
    )
