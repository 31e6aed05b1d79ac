"""What sections of a scenario must not say together: each rule a function that names the fields it read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivesim.scenario.people import Pedestrians, Trigger
from drivesim.scenario.quantity import support_of
from drivesim.scenario.surroundings import Map
from drivesim.scenario.task import Camera, Ego, Reward, Sim

if TYPE_CHECKING:
    from drivesim.scenario.schema import Scenario

CLEARANCE_SPEED = 1.07
"""m/s; the walking speed for which the MUTCD times the clearance of a crosswalk (3.5 ft/s)."""
REACTION_TIME = 0.2
"""s before the brakes act in the rule of avoidable crossings."""
STOPPING_MARGIN = 1.0
"""m left between the bumper and the person's path."""

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Conflict:
    """One broken rule."""

    paths: tuple[FieldPath, ...]
    """The fields that are at odds, the first suspect first."""
    message: str
    """What is wrong and what is allowed."""


def find_conflicts(scenario: Scenario) -> list[Conflict]:
    """Apply every rule to a scenario whose fields are each valid."""
    return [
        *rates(scenario.sim),
        *street(scenario.map),
        *stranded_walkers(scenario),
        *start(scenario.ego),
        *crowd(scenario.pedestrians),
        *unavoidable_triggers(scenario),
        *planes(scenario.camera),
        *person_first(scenario.reward),
    ]


def rates(sim: Sim) -> Iterator[Conflict]:
    """Physics steps must fill a decision."""
    if sim.physics_hz % sim.decision_hz:
        message = f"found {sim.physics_hz}; allowed: a multiple of sim.decision_hz, {sim.decision_hz}"
        yield Conflict((("sim", "physics_hz"), ("sim", "decision_hz")), message)


def road_width_max(section: Map) -> float:
    """Return the greatest kerb-to-kerb width (m) that a map can have."""
    return 2 * support_of(section, "lanes")[1] * support_of(section, "lane_width")[1]


def street(section: Map) -> Iterator[Conflict]:
    """A block must hold two corners and three crosswalks; the lowest building must not exceed the tallest."""
    sidewalks, crosswalks = (
        support_of(section, "sidewalk_width")[1],
        support_of(section, "crosswalk_width")[1],
    )
    needed = road_width_max(section) + 2 * sidewalks + 3 * crosswalks
    if support_of(section, "block_length")[0] < needed:
        names = ("block_length", "lanes", "lane_width", "sidewalk_width", "crosswalk_width")
        message = f"too short; allowed: road width + 2 sidewalks + 3 crosswalks, {needed:g} m or more"
        yield Conflict(tuple(("map", name) for name in names), message)
    low, high = support_of(section, "building_height_min")[1], support_of(section, "building_height_max")[0]
    if low > high:
        message = f"found {low:g}; allowed: at most map.building_height_max, {high:g}"
        yield Conflict((("map", "building_height_min"), ("map", "building_height_max")), message)


def stranded_walkers(scenario: Scenario) -> Iterator[Conflict]:
    """A lawful walker must reach the other kerb before the crossing cars get green."""
    if not scenario.signals.enabled:
        return
    width = road_width_max(scenario.map)
    needed = support_of(scenario.signals, "walk")[1] + width / CLEARANCE_SPEED
    given = sum(support_of(scenario.signals, name)[0] for name in ("green", "yellow", "all_red"))
    if needed > given:
        message = (
            f"walkers are stranded: walk + road width / {CLEARANCE_SPEED} = {needed:.2f} s for {width:g} m, "
            f"green + yellow + all_red = {given:.2f} s; allowed: at most as long"
        )
        paths = [("signals", name) for name in ("walk", "green", "yellow", "all_red")]
        yield Conflict((*paths, ("map", "lanes"), ("map", "lane_width")), message)


def start(ego: Ego) -> Iterator[Conflict]:
    """The ego must not start faster than it can drive."""
    fastest, top = support_of(ego, "start_speed")[1], support_of(ego, "top_speed")[0]
    if fastest > top:
        message = f"found up to {fastest:g}; allowed: at most ego.top_speed, {top:g}"
        yield Conflict((("ego", "start_speed"), ("ego", "top_speed")), message)


def crowd(pedestrians: Pedestrians) -> Iterator[Conflict]:
    """Shares must name profiles and not all be zero; a profile's shares of places must fit into 1."""
    for name in pedestrians.mix:
        if name not in pedestrians.profiles:
            known = ", ".join(pedestrians.profiles)
            yield Conflict((("pedestrians", "mix", name),), f"unknown profile {name!r}; allowed: {known}")
    if not sum(pedestrians.mix.values()) > 0:
        yield Conflict((("pedestrians", "mix"),), "all shares are 0; allowed: at least one above 0")
    for name, profile in pedestrians.profiles.items():
        total = support_of(profile, "midblock_share")[1] + support_of(profile, "jaywalk_share")[1]
        if total > 1 + 1e-9:
            path = ("pedestrians", "profiles", name)
            message = f"midblock_share + jaywalk_share is up to {total:g}; allowed: at most 1"
            yield Conflict(((*path, "midblock_share"), (*path, "jaywalk_share")), message)


