"""Looked-up and pooled pixels against numbers made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drivesim.rl.pixels import features_in_torch, features_on_cpu, level_table, pack_palette

PALETTE = np.array([[0, 0, 0, 0], [255, 0, 51, 102], [0, 255, 255, 255]], dtype=np.uint8)


def test_packed_word_holds_the_four_channels_in_order() -> None:
    table = pack_palette(PALETTE)
    assert table[1] == 255 + (51 << 32) + (102 << 48)
    assert table[3] == 0


def test_levels_run_from_zero_to_one() -> None:
    assert level_table(2, torch.float32)[[0, 510, 1020]].tolist() == [0.0, 0.5, 1.0]


def test_a_cell_of_four_pixels_becomes_their_mean_colour() -> None:
    cell = np.array([[1, 1], [2, 0]], dtype=np.uint8).reshape(1, 1, 1, 2, 2)
    features = features_on_cpu(cell, [PALETTE], 2, torch.float32)
    assert features.shape == (1, 4, 1, 1)
    torch.testing.assert_close(features.flatten(), torch.tensor([2.0, 1.0, 1.4, 1.8]) / 4)


def test_a_plane_of_levels_is_scaled_to_one() -> None:
    cell = np.array([[255, 255], [0, 51]], dtype=np.uint8).reshape(1, 1, 1, 2, 2)
    assert features_on_cpu(cell, [None], 2, torch.float32).item() == pytest.approx((1 + 1 + 0 + 0.2) / 4)
    unpooled = features_on_cpu(cell, [None], 1, torch.float32).flatten()
    torch.testing.assert_close(unpooled, torch.tensor([1.0, 1.0, 0.0, 0.2]))


@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kernel_and_torch_make_the_same_features(pool: int, dtype: torch.dtype) -> None:
    random = np.random.default_rng(0)
    observations = random.integers(0, 256, (2, 3, 3, 8, 6), dtype=np.uint8)
    observations[:, :, 1] %= 4  # class 3 is beyond the palette, hence black
    palettes = [None, PALETTE, None]
    ours = features_on_cpu(observations, palettes, pool, dtype)
    reference = features_in_torch(torch.from_numpy(observations), palettes, pool, dtype)
    assert ours.shape == (2, 3 * 6, 8 // pool, 6 // pool)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-6 if dtype == torch.float32 else 2**-8)
