from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.data.episodes import Episodes
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.seaquest import (
    CAUSES,
    DEPTH,
    DIVERS,
    DYING,
    ENEMY,
    FULL,
    GAME,
    OXYGEN,
    REFILLED,
    REFILLING,
    SUFFOCATION,
    SURFACE,
    SURFACING,
    Deaths,
    compare,
    count_deaths,
    keep_full,
    new_deaths,
)

LANES = range(36, 40)
"""Bytes that hold the enemies of each lane."""
START = 30
"""Decisions after which a new submarine has filled up and can dive."""
CYCLE = 100
"""Decisions of a dive that is steered up again, with what the wreck and filling up take."""

#: The name of an action, by the decisions that the world's submarine has behind it.
Script = Callable[[int], str]


def stay_down(_decision: int) -> str:
    return "down"


def come_up(decision: int) -> str:
    return "down" if decision % CYCLE < START + 20 else "up"


class Diver:
    """Plays one world by a script, with its lanes emptied of enemies if that is asked for."""

    def __init__(self, script: Script, is_alone: bool, max_frames: int, divers: int = 0) -> None:
        self.script, self.is_alone, self.divers = script, is_alone, divers
        self.config = ConsoleConfig(GAME, max_frames=max_frames)
        self.decision = 0
        self.lives: list[int] = []
        self.oxygen: list[int] = []

    def make(self, worlds: int) -> AtariSimulation:
        self.simulation = AtariSimulation(self.config, worlds)
        return self.simulation

    def __call__(self, stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        every = np.ones(1, np.bool_)
        for lane in LANES if self.is_alone else ():
            self.simulation.set_ram(lane, 0, every)
        if self.divers and self.decision == START + 5:
            self.simulation.set_ram(DIVERS, self.divers, every)
        self.lives.append(int(self.simulation.situation()["lives"][0]))
        self.oxygen.append(int(self.simulation.ram()[0, OXYGEN]))
        self.decision += 1
        return np.array([self.simulation.actions.index(self.script(self.decision - 1))] * len(stored))


def causes(diver: Diver, is_kept_full: bool = False) -> dict[str, int]:
    pytest.importorskip("ale_py")
    found = count_deaths(diver.make, diver, [1], is_kept_full=is_kept_full)
    return {cause: int(counts[0]) for cause, counts in zip(CAUSES, found.counts, strict=True) if counts[0]}


def test_a_submarine_that_stays_down_alone_suffocates() -> None:
    diver = Diver(stay_down, is_alone=True, max_frames=4 * 620)
    assert causes(diver) == {SUFFOCATION: 1}
    assert diver.lives[-1] == diver.lives[0] - 1


def test_with_its_oxygen_kept_full_it_does_not() -> None:
    diver = Diver(stay_down, is_alone=True, max_frames=4 * 620)
    assert causes(diver, is_kept_full=True) == {}
    assert min(diver.oxygen[START:]) >= FULL - 1
    assert diver.lives[-1] == diver.lives[0]


def test_a_submarine_among_enemies_is_hit_although_its_oxygen_reads_0_when_the_life_is_taken() -> None:
    diver = Diver(stay_down, is_alone=False, max_frames=4 * 140)
    assert causes(diver) == {ENEMY: 1}
    taken = int(np.flatnonzero(np.diff(diver.lives))[0])
    assert diver.oxygen[taken] == 0
    assert diver.oxygen[taken - 23] > 40


@pytest.mark.parametrize("is_kept_full", [False, True])
def test_a_submarine_that_comes_up_without_a_diver_is_lost_whatever_its_oxygen(is_kept_full: bool) -> None:
    diver = Diver(come_up, is_alone=True, max_frames=4 * 2 * CYCLE)
    assert causes(diver, is_kept_full) == {SURFACING: 2}


@pytest.mark.parametrize("divers", [1, 6])
def test_one_that_comes_up_with_divers_is_not(divers: int) -> None:
    diver = Diver(come_up, is_alone=True, max_frames=4 * CYCLE, divers=divers)
    assert causes(diver) == {}
    assert diver.lives[-1] == diver.lives[0]


def test_every_life_that_random_play_loses_has_a_cause() -> None:
    pytest.importorskip("ale_py")
    rng = np.random.default_rng(0)

    def player(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        return rng.integers(0, 18, len(stored))

    found = count_deaths(lambda worlds: AtariSimulation(GAME, worlds), player, range(3), worlds=2)
    assert found.counts.sum(0).tolist() == [4, 4, 4]
    assert found.episodes.count_endings() == {"over": 3}
    assert found.counts[CAUSES.index(SUFFOCATION)].sum() == 0


def memory(**values: int) -> NDArray[np.uint8]:
    """Return the memory (1, 128) of a dive, with some bytes set."""
    found = np.zeros((1, 128), np.uint8)
    names = {"depth": DEPTH, "oxygen": OXYGEN, "divers": DIVERS, "refilling": REFILLING, "dying": DYING}
    for name, value in {"depth": 60, "oxygen": 30, **values}.items():
        found[0, names[name]] = value
    return found


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ({}, {}, None),
        ({"dying": 20}, {"dying": 19, "oxygen": 0}, None),
        ({"oxygen": 1}, {"oxygen": 0, "dying": 23}, SUFFOCATION),
        ({"oxygen": 1}, {"oxygen": 1, "dying": 23}, ENEMY),
        ({"depth": 16}, {"depth": SURFACE, "dying": 23}, SURFACING),
        ({"depth": 16, "divers": 1}, {"depth": SURFACE, "dying": 23, "divers": 1}, ENEMY),
        (
            {"depth": SURFACE, "oxygen": REFILLED},
            {"depth": SURFACE, "oxygen": REFILLED, "dying": 23},
            ENEMY,
        ),
        ({"depth": SURFACE, "refilling": 1}, {"depth": SURFACE, "dying": 23}, ENEMY),
    ],
)
def test_a_cause_is_told_from_the_decision_in_which_the_wreck_appears(
    before: dict[str, int], after: dict[str, int], cause: str | None
) -> None:
    found = new_deaths(memory(**before), memory(**after))
    assert [name for name, is_so in zip(CAUSES, found[:, 0], strict=True) if is_so] == [cause] * bool(cause)


