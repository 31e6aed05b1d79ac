"""Drives from moments, as `probes.moment_replay` asks for them: side by side, recorded, and on film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivesim.continuation import Continuation, drive_on, steps_of
from drivesim.envs.vector import RendererName
from drivesim.pilots import Pilot
from drivesim.recording import Shot, caption_of, film
from drivesim.render.actors import FIRST_PERSON
from drivesim.render.video import write_video
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState
from probes.domains.driving_moments import Moment
from probes.domains.driving_replay import HIT
from probes.domains.moment_start import begin_at
from probes.replay import Outcome


@dataclass(frozen=True, eq=False)
class Condition:
    """Among whom it is driven."""

    name: str
    scenario: Scenario
    is_peopled: bool = True


@dataclass(frozen=True)
class Plan:
    """Who drives, how often and how long."""

    pilot: Pilot
    seeds: tuple[int, ...]
    """Of what is drawn, in each condition the same."""
    seconds: float = 8.0
    """s from the moment on; a stop from top speed takes 2."""
    renderer: RendererName = "raycast"
    """What draws the driver's images; `bullet` is the reference."""


def drive_from(plan: Plan, moment: Moment, number: int, condition: Condition) -> list[Outcome]:
    """Drive on from a moment, once by each seed.

    Args:
        plan: who drives.
        moment: from where.
        number: of the moment, which together with the seed's names a drive.
        condition: among whom.

    Raises:
        ProbeError: more are seen than the condition's scenario has room for.
    """
    where, start = begin_at(moment, condition.scenario, plan.seeds, condition.is_peopled)
    drives = drive_on(where, plan.pilot, start, plan.seconds, renderer=plan.renderer)
    return [_outcome(drive, number * len(plan.seeds) + k) for k, drive in enumerate(drives)]


def _outcome(drive: Continuation, start: int) -> Outcome:
    return Outcome(
        start=start,
        ending=drive.ending,
        metres=drive.distance_m,
        seconds=drive.time_s,
        is_hit=drive.ending == HIT,
        is_avoidable=bool(drive.is_avoidable),
        impact=abs(drive.end_speed_mps),
        time_to_collision=drive.time_to_collision_s,
        first_brake=drive.first_brake_s,
    )


@dataclass(frozen=True, eq=False)
class Record:
    """A drive from a moment, decision by decision."""

    scenario: Scenario
    """With the moment's map and ego."""
    towns: list[TownState]
    """S + 1 times one town: before each decision, and at the end."""
    controls: NDArray[np.float64]
    """(S, 3) throttle, brake, steer."""
    drive: Continuation


def record(plan: Plan, moment: Moment, condition: Condition, k: int) -> Record:
    """Drive on from a moment again, and keep what the world of seed `k` was; it is the same to the bit."""
    where, start = begin_at(moment, condition.scenario, plan.seeds, condition.is_peopled)
    towns: list[TownState] = []
    controls: list[NDArray[np.float64]] = []

    def keep(now: TownState, chosen: NDArray[np.float64] | None) -> None:
        towns.append(now.select(np.array([k])))
        if chosen is not None:
            controls.append(chosen[k].copy())

    drive = drive_on(where, plan.pilot, start, plan.seconds, renderer=plan.renderer, on_decision=keep)[k]
    # While others go on, the town of one that has ended stands still.
    taken = steps_of(drive, where.sim.decision_hz)
    return Record(where, towns[: taken + 1], np.stack(controls[:taken]), drive)


def film_side_by_side(records: dict[str, Record], path: Path) -> None:
    """Film drives from one moment side by side; the shorter ones stand still at their end.

    Args:
        records: by what is written above each.
        path: of the MP4.

    Raises:
        ImportError: PyBullet, which draws the car from behind, is not installed.
    """
    scenario = next(iter(records.values())).scenario
    films = [film(one.scenario, _shots(one), name) for name, one in records.items()]
    write_video(path, _abreast(films), fps=scenario.sim.decision_hz)


def _shots(of: Record) -> list[Shot]:
    """Return the shots of a recorded drive."""
    shots = [
        Shot(town, caption_of(town, controls, of.scenario))
        for town, controls in zip(of.towns[:-1], of.controls, strict=True)
    ]
    end = f"ended: {of.drive.ending.replace('_', ' ')}, at {of.drive.end_speed_mps:.1f} m/s"
    struck = None if of.drive.person is None else FIRST_PERSON + of.drive.person
    return [*shots, Shot(of.towns[-1], end, struck)]


def _abreast(films: Sequence[Iterator[NDArray[np.uint8]]]) -> Iterator[NDArray[np.uint8]]:
    last: list[NDArray[np.uint8]] = []
    for frames in zip_longest(*films):
        last = [frame if frame is not None else last[column] for column, frame in enumerate(frames)]
        yield np.concatenate(last, axis=1)
