"""Targets that a user brings as `module:function`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from probes.agent import AgentOutput, ProbeError


def _import(module: str, target: str) -> ModuleType:
    """Import a module by name, from the working directory too, as `python -m` would."""
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        return import_module(module)
    except ProbeError:
        raise
    except Exception as error:
        raise ProbeError(
            f"target {target!r}: module {module!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(here)


def _find(target: str) -> Callable[..., object]:
    """Return the function that `module:function` names."""
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise ProbeError(f"target {target!r}: a target of your own is written module:function")
    module = _import(module_name, target)
    function = getattr(module, name, None)
    if callable(function):
        return function  # type: ignore[no-any-return]  # `callable` narrows to Any
    functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    near = get_close_matches(name, functions, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProbeError(f"target {target!r}: {module_name} has no function {name!r}{hint}")


def load_user_target(target: str) -> Callable[[AgentOutput, Tensor], Tensor]:
    """Import `module:function` and guard what it returns.

    Returns:
        the function, which raises ProbeError when it returns anything but a finite float tensor (B,).

    Raises:
        ProbeError: it cannot be imported, or does not take (output, states).
    """
    function = _find(target)
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
