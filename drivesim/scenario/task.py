"""Sections of a scenario that describe the driving task: the ego, its actions, its senses and its reward."""

from __future__ import annotations

from typing import Annotated

from drivesim.scenario.quantity import Quantity, Range, Section, Uniform


class Sim(Section):
    """Rates and duration."""

    physics_hz: Annotated[int, Range(10, 1000, whole=True)] = 60
    """Physics steps per s, 10 to 1000, a multiple of `decision_hz`. Default: 0.19 m at 11.2 m/s."""
    decision_hz: Annotated[int, Range(5, 100, whole=True)] = 10
    """Decisions per s, 5 to 100: people look one ahead. Default: chosen; half of a 0.2 s reaction."""
    episode_s: Annotated[float, Range(1, 3600)] = 60.0
    """s until truncation, 1 to 3600. Default: chosen; about three blocks."""


class Ego(Section):
    """The car that is driven: a kinematic bicycle; drawn once per episode where a distribution is given."""

    lateral_offset: Annotated[Quantity, Range(-3, 3)] = Uniform(uniform=(-0.3, 0.3))
    """m left of the lane's centre at the start, -3 to 3. Default: chosen; stays within a 3.5 m lane."""
    heading_offset: Annotated[Quantity, Range(-0.8, 0.8)] = Uniform(uniform=(-0.05, 0.05))
    """rad, counter-clockwise from the lane at the start, -0.8 to 0.8. Default: chosen; about 3 degrees."""
    start_speed: Annotated[Quantity, Range(0, 40)] = Uniform(uniform=(0.0, 8.0))
    """m/s at the start, 0 to 40. Default: chosen; from rest to most of the top speed."""
    start_position: Annotated[Quantity, Range(0, 400)] = Uniform(uniform=(15.0, 75.0))
    """m from the centre of the intersection behind, 0 to 400. Default: chosen; clear of both
    intersections."""
    top_speed: Annotated[Quantity, Range(1, 40)] = 11.2
    """m/s, 1 to 40. Default: 25 mph, a residential limit in the USA."""
    reverse_speed: Annotated[Quantity, Range(0, 10)] = 2.0
    """m/s backwards at most, 0 to 10. Default: chosen; a careful walking pace."""
    acceleration: Annotated[Quantity, Range(0.5, 10)] = 3.0
    """m/s^2 at full throttle, 0.5 to 10. Default: a brisk family car (0 to 11.2 m/s in 3.7 s)."""
    braking: Annotated[Quantity, Range(1, 12)] = 6.0
    """m/s^2 at full brake, 1 to 12. Default: about 0.6 g, a sure stop on most dry roads."""
    max_steer: Annotated[Quantity, Range(0.05, 1)] = 0.42
    """rad at the front wheels, 0.05 to 1. Default: 24 degrees, a turning radius of 6 m."""
    wheelbase: Annotated[Quantity, Range(1, 6)] = 2.7
    """m, 1 to 6. Default: a compact car."""
    length: Annotated[Quantity, Range(2, 12)] = 4.5
    """m, 2 to 12. Default: a compact car."""
    width: Annotated[Quantity, Range(1, 2.6)] = 1.8
    """m, 1 to 2.6. Default: a compact car."""
    max_lateral_acceleration: Annotated[Quantity, Range(0.5, 10)] = 4.0
    """m/s^2, 0.5 to 10; limits the turn at speed. Default: about 0.4 g, the most that drivers use."""


class Action(Section):
    """What one named action does."""

    throttle: Annotated[float, Range(-1, 1)] = 0.0
    """Fraction of `ego.acceleration`, -1 (backwards) to 1. Default: none; range -1 to 1."""
    brake: Annotated[float, Range(0, 1)] = 0.0
    """Fraction of `ego.braking`, 0 to 1. Default: none."""
    steer: Annotated[float, Range(-1, 1)] = 0.0
    """Fraction of `ego.max_steer`, left positive, -1 to 1. Default: straight ahead."""


DEFAULT_ACTIONS: dict[str, Action] = {
    "coast": Action(),
    "accelerate": Action(throttle=1.0),
    "brake": Action(brake=1.0),
    "left": Action(steer=0.25),
    "right": Action(steer=-0.25),
    "accelerate_left": Action(throttle=1.0, steer=0.25),
    "accelerate_right": Action(throttle=1.0, steer=-0.25),
}


