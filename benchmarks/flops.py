"""The floor of what is arithmetic: how many FLOPs some work takes, and how many a second are to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.timing import median_ratio, rates_in_turns

SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices that are multiplied."""
PICTURES = {"cpu": 8, "cuda": 512}
"""64 channels of 64x64 pixels that are convolved."""
REPEATS = 4
"""Of a product or convolution, within a turn."""


class Beside(NamedTuple):
    """Turns of a piece of work, each beside the floor measured right after it."""

    ours: list[float]
    """Units/s."""
    floor: list[float]
    """Units/s, were there nothing but the FLOPs, at the best rate of the turn."""
    attainable: list[float]
    """FLOP/s of each turn."""
    flops: float
    """Of a unit."""

    def as_json(self) -> dict[str, float]:
        """Return the medians."""
        return {
            "ours": median(self.ours),
            "floor": median(self.floor),
            "ratio_floor": median_ratio(self.ours, self.floor),
            "gflop_each": self.flops / 1e9,
            "attainable_gflop_per_s": median(self.attainable) / 1e9,
        }


def beside_the_floor(
    work: Callable[[], float], flops: float, precision: torch.dtype, device: str, repeats: int
) -> Beside:
    """Measure a piece of work, and after each turn the rate that this machine attains.

    Args:
        work: does some, and returns how many units a second it did once it was warm.
        flops: that a unit takes.
        precision: of its products and convolutions.
        device: `cpu` or `cuda`.
        repeats: turns.
    """
    turns = [(work(), attainable(precision, device)) for _ in range(repeats)]
    ours, best = ([turn[which] for turn in turns] for which in (0, 1))
    return Beside(ours, [rate / flops for rate in best], best, flops)


def counted(work: Callable[[], object]) -> int:
    """Return the FLOPs of the products and convolutions in a piece of work, backward ones too.

    A multiplication and its addition are two. Only this thread's are counted.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


@torch.no_grad()
def attainable(precision: torch.dtype, device: str) -> float:
    """Return the FLOP/s of a large product of matrices or of a 3x3 convolution, whichever are more."""
    rates = rates_in_turns(
        {"product": _product(precision, device), "convolution": _convolution(precision, device)}, repeats=1
    )
    return max(turn[0] for turn in rates.values())


def _product(precision: torch.dtype, device: str) -> Callable[[], float]:
    side = SIDE[device]
    one, other = (torch.rand(side, side, device=device, dtype=precision) for _ in range(2))
    return _repeated(lambda: one @ other)


def _convolution(precision: torch.dtype, device: str) -> Callable[[], float]:
    pictures = torch.rand(PICTURES[device], 64, 64, 64, device=device, dtype=precision)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    weights = torch.rand(64, 64, 3, 3, device=device, dtype=precision)
    return _repeated(lambda: functional.conv2d(pictures, weights, padding=1))


def _repeated(work: Callable[[], Tensor]) -> Callable[[], float]:
    flops = counted(work)

    def run() -> float:
        for _ in range(REPEATS):
            result = work()
        if result.is_cuda:
            torch.cuda.synchronize()
        return REPEATS * flops

    return run


def rate_of(stamps: Sequence[float], units: float) -> float:
    """Return units/s of work that was told of at some times (s), `units` of it between two of them."""
    return units * (len(stamps) - 1) / (stamps[-1] - stamps[0])


class Stamps(list[float]):
    """Times (s), one for each call."""

    def __call__(self, *_: object) -> None:
        """Note that something has been done."""
        self.append(perf_counter())


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
