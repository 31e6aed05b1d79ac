from __future__ import annotations

import sys

import pytest

from probes.agent import ProbeError
from probes.domains import atari
from probes.domains.atari import action_names, emulator, find_game, game_names


def test_without_the_emulator_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    monkeypatch.setattr(atari, "emulator", emulator.__wrapped__)
    with pytest.raises(ProbeError, match=r"pip install 'drivesim\[atari\]'"):
        action_names.__wrapped__("pong")


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("pong", "pong"),
        ("MsPacman", "ms_pacman"),
        ("Ms. Pacman", "ms_pacman"),
        ("ALE/MsPacman-v5", "ms_pacman"),
        ("QbertNoFrameskip-v4", "qbert"),
        ("Q*bert", "qbert"),
        ("Beamrider", "beam_rider"),
        ("River Raid", "riverraid"),
    ],
)
def test_a_game_is_found_however_it_is_spelled(spelled: str, name: str) -> None:
    pytest.importorskip("ale_py")
    assert find_game(spelled) == name


def test_an_unknown_game_is_answered_by_the_nearest_name() -> None:
    pytest.importorskip("ale_py")
    assert len(game_names()) > 100
    with pytest.raises(ProbeError, match="did you mean 'seaquest'"):
        find_game("seequest")


def test_actions_are_named_in_the_emulators_order() -> None:
    pytest.importorskip("ale_py")
    assert action_names("breakout") == ("noop", "fire", "right", "left")
    assert action_names("freeway") == ("noop", "up", "down")
    assert len(action_names("seaquest")) == 18
    assert action_names("seaquest")[-1] == "downleftfire"
