from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from probes.synthesis.parallel import on_all_cores


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_parts_are_worked_on_side_by_side_by_one_thread_each_and_come_back_in_order() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def work(part: int) -> tuple[int, int]:
        meeting.wait()  # passes only if both parts are at work at once
        return part, torch.get_num_threads()

    assert on_all_cores(work, [3, 1]) == [(3, 1), (1, 1)]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_a_lone_part_has_one_thread_too() -> None:
    assert on_all_cores(lambda _: torch.get_num_threads(), ["all"]) == [1]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_a_part_enters_autocast_for_itself() -> None:
    def work(_: int) -> bool:
        return torch.is_autocast_enabled("cpu")

    with torch.autocast("cpu", torch.bfloat16):
        assert on_all_cores(work, [0, 1]) == [False, False]


@pytest.mark.usefixtures("two_threads")
def test_what_a_part_raises_is_raised_and_the_threads_are_as_they_were() -> None:
    with pytest.raises(ZeroDivisionError):
        on_all_cores(lambda part: 1 // part, [1, 0])
    assert torch.get_num_threads() == 2
