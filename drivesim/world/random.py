"""Counted randomness: a number is a function of who asks and how often, never of who asked before.

The key of a draw is (world seed, stream, index, count, purpose). Adding a car, another world or a draw
for another purpose therefore changes nothing else. The mixer is SplitMix64's finaliser (Steele et al. 2014).
"""

from __future__ import annotations

import math

import numpy as np

from drivesim.kernels import kernel

#: Streams, one per subsystem.
BUILDINGS, SIGNALS, EGO, CARS, PEOPLE, WORLD, NOISE, EPISODES = range(8)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


@kernel
def mix(value: np.uint64) -> np.uint64:
    """Scramble 64 bits."""
    value = (value ^ (value >> _S30)) * _FIRST
    value = (value ^ (value >> _S27)) * _SECOND
    return value ^ (value >> _S31)


@kernel
def hash_key(seed: int, stream: int, index: int, count: int, purpose: int) -> np.uint64:
    """Hash a draw's key to 64 bits. Negative indices are allowed."""
    value = mix(np.uint64(seed) + _GOLDEN)
    value = mix(value + np.uint64(stream + 1) * _GOLDEN)
    value = mix(value + np.uint64(index) * _FIRST + _GOLDEN)
    value = mix(value + np.uint64(count) * _SECOND + _GOLDEN)
    return mix(value + np.uint64(purpose + 1) * _GOLDEN)


@kernel
def uniform(seed: int, stream: int, index: int, count: int, purpose: int) -> float:
    """Draw from [0, 1)."""
    return float(hash_key(seed, stream, index, count, purpose) >> _S11) * 1.1102230246251565e-16


@kernel
def standard_normal(seed: int, stream: int, index: int, count: int, purpose: int) -> float:
    """Draw from N(0, 1), by Box and Muller (1958). Uses the purposes `purpose` and `purpose + 4096`."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(seed, stream, index, count, purpose)))
    return radius * math.cos(2.0 * math.pi * uniform(seed, stream, index, count, purpose + 4096))
