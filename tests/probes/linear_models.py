"""A state model and agents that are matrices, so that searches of them take milliseconds."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import AgentOutput
from probes.state_models.state_model import Posterior
from probes.states import Plane, StateLayout, to_states, to_stored

LAYOUT = StateLayout((Plane("semantic", "class", 3),), stack=2, height=8, width=8)
ACTIONS: tuple[str, ...] = ("go", "brake")
LATENT = 40
ACTIVE = 8
"""Dimensions of the latent vector that change the picture."""


def _fit(x: Tensor, y: Tensor) -> Tensor:
    """Return the ridge regression of y on x, rounded: a solver's last bits differ from process to process."""
    x, y = x.double(), y.double()
    weights: Tensor = torch.linalg.solve(x.T @ x + torch.eye(x.shape[1]), x.T @ y)
    return weights.float().round(decimals=5)


class LinearModel(nn.Module):
    """Decodes class logits linearly from the first ACTIVE numbers; its encoder is fitted by least squares.

    The residual of the fit is the posterior's variance, so that posteriors average to the prior.
    """

    layout = LAYOUT
    latent_size = LATENT
    gain: Tensor
    inverse: Tensor
    log_sigma: Tensor

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        size = LAYOUT.stack * LAYOUT.channels * LAYOUT.height * LAYOUT.width
        self.register_buffer("gain", 3.0 * torch.randn(ACTIVE, size, generator=generator))
        z = torch.randn(1500, LATENT, generator=generator)
        pictures = self._flat(to_states(to_stored(self.decode(z), LAYOUT), LAYOUT))
        inverse = _fit(pictures[:1000], z[:1000, :ACTIVE])
        variance = (pictures[1000:] @ inverse - z[1000:, :ACTIVE]).var(0).clamp(1e-3, 1.0)
        self.register_buffer("inverse", inverse * (1 - variance).sqrt())
        self.register_buffer("log_sigma", torch.cat([variance.log() / 2, torch.zeros(LATENT - ACTIVE)]))

    def encode(self, states: Tensor) -> Posterior:
        mu = torch.zeros(len(states), LATENT)
        mu[:, :ACTIVE] = self._flat(states) @ self.inverse
        return Posterior(mu, self.log_sigma.expand_as(mu))

    def decode(self, z: Tensor) -> Tensor:
        return torch.softmax((z[:, :ACTIVE] @ self.gain).view(-1, *LAYOUT.shape), dim=2)

    @staticmethod
    def _flat(states: Tensor) -> Tensor:
        return states.flatten(1) - 1 / 3


class LinearAgent(nn.Module):
    """Two scores and a value, each a weighted sum of the state."""

    layout = LAYOUT
    actions = ACTIONS

    def __init__(self, has_critic: bool = True, seed: int = 1) -> None:
        super().__init__()
        self.has_critic = has_critic
        size = LAYOUT.stack * LAYOUT.channels * LAYOUT.height * LAYOUT.width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = nn.Linear(size, 3)

    def __call__(self, states: Tensor) -> AgentOutput:
        output: AgentOutput = super().__call__(states)
        return output

    def forward(self, states: Tensor) -> AgentOutput:
        out = self.head(states.flatten(1))
        value = out[:, 2] if self.has_critic else out[:, :2].amax(1)
        return AgentOutput(out[:, :2], value)

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        return self(states), states.flatten(1)

    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        with torch.no_grad():
            return self(to_states(torch.from_numpy(stored), LAYOUT))


class Pictures:
    """N states drawn from the model's prior and what the agent says of them: `manifold.Recorded`."""

    layout = LAYOUT

    def __init__(self, model: LinearModel, agent: LinearAgent, count: int = 300, seed: int = 2) -> None:
        z = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))
        self._stored = to_stored(model.decode(z), LAYOUT).numpy()
        output = agent.judge(self._stored)
        self.scores = output.scores.numpy()
        self.value = output.value.numpy()

    def stored(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self._stored[indices]

    def recorded(self) -> AgentOutput:
        return AgentOutput(torch.from_numpy(self.scores), torch.from_numpy(self.value))
