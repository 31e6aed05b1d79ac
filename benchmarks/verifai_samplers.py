"""VerifAI's samplers (Dreossi et al. 2019) as methods of `probes falsify`, if `verifai` is installed:

    probes falsify --methods cma-es benchmarks.verifai_samplers:cross_entropy

`pip install verifai` brings an OpenCV of its own, which overwrites the one without windows that this project
has; install it in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from probes.agent import ProbeError
from probes.falsify import ELITES, POPULATION, Floats, Proposals


def cross_entropy(dimensions: int, seed: int) -> Proposals[Floats]:
    """Search by VerifAI's cross-entropy method, over five intervals of each dimension."""
    return _proposals("crossEntropy", dimensions, seed, POPULATION)


def multi_armed_bandit(dimensions: int, seed: int) -> Proposals[Floats]:
    """Search by VerifAI's bandit, whose arms are intervals of each dimension.

    One point at a time, for what it knows decides which arm is next: many times slower by the clock.
    """
    return _proposals("multiArmedBandit", dimensions, seed, 1)


def _proposals(kind: str, dimensions: int, seed: int, at_a_time: int) -> Proposals[Floats]:
    """Let a sampler propose points, and tell it how each went.

    Its samplers learn from what has a robustness below 0 alone, which here would be the failure that ends a
    search; so what is among the best quarter so far counts, the share that our cross-entropy method goes on
    from.
    """
    sampler, draws, costs = make_sampler(kind, dimensions), _Draws(seed), list[float]()
    while True:
        with draws.own():
            drawn = [sampler.getSample() for _ in range(at_a_time)]
        runs = yield np.clip(np.array([tuple(sample.point) for sample, _ in drawn], np.float64), 0.0, 1.0)
        costs += [run.cost for run in runs]
        bar = float(np.quantile(costs, ELITES / POPULATION))
        with draws.own():
            for (sample, info), run in zip(drawn, runs, strict=True):
                sampler.update(sample, info, run.cost - bar)


def make_sampler(kind: str, dimensions: int) -> Any:
    """Make a sampler of the unit cube, whose samples have a `point`.

    Raises:
        ProbeError: VerifAI is not installed.
    """
    try:
        features, samplers = import_module("verifai.features"), import_module("verifai.samplers")
    except ImportError as error:
        raise ProbeError(f"VerifAI is not installed ({error}): pip install verifai") from error
    cube = features.Feature(features.Box(*[[0.0, 1.0]] * dimensions))
    return getattr(samplers.FeatureSampler, f"{kind}SamplerFor")(features.FeatureSpace({"point": cube}))


class _Draws:
    """A state of NumPy's global generator, from which VerifAI draws, of a search's own."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState(seed).get_state()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Draw from it, and leave the global one as it was."""
        before = np.random.get_state()  # noqa: NPY002  # it is the one that VerifAI has
        np.random.set_state(self._state)  # noqa: NPY002
        try:
            yield
        finally:
            self._state = np.random.get_state()  # noqa: NPY002
            np.random.set_state(before)  # noqa: NPY002
