"""Where the agent looks: the weights of the reconstruction loss, by guided backpropagation (Sec. 2.1, Eq. 2).

Springenberg et al. (2015): a gradient that passes a ReLU backwards is cut off where it is negative.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import GuidedBackprop  # type: ignore[import-untyped]  # captum ships no types
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from probes.agent import Agent, ProbeError
from probes.states import StateLayout

BLUR = 5
"""Pixels, side of the square that is averaged."""

_RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)


class _Verdict(nn.Module):
    """The scalar (B,) whose gradient is taken."""

    def __init__(self, agent: nn.Module, has_critic: bool, with_value: bool) -> None:
        super().__init__()
        self.agent, self._has_critic, self._with_value = agent, has_critic, with_value

    def forward(self, states: Tensor) -> Tensor:
        output = self.agent(states)
        best: Tensor = (output.log_policy if self._has_critic else output.scores).amax(dim=1)
        return best + output.value if self._with_value else best


class _ReluCounter(TorchFunctionMode):
    """Counts calls of ReLU, by modules and functions alike."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        self.calls += func in _RELUS
        return func(*args, **(kwargs or {}))


def check_relus(agent: Agent) -> int:
    """Require that every ReLU of an agent is a module, for captum guides no other and says nothing.

    What runs inside TorchScript or an exported program is not seen, and ends in the error for no ReLU.

    Returns:
        How many ReLUs a forward pass goes through.

    Raises:
        ProbeError: there is none, or one is a function.
    """
    if not isinstance(agent, nn.Module):
        raise ProbeError(f"saliency: found an agent of type {type(agent).__name__}, allowed are nn.Modules")
    ran: list[nn.Module] = []
    relus = [module for module in agent.modules() if isinstance(module, nn.ReLU)]
    hooks = [module.register_forward_hook(lambda module, *_: ran.append(module)) for module in relus]
    counter = _ReluCounter()
    try:
        with torch.no_grad(), counter:
            agent(torch.zeros((1, *agent.layout.shape), device=device_of(agent)))
    finally:
        for hook in hooks:
            hook.remove()
    if not ran:
        raise ProbeError(
            "saliency: the agent's forward pass goes through no nn.ReLU module, so that guided"
            " backpropagation would be the plain gradient; make its ReLUs modules"
        )
    if counter.calls != len(ran):
        raise ProbeError(
            f"saliency: the agent calls ReLU {counter.calls} times but only {len(ran)} of them as nn.ReLU"
            " modules, which alone are guided; replace functional.relu and torch.relu by modules"
        )
    return len(ran)


def device_of(agent: nn.Module) -> torch.device:
    """Return where an agent's weights lie, the CPU if it has none."""
    return next((parameter.device for parameter in agent.parameters()), torch.device("cpu"))


def guided_gradient(agent: Agent, states: Tensor, with_value: bool = False) -> Tensor:
    """Return the guided gradient (B, T, C, H, W) of what the agent would do.

    Args:
        agent: frozen, in eval mode; `check_relus` accepts it.
        states: (B, T, C, H, W) in [0, 1].
        with_value: whether V is added to what is differentiated: log pi(a*) of an actor-critic, the largest
            Q-value of a DQN.
    """
    assert isinstance(agent, nn.Module)
    verdict = _Verdict(agent, agent.has_critic, with_value)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")
        gradient: Tensor = GuidedBackprop(verdict).attribute(states.detach().clone().requires_grad_(True))
    return gradient.detach()


def plane_saliency(gradient: Tensor, layout: StateLayout) -> Tensor:
    """Sum |gradient| (B, T, C, H, W) over each plane's channels: (B, T, P, H, W)."""
    parts = [gradient[:, :, channels].abs().sum(dim=2) for _, channels, _ in layout.slices()]
    return torch.stack(parts, dim=2)


def normalised(saliency: Tensor, layout: StateLayout) -> Tensor:
    """Return the weights w (B, T, P, H, W) of Eq. 2 of planes' saliency (B, T, P, H, W).

    Averaged over 5x5 pixels (at the border over those that exist), then divided such that the weights sum to
    1 over all d = T * C * H * W entries of a state, a pixel's weight counting once for each of its plane's
    channels. Where nothing is salient, w = 1 / d.
    """
    blurred = _averaged(saliency)
    channels = torch.tensor([plane.channels for plane in layout.planes], device=saliency.device)
    totals = (blurred.sum(dim=(1, 3, 4)) * channels).sum(dim=1).reshape(-1, 1, 1, 1, 1)
    entries = float(np.prod(layout.shape))
    return torch.where(totals > 0, blurred / totals.clamp_min(torch.finfo(totals.dtype).tiny), 1 / entries)


def _averaged(pictures: Tensor) -> Tensor:
    """Average each pixel (..., H, W) with its neighbours up to two pixels away, as many as there are.

    Shifted sums take a fifth of `avg_pool2d`'s time on a CPU.
    """
    height, width = pictures.shape[-2:]
    reach = BLUR // 2
    padded = functional.pad(pictures, (reach, reach, reach, reach))
    rows = padded[..., :height, :].clone()
    for shift in range(1, BLUR):
        rows += padded[..., shift : shift + height, :]
    sums = rows[..., :width].clone()
    for shift in range(1, BLUR):
        sums += rows[..., shift : shift + width]
    counts = [_neighbours(side, reach, pictures.device) for side in (height, width)]
    return sums / torch.outer(*counts)


def _neighbours(side: int, reach: int, device: torch.device) -> Tensor:
    """Return how many pixels lie within reach of each of a line of pixels (side,), itself included."""
    place = torch.arange(side, device=device, dtype=torch.float32)
    return 1 + place.clamp(max=reach) + place.flip(0).clamp(max=reach)


def spread(planes: Tensor, layout: StateLayout) -> Tensor:
    """Repeat planes' weights (B, T, P, H, W) for each of their channels, (B, T, C, H, W)."""
    channels = torch.tensor([plane.channels for plane in layout.planes], device=planes.device)
    return planes.repeat_interleave(channels, dim=2)


def weights(agent: Agent, states: Tensor, with_value: bool = False) -> Tensor:
    """Return the weights w (B, T, C, H, W) of Eq. 2 for states (B, T, C, H, W); they sum to 1 per state.

    Args:
        agent: frozen, in eval mode; `check_relus` accepts it.
        states: real ones.
        with_value: see `guided_gradient`.
    """
    saliency = plane_saliency(guided_gradient(agent, states, with_value), agent.layout)
    return spread(normalised(saliency, agent.layout), agent.layout)
