from __future__ import annotations

import numpy as np
import pytest

from probes.domains.atari import action_names
from probes.domains.atari_consoles import ConsoleConfig, Consoles, VectorConsoles
from probes.domains.atari_plain import Console, PlainConsoles, Waits

BOTH = np.ones(2, np.bool_)
OXYGEN = 102
"""Where Seaquest keeps its oxygen."""


def test_waiting_frames_are_drawn_as_by_the_native_environment() -> None:
    # frames after which ale-py 0.12.1 started Pong by these seeds
    assert [next(Waits(seed)) for seed in (5, 77, 123456)] == [6, 27, 3]
    one_after_another = Waits(0)
    assert {next(one_after_another) for _ in range(300)} == set(range(30))


@pytest.mark.parametrize(
    ("game", "sticky"),
    [("breakout", 0.0), ("qbert", 0.25), ("air_raid", 0.0)],
    ids=["breakout", "qbert, sticky", "air_raid, of the other standard"],
)
def test_both_paths_show_and_say_the_same_from_one_episode_to_the_next(game: str, sticky: float) -> None:
    pytest.importorskip("ale_py")
    config = ConsoleConfig(game, sticky, max_frames=240)  # ends between a decision's two looks
    paths: tuple[Consoles, ...] = VectorConsoles(config, 2), PlainConsoles(config, 2)
    found = [path.start(BOTH, [21, 600_000]) for path in paths]
    actions = np.random.default_rng(0).integers(0, len(action_names(game)), (150, 2))
    ends = 0
    for row in actions:
        for one, other in zip(*found, strict=True):
            assert np.array_equal(one, other)
        ended = found[0].is_over | found[0].is_cut
        ends += int(ended.sum())
        found = [path.go_on(row, ended) for path in paths]
    assert np.array_equal(found[0].pixels, found[1].pixels)
    assert ends >= 4


def test_a_console_that_was_restored_goes_on_as_if_nothing_had_happened() -> None:
    pytest.importorskip("ale_py")
    first, second = Console(ConsoleConfig("seaquest")), Console(ConsoleConfig("seaquest"))
    first.start(3)
    for action in (5, 4, 1, 11):
        first.step(action)
    saved = first.save()

    def go_on(console: Console) -> tuple[list[int], int]:
        pictures = np.zeros((5, 84, 84, 3), np.uint8)
        for picture in pictures:
            console.step(5)
            console.draw(picture)
        return console.ram().tolist(), hash(pictures.tobytes())

    expected = go_on(first)
    second.start(4)
    second.restore(saved)
    assert go_on(second) == expected
    assert go_on(second) != expected


def test_memory_that_was_written_is_kept_by_the_game() -> None:
    pytest.importorskip("ale_py")
    console = Console(ConsoleConfig("seaquest"))
    console.start(0)
    for _ in range(60):  # dive
        console.step(5)
    assert 0 < console.ram()[OXYGEN] < 64
    before = int(console.ram()[OXYGEN])
    console.set_ram(OXYGEN, before - 5)
    console.step(0)
    assert int(console.ram()[OXYGEN]) in (before - 5, before - 6)


def test_a_world_that_does_not_move_stays_as_it_is() -> None:
    pytest.importorskip("ale_py")
    consoles = PlainConsoles(ConsoleConfig("seaquest"), 2)
    consoles.start(BOTH, [1, 2])
    before = [console.ram() for console in consoles.consoles]
    moment = consoles.step(np.array([5, 5]), np.array([True, False]))
    after = [console.ram() for console in consoles.consoles]
    assert not np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert moment.rewards[1] == 0
