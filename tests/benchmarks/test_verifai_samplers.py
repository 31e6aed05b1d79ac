from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import verifai_samplers
from benchmarks.verifai_samplers import cross_entropy, make_sampler, multi_armed_bandit
from probes.agent import ProbeError
from probes.falsify import Run


class Sampler:
    """Draws from NumPy's global generator, as VerifAI's do, and keeps what it is told."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions, self.told = dimensions, list[tuple[Any, float]]()

    def getSample(self) -> tuple[Any, str]:
        point = np.random.rand(self.dimensions)  # noqa: NPY002  # as VerifAI does
        return SimpleNamespace(point=tuple(point)), f"of {point[0]}"

    def update(self, sample: Any, info: str, robustness: float) -> None:
        assert info == f"of {sample.point[0]}"
        self.told.append((sample.point, robustness))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Sampler]:
    samplers: list[Sampler] = []

    def make(kind: str, dimensions: int) -> Sampler:
        assert kind in ("crossEntropy", "multiArmedBandit")
        samplers.append(Sampler(dimensions))
        return samplers[-1]

    monkeypatch.setattr(verifai_samplers, "make_sampler", make)
    return samplers


def test_a_bandit_proposes_one_point_and_the_best_quarter_counts_as_failures(made: list[Sampler]) -> None:
    proposals = multi_armed_bandit(3, seed=1)
    points = [next(proposals)]
    costs = [4.0, 3.0, 2.0, 1.0, 5.0]
    for cost in costs:
        points.append(proposals.send([Run(1, cost, False)]))
    assert all(point.shape == (1, 3) and point.min() >= 0 and point.max() <= 1 for point in points)
    (sampler,) = made
    assert [told[0] for told in sampler.told] == [tuple(point[0]) for point in points[:5]]
    quarters = [np.quantile(costs[: k + 1], 0.25) for k in range(5)]
    assert [told[1] for told in sampler.told] == pytest.approx(np.subtract(costs, quarters))
    assert [told[1] < 0 for told in sampler.told] == [False, True, True, True, False]


def test_cross_entropy_proposes_a_batch_and_learns_of_each(made: list[Sampler]) -> None:
    proposals = cross_entropy(3, seed=1)
    points = next(proposals)
    assert points.shape == (16, 3)
    again = proposals.send([Run(1, float(k), False) for k in range(16)])
    assert not (points == again).any()
    (sampler,) = made
    assert [told[0] for told in sampler.told] == [tuple(point) for point in points]
    assert [told[1] for told in sampler.told] == pytest.approx(np.arange(16) - 3.75)


@pytest.mark.usefixtures("made")
def test_a_seed_alone_decides_and_the_global_generator_stays_as_it_was() -> None:
    def first_two(seed: int) -> list[float]:
        proposals = multi_armed_bandit(2, seed)
        points = [next(proposals), proposals.send([Run(1, 1.0, False)])]
        return [float(number) for point in points for number in point[0]]

    before = np.random.get_state(legacy=True)[2]  # type: ignore[index]  # noqa: NPY002
    assert first_two(1) == first_two(1)
    assert first_two(1) != first_two(2)
    assert np.random.get_state(legacy=True)[2] == before  # type: ignore[index]  # noqa: NPY002


def test_without_verifai_it_says_what_to_install() -> None:
    if find_spec("verifai"):
        assert len(make_sampler("crossEntropy", 2).getSample()[0].point) == 2
    else:
        with pytest.raises(ProbeError, match=r"VerifAI is not installed .*pip install verifai"):
            make_sampler("crossEntropy", 2)
