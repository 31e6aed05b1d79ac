"""What the files of an artifact are: memory maps, tensors as safetensors, JSON. Loading cannot run code."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import DTypeLike
from safetensors import SafetensorError

from probes.agent import ProbeError


def open_array(file: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Make a `.npy` memory map of zeros with its room on the disk already taken.

    A map made without it grows as it is filled, and a full disk then kills the process by a signal.

    Raises:
        OSError: the disk is full; `writing` turns it into a `ProbeError`.
    """
    array = np.lib.format.open_memmap(file, "w+", dtype, shape)
    with file.open("r+b") as stream:
        os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return array


def save_tensors(file: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors by name, of any device and precision, as safetensors."""
    # Cloned, for the format refuses tensors that share memory.
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    file.write_bytes(safetensors.torch.save(own))


def load_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Read tensors that `save_tensors` wrote, onto the CPU.

    Raises:
        ProbeError: the file is missing or malformed.
    """
    try:
        return safetensors.torch.load(file.read_bytes())
    except OSError as error:
        raise ProbeError(f"{file}: cannot be read: {error.strerror}") from error
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ProbeError(f"{file}: not a safetensors file: {error}") from error


def write_json(file: Path, data: object) -> None:
    """Write what JSON can hold.

    Raises:
        ProbeError: it holds something else, or a number that is not finite; the message says where.
    """
    try:
        text = json.dumps(data, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        where = unwritable(data, "")
        raise ProbeError(f"{file}: cannot be written as JSON: {where or error}") from error
    file.write_text(text + "\n", encoding="utf-8")


def read_json(file: Path) -> Any:
    """Read a JSON file.

    Raises:
        ProbeError: it cannot be read or is not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise ProbeError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ProbeError(f"{file}: truncated or altered, not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def unwritable(data: object, where: str) -> str | None:
    """Say where JSON's first obstacle lies, such as `.findings[3].kl is nan`."""
    if isinstance(data, Mapping):
        children = [(f"{where}.{key}", value) for key, value in data.items()]
    elif isinstance(data, list | tuple):
        children = [(f"{where}[{index}]", value) for index, value in enumerate(data)]
    elif data is None or isinstance(data, str | int) or (isinstance(data, float) and math.isfinite(data)):
        return None
    else:
        return f"{where or 'it'} is {data!r}, of type {type(data).__name__}"
    return next(filter(None, (unwritable(value, place) for place, value in children)), None)
