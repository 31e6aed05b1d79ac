"""Sections of a scenario that describe what surrounds the ego: streets, signals and other cars."""

from __future__ import annotations

from typing import Annotated

from drivesim.scenario.quantity import Normal, Quantity, Range, Section


class Map(Section):
    """The town's geometry; drawn once per episode where a distribution is given."""

    block_length: Annotated[Quantity, Range(60, 400)] = 100.0
    """m, centre to centre of two intersections, 60 to 400. Default: a short city block (Portland has 80
    m)."""
    lane_width: Annotated[Quantity, Range(2.5, 5)] = 3.5
    """m, 2.5 to 5. Default: between the 10 and 12 ft of urban lanes (AASHTO Green Book), rounded up."""
    lanes: Annotated[Quantity, Range(1, 3, whole=True)] = 1.0
    """Lanes per direction, 1 to 3. Default: a residential street."""
    sidewalk_width: Annotated[Quantity, Range(1.5, 10)] = 3.0
    """m, 1.5 to 10. Default: two people pass a third with room (NACTO recommends 1.8 to 3.7)."""
    crosswalk_width: Annotated[Quantity, Range(1.8, 8)] = 3.0
    """m, 1.8 to 8; 1.8 is the least that the MUTCD allows. Default: 10 ft, common practice."""
    intersection_crosswalks: bool = True
    """Whether each arm of an intersection has a crosswalk."""
    midblock_crosswalks: bool = True
    """Whether each block has an unsignalised crosswalk at its middle."""
    building_height_min: Annotated[Quantity, Range(3, 60)] = 6.0
    """m, 3 to 60; the lowest building. Default: two storeys of 3 m."""
    building_height_max: Annotated[Quantity, Range(3, 60)] = 24.0
    """m, 3 to 60; the tallest building. Default: eight storeys of 3 m."""
    tree_spacing: Annotated[Quantity, Range(5, 100)] = 14.0
    """m between street trees, 5 to 100. Default: chosen within the 8 to 15 m of common street-tree guides."""


class Signals(Section):
    """Traffic signals at intersections: the two axes take turns of green, yellow and all-red."""

    enabled: bool = True
    """Whether intersections have signals."""
    green: Annotated[Quantity, Range(3, 120)] = 10.0
    """s of green for one axis, 3 to 120. Default: chosen; short, so that an episode sees several cycles."""
    yellow: Annotated[Quantity, Range(1, 8)] = 3.0
    """s, 1 to 8. Default: the least that the MUTCD allows (3 to 6)."""
    all_red: Annotated[Quantity, Range(0, 6)] = 1.0
    """s in which both axes are red, 0 to 6. Default: time to clear a street at 11.2 m/s; the MUTCD's limit is
    6."""
    walk: Annotated[Quantity, Range(1, 60)] = 7.0
    """s at the start of a green in which people may step off, 1 to 60. Default: the MUTCD's walk interval."""
    offset_spread: Annotated[Quantity, Range(0, 1)] = 1.0
    """Fraction of a cycle by which intersections differ at random, 0 to 1. Default: uncoordinated signals."""


class Cars(Section):
    """Other cars: the intelligent driver model of Treiber, Hennecke and Helbing (2000), one draw per car."""

    count: Annotated[Quantity, Range(0, 64, whole=True)] = 8.0
    """Cars in the window around the ego, 0 to 64. Default: chosen; about 47 cars per km of street."""
    window_ahead: Annotated[Quantity, Range(40, 500)] = 120.0
    """m ahead of the ego, 40 to 500; cars re-enter there. Default: beyond the camera's 80 m."""
    window_behind: Annotated[Quantity, Range(10, 300)] = 50.0
    """m behind the ego, 10 to 300; cars farther back are moved ahead. Default: chosen; out of the camera's
    sight."""
    desired_speed: Annotated[Quantity, Range(1, 30)] = Normal(normal=(9.5, 1.2))
    """m/s on a free road, 1 to 30. Default: chosen; nearly all below the 11.2 m/s (25 mph) of a residential
    limit."""
    time_headway: Annotated[Quantity, Range(0.5, 5)] = 1.5
    """s to the car ahead, 0.5 to 5. Default: Treiber and Kesting (2013), city traffic; 1.6 in the paper of
    2000."""
    minimum_gap: Annotated[Quantity, Range(0.5, 10)] = 2.0
    """m to the car ahead at rest, 0.5 to 10. Default: Treiber, Hennecke and Helbing (2000)."""
    max_acceleration: Annotated[Quantity, Range(0.3, 5)] = 1.5
    """m/s^2, 0.3 to 5. Default: chosen within the 1 to 1.5 of Treiber and Kesting (2013)."""
    comfortable_braking: Annotated[Quantity, Range(0.5, 6)] = 2.0
    """m/s^2, 0.5 to 6. Default: Treiber and Kesting (2013) give 1.5 to 2."""
    max_braking: Annotated[Quantity, Range(3, 10)] = 8.0
    """m/s^2 in an emergency, 3 to 10. Default: about 0.8 g, a dry road's grip."""
    obeys_signals: bool = True
    """Whether cars stop at red."""
    yields_to_people: bool = True
    """Whether cars stop for people on the road."""
    length: Annotated[Quantity, Range(2, 12)] = 4.5
    """m, 2 to 12. Default: a compact car."""
    width: Annotated[Quantity, Range(1, 2.6)] = 1.8
    """m, 1 to 2.6. Default: a compact car."""
