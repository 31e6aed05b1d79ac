from __future__ import annotations

import pytest
import torch

from probes.state_models.cell_turns import TURN, Turns, turns_of

CPU = torch.device("cpu")
SIZES = [(4, 4), (3, 5), (1, 1), (1, 4)]


def drawn(turns: Turns, number: int) -> list[int]:
    """Return the cells of one turn."""
    cells: list[int] = turns.order[turns.turns[number].own].tolist()
    return cells


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backwards", [False, True])
def test_every_cell_has_its_turn_by_row_and_column(size: tuple[int, int], backwards: bool) -> None:
    height, width = size
    turns = turns_of(height, width, backwards, CPU)
    wanted = [TURN[cell // width % 2][cell % width % 2] for cell in range(height * width)]
    if backwards:
        wanted = [3 - turn for turn in wanted]
    for number in range(4):
        assert drawn(turns, number) == [cell for cell, turn in enumerate(wanted) if turn == number]
    assert turns.rows.tolist() == [4 * cell + wanted[cell] for cell in turns.order.tolist()]


@pytest.mark.parametrize("size", SIZES)
def test_sorted_cells_find_back(size: tuple[int, int]) -> None:
    grid = torch.randn(2, 3, *size)
    turns = turns_of(*size, False, CPU)
    assert torch.equal(turns.sort(grid)[0, :, 1], grid[0, 1].flatten()[turns.order])
    assert torch.equal(turns.unsort(turns.sort(grid), *size), grid)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backwards", [False, True])
def test_neighbours_are_the_cells_around_drawn_before(size: tuple[int, int], backwards: bool) -> None:
    height, width = size
    turns = turns_of(height, width, backwards, CPU)
    before: set[int] = set()
    for number, turn in enumerate(turns.turns):
        own = drawn(turns, number)
        for cell, places in zip(own, turn.neighbours.reshape(len(own), len(turn.taps)).tolist(), strict=True):
            row, column = divmod(cell, width)
            found = {}
            for tap, place in zip(turn.taps, places, strict=True):
                if place < turn.own.start:
                    found[tap] = int(turns.order[place])
            around = {
                tap: (row + tap // 3 - 1) * width + column + tap % 3 - 1
                for tap in range(9)
                if 0 <= row + tap // 3 - 1 < height and 0 <= column + tap % 3 - 1 < width
            }
            assert found == {tap: near for tap, near in around.items() if near in before}
        before.update(own)
    assert len(before) == height * width
