"""Agents that play Atari games: gray inside, colour outside (Sec. 4.1)."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import AgentOutput, ProbeError
from probes.domains.atari_frames import LAYOUT, SIDE, STACK, gray_levels, gray_states

#: An actor-critic's (scores (B, A), value (B,) or (B, 1)), or a DQN's Q-values (B, A) alone.
GrayOutput = Tensor | tuple[Tensor, Tensor]


class AtariAgent(nn.Module):
    """A trained network of gray stacks, frozen, as a `probes.agent.Agent` of colour states.

    Args:
        network: from gray stacks (B, 4, 84, 84) in [0, 1], the oldest picture first, to `GrayOutput`.
        actions: names of its actions, as the emulator orders them.
        name: what it is called.
        game: what it plays.
        sticky: share of actions that are repeated where it plays.

    Raises:
        ProbeError: the network does not take or say that, or not for so many actions.
    """

    domain = "atari"

    def __init__(
        self, network: nn.Module, actions: Sequence[str], name: str, game: str, sticky: float = 0.0
    ) -> None:
        super().__init__()
        self.network = network
        self.eval().requires_grad_(False)
        self.layout = LAYOUT
        self.actions = tuple(actions)
        self.name = name
        self.game = game
        self.sticky = sticky
        self.has_critic = not isinstance(_try(network, len(self.actions), name), Tensor)
        self.digest = network_digest(network)
        """Sha256 of the network's structure and weights."""

    @property
    def world(self) -> str:
        """Where it learned."""
        return self.game

    def forward(self, states: Tensor) -> AgentOutput:
        """Judge float states (B, T, C, H, W) in [0, 1], differentiably."""
        return _output(self.network(gray_states(states)))

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        """Judge states and return the last hidden layer's activations (B, F) too.

        They are what goes into the linear layer that is called last.

        Raises:
            ProbeError: the network calls no linear layer.
        """
        with _linear_inputs(self.network) as seen:
            output = self(states)
        if not seen:
            raise ProbeError(f"agent {self.name!r}: calls no nn.Linear, so it has no last hidden layer")
        return output, seen[-1]

    @torch.no_grad()
    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        """Judge recorded states (B, T, M, H, W) without gradients, by the bytes of gray it learned on."""
        gray = torch.from_numpy(gray_levels(stored)).to(_device(self.network))
        return _output(self.network(gray.float().div_(255)))


class PlaneAxis(nn.Module):
    """A network of states (B, T, 1, H, W) as one of gray stacks (B, T, H, W).

    Args:
        network: for example a `drivesim.rl` network of the layout (gray,).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, gray: Tensor) -> GrayOutput:
        """Insert the axis of planes."""
        result: GrayOutput = self.network(gray.unsqueeze(2))
        return result


def _output(found: GrayOutput) -> AgentOutput:
    if isinstance(found, Tensor):
        return AgentOutput(found, found.amax(1))
    scores, value = found
    return AgentOutput(scores, value.reshape(-1))


def _device(network: nn.Module) -> torch.device:
    weight = next(network.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device


def _try(network: nn.Module, count: int, name: str) -> GrayOutput:
    """Ask the network about two stacks; return what it says.

    Raises:
        ProbeError: it cannot be asked, or says anything but numbers of the right shapes.
    """
    stacks = torch.linspace(0, 1, 2 * STACK * SIDE * SIDE, device=_device(network))
    try:
        with torch.no_grad():
            found: Any = network(stacks.reshape(2, STACK, SIDE, SIDE))
    except Exception as error:
        raise ProbeError(
            f"agent {name!r}: its network fails on gray stacks (2, {STACK}, {SIDE}, {SIDE}): "
            f"{type(error).__name__}: {error}"
        ) from error
    parts = list(found) if isinstance(found, tuple) else [found]
    shapes = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in parts]
    if len(parts) > 2 or shapes[0] != (2, count) or (len(parts) == 2 and shapes[1] not in ((2,), (2, 1))):
        raise ProbeError(
            f"agent {name!r}: found outputs {shapes} for 2 stacks; allowed are Q-values (2, {count}), or "
            f"scores (2, {count}) with values (2,): the game has {count} actions"
        )
    if not all(part.is_floating_point() and bool(part.isfinite().all()) for part in parts):
        raise ProbeError(f"agent {name!r}: its outputs are not finite numbers")
    result: GrayOutput = found
    return result


@contextmanager
def _linear_inputs(network: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what goes into the network's linear layers, (B, F) each, in the order of their calls."""
    seen: list[Tensor] = []
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    hooks = [module.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for module in linear]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def network_digest(network: nn.Module) -> str:
    """Return the sha256 of a network's structure and weights."""
    digest = hashlib.sha256(json.dumps(repr(network)).encode())
    for name, tensor in sorted(network.state_dict().items()):
        array = tensor.detach().cpu().float().contiguous().numpy()
        digest.update(f"{name} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def random_agent(like: AtariAgent, seed: int) -> AtariAgent:
    """Return the negative control: an agent of the same network that has learned nothing.

    Args:
        like: whose network, actions and game it takes.
        seed: of its weights, drawn as each layer draws its own; the global random state is left as it was.
    """
    network = copy.deepcopy(like.network)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        for module in network.modules():
            reset: Callable[[], None] | None = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    return AtariAgent(network, like.actions, f"{like.name}-random-{seed}", like.game, like.sticky)


def trained_agent(network: nn.Module, metadata: Mapping[str, Any], name: str, where: Path) -> AtariAgent:
    """Make an agent of a network that `probes train` kept.

    Args:
        network: of states (B, T, 1, H, W) in gray.
        metadata: that was kept beside it.
        name: what the agent is called.
        where: it lies, named in the error.

    Raises:
        ProbeError: the metadata names no game or no actions, or the network is not of such states.
    """
    game, actions, sticky = metadata.get("game"), metadata.get("actions"), metadata.get("sticky", 0.0)
    if not isinstance(game, str) or not isinstance(actions, list) or not isinstance(sticky, float | int):
        raise ProbeError(
            f"{where / 'agent.json'}: names no game, no actions, or stickiness that is no number;"
            " write it by `probes train`"
        )
    return AtariAgent(PlaneAxis(network), [str(action) for action in actions], name, game, float(sticky))