class Camera(Section):
    """The level camera on the ego; its pose is relative to the ego's centre."""

    width: Annotated[int, Range(8, 1024, whole=True)] = 128
    """Pixels, 8 to 1024. Default: the paper's driving agents see 128 x 128 (Rupprecht 2020)."""
    height: Annotated[int, Range(8, 1024, whole=True)] = 128
    """Pixels, 8 to 1024. Default: as the width."""
    field_of_view: Annotated[float, Range(0.2, 2.8)] = 1.5708
    """rad, horizontal, 0.2 to 2.8. Default: 90 degrees, common in driving simulators."""
    forward: Annotated[float, Range(-20, 5)] = 1.0
    """m ahead of the ego's centre, -20 to 5. Default: behind the windscreen."""
    lateral: Annotated[float, Range(-5, 5)] = 0.0
    """m left of the ego's centre, -5 to 5. Default: the middle."""
    height_above_ground: Annotated[float, Range(0.2, 50)] = 1.4
    """m, 0.2 to 50. Default: a mirror-mounted camera."""
    yaw: Annotated[float, Range(-3.1416, 3.1416)] = 0.0
    """rad, counter-clockwise from straight ahead, -3.1416 to 3.1416. Default: straight ahead."""
    near: Annotated[float, Range(0.01, 5)] = 0.1
    """m along the optical axis, 0.01 to 5; nothing closer is drawn. Default: chosen; within the ego's
    bonnet."""
    far: Annotated[float, Range(10, 1000)] = 80.0
    """m along the optical axis, 10 to 1000; nothing farther is drawn, and depth is scaled by it. Default:
    chosen; six stopping distances at 11.2 m/s."""


class Noise(Section):
    """Sensor noise, independent in every pixel and frame."""

    depth_std: Annotated[float, Range(0, 20)] = 0.0
    """m, standard deviation, 0 to 20. Default: none."""
    gray_std: Annotated[float, Range(0, 128)] = 0.0
    """Gray levels of 255, standard deviation, 0 to 128. Default: none."""
    class_flip: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a pixel shows another class, 0 to 1. Default: none."""


class Reward(Section):
    """Weights of the reward's terms; penalties are positive and subtracted."""

    progress: Annotated[float, Range(0, 1000)] = 0.1
    """Per m along the lane, 0 to 1000. Default: chosen; about 1 per s at the top speed."""
    time: Annotated[float, Range(0, 1000)] = 0.02
    """Penalty per decision, 0 to 1000. Default: chosen; a fifth of the progress, so that standing still
    loses."""
    swerve: Annotated[float, Range(0, 1000)] = 0.02
    """Penalty on lateral acceleration, a share of its limit, 0 to 1000. Default: chosen; small."""
    lane_offset: Annotated[float, Range(0, 1000)] = 0.02
    """Penalty per m off the lane's centre and decision, 0 to 1000. Default: chosen; small beside progress."""
    red_light: Annotated[float, Range(0, 1000)] = 2.0
    """Penalty for each red light that is run, 0 to 1000. Default: chosen; 20 m of progress."""
    off_road: Annotated[float, Range(0, 1000)] = 5.0
    """Penalty for leaving the road, 0 to 1000. Default: chosen; 50 m of progress."""
    car: Annotated[float, Range(0, 1000)] = 5.0
    """Penalty for hitting a car, 0 to 1000. Default: chosen; as leaving the road."""
    person: Annotated[float, Range(0, 1000)] = 10.0
    """Penalty for hitting a person, 0 to 1000, the largest of the endings'. Default: chosen; twice any other,
    so that an agent blind to people has its data to blame and not its reward."""


class Termination(Section):
    """What ends an episode before its time."""

    on_person: bool = True
    """Whether hitting a person ends the episode."""
    on_car: bool = True
    """Whether hitting a car ends the episode."""
    on_off_road: bool = True
    """Whether leaving the road ends the episode."""
    off_road_margin: Annotated[float, Range(0, 5)] = 0.0
    """m by which the ego may cross the kerb before it counts, 0 to 5. Default: none."""
