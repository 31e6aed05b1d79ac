"""`--device`: where a command computes."""

from __future__ import annotations

import argparse
from typing import Literal, get_args

import torch

from probes.agent import ProbeError

Device = Literal["cpu", "cuda"]


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument("--device", choices=get_args(Device), default="cpu", help="where it is computed")


def require_device(device: Device) -> Device:
    """Return a device that PyTorch can use.

    Raises:
        ProbeError: it sees no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ProbeError(
            f"--device: found 'cuda', but PyTorch {torch.__version__} sees no CUDA device; available is cpu"
        )
    return device
