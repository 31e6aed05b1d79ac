"""Log-probabilities and entropies against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from drivesim.rl.distributions import entropy, log_probability, most_likely, sample

LOGITS = torch.log(torch.tensor([[0.25, 0.75]]))
GAUSSIAN = torch.tensor([[1.0, -2.0, 0.0, math.log(2.0)]])  # means 1 and -2, deviations 1 and 2


def test_categorical_numbers_are_those_of_the_textbook() -> None:
    assert log_probability(LOGITS, torch.tensor([1]), False).item() == pytest.approx(math.log(0.75))
    expected = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert entropy(LOGITS, False).item() == pytest.approx(expected)
    assert most_likely(LOGITS, False).tolist() == [1]


def test_gaussian_numbers_are_those_of_the_textbook() -> None:
    action = torch.tensor([[0.5, 1.0]])  # half a deviation below, one and a half above
    expected = -0.5 * (0.5**2 + 1.5**2) - math.log(2) - math.log(2 * math.pi)
    assert log_probability(GAUSSIAN, action, True).item() == pytest.approx(expected)
    assert entropy(GAUSSIAN, True).item() == pytest.approx(math.log(2) + math.log(2 * math.pi * math.e))
    assert most_likely(GAUSSIAN, True).tolist() == [[1.0, -2.0]]


def test_samples_follow_the_policy_and_the_seed() -> None:
    drawn = sample(LOGITS.expand(4000, 2), False, torch.Generator().manual_seed(0))
    again = sample(LOGITS.expand(4000, 2), False, torch.Generator().manual_seed(0))
    assert drawn.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert torch.equal(drawn, again)
    moved = sample(GAUSSIAN.expand(4000, 4), True, torch.Generator().manual_seed(0))
    assert moved.mean(dim=0).tolist() == pytest.approx([1.0, -2.0], abs=0.15)
    assert moved.std(dim=0).tolist() == pytest.approx([1.0, 2.0], abs=0.1)
