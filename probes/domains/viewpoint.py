"""Where the ego's level camera stands, and which points of the ground its pixels show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.cameras import make_camera
from drivesim.render.camera import Camera
from drivesim.scenario.conflicts import stopping_distance
from drivesim.scenario.quantity import support_of
from drivesim.scenario.schema import Scenario

MARGIN = 0.5
"""m beside the ego within which somebody counts as being in its way; a person's width."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Viewpoint:
    """The camera, how it is mounted on the ego, and how the ego brakes."""

    camera: Camera
    height: float
    """m above the ground."""
    forward: float
    """m ahead of the ego's centre."""
    lateral: float
    """m left of the ego's centre."""
    yaw: float
    """rad, counter-clockwise from straight ahead."""
    half_length: float
    """m, of the ego."""
    half_width: float
    top_speed: float
    """m/s."""
    acceleration: float
    """m/s^2 at full throttle."""
    braking: float
    """m/s^2 at full brake."""

    @property
    def horizon(self) -> float:
        """Rows from the picture's top to the horizon, which a level camera sees in the middle."""
        return self.camera.height / 2


def make_viewpoint(scenario: Scenario) -> Viewpoint:
    """Make the viewpoint of a scenario; of what is drawn per episode, the value that brakes worst."""
    mount, ego = scenario.camera, scenario.ego
    return Viewpoint(
        camera=make_camera(scenario),
        height=mount.height_above_ground,
        forward=mount.forward,
        lateral=mount.lateral,
        yaw=mount.yaw,
        half_length=support_of(ego, "length")[1] / 2,
        half_width=support_of(ego, "width")[1] / 2,
        top_speed=support_of(ego, "top_speed")[1],
        acceleration=support_of(ego, "acceleration")[1],
        braking=support_of(ego, "braking")[0],
    )


def ground_distance(
    viewpoint: Viewpoint, rows: NDArray[np.float64], level: float = 0.0
) -> NDArray[np.float64]:
    """Return the distance (m, along the optical axis) at which a horizontal plane is seen.

    Args:
        viewpoint: of the camera.
        rows: (...), counted from the picture's top edge: pixel r's centre is r + 0.5, its lower edge r + 1.
        level: m above the ground, of the plane; below the camera.

    Returns:
        (...), infinite at and above the horizon.
    """
    below = np.asarray(rows, np.float64) - viewpoint.horizon
    reach = (viewpoint.height - level) * viewpoint.camera.focal_px
    return np.divide(reach, below, out=np.full_like(below, np.inf), where=below > 0)


def ground_position(
    viewpoint: Viewpoint, rows: NDArray[np.float64], columns: NDArray[np.float64], level: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where on a horizontal plane a point of the picture lies, as the ego sees it.

    Args:
        viewpoint: of the camera.
        rows, columns: (...), counted from the picture's top and left edges; a pixel's centre is at + 0.5.
        level: m above the ground, of the plane.

    Returns:
        m ahead of the front bumper and m to the left of the ego's centre, (...) each; infinitely far ahead at
        and above the horizon.
    """
    depth = ground_distance(viewpoint, rows, level)
    is_ground = np.isfinite(depth)
    ahead, left = place_at(viewpoint, np.where(is_ground, depth, 0.0), columns)
    return np.where(is_ground, ahead - viewpoint.half_length, np.inf), left


def place_at(
    viewpoint: Viewpoint, depth: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where columns show at some distance, as the ego sees it.

    Args:
        viewpoint: of the camera.
        depth: (...) m along the optical axis.
        columns: (...), counted from the picture's left edge; a pixel's centre is at + 0.5.

    Returns:
        m ahead of and to the left of the ego's centre, (...) each.
    """
    right = (np.asarray(columns) - viewpoint.camera.width / 2) / viewpoint.camera.focal_px * depth
    cos, sin = np.cos(viewpoint.yaw), np.sin(viewpoint.yaw)
    ahead = viewpoint.forward + depth * cos + right * sin
    return ahead, viewpoint.lateral + depth * sin - right * cos


def point_at(viewpoint: Viewpoint, depth: float, column: float) -> tuple[float, float]:
    """Return where one column shows at some distance, as `place_at` does."""
    ahead, left = place_at(viewpoint, np.asarray(depth), np.asarray(column))
    return float(ahead), float(left)


def corridor(
    viewpoint: Viewpoint, reach: float, margin: float = MARGIN, level: float = 0.0, edge: float = 0.5
) -> NDArray[np.bool_]:
    """Tell which pixels show the ground that the ego would sweep if it went straight on.

    Whatever shows in such a pixel stands in the ego's way: it is nearer on the same line of sight, and a line
    of sight from the ego's middle does not leave the corridor before it comes to a point in it.

    Args:
        viewpoint: of the camera.
        reach: m ahead of the front bumper, the corridor's end.
        margin: m beside the ego that belong to the corridor.
        level: m above the ground, of the plane that is meant instead of the ground.
        edge: where in a pixel's height to look: 0.5 its centre; 1 its lower edge, which is where the foot of
            what has this for its lowest pixel is, on average.

    Returns:
        (H, W).
    """
    camera = viewpoint.camera
    rows = np.broadcast_to(np.arange(camera.height)[:, None] + edge, (camera.height, camera.width))
    columns = np.broadcast_to(np.arange(camera.width) + 0.5, rows.shape)
    ahead, left = ground_position(viewpoint, rows, columns, level)
    # Rounding must not decide about the pixels that lie exactly on the edge: at 1.4 m, many do.
    return (ahead <= reach + _ROUNDING) & (np.abs(left) <= viewpoint.half_width + margin + _ROUNDING)


def stopping_reach(viewpoint: Viewpoint, speed: float | None = None) -> float:
    """Return the distance (m, from the front bumper) within which the ego cannot stop any more.

    A picture does not tell the ego's speed: by default it is the top speed, which errs on the far side.
    """
    speed = viewpoint.top_speed if speed is None else speed
    return stopping_distance(speed, viewpoint.top_speed, viewpoint.acceleration, viewpoint.braking)


def stopping_region(
    viewpoint: Viewpoint, speed: float | None = None, margin: float = MARGIN
) -> NDArray[np.bool_]:
    """Tell which pixels show the ground of the stopping path, (H, W).

    A person in one of them stands within the stopping path, and a person within it shows in some of them: the
    feet do. Heads rise above the region, where they could as well be those of people farther away.

    Args:
        viewpoint: of the camera.
        speed: m/s; the top speed if it is None.
        margin: m beside the ego that count as its path.
    """
    return corridor(viewpoint, stopping_reach(viewpoint, speed), margin)
