"""What a fit minimises, batch by batch: the paper's L (Eqs. 1 to 3), or the crisp model's bound in nats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.agent import Agent, AgentOutput, ProbeError
from probes.data.saliency import device_of
from probes.data.saliency_set import SaliencySet
from probes.data.state_set import StateSet
from probes.state_models.crisp_model import CrispModel
from probes.state_models.likelihood import one_hot_frames
from probes.state_models.losses import agent_loss, decision_vector, pixel_loss, uniform_weights, with_floor
from probes.state_models.paper_model import PaperModel
from probes.state_models.state_model import kl_to_prior
from probes.states import to_states

Terms = dict[str, Tensor]
"""`loss`, a number to differentiate, and its parts for the log."""
Objective = Callable[[NDArray[np.int64], float], Terms]
"""(indices of a batch, share of the iterations done) -> terms."""
Variant = Literal["full", "lp", "vae"]
FARTHEST = 3.0
"""Medians of a batch from which on a state's loss pulls no harder."""


@dataclass(frozen=True)
class PaperLoss:
    """Weights of the paper's loss. The defaults are the paper's."""

    variant: Variant = "full"
    """`vae` has even weights and no agent loss, `lp` no agent loss: the rows of Table 1."""
    agent_weight: float = 1e-3
    """eta"""
    kl_weight: float = 1e-4
    """lambda"""
    floor: float = 0.0
    """Share of the pixel weights that is spread evenly."""

    def __post_init__(self) -> None:
        if self.variant not in get_args(Variant):
            raise ProbeError(f"variant: found {self.variant!r}, allowed are {', '.join(get_args(Variant))}")
        if not 0.0 <= self.floor <= 1.0:
            raise ProbeError(f"floor: found {self.floor}, allowed are 0 to 1")


@dataclass(frozen=True)
class CrispLoss:
    """Weights of the crisp model's loss, in nats beside the likelihood."""

    kl_weight: float = 0.5
    """Of the latents' nats. Below 1, for a class is drawn where it is likeliest: what the latents leave open,
    such as where exactly a pole stands, is not drawn at all."""

    feature_weight: float = 2.0
    """Nats for each hidden unit of the agent whose activation is off by its standard deviation."""
    agent_weight: float = 50.0
    """Nats for each entry of its `decision_vector` that is off by a standard deviation."""
    agent_from: float = 0.5
    """Share of the iterations after which the agent's terms are added: first there must be a picture."""
    agent_states: int = 8
    """States of a batch that the agent looks at."""
    levels_from: tuple[float, float] = (0.05, 0.12)
    """Shares of the iterations at which the levels of local latents join: the scene comes first."""


def output_scale(states: StateSet, with_value: bool) -> Tensor:
    """Return the standard deviation of each output of the agent over the states to fit: (A,), or (A + 1,)."""
    scores, value = states.scores[states.fit_indices], states.value[states.fit_indices]
    outputs = np.concatenate([scores, value[:, None]], axis=1) if with_value else scores
    return torch.from_numpy(np.maximum(outputs.std(axis=0), 1e-6).astype(np.float32))


def decision_scale(states: StateSet) -> Tensor:
    """Return the standard deviations (A + 1,) of `decision_vector` over the states to fit.

    That of the scores is one for all of them, for they are compared with each other.
    """
    recorded = _recorded(states, states.fit_indices, torch.device("cpu"))
    variances = decision_vector(recorded).var(0, correction=0)
    variances[:-1] = variances[:-1].mean()
    return variances.sqrt().clamp_min(1e-6)


