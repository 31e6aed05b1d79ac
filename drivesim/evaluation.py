"""How a pilot drives in a scenario: episodes, endings per km, and what is uncertain about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from scipy.stats import chi2

from drivesim.avoidable import HitJudge
from drivesim.envs.rewards import Ending
from drivesim.envs.vector import DrivingVectorEnv, RendererName
from drivesim.pilots import Pilot
from drivesim.scenario.schema import Scenario
from drivesim.world.state import Records

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Episode:
    """One drive from its seed to its ending."""

    seed: int
    ending: str
    """Name of an `Ending`."""
    distance_m: float
    time_s: float
    ran_red: int
    """Stop lines passed at red."""
    end_speed_mps: float
    """Of the ego when the episode ended: of an impact, its speed."""
    is_avoidable: bool | None = None
    """Of a person's hit: whether braking in time would have prevented it."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    low: float
    high: float


def rate_per_km(count: int, km: float) -> Estimate:
    """Estimate a rate of endings, with the exact Poisson interval (Garwood 1936)."""
    km = max(km, 1e-6)  # who never moved has an upper limit of millions, not infinity, which JSON lacks
    tail = (1.0 - CONFIDENCE) / 2.0
    low = chi2.ppf(tail, 2 * count) / 2.0 if count else 0.0
    return Estimate(count / km, float(low) / km, float(chi2.ppf(1.0 - tail, 2 * count + 2)) / 2.0 / km)


def resampled(ratio: Callable[[NDArray[np.int64]], float], episodes: int, draws: int = 2000) -> Estimate:
    """Estimate a figure of a set of episodes with its percentile bootstrap interval over episodes.

    Args:
        ratio: computes the figure of the episodes whose indices are given.
        episodes: how many there are.
        draws: bootstrap samples.
    """
    rng = np.random.default_rng(0)
    samples = [ratio(rng.integers(0, episodes, episodes)) for _ in range(draws)]
    low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(ratio(np.arange(episodes)), float(low), float(high))


def drive(
    scenario: Scenario,
    pilot: Pilot,
    seeds: Sequence[int],
    *,
    worlds: int = 64,
    renderer: RendererName = "raycast",
    on_episode: Callable[[int], None] | None = None,
) -> list[Episode]:
    """Drive one episode per seed.

    Args:
        scenario: where.
        pilot: who.
        seeds: of the episodes. How many run at once changes no world; a network's rounding may differ by it.
        worlds: towns stepped together.
        renderer: what draws the images.
        on_episode: told how many episodes have ended, for progress.

    Returns:
        Episodes in the order of the seeds.
    """
    count = min(worlds, len(seeds))
    env = DrivingVectorEnv(
        count,
        scenario,
        renderer if pilot.needs_images else "none",
        autoreset_mode=AutoresetMode.DISABLED,
    )
    try:
        return _drive(env, pilot, list(seeds), on_episode)
    finally:
        env.close()


def _drive(
    env: DrivingVectorEnv, pilot: Pilot, seeds: list[int], on_episode: Callable[[int], None] | None
) -> list[Episode]:
    judge = HitJudge(env.scenario)
    count = env.num_envs
    running = np.arange(count)
    waiting = list(range(len(seeds) - 1, count - 1, -1))
    observations, _ = env.reset(seed=seeds[:count])
    active = np.ones(count, np.bool_)
    totals = np.zeros((count, 3))
    done: dict[int, Episode] = {}
    while active.any():
        controls = pilot(env, observations)
        judge.remember(env.state, controls)
        observations, _, terminated, truncated, info = env.step_controls(controls, active)
        outcomes: Records = info["outcome"]
        totals += np.stack([outcomes["progress"], outcomes["elapsed"], outcomes["ran_red"]], 1)
        ended = active & (terminated | truncated)
        if not ended.any():
            continue
        restart: list[int | None] = [None] * count
        for n in np.flatnonzero(ended):
            ending, person = str(info["ending"][n]), int(outcomes["person"][n])
            avoidable = judge.is_avoidable(int(n), person) if ending == "person" else None
            distance, time, red = totals[n]
            seed = seeds[running[n]]
            speed = float(env.state.ego["speed"][n])
            done[int(running[n])] = Episode(
                seed, ending, float(distance), float(time), int(red), speed, avoidable
            )
            totals[n] = 0.0
            if waiting:
                running[n] = waiting.pop()
                restart[n] = seeds[running[n]]
            else:
                active[n] = False
        mask = np.array([seed is not None for seed in restart])
        if mask.any():
            observations, _ = env.reset(seed=restart, options={"reset_mask": mask})
        if on_episode is not None:
            on_episode(len(done))
    return [done[i] for i in range(len(seeds))]


def summarise(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Summarise episodes: km, mean speed, and endings per km with 95% intervals."""
    metres = np.array([e.distance_m for e in episodes])
    seconds = np.array([e.time_s for e in episodes])
    km = float(metres.sum() / 1000.0)

    def rate(matches: Callable[[Episode], bool]) -> dict[str, float]:
        return asdict(rate_per_km(sum(map(matches, episodes)), km))

    return {
        "episodes": len(episodes),
        "km": km,
        "mean_speed_mps": float(metres.sum() / max(seconds.sum(), 1e-9)),
        "mean_speed_interval": asdict(
            resampled(lambda i: float(metres[i].sum() / seconds[i].sum()), len(episodes))
        ),
        "distance_per_episode_m": asdict(resampled(lambda i: float(metres[i].mean()), len(episodes))),
        "person_per_km": rate(lambda e: e.ending == Ending.PERSON.name.lower()),
        "avoidable_person_per_km": rate(lambda e: bool(e.is_avoidable)),
        "car_per_km": rate(lambda e: e.ending == Ending.CAR.name.lower()),
        "offroad_per_km": rate(lambda e: e.ending == Ending.OFF_ROAD.name.lower()),
        "red_per_km": asdict(rate_per_km(sum(e.ran_red for e in episodes), km)),
    }
