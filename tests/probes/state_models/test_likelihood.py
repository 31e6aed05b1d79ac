from __future__ import annotations

import math

import pytest
import torch

from probes.state_models.likelihood import (
    negative_log_likelihood,
    one_hot_frames,
    split_blocks,
    stored_blocks,
)
from probes.states import Plane, StateLayout, to_states
from tests.probes.fittings import LAYOUTS, some_stored

CLASSES = StateLayout((Plane("semantic", "class", 3),), stack=1, height=2, width=2)
LEVELS = StateLayout((Plane("gray", "level"),), stack=1, height=2, width=2)


def test_each_class_pixel_costs_minus_the_logarithm_of_its_probability() -> None:
    raw = torch.zeros(1, 3, 4, 1, 1)  # class, pixel of the block
    raw[0, 0, 0], raw[0, 2, 3] = math.log(2.0), math.log(6.0)
    stored = torch.tensor([0, 1, 2, 2], dtype=torch.uint8).reshape(1, 1, 1, 2, 2)
    nats = negative_log_likelihood(raw.flatten(1, 2), stored, CLASSES, torch.zeros(1))
    # Probabilities 2/4, 1/3, 1/3 and 6/8.
    assert nats.tolist() == pytest.approx([math.log(2.0) + 2 * math.log(3.0) + math.log(8.0 / 6.0)])


def test_each_level_pixel_costs_a_normal_density_times_the_width_of_a_level() -> None:
    raw = torch.zeros(1, 4, 1, 1)  # levels of 1/2
    stored = torch.tensor([0, 255, 51, 204], dtype=torch.uint8).reshape(1, 1, 1, 2, 2)
    spread = 0.1
    nats = negative_log_likelihood(raw, stored, LEVELS, torch.tensor([math.log(spread)]))
    squares = 0.5**2 + 0.5**2 + 0.3**2 + 0.3**2
    width = 4 * math.log(255 * spread * math.sqrt(2 * math.pi))
    assert nats.tolist() == pytest.approx([0.5 * squares / spread**2 + width], rel=1e-5)


def test_the_spread_of_levels_is_kept_above_four_of_them() -> None:
    raw, stored = torch.full((1, 4, 1, 1), 50.0), torch.full((1, 1, 1, 2, 2), 255, dtype=torch.uint8)
    nats = negative_log_likelihood(raw, stored, LEVELS, torch.tensor([-50.0]))
    assert nats.tolist() == pytest.approx([4 * math.log(4 * math.sqrt(2 * math.pi))], rel=1e-5)


def test_beside_classes_the_spread_of_levels_is_kept_above_sixteen_of_them() -> None:
    layout = StateLayout((*LEVELS.planes, Plane("semantic", "class", 1)), stack=1, height=2, width=2)
    stored = torch.tensor([255, 0], dtype=torch.uint8).reshape(1, 1, 2, 1, 1).expand(-1, -1, -1, 2, 2)
    nats = negative_log_likelihood(torch.full((1, 8, 1, 1), 50.0), stored, layout, torch.full((2,), -50.0))
    assert nats.tolist() == pytest.approx([4 * math.log(16 * math.sqrt(2 * math.pi))], rel=1e-5)


def test_a_class_that_is_held_impossible_costs_much_but_not_infinity() -> None:
    raw = torch.zeros(1, 3, 4, 1, 1)
    raw[0, 0] = 200.0
    raw = raw.flatten(1, 2).requires_grad_(True)
    stored = torch.ones(1, 1, 1, 2, 2, dtype=torch.uint8)
    nats = negative_log_likelihood(raw, stored, CLASSES, torch.zeros(1))
    assert nats.tolist() == pytest.approx([-4 * math.log(1e-20)])
    nats.sum().backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert raw.grad.flatten().tolist() == [1.0] * 4 + [-1.0] * 4 + [0.0] * 4


def test_the_gradient_is_that_of_pytorchs_own_cross_entropy() -> None:
    layout = StateLayout((Plane("semantic", "class", 5),), stack=3, height=4, width=6)
    raw = torch.randn(2, 60, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    stored = some_stored(layout, 2)
    weights = torch.tensor([1.0, -2.0])
    nats = negative_log_likelihood(raw, stored, layout, torch.zeros(1))
    (nats * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    found, raw.grad = raw.grad, None
    blocks = stored_blocks(stored, 2, 3)[:, :, :, 0].long()
    ((_, part),) = split_blocks(raw, layout)
    costs = torch.nn.functional.cross_entropy(part.movedim(3, 1), blocks, reduction="none")
    (costs.flatten(1).sum(1) * weights).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found, raw.grad)


def test_blocks_list_rows_then_columns_then_frames() -> None:
    layout = StateLayout((Plane("gray", "level"),), stack=2, height=2, width=4)
    stored = torch.arange(16, dtype=torch.uint8).reshape(1, *layout.stored_shape)  # frame 8, row 4, column 1
    blocks = stored_blocks(stored, 1, 2)
    assert blocks.shape == (1, 1, 2, 1, 8)
    assert blocks[0, 0, 1, 0].tolist() == [2, 10, 3, 11, 6, 14, 7, 15]


def test_a_picture_that_does_not_fill_the_blocks_is_continued_by_its_border() -> None:
    stored = torch.tensor([1, 2, 3], dtype=torch.uint8).reshape(1, 1, 1, 1, 3)
    assert stored_blocks(stored, 1, 2).flatten().tolist() == [1, 2, 1, 2, 3, 3, 3, 3]
    assert stored_blocks(stored, 1, 2).dtype == torch.uint8


def test_blocks_beyond_the_border_do_not_count() -> None:
    layout = StateLayout((Plane("semantic", "class", 3), Plane("colour", "level", 2)), 2, 4, 6)
    raw = torch.randn(2, 40, 2, 3, generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(raw, (0, 5, 0, 6), value=9.0)
    stored, spread = some_stored(layout, 2), torch.tensor([0.0, -1.0])
    expected = negative_log_likelihood(raw, stored, layout, spread)
    assert torch.equal(negative_log_likelihood(padded, stored, layout, spread), expected)


@pytest.mark.parametrize("name", LAYOUTS)
def test_frames_for_the_encoder_are_the_float_states(name: str) -> None:
    layout = LAYOUTS[name]
    stored = some_stored(layout, 2)
    frames = one_hot_frames(stored, layout)
    assert torch.equal(frames, to_states(stored, layout).flatten(1, 2))
    assert frames.is_contiguous(memory_format=torch.channels_last)
    rough = one_hot_frames(stored, layout, torch.bfloat16)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), frames, atol=2**-9, rtol=0)
