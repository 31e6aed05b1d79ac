"""Work in parts, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def on_all_cores(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Work on parts side by side, each on one of the cores that PyTorch may use; return results in order.

    Cores that share every operation wait for each other after every one, a fifth of the time, and far longer
    if something else runs beside them; and sums of shared operations are rounded as the number of cores has
    it. So a lone part has one core too: cut the work into at least as many parts as there are cores.

    Args:
        work: on a part; it changes nothing that another part's work reads. What PyTorch keeps for each thread
            (autocast, whether gradients are kept, modes such as a counter of operations) is not passed on:
            work enters it itself.
        parts: what to work on.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return [work(part) for part in parts]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, parts))
    finally:
        torch.set_num_threads(threads)
