"""Targets that a user brings as `module:function`."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from probes.agent import AgentOutput, ProbeError
from probes.user_function import find_function


def load_user_target(target: str) -> Callable[[AgentOutput, Tensor], Tensor]:
    """Import `module:function` and guard what it returns.

    Returns:
        the function, which raises ProbeError when it returns anything but a finite float tensor (B,).

    Raises:
        ProbeError: it cannot be imported, or does not take (output, states).
    """
    function = find_function(target, "target")
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError) as error:
        raise ProbeError(
            f"target {target!r} must be callable as function(output, states): {error}"
        ) from error

    def guarded(output: AgentOutput, states: Tensor) -> Tensor:
        j = function(output, states)
        expected = tuple(output.value.shape)
        if not isinstance(j, Tensor) or tuple(j.shape) != expected or not j.is_floating_point():
            found = f"{j.dtype} {tuple(j.shape)}" if isinstance(j, Tensor) else type(j).__name__
            raise ProbeError(f"target {target!r} must return a float tensor of shape {expected}, got {found}")
        if not bool(torch.isfinite(j).all()):
            raise ProbeError(f"target {target!r} returned NaN or infinity")
        return j

    return guarded
