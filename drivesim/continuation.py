"""Drives that go on from given moments, and how near they come to a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.avoidable import HitJudge
from drivesim.envs.rewards import Ending
from drivesim.envs.snapshot import Snapshot
from drivesim.envs.vector import DrivingVectorEnv, RendererName
from drivesim.pilots import Pilot
from drivesim.scenario.schema import Scenario
from drivesim.world.state import AWAY, Records, TownState

TIME = Ending.TIME.name.lower()
_LONGEST_S = 3600.0
"""s, the longest episode that a scenario may have: how old the moment is shall not end the drive."""
_MOVING = 0.1
"""m/s below which nobody comes nearer."""
_BRAKES = 0.05
"""Share of full braking that counts."""


@dataclass(frozen=True)
class Continuation:
    """How a drive went on from a moment."""

    ending: str
    """Name of an `Ending`; `time` if nothing ended it."""
    distance_m: float
    """Along the lane."""
    time_s: float
    end_speed_mps: float
    """Of an impact, its speed."""
    person: int | None = None
    """Index of the person who was hit."""
    is_avoidable: bool | None = None
    """Of a person's hit: whether braking in time, from the moment on, would have prevented it."""
    time_to_collision_s: float | None = None
    """The least, with whoever stood in the strip that the ego covers; None if nobody did while it moved."""
    first_brake_s: float | None = None
    """When it first braked; None if it never did."""
    brake_share: float = 0.0
    """Of its decisions."""


def steps_of(drive: Continuation, decision_hz: int) -> int:
    """Return how many decisions a drive took; one that an ending cut short counts."""
    return int(np.ceil(drive.time_s * decision_hz - 1e-6))


#: Is shown the towns before each decision (overwritten afterwards) and the controls (N, 3) that follow; once
#: more at the end, with None for controls.
OnDecision = Callable[[TownState, NDArray[np.float64] | None], None]


def drive_on(
    scenario: Scenario,
    pilot: Pilot,
    start: Snapshot,
    seconds: float,
    *,
    renderer: RendererName = "raycast",
    on_decision: OnDecision | None = None,
) -> list[Continuation]:
    """Drive on from the moments of a snapshot, all side by side.

    The same snapshot and number of worlds give the same drives to the bit.

    Args:
        scenario: where; whoever is in the towns keeps the behaviour that the snapshot gives him.
        pilot: who drives.
        start: N worlds, and the frames that the driver has seen so far.
        seconds: how long at most.
        renderer: what draws the images.
        on_decision: for who keeps a record.

    Returns:
        N drives.

    Raises:
        ValueError: the snapshot is of another scenario's capacities or image format.
    """
    sim = scenario.sim.model_copy(update={"episode_s": _LONGEST_S})
    env = DrivingVectorEnv(
        len(start.towns),
        scenario.model_copy(update={"sim": sim}),
        renderer if pilot.needs_images else "none",
        autoreset_mode=AutoresetMode.DISABLED,
    )
    try:
        return _drive_on(env, pilot, start, max(round(seconds * scenario.sim.decision_hz), 1), on_decision)
    finally:
        env.close()


def _drive_on(
    env: DrivingVectorEnv, pilot: Pilot, start: Snapshot, decisions: int, on_decision: OnDecision | None
) -> list[Continuation]:
    count, judge = env.num_envs, HitJudge(env.scenario)
    observations, _ = env.reset(options={"state": start})
    active = np.ones(count, np.bool_)
    metres, seconds, taken, braked = (np.zeros(count) for _ in range(4))
    nearest, first_brake = np.full(count, np.inf), np.full(count, np.nan)
    endings = np.full(count, TIME, object)
    struck, avoidable = np.full(count, -1), np.zeros(count, np.bool_)
    for _ in range(decisions):
        controls = pilot(env, observations)
        judge.remember(env.state, controls)
        if on_decision is not None:
            on_decision(env.state, controls)
        brakes = active & (controls[:, 1] > _BRAKES)
        first_brake[brakes & np.isnan(first_brake)] = seconds[brakes & np.isnan(first_brake)]
        taken, braked = taken + active, braked + brakes
        nearest[active] = np.minimum(nearest, time_to_collision(env.state))[active]
        observations, _, terminated, truncated, info = env.step_controls(controls, active)
        outcomes: Records = info["outcome"]
        metres, seconds = metres + outcomes["progress"], seconds + outcomes["elapsed"]
        for n in np.flatnonzero(active & (terminated | truncated)):
            endings[n], active[n] = str(info["ending"][n]), False
            if endings[n] == Ending.PERSON.name.lower():
                struck[n] = outcomes["person"][n]
                avoidable[n] = judge.is_avoidable(int(n), int(struck[n]))
        if not active.any():
            break
    if on_decision is not None:
        on_decision(env.state, None)
    return [
        Continuation(
            ending=str(endings[n]),
            distance_m=float(metres[n]),
            time_s=float(seconds[n]),
            end_speed_mps=float(env.state.ego["speed"][n]),
            person=int(struck[n]) if struck[n] >= 0 else None,
            is_avoidable=bool(avoidable[n]) if struck[n] >= 0 else None,
            time_to_collision_s=float(nearest[n]) if np.isfinite(nearest[n]) else None,
            first_brake_s=None if np.isnan(first_brake[n]) else float(first_brake[n]),
            brake_share=float(braked[n] / taken[n]),
        )
        for n in range(count)
    ]


def time_to_collision(towns: TownState) -> NDArray[np.float64]:
    """Return the least time (N,), s, in which each ego would reach a person at its present speed.

    Only people count who stand in the strip that its body covers straight ahead; infinite without any, or
    while the ego hardly moves.
    """
    ego, people = towns.ego[:, None], towns.people
    cos, sin = np.cos(ego["yaw"]), np.sin(ego["yaw"])
    x, y = people["x"] - ego["x"], people["y"] - ego["y"]
    ahead, left = x * cos + y * sin, y * cos - x * sin  # (N, K)
    gap = ahead - ego["half_length"] - people["half_width"]
    is_in_way = (np.abs(left) < ego["half_width"] + people["half_width"]) & (gap > 0)
    index = np.arange(people.shape[1])
    is_in_way &= (people["mode"] != AWAY) & (index < towns.town["num_people"][:, None])
    speed = ego["speed"]
    times = np.where(is_in_way & (speed > _MOVING), gap / np.maximum(speed, _MOVING), np.inf)
    least: NDArray[np.float64] = times.min(axis=1, initial=np.inf)
    return least