def paper_objective(
    model: PaperModel, agent: Agent, states: StateSet, saliency: SaliencySet | None, loss: PaperLoss
) -> Objective:
    """Return the paper's L = Lp + eta * La + lambda * KL.

    Args:
        model: to be fitted; states are moved to where it is, as bytes.
        agent: frozen; the one that played, for what it said then is compared. On the model's device.
        states: of the agent's layout.
        saliency: of those states; variant `vae` needs none.
        loss: its weights.

    Raises:
        ProbeError: the variant weighs pixels, and there is no saliency.
    """
    if loss.variant == "vae":
        saliency = None
    elif saliency is None:
        raise ProbeError(f"{states.path}: loss {loss.variant!r} needs the states' saliency; compute it first")
    device = device_of(model)
    scale = output_scale(states, agent.has_critic).to(device)
    even = uniform_weights(states.layout).to(device)

    def compute(indices: NDArray[np.int64], share: float) -> Terms:
        del share
        seen = to_states(_stored(states, indices, device), states.layout)
        posterior = model.encode(seen)
        z = posterior.mu + posterior.log_sigma.exp() * torch.randn_like(posterior.mu)
        decoded = model.decode(z)
        weights = even
        if saliency is not None:
            weights = with_floor(saliency.weights(indices).to(device), loss.floor, states.layout)
        terms = {
            "pixels": pixel_loss(decoded, seen, weights, states.layout).mean(),
            "kl": kl_to_prior(*posterior).mean(),
        }
        terms["loss"] = terms["pixels"] + loss.kl_weight * terms["kl"]
        if loss.variant == "full":
            recorded = _recorded(states, indices, device)
            terms["agent"] = agent_loss(recorded, agent(decoded), scale).mean()
            terms["loss"] = terms["loss"] + loss.agent_weight * terms["agent"]
        return terms

    return compute


def crisp_objective(
    model: CrispModel, agent: Agent, states: StateSet, loss: CrispLoss, precision: torch.dtype
) -> Objective:
    """Return the negative evidence lower bound in nats, and later what the agent makes of the pictures.

    Args:
        model: to be fitted; states are moved to where it is, as bytes.
        agent: frozen, on the model's device.
        states: of the agent's layout.
        loss: its weights.
        precision: in which the model is shown states.
    """
    device = device_of(model)
    scale = decision_scale(states).to(device)
    spread = _feature_spread(agent, states, device)

    def compute(indices: NDArray[np.int64], share: float) -> Terms:
        stored = _stored(states, indices, device)
        levels = sum(share >= start for start in loss.levels_from)
        made = model.look(one_hot_frames(stored, states.layout, precision), levels)
        nats, kl = model.nats(made.raw, stored), made.kl.sum(1)  # (B,)
        terms = {"nats": nats.mean(), "kl": kl.mean(), "loss": bounded_mean(nats + loss.kl_weight * kl)}
        if share >= loss.agent_from:
            # Every so many: a batch is sorted, and its first states are always among the first recorded.
            few = slice(None, None, -(-len(indices) // loss.agent_states))
            output, hidden = agent.features(model.pictures(made.raw[few]))
            with torch.no_grad():
                seen, wanted = agent.features(to_states(stored[few], states.layout))
            terms["features"] = ((hidden - wanted).float() / spread).square().sum(1).mean()
            off = (decision_vector(output) - decision_vector(seen)) / scale
            terms["agent"] = off.square().sum(1).mean()
            terms["loss"] = (
                terms["loss"] + loss.feature_weight * terms["features"] + loss.agent_weight * terms["agent"]
            )
        return terms

    return compute


def bounded_mean(losses: Tensor) -> Tensor:
    """Return the mean of positive losses (B,), each weighed down to `FARTHEST` times their median at most.

    A state like no other, such as the first after a reset, whose colours no later picture of Pong has, would
    outweigh all others of its batch a hundred times, and undo many steps.
    """
    with torch.no_grad():
        weights = (FARTHEST * losses.median() / losses).clamp(max=1.0)
    return (weights * losses).mean()


def _stored(states: StateSet, indices: NDArray[np.int64], device: torch.device) -> Tensor:
    """Return stored states (B, T, M, H, W), uint8: a twentieth or less of what they are as floats."""
    return torch.from_numpy(states.stored(indices)).to(device)


def _recorded(states: StateSet, indices: NDArray[np.int64], device: torch.device) -> AgentOutput:
    """Return what the agent said when the states were recorded."""
    said = (torch.from_numpy(of[indices]).to(device) for of in (states.scores, states.value))
    return AgentOutput(*said)


def _feature_spread(agent: Agent, states: StateSet, device: torch.device, count: int = 256) -> Tensor:
    """Return the standard deviation (F,) of the agent's hidden units over some states to fit.

    Units that hardly ever speak get the mean of all, lest their whispers weigh most.
    """
    chosen = states.fit_indices[:: max(1, len(states.fit_indices) // count)]
    with torch.no_grad():
        hidden = torch.cat(
            [
                agent.features(to_states(_stored(states, part, device), states.layout))[1].float()
                for part in np.array_split(chosen, min(16, len(chosen)))
            ]
        )
    spread = hidden.std(dim=0)
    return spread.clamp_min(max(float(spread.mean()), 1e-6))
