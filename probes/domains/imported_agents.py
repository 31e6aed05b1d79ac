"""Agents that other libraries trained: stable-baselines3, CleanRL, or any module of the user's own.

Of a file nothing but the weights is read, into the network of Mnih et al. (2015) that both libraries use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from probes.agent import ProbeError
from probes.domains.atari_agents import AtariAgent, GrayOutput
from probes.domains.atari_frames import STACK
from probes.domains.weight_files import Archive, load_tensors, read_file
from probes.user_function import find_function

HIDDEN = 512
"""Units of the last hidden layer."""
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class NatureNetwork(nn.Module):
    """The network of Mnih et al. (2015), for 84x84 gray stacks.

    Args:
        actions: A.
        has_critic: whether there is a head for the value beside the one for the scores.
    """

    def __init__(self, actions: int, has_critic: bool) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(STACK, 32, 8, 4),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 7 * 7, HIDDEN),
            nn.ReLU(),
        )
        self.scores = nn.Linear(HIDDEN, actions)
        self.value = nn.Linear(HIDDEN, 1) if has_critic else None

    def forward(self, gray: Tensor) -> GrayOutput:
        """Judge gray stacks (B, 4, 84, 84) in [0, 1]."""
        hidden = self.trunk(gray)
        scores: Tensor = self.scores(hidden)
        return scores if self.value is None else (scores, self.value(hidden))


class Naming(NamedTuple):
    """How a library names the layers of `NatureNetwork`."""

    layers: Mapping[str, str]
    """Ours by theirs."""
    repeated: tuple[str, ...] = ()
    """Beginnings of names under which layers stand again, with the same weights."""
    ignored: tuple[str, ...] = ()
    """Beginnings of names that do not matter for playing."""

    @property
    def has_critic(self) -> bool:
        """Whether there is a head for the value."""
        return "value" in self.layers.values()


def _trunk(convolutions: str, linear: str) -> dict[str, str]:
    return {f"{convolutions}{index}": f"trunk.{index}" for index in (0, 2, 4)} | {linear: "trunk.7"}


_SB3 = (
    Naming(
        _trunk("features_extractor.cnn.", "features_extractor.linear.0")
        | {"action_net": "scores", "value_net": "value"},
        repeated=("pi_", "vf_"),
    ),
    Naming(
        _trunk("q_net.features_extractor.cnn.", "q_net.features_extractor.linear.0")
        | {"q_net.q_net.0": "scores"},
        ignored=("q_net_target.",),
    ),
)
_CLEANRL = (
    Naming(_trunk("network.", "network.7") | {"actor": "scores", "critic": "value"}),
    Naming(_trunk("network.", "network.7") | {"network.9": "scores"}),
)


def load_imported(name: str, game: str, actions: Sequence[str]) -> AtariAgent:
    """Load an agent that another library trained on a game.

    Args:
        name: `sb3:FILE.zip` (DQN, A2C or PPO with CnnPolicy), `cleanrl:FILE` (a state dict of its DQN or PPO
            for Atari), or `module:function`, a function without arguments that returns a torch module from
            gray stacks (B, 4, 84, 84) in [0, 1], the oldest picture first, to Q-values (B, A), or to logits
            (B, A) and values (B,).
        game: what it plays.
        actions: the game's, in the emulator's order.

    Raises:
        ProbeError: it cannot be loaded, or does not fit the game. No file can run code.
    """
    kind, _, rest = name.partition(":")
    if kind in _READERS and rest:
        network = _READERS[kind](Path(rest), name, actions)
        return AtariAgent(network, actions, f"{kind}-{Path(rest).stem}", game)
    if _FUNCTION.fullmatch(name):
        return AtariAgent(_call(name), actions, name.replace(":", "-"), game)
    near = get_close_matches(kind, list(_READERS), 1)
    hint = f"; did you mean {near[0]}:{rest}?" if near else ""
    raise ProbeError(f"agent {name!r}: allowed are sb3:FILE.zip, cleanrl:FILE and module:function{hint}")


def is_imported(name: str) -> bool:
    """Tell whether an agent's name is one that `load_imported` takes."""
    return name.partition(":")[0] in _READERS or bool(_FUNCTION.fullmatch(name))


def _read_sb3(path: Path, name: str, actions: Sequence[str]) -> NatureNetwork:
    weights = Archive(read_file(path), str(path)).read("policy.pth")
    return _fill(load_tensors(weights, f"{path}: policy.pth"), _SB3, name, actions)


