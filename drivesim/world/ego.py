"""The ego's motion: a kinematic bicycle with a lateral-acceleration limit.

The point that moves along the heading, in the textbook the rear axle's middle, is the body's centre.
"""

from __future__ import annotations

import math

from drivesim.kernels import kernel
from drivesim.world.state import EgoRecord


@kernel
def command(ego: EgoRecord, throttle: float, brake: float, steer: float) -> None:
    """Turn pedals and wheel into the acceleration and wheel angle held for one decision.

    Args:
        ego: one record of `EGO`, changed in place.
        throttle: -1 (full reverse) to 1; clipped.
        brake: 0 to 1; clipped. Braking wins over the throttle.
        steer: -1 (right) to 1 (left), as a share of `max_steer`; clipped.
    """
    throttle = min(max(throttle, -1.0), 1.0)
    brake = min(max(brake, 0.0), 1.0)
    ego.steer = min(max(steer, -1.0), 1.0) * ego.max_steer
    ego.target_acceleration = throttle * ego.acceleration
    ego.brake = brake
    if brake > 0.0:
        ego.target_acceleration = -math.copysign(brake * ego.braking, ego.speed)


@kernel
def limited_curvature(ego: EgoRecord) -> float:
    """Return the path's curvature (1/m), cut where speed^2 * curvature would pass the lateral limit."""
    curvature = math.tan(ego.steer) / ego.wheelbase
    limit = ego.max_lateral_acceleration / max(ego.speed * ego.speed, 1e-9)
    return min(max(curvature, -limit), limit)


@kernel
def move(ego: EgoRecord, dt: float) -> float:
    """Integrate one physics step of `dt` s, midpoint rule in the heading; brakes stop, never reverse.

    Returns:
        The lateral acceleration, m/s^2.
    """
    before = ego.speed
    speed = before + ego.target_acceleration * dt
    if ego.brake > 0.0 and speed * before <= 0.0:
        speed = 0.0
    ego.speed = min(max(speed, -ego.reverse_speed), ego.top_speed)
    distance = 0.5 * (before + ego.speed) * dt
    curvature = limited_curvature(ego)
    middle = ego.yaw + 0.5 * distance * curvature
    ego.x += distance * math.cos(middle)
    ego.y += distance * math.sin(middle)
    ego.odometer += distance * math.cos(middle)
    ego.yaw = (ego.yaw + distance * curvature + math.pi) % (2.0 * math.pi) - math.pi
    return ego.speed * ego.speed * curvature
