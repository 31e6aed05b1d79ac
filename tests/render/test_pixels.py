"""Keys turned and taken apart."""

from __future__ import annotations

import numpy as np

from drivesim.render.packing import BLOCK
from drivesim.render.pixels import store_byte, store_depth, turn_rows


def test_columns_of_keys_become_rows() -> None:
    keys = np.arange(3 * 24).reshape(3, 24)
    rows = np.zeros((BLOCK, 3), np.int64)
    turn_rows(8, keys, rows)
    np.testing.assert_array_equal(rows, keys[:, 8:16].T)


def test_a_key_is_depth_bits_then_gray_then_class() -> None:
    rows = np.full((BLOCK, 2), (77 << 32) | (5 << 16) | (200 << 8) | 9)
    depth, label, gray = (
        np.zeros((1, 10, 2), np.int32),
        np.zeros((1, 10, 2), np.uint8),
        np.zeros((1, 10, 2), np.uint8),
    )
    store_depth(0, 8, rows, depth)
    store_byte(0, 8, 0, rows, label)
    store_byte(0, 8, 8, rows, gray)
    # The image ends within the block.
    assert depth[0, 8:].tolist() == [[77, 77], [77, 77]]
    assert label[0, 8:].tolist() == [[9, 9], [9, 9]]
    assert gray[0, 8:].tolist() == [[200, 200], [200, 200]]
    assert not depth[0, :8].any()
