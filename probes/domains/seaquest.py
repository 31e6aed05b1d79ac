"""What an agent dies of in Seaquest, counted in real games (Sec. 4.4).

The bytes of the game's memory below were checked by playing: each was watched decision by decision beside
the screen, while scripts steered the submarine, emptied the lanes of enemies or overwrote the byte, and while
actions were random: every life lost followed its wreck. Three traps came out. Every death drains the oxygen
to 0 while the wreck is shown, so that what it reads when the life is taken tells nothing: a cause is read
when the wreck appears, a second and a half before. Coming up costs a life if no diver is on board, but only
once the oxygen has fallen below its highest level, 64. And 63 and 64 look the same. So oxygen that is kept
full is kept at 63: at 64 that rule would be off too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes import statistics
from probes.data.episodes import Episodes, Player, Playthrough, Progress
from probes.domains.atari_simulation import AtariSimulation

GAME = "seaquest"
DEPTH = 97
"""Byte: pixels from the top, 13 at the surface to 108 at the bottom."""
OXYGEN = 102
"""Byte: 64 to 0, one less every 8 decisions under water, two more each decision at the surface."""
DIVERS = 62
"""Byte: on board, 0 to 6."""
REFILLING = 104
"""Byte: not 0 while the submarine lies at the surface and takes oxygen, or is paid for 6 divers."""
DYING = 105
"""Byte: 0 until the submarine is lost, then 23 and down to 0, when the life is taken."""
SURFACE = 13
"""Depth."""
FULL = 63
"""Oxygen from which on the bar on the screen is full."""
REFILLED = 64
"""Oxygen of a submarine that has not dived yet; it may come up without a diver."""

SUFFOCATION, SURFACING, ENEMY = "suffocation", "surfacing without a diver", "enemy"
CAUSES = (SUFFOCATION, SURFACING, ENEMY)
"""What a life is lost by; `enemy` is being hit by one or by its torpedo."""

#: Makes so many worlds whose memories are open.
Factory = Callable[[int], AtariSimulation]


def new_deaths(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which submarines were lost in a decision, and by which cause.

    Args:
        before: (N, 128), memories before it.
        after: (N, 128), after it.

    Returns:
        (len(CAUSES), N), at most one cause for each.
    """
    dies = (before[:, DYING] == 0) & (after[:, DYING] > 0)
    is_up = after[:, DEPTH] == SURFACE
    suffocates = dies & ~is_up & (after[:, OXYGEN] == 0)
    came_up = dies & is_up & (before[:, DIVERS] == 0)
    came_up &= (after[:, OXYGEN] < REFILLED) & (before[:, REFILLING] == 0)
    return np.stack([suffocates, came_up, dies & ~suffocates & ~came_up])


def is_diving(memory: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell of memories (N, 128) whether the submarine (N,) is under water, and whole."""
    under: NDArray[np.bool_] = (memory[:, DEPTH] > SURFACE) & (memory[:, DYING] == 0)
    return under


def keep_full(simulation: AtariSimulation) -> None:
    """Fill up the oxygen wherever a submarine is under water; at the surface the game goes its own way."""
    memory = simulation.ram()
    simulation.set_ram(OXYGEN, FULL, is_diving(memory) & (memory[:, OXYGEN] < FULL))


@dataclass(frozen=True)
class Deaths:
    """What E games came to."""

    counts: NDArray[np.int64]
    """(len(CAUSES), E), submarines lost."""
    episodes: Episodes

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        causes = {cause: self.counts[row].tolist() for row, cause in enumerate(CAUSES)}
        return {"causes": causes, "episodes": self.episodes.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Deaths:
        """Build deaths from what `to_json` returned."""
        counts = np.array([data["causes"][cause] for cause in CAUSES], np.int64)
        return Deaths(counts, Episodes.from_json(data["episodes"]))

    def summary(self) -> dict[str, Any]:
        """Return counts and estimates as plain data.

        Of each cause: how many deaths, their share (Wilson; None where nobody died), and the share of games
        with at least one (Wilson). Deaths of one game hang together, so the interval of their share is too
        narrow if they do; that of the games is not. `lead` is how many more submarines of a game suffocate
        than are lost by the commonest other cause, by a bootstrap over the games.
        """
        deaths, games = int(self.counts.sum()), self.counts.shape[1]
        others = [row for row, cause in enumerate(CAUSES) if cause != SUFFOCATION]
        commonest = max(others, key=lambda row: int(self.counts[row].sum()))
        causes = {
            cause: {
                "deaths": int(counts.sum()),
                "share": statistics.share(int(counts.sum()), deaths).to_json() if deaths else None,
                "games": statistics.share(int((counts > 0).sum()), games).to_json(),
            }
            for cause, counts in zip(CAUSES, self.counts, strict=True)
        }
        lead = statistics.difference(self.counts[CAUSES.index(SUFFOCATION)], self.counts[commonest])
        return {
            "games": games,
            "deaths": deaths,
            "causes": causes,
            "commonest_other": CAUSES[commonest],
            "lead": lead.to_json(),
            "score": statistics.mean(self.episodes.returns).to_json(),
            "decisions": statistics.mean(self.episodes.lengths).to_json(),
            "endings": self.episodes.count_endings(),
        }


def compare(control: Deaths, normal: Deaths) -> dict[str, Any]:
    """Return by how much games of the same seeds differ, control less normal, by a bootstrap over pairs."""
    pairs = {
        "score": (control.episodes.returns, normal.episodes.returns),
        "decisions": (control.episodes.lengths, normal.episodes.lengths),
        "deaths": (control.counts.sum(0), normal.counts.sum(0)),
    }
    return {name: statistics.difference(*pair).to_json() for name, pair in pairs.items()}


def count_deaths(
    factory: Factory,
    player: Player,
    seeds: Sequence[int],
    *,
    is_kept_full: bool = False,
    worlds: int = 32,
    progress: Progress | None = None,
) -> Deaths:
    """Play one game per seed and count what submarines are lost by.

    Args:
        factory: makes the worlds.
        player: chooses the actions.
        seeds: of the games.
        is_kept_full: whether the oxygen is, the control.
        worlds: at most so many at once; it changes nothing but the rounding of a network's outputs.
        progress: told of each decision.
    """
    simulation = factory(min(worlds, len(seeds)))
    counts = np.zeros((len(CAUSES), len(seeds)), np.int64)
    try:
        run = Playthrough(simulation, seeds)
        while len(run.worlds):
            if is_kept_full:
                keep_full(simulation)
            playing, there, before = run.playing, run.worlds, simulation.ram()
            step = run.step(player(run.states))
            # Where a game has ended the memory is the next one's already.
            found = new_deaths(before, simulation.ram()) & ~step.ended
            counts[:, playing] += found[:, there]
            if progress is not None:
                progress(run.decisions, run.finished)
        return Deaths(counts, run.episodes())
    finally:
        simulation.close()
