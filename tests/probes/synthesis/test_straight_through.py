from __future__ import annotations

import pytest
import torch
from torch import Tensor

from probes.states import Plane, StateLayout, to_states, to_stored
from probes.synthesis.straight_through import harden

LAYOUT = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", 5), Plane("colour", "level", 3)), 2, 6, 4
)
ONE_PIXEL = StateLayout((Plane("semantic", "class", 3), Plane("gray", "level")), 1, 1, 1)


def soft_states(dtype: torch.dtype, is_permuted: bool, seed: int = 0) -> Tensor:
    """Return states (3, T, C, H, W) without ties, some levels out of range.

    Permuted, they lie in memory in the order (B, H, C, W, T).
    """
    generator = torch.Generator().manual_seed(seed)
    states = 1.4 * torch.rand(3, *LAYOUT.shape, generator=generator) - 0.2
    # Five shares that bfloat16 tells apart, in an order of each pixel's own.
    order = torch.rand(3, 2, 5, 6, 4, generator=generator).argsort(dim=2)
    states[:, :, 1:6] = torch.tensor([0.05, 0.1, 0.15, 0.3, 0.4])[order]
    states = states.to(dtype)
    if is_permuted:
        states = states.permute(0, 3, 2, 4, 1).contiguous().permute(0, 4, 2, 1, 3)
    assert states.is_contiguous() != is_permuted
    return states


@pytest.mark.parametrize("is_permuted", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_states_become_what_is_left_of_them_when_they_are_stored(
    dtype: torch.dtype, is_permuted: bool
) -> None:
    states = soft_states(dtype, is_permuted)
    hard = harden(states, LAYOUT)
    assert hard.dtype == dtype
    assert hard.shape == states.shape
    expected = to_states(to_stored(states.float(), LAYOUT), LAYOUT)
    torch.testing.assert_close(hard, expected.to(dtype), rtol=0, atol=0)
    assert torch.equal(to_stored(hard.float(), LAYOUT), to_stored(states.float(), LAYOUT))


def test_the_soft_states_are_left_as_they_are() -> None:
    states = soft_states(torch.float32, is_permuted=False)
    before = states.clone()
    harden(states, LAYOUT)
    assert torch.equal(states, before)


def pixel(*channels: float) -> Tensor:
    return torch.tensor(channels)[None, None, :, None, None]


def test_a_pixel_shows_its_likeliest_class_and_the_nearest_of_256_levels() -> None:
    found = [
        harden(pixel(0.3, 0.45, 0.25, level), ONE_PIXEL).flatten().tolist()
        for level in (0.5, 0.502, -0.1, 1.2)
    ]
    assert [values[:3] for values in found] == [[0.0, 1.0, 0.0]] * 4
    assert [values[3] for values in found] == pytest.approx([128 / 255, 128 / 255, 0.0, 1.0])


def test_of_two_classes_that_are_equally_likely_both_count() -> None:
    assert harden(pixel(0.4, 0.2, 0.4, 0.0), ONE_PIXEL).flatten().tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("is_permuted", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_passes_as_if_states_were_soft(dtype: torch.dtype, is_permuted: bool) -> None:
    states = soft_states(dtype, is_permuted).requires_grad_()
    slope = torch.randn(states.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    (gradient,) = torch.autograd.grad((harden(states, LAYOUT) * slope).sum(), states)
    assert gradient.dtype == dtype
    assert torch.equal(gradient, slope)