def stopping_distance(speed: float, top_speed: float, acceleration: float, braking: float) -> float:
    """Return the distance (m) from front bumper to a person's path within which the ego cannot stop any more.

    At worst 0.2 s of full throttle, then full braking, and 1 m to spare: with 3 and 6 m/s^2 this is
    0.2 v + 0.06 + v2^2 / 12 + 1, v2 the speed after the 0.2 s. The world compiles it as a kernel.

    Args:
        speed: m/s, of the ego when the person steps off; in reverse it counts as 0.
        top_speed: m/s.
        acceleration: m/s^2 at full throttle.
        braking: m/s^2 at full brake.
    """
    speed = max(speed, 0.0)
    after = min(top_speed, speed + REACTION_TIME * acceleration)
    reaction = REACTION_TIME * speed + 0.5 * acceleration * REACTION_TIME * REACTION_TIME
    return reaction + after * after / (2.0 * braking) + STOPPING_MARGIN


def trigger_shortfall(trigger: Trigger, ego: Ego) -> tuple[float, float]:
    """Return the largest shortfall (m) of a trigger's distance, and at which speed (m/s).

    Between the speeds tried, the trigger's distance is linear in the speed and the stopping distance convex,
    so the shortfall is largest at one of them.
    """
    top = support_of(ego, "top_speed")[1]
    acceleration, braking = support_of(ego, "acceleration")[1], support_of(ego, "braking")[0]
    speeds = [0.0, top, max(0.0, top - REACTION_TIME * acceleration)]
    if trigger.time_to_collision * top > trigger.minimum_distance:
        speeds.append(trigger.minimum_distance / trigger.time_to_collision)
    return max(
        (
            stopping_distance(v, top, acceleration, braking)
            - max(trigger.time_to_collision * v, trigger.minimum_distance),
            v,
        )
        for v in speeds
    )


def start_shortfall(trigger: Trigger, ego: Ego) -> float:
    """Return by how much (m) a person waits too near to the ego's start to be avoided."""
    speed, top = support_of(ego, "start_speed")[1], support_of(ego, "top_speed")[1]
    acceleration, braking = support_of(ego, "acceleration")[1], support_of(ego, "braking")[0]
    front = support_of(ego, "length")[1] / 2
    return stopping_distance(speed, top, acceleration, braking) - (trigger.position - front)


def unavoidable_triggers(scenario: Scenario) -> Iterator[Conflict]:
    """A scripted person must leave the ego room to stop, unless the scenario says otherwise."""
    if scenario.allow_unavoidable:
        return
    for index, trigger in enumerate(scenario.triggers):
        shortfall, speed = trigger_shortfall(trigger, scenario.ego)
        if shortfall > 1e-9:
            message = (
                f"nobody could stop: at {speed:.3g} m/s the person steps off {shortfall:.2f} m too late; "
                "allowed: max(time_to_collision * v, minimum_distance) at least the stopping distance at "
                "every speed v, or allow_unavoidable: true"
            )
            names = ("time_to_collision", "minimum_distance")
            paths = [*(("triggers", index, name) for name in names), ("triggers", index)]
            yield Conflict((*paths, ("ego", "braking"), ("ego", "top_speed")), message)
        shortfall = start_shortfall(trigger, scenario.ego)
        if shortfall > 1e-9:
            message = (
                f"found {trigger.position:g}, too near to stop from the start; "
                f"allowed: {trigger.position + shortfall:.4g} or more, or allow_unavoidable: true"
            )
            yield Conflict((("triggers", index, "position"), ("ego", "start_speed")), message)


def planes(camera: Camera) -> Iterator[Conflict]:
    """The near plane must lie before the far plane; the ranges of the two fields see to it almost wholly."""
    if camera.near >= camera.far:
        message = f"found {camera.near:g}; allowed: less than camera.far, {camera.far:g}"
        yield Conflict((("camera", "near"), ("camera", "far")), message)


def person_first(reward: Reward) -> Iterator[Conflict]:
    """Hitting a person must cost more than any other ending."""
    other = max(reward.car, reward.off_road)
    if reward.person <= other:
        message = f"found {reward.person:g}; allowed: more than reward.car and reward.off_road, {other:g}"
        yield Conflict((("reward", "person"), ("reward", "car"), ("reward", "off_road")), message)
