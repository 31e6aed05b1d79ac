from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.data.episodes import Episodes, Playthrough, play, recorded
from probes.data.simulation import Simulation
from tests.probes.counters import Counters

SEEDS = (20, 21, 23, 22, 24)


def move_on_even_seeds(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Act by what the newest frame shows: the seed, in the first gray pixel."""
    return 1 - stored[:, -1, 1, 0, 0].astype(np.int64) % 2


def steps(simulation: Simulation) -> NDArray[np.float64]:
    return simulation.situation()["count"][:, 1].astype(np.float64)


def test_each_seed_is_played_once_and_told_in_its_place() -> None:
    episodes = play(Counters, move_on_even_seeds, SEEDS, worlds=2, odometer=steps)
    assert episodes.seeds.tolist() == list(SEEDS)
    # An even seed's episode lasts 3 decisions, an odd one's 4, and each move earns 1.
    assert episodes.lengths.tolist() == [3, 4, 4, 3, 3]
    assert episodes.returns.tolist() == [3.0, 0.0, 0.0, 3.0, 3.0]
    assert episodes.distances.tolist() == [3.0, 4.0, 4.0, 3.0, 3.0]
    assert episodes.count_endings() == {"time": 5}


@pytest.mark.parametrize("worlds", [1, 3, 9])
def test_the_number_of_worlds_changes_nothing(worlds: int) -> None:
    few = play(Counters, move_on_even_seeds, SEEDS, worlds=2)
    assert play(Counters, move_on_even_seeds, SEEDS, worlds=worlds).to_json() == few.to_json()


def test_only_states_of_episodes_that_go_on_are_shown() -> None:
    seen: list[list[int]] = []

    def player(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        seen.append(stored[:, -1, 1, 0, 0].tolist())
        return np.zeros(len(stored), np.int64)

    told: list[tuple[int, int]] = []
    play(Counters, player, (20, 21), progress=lambda *done: told.append(done))
    assert seen == [[20, 21], [20, 21], [20, 21], [21]]
    assert told == [(2, 0), (4, 0), (6, 1), (7, 2)]


def test_more_worlds_than_seeds_are_refused() -> None:
    with pytest.raises(ProbeError, match="found 3 worlds for 2 seeds"):
        Playthrough(Counters(3), (1, 2))


def test_the_worlds_are_closed_after_a_failure() -> None:
    made = Counters(1)

    def fail(_: NDArray[np.uint8]) -> NDArray[np.int64]:
        raise ProbeError("broken")

    with pytest.raises(ProbeError, match="broken"):
        play(lambda _: made, fail, (1,))
    assert made.is_closed


def test_endings_are_counted_the_most_frequent_first() -> None:
    zeros = np.zeros(3)
    endings = np.array(["car", "person", "person"])
    episodes = Episodes(np.arange(3), zeros, np.arange(3), endings, zeros)
    assert list(episodes.count_endings().items()) == [("person", 2), ("car", 1)]


def test_recorded_episodes_are_played_anew_only_when_an_input_has_changed(tmp_path: Path) -> None:
    played: list[str] = []

    def playing(name: str) -> Episodes:
        played.append(name)
        return play(Counters, move_on_even_seeds, SEEDS, odometer=steps)

    path = tmp_path / "row"
    first = recorded(path, {"player": "a"}, 20, {}, partial(playing, "first"))
    again = recorded(path, {"player": "a"}, 20, {}, partial(playing, "again"))
    assert played == ["first"]
    assert again.to_json() == first.to_json()
    assert again.returns.dtype == np.float64
    assert again.lengths.dtype == np.int64
    recorded(path, {"player": "b"}, 20, {}, partial(playing, "other"))
    recorded(path, {"player": "b"}, 21, {}, partial(playing, "later"))
    assert played == ["first", "other", "later"]
