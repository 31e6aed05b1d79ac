"""What is probed: an agent that maps states to scores and a value, differentiably (Sec. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.states import StateLayout


class ProbeError(Exception):
    """Something that the user gave cannot be used; the message says what, and what to do."""


class DivergedError(ProbeError):
    """What a fit or a search computes is no longer finite; commands exit with a status of its own."""


class AgentOutput(NamedTuple):
    """What an agent says of B states."""

    scores: Tensor
    """(B, A): Q-values of a DQN, logits of an actor-critic."""
    value: Tensor
    """(B,): the critic of an actor-critic, the largest Q-value of a DQN."""

    @property
    def log_policy(self) -> Tensor:
        """(B, A) log-probabilities, of an actor-critic's logits."""
        return torch.log_softmax(self.scores, dim=1)


@runtime_checkable
class Agent(Protocol):
    """A trained agent. An `nn.Module` in eval mode whose ReLUs are modules, if saliency is wanted."""

    layout: StateLayout
    """Of the states that it sees."""
    actions: tuple[str, ...]
    """Names of its A actions."""
    has_critic: bool
    """Whether it is an actor-critic: scores are logits. Otherwise they are Q-values."""

    def __call__(self, states: Tensor) -> AgentOutput:
        """Judge float states (B, T, C, H, W) in [0, 1], differentiably."""
        ...

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        """Judge states and return the last hidden layer's activations (B, F) too."""
        ...

    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        """Judge recorded states (B, T, M, H, W) without gradients, as fast as the agent can."""
        ...


class NamedAgent(Agent, Protocol):
    """An agent that artifacts can name."""

    name: str
    digest: str
    """Sha256 of its weights."""


def action_index(actions: Sequence[str], name: str) -> int:
    """Find an action by name.

    Raises:
        ProbeError: there is none; the message names the nearest spelling.
    """
    if name in actions:
        return list(actions).index(name)
    near = get_close_matches(name, actions, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProbeError(f"no action {name!r}: allowed are {', '.join(actions)}{hint}")


def freeze(agent: Agent) -> None:
    """Put the agent in eval mode and stop gradients of its weights; those of its input remain."""
    if isinstance(agent, nn.Module):
        agent.eval().requires_grad_(False)
