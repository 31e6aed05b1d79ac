from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.realize import Floats, RefineConfig, refine

BLOCKS = [slice(0, 2), slice(2, 5)]
WANTED = np.array([1.0, -2.0, 0.5, 3.0, 0.0])


def far_from(numbers: Floats) -> Floats:
    """The squared distance of each block from what is wanted."""
    return np.stack([((numbers - WANTED)[:, block] ** 2).sum(1) for block in BLOCKS], axis=1)


def test_each_block_finds_its_own_minimum() -> None:
    found = refine(far_from, np.zeros(5), np.ones(5), BLOCKS, RefineConfig(generations=60))
    assert found == pytest.approx(WANTED, abs=0.01)


def test_a_block_is_judged_by_its_own_cost_alone() -> None:
    def indifferent(numbers: Floats) -> Floats:
        costs = far_from(numbers)
        costs[:, 1] = (
            np.random.default_rng(0).random(len(numbers)) * 1e6
        )  # of what the second block does not do
        return costs

    found = refine(indifferent, np.zeros(5), np.ones(5), BLOCKS, RefineConfig(generations=60))
    assert found[:2] == pytest.approx(WANTED[:2], abs=0.01)


def test_the_same_seed_finds_the_same_numbers() -> None:
    one, two, other = (
        refine(far_from, np.zeros(5), np.ones(5), BLOCKS, RefineConfig(generations=5, seed=seed))
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_scale_is_how_far_each_number_goes() -> None:
    scale = np.array([1.0, 1e-9, 1.0, 1.0, 1.0])
    found = refine(far_from, np.zeros(5), scale, BLOCKS, RefineConfig(generations=20))
    assert abs(found[1]) < 1e-6


def test_a_cost_that_is_not_finite_is_told_of() -> None:
    with pytest.raises(ProbeError, match="not finite"):
        refine(lambda numbers: far_from(numbers) * np.nan, np.zeros(5), np.ones(5), BLOCKS)


@pytest.mark.parametrize(("name", "value"), [("generations", 0), ("population", 3)])
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ProbeError, match=f"{name}: found {value}, allowed are"):
        RefineConfig(**{name: value})


def test_searches_side_by_side_find_what_each_finds_alone() -> None:
    def search(seed: int) -> list[float]:
        config = RefineConfig(generations=30, seed=seed)
        blocks = [slice(0, 2), slice(2, 4)]
        return list(refine(bowls, np.zeros(4), np.ones(4), blocks, config))

    def bowls(tried: Floats) -> Floats:
        return np.stack([np.square(tried[:, block] - 1.0).sum(1) for block in (slice(0, 2), slice(2, 4))], 1)

    before = np.random.get_state(legacy=True)[2]  # type: ignore[index]  # noqa: NPY002
    alone = [search(seed) for seed in range(8)]
    assert np.random.get_state(legacy=True)[2] == before  # type: ignore[index]  # noqa: NPY002
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(search, range(8))) == alone
