"""Sections of a scenario that describe people: how many, how they behave, and scripted crossings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from drivesim.scenario.quantity import Normal, Quantity, Range, Section, Uniform

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64)]
"""How profiles, actions and scenarios may be called."""


class Profile(Section):
    """How one kind of person walks, looks and decides; a distribution is drawn from once per person."""

    walking_speed: Annotated[Quantity, Range(0.3, 3)] = Normal(normal=(1.34, 0.26))
    """m/s, 0.3 to 3. Default: Weidmann (1993), N(1.34, 0.26)."""
    look_probability: Annotated[Quantity, Range(0, 1)] = 0.93
    """Probability of looking before an unsignalised crossing, 0 to 1. Default: more than nine in ten (Rasouli
    2017)."""
    gap_slope: Annotated[Quantity, Range(0, 5)] = 1.06
    """s per m of road width, 0 to 5; accepted gap = slope * width + intercept. Default: line through the gaps
    that 95% accept, 2.2, 5.9 and 9.6 s for 4, 7.5 and 11 m (Zhang 2019)."""
    gap_intercept: Annotated[Quantity, Range(-10, 10)] = -2.0
    """s, -10 to 10; see `gap_slope`. Default: the same line (Zhang 2019)."""
    gap_margin: Annotated[Quantity, Range(-10, 10)] = 0.0
    """s added to the accepted gap, -10 to 10; negative for the hasty. Default: none."""
    look_distance: Annotated[Quantity, Range(0, 200)] = 80.0
    """m up to which an approaching car is noticed, 0 to 200. Default: the ego's camera sees as far."""
    start_delay: Annotated[Quantity, Range(0, 10)] = Uniform(uniform=(0.2, 1.0))
    """s at the kerb before a person may step off, 0 to 10. Default: chosen around a reaction of 0.5 s."""
    obeys_signal: Annotated[Quantity, Range(0, 1)] = 1.0
    """Probability of waiting for the walk signal, 0 to 1. Default: lawful."""
    midblock_share: Annotated[Quantity, Range(0, 1)] = 0.5
    """Share of crossings at a mid-block crosswalk, 0 to 1. Default: chosen; unsignalised crossings are what
    is studied."""
    jaywalk_share: Annotated[Quantity, Range(0, 1)] = 0.1
    """Share of crossings anywhere, 0 to 1; what remains of 1 uses intersections. Default: chosen."""
    reacts_while_crossing: bool = True
    """Whether a person on the road stops or hurries for an approaching car."""
    holds_phone: Annotated[Quantity, Range(0, 1)] = 0.0
    """Probability of holding a phone, 0 to 1; it adds 18% to crossing time (Thompson 2013; a later
    meta-analysis finds none). Default: no phone."""
    kerb_setback: Annotated[Quantity, Range(0.35, 3)] = 0.5
    """m behind the kerb at which a person walks, 0.35 to 3. Default: chosen; clear of mirrors."""


class Pedestrians(Section):
    """The people around the ego."""

    count: Annotated[Quantity, Range(0, 128, whole=True)] = 16.0
    """People in the window around the ego, 0 to 128. Default: chosen; about 145 per km of street."""
    window_ahead: Annotated[Quantity, Range(20, 300)] = 90.0
    """m ahead of the ego, 20 to 300; people re-enter there. Default: beyond the camera's 80 m."""
    window_behind: Annotated[Quantity, Range(5, 300)] = 20.0
    """m behind the ego, 5 to 300; people farther back are moved ahead. Default: chosen; out of the camera's
    sight."""
    crossing_interval: Annotated[Quantity, Range(1, 600)] = Uniform(uniform=(12.0, 30.0))
    """s between a person's crossings, 1 to 600. Default: chosen; several crossings in each episode."""
    body_width: Annotated[Quantity, Range(0.2, 0.7)] = 0.5
    """m, the side of a person's square footprint, 0.2 to 0.7. Default: the 0.5 m wide body ellipse of Fruin
    (1971)."""
    body_height: Annotated[Quantity, Range(0.8, 2.3)] = 1.75
    """m, 0.8 to 2.3. Default: an adult."""
    profiles: Annotated[Mapping[Name, Profile], Field(min_length=1, max_length=32)] = {"attentive": Profile()}
    """The kinds of people, by name, 1 to 32."""
    mix: Annotated[Mapping[Name, Annotated[float, Range(0, 1e6)]], Field(min_length=1, max_length=32)] = {
        "attentive": 1.0
    }
    """Share of each profile, 0 to 1e6, normalised by their sum. Default: everyone is attentive."""


class Trigger(Section):
    """A scripted crossing: a person waits at the kerb and steps off when the ego comes close."""

    position: Annotated[float, Range(5, 2000)] = 60.0
    """m ahead of the ego's start, 5 to 2000. Default: chosen; seen from the start."""
    side: Literal["left", "right"] = "right"
    """The kerb, seen from the ego, from which the person steps off."""
    time_to_collision: Annotated[float, Range(0, 20)] = 2.5
    """s, 0 to 20; the person steps off once the ego's front is nearer than this times its speed. Default:
    chosen; above the stopping time at every speed up to 11.2 m/s."""
    minimum_distance: Annotated[float, Range(0, 200)] = 8.0
    """m, 0 to 200; or once its front is nearer than this. Default: chosen; above a stop from 5 m/s."""
    speed: Annotated[float, Range(0.3, 4)] = 1.5
    """m/s at which the person crosses, 0.3 to 4. Default: a brisk walk."""
