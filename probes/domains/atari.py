"""The door to the Atari emulator: which games there are, and what one may do in them.

Nothing else imports it, and nothing imports it before a game is asked for, so that all else works without.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from types import ModuleType

from probes.agent import ProbeError


@cache
def emulator() -> ModuleType:
    """Import the emulator when it is first needed, and let it say nothing but errors.

    Raises:
        ProbeError: it is not installed.
    """
    try:
        import ale_py
        import ale_py.roms
        import ale_py.vector_env
    except ModuleNotFoundError as error:
        raise ProbeError("Atari games need ale-py: pip install 'drivesim[atari]'") from error
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    module: ModuleType = ale_py
    return module


@cache
def game_names() -> tuple[str, ...]:
    """Return the names of all games that the emulator has, such as `ms_pacman`."""
    return tuple(sorted(emulator().roms.get_all_rom_ids()))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_game(name: str) -> str:
    """Return the emulator's name of a game, `ms_pacman` for `MsPacman`, `Ms. Pacman` or `ALE/MsPacman-v5`.

    Raises:
        ProbeError: there is none, or no emulator; the message names the nearest spelling.
    """
    plain = _letters(re.sub(r"^ALE/|(NoFrameskip)?-v\d$", "", name))
    known = {_letters(game): game for game in game_names()}
    if plain in known:
        return known[plain]
    near = get_close_matches(plain, known, 1)
    hint = f"; did you mean {known[near[0]]!r}?" if near else ""
    raise ProbeError(f"no Atari game {name!r}: allowed are {', '.join(game_names())}{hint}")


@cache
def action_names(game: str) -> tuple[str, ...]:
    """Return the names of the actions that a game takes, in the emulator's order: `noop`, `upfire`, ...

    Raises:
        ProbeError: there is no such game.
    """
    console = emulator().ALEInterface()
    console.loadROM(rom_path(game))
    return tuple(action.name.lower() for action in console.getMinimalActionSet())


def rom_path(game: str) -> str:
    """Return where a game's ROM lies.

    Raises:
        ProbeError: there is no such game.
    """
    return str(emulator().roms.get_rom_path(find_game(game)))