def _read_cleanrl(path: Path, name: str, actions: Sequence[str]) -> NatureNetwork:
    return _fill(load_tensors(read_file(path), str(path)), _CLEANRL, name, actions)


_READERS: dict[str, Callable[[Path, str, Sequence[str]], NatureNetwork]] = {
    "sb3": _read_sb3,
    "cleanrl": _read_cleanrl,
}


def _fill(
    tensors: Mapping[str, Tensor], namings: Sequence[Naming], name: str, actions: Sequence[str]
) -> NatureNetwork:
    """Build the network of the naming that fits, with the tensors as its weights."""
    naming = _choose(tensors, namings, name)
    network = NatureNetwork(len(actions), naming.has_critic)
    wanted = network.state_dict()
    ours = {
        f"{theirs}.{part}": f"{layer}.{part}"
        for theirs, layer in naming.layers.items()
        for part in ("weight", "bias")
    }
    _check_names(tensors, ours, naming, name)
    for theirs, layer in ours.items():
        _check_tensor(tensors[theirs], wanted[layer], f"agent {name!r}: {theirs}", len(actions))
    _check_repeated(tensors, naming, name)
    network.load_state_dict({layer: tensors[theirs].float() for theirs, layer in ours.items()})
    return network


def _choose(tensors: Mapping[str, Tensor], namings: Sequence[Naming], name: str) -> Naming:
    for naming in namings:
        head = next(theirs for theirs, layer in naming.layers.items() if layer == "scores")
        if f"{head}.weight" in tensors:
            return naming
    found = ", ".join(sorted(tensors)[:6]) or "nothing"
    heads = [theirs for naming in namings for theirs, layer in naming.layers.items() if layer == "scores"]
    raise ProbeError(
        f"agent {name!r}: found weights {found:.300}; allowed are networks with {' or '.join(heads)}"
    )


def _check_names(tensors: Mapping[str, Tensor], ours: Mapping[str, str], naming: Naming, name: str) -> None:
    """Require every weight, and no other that would matter."""
    missing = [theirs for theirs in ours if theirs not in tensors]
    if missing:
        near = get_close_matches(missing[0], [key for key in tensors if key not in ours], 1)
        hint = f"; did {near[0]!r} mean one of them?" if near else ""
        raise ProbeError(f"agent {name!r}: lacks {', '.join(missing)}{hint}")
    for key in tensors:
        if key in ours or key.startswith(naming.ignored):
            continue
        if not (key.startswith(naming.repeated) and key.partition("_")[2] in ours):
            raise ProbeError(
                f"agent {name!r}: found {key[:80]!r}, which the network of Mnih et al. (2015) does not have; "
                "give a network of your own as module:function"
            )


def _check_tensor(found: Tensor, wanted: Tensor, where: str, actions: int) -> None:
    """Require the shape before anything is computed, then finite numbers."""
    if found.shape != wanted.shape:
        hint = f" for the game's {actions} actions" if actions in wanted.shape else ""
        raise ProbeError(f"{where} has shape {tuple(found.shape)}, allowed is {tuple(wanted.shape)}{hint}")
    if not found.is_floating_point():
        raise ProbeError(f"{where} holds {found.dtype}, allowed are floating-point numbers")
    if not bool(torch.isfinite(found.float()).all()):
        raise ProbeError(f"{where} holds numbers that are not finite")


def _check_repeated(tensors: Mapping[str, Tensor], naming: Naming, name: str) -> None:
    """Require that policy and value look through the same layers."""
    for key, tensor in tensors.items():
        if key.startswith(naming.repeated):
            first = tensors[key.partition("_")[2]]
            if tensor.shape != first.shape or not torch.equal(tensor.float(), first.float()):
                raise ProbeError(
                    f"agent {name!r}: {key} differs from {key.partition('_')[2]}; allowed are policies that "
                    "share their features (share_features_extractor=True)"
                )


def _call(name: str) -> nn.Module:
    """Import `module:function`, from the working directory too, and call the function."""
    function = find_function(name, "agent")
    try:
        network = function()
    except ProbeError:
        raise
    except (Exception, SystemExit) as error:
        raise ProbeError(f"agent {name!r}: cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise ProbeError(f"agent {name!r}: returned {type(network).__name__}, allowed is a torch.nn.Module")
    return network