def test_oxygen_is_filled_up_under_water_alone() -> None:
    pytest.importorskip("ale_py")
    simulation = AtariSimulation(GAME, 3)
    simulation.reset([1, 2, 3])
    worlds = np.eye(3, dtype=np.bool_)
    simulation.set_ram(OXYGEN, 9, np.ones(3, np.bool_))
    simulation.set_ram(DEPTH, 60, worlds[0] | worlds[2])
    simulation.set_ram(DYING, 5, worlds[2])
    keep_full(simulation)
    assert simulation.ram()[:, OXYGEN].tolist() == [FULL, 9, 9]


def made_up(counts: list[list[int]], scores: list[float]) -> Deaths:
    games = len(scores)
    episodes = Episodes(
        np.arange(games),
        np.array(scores),
        np.full(games, 100),
        np.array(["over"] * games),
        np.zeros(games),
    )
    return Deaths(np.array(counts, np.int64), episodes)


NORMAL = made_up([[3, 4, 3, 4], [0, 0, 1, 0], [1, 0, 0, 0]], [10.0, 20.0, 30.0, 40.0])


def test_counts_are_shared_out_over_deaths_and_over_games() -> None:
    told = NORMAL.summary()
    assert (told["games"], told["deaths"]) == (4, 16)
    assert told["causes"][SUFFOCATION]["share"]["value"] == 14 / 16
    assert told["causes"][ENEMY]["games"]["value"] == 1 / 4
    assert told["causes"][ENEMY]["games"]["n"] == 4
    assert told["commonest_other"] == SURFACING
    assert told["lead"]["value"] == (3 + 4 + 2 + 4) / 4
    assert told["score"]["value"] == 25.0
    assert Deaths.from_json(NORMAL.to_json()).summary() == told


def test_where_nobody_dies_there_are_no_shares() -> None:
    told = made_up([[0], [0], [0]], [5.0]).summary()
    assert told["deaths"] == 0
    assert told["causes"][SUFFOCATION]["share"] is None
    assert told["lead"]["value"] == 0.0


def test_the_control_is_compared_game_by_game() -> None:
    control = made_up([[0] * 4, [1] * 4, [3] * 4], [15.0, 25.0, 35.0, 45.0])
    told = compare(control, NORMAL)
    assert [told["score"][key] for key in ("value", "low", "high", "n")] == [5.0, 5.0, 5.0, 4]
    assert told["deaths"]["value"] == 0.0
