"""Counted randomness: uniform, normal, and a function of its key alone."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.world.random import BUILDINGS, CARS, PEOPLE, hash_key, mix, standard_normal, uniform


def test_the_mixer_is_splitmix64s() -> None:
    # The first number of SplitMix64 seeded with 0.
    assert int(mix(np.uint64(0x9E3779B97F4A7C15))) == 0xE220A8397B1DCDAF


def test_the_same_key_gives_the_same_number() -> None:
    assert uniform(5, CARS, 3, 2, 1) == uniform(5, CARS, 3, 2, 1)


@pytest.mark.parametrize("part", range(5))
def test_changing_any_part_of_a_key_changes_the_number(part: int) -> None:
    key = [7, PEOPLE, 4, 2, 9]
    other = key.copy()
    other[part] += 1
    assert uniform(*key) != uniform(*other)


@pytest.mark.parametrize("part", range(5))
def test_numbers_along_any_part_of_a_key_are_uniform_and_uncorrelated(part: int) -> None:
    key = [11, CARS, 0, 0, 0]
    numbers = np.empty(20_000)
    for i in range(len(numbers)):
        key[part] = i
        numbers[i] = uniform(*key)
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    # Five standard errors: 1 / sqrt(12 n), 1 / sqrt(180 n) and 1 / sqrt(n).
    assert numbers.mean() == pytest.approx(0.5, abs=0.0103)
    assert numbers.var() == pytest.approx(1 / 12, abs=0.0027)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.036
    counts = np.histogram(numbers, 20, (0.0, 1.0))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 55.0  # chi-square of 19 degrees of freedom, p < 1e-4


def test_standard_normals_have_mean_0_and_variance_1() -> None:
    numbers = np.array([standard_normal(3, PEOPLE, i, 0, 0) for i in range(20_000)])
    assert numbers.mean() == pytest.approx(0.0, abs=0.036)
    assert numbers.var() == pytest.approx(1.0, abs=0.05)
    assert (np.abs(numbers) < 1.0).mean() == pytest.approx(0.6827, abs=0.017)


def test_negative_indices_have_numbers_of_their_own() -> None:
    numbers = {uniform(0, BUILDINGS, block, lot, 0) for block in range(-20, 20) for lot in range(-20, 20)}
    assert len(numbers) == 1600


def test_a_hash_fills_64_bits() -> None:
    bits = np.array([[int(hash_key(i, 0, 0, 0, 0)) >> b & 1 for b in range(64)] for i in range(2000)])
    assert np.abs(bits.mean(0) - 0.5).max() < 0.056
