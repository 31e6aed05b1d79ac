"""Whether driving states could be real: road below the horizon, nobody floats, frames agree (beside Table 2).

Every limit is one that real states keep; novelty alone would reward noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import CABIN_HEIGHT
from drivesim.render.semantics import SemanticClass
from probes.domains.scenes import (
    CARRIAGEWAY,
    GROUND,
    LIGHTS,
    MOVING,
    Blobs,
    class_pictures,
    find_blobs,
    is_one_of,
)
from probes.domains.viewpoint import Viewpoint, ground_distance
from probes.states import StateLayout
from probes.synthesis.manifold import CouldBe

FLOATING = (SemanticClass.SKY, SemanticClass.BUILDING, *LIGHTS)
"""What nobody stands on, and what hides nobody's feet from a car on the road."""
PERSON_HEIGHT = 1.75
"""m, of the scenarios' people."""


@dataclass(frozen=True)
class Limits:
    """Up to where a state counts as real."""

    misplaced: float = 0.005
    """Share of the pixels above the horizon that show ground, and of those below that show sky."""
    slack_rows: int = 2
    """Rows beside the horizon that are not judged."""
    bottom: float = 0.9
    """Least share of carriageway, cars and people in the middle of the lowest rows."""
    least_blob: int = 3
    """Pixels from which a car or person is judged: a person 28 m away has about that many."""
    tallness: float = 2.0
    """By what factor somebody on the ground may be taller than the distance of the feet says."""
    shortness: float = 2.0
    """By what factor somebody may be shorter."""
    height_slack: float = 1.0
    """Pixels that somebody's height may be off besides."""
    head_slack: int = 1
    """Rows below the horizon that the top of what shows of a person may be: who stands on the ground and is
    taller than the camera's height has his head above it, and what hides a head hides all below."""
    speckle: float = 0.003
    """Share of pixels that differ from all their four neighbours."""
    change: float = 0.18
    """Share of pixels that change from one frame to the next, all that the road is painted with being one."""
    least_lasting: int = 25
    """Pixels from which a car or person must be there in the next frame too."""


REAL = Limits()


def judge_of(layout: StateLayout, viewpoint: Viewpoint) -> CouldBe | None:
    """Return what tells which states (B, T, M, H, W) could be real; None where states show no classes.

    Args:
        layout: of the states.
        viewpoint: of the camera that would have taken them.
    """
    if not any(plane.kind == "class" for plane in layout.planes):
        return None

    def could_be(stored: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return self_consistency(stored, layout, viewpoint)["realistic"]

    return could_be


def is_road_below_horizon(
    pictures: NDArray[np.uint8], viewpoint: Viewpoint, limits: Limits = REAL
) -> NDArray[np.bool_]:
    """Tell in which pictures (..., H, W) ground is below, sky above and the road before the ego, (...)."""
    height, width = pictures.shape[-2:]
    centres = np.arange(height, dtype=np.float64) + 0.5
    is_ground_row = ground_distance(viewpoint, centres) <= viewpoint.camera.far
    first = int(np.argmax(is_ground_row)) if is_ground_row.any() else height
    above = is_one_of(pictures[..., : max(int(viewpoint.horizon) - limits.slack_rows, 0), :], GROUND)
    below = pictures[..., first + limits.slack_rows :, :] == SemanticClass.SKY
    middle = pictures[..., height - height // 16 :, width // 3 : width - width // 3]
    before = is_one_of(middle, (*CARRIAGEWAY, *MOVING))
    return np.asarray(
        (above.mean((-2, -1)) <= limits.misplaced)
        & (below.mean((-2, -1)) <= limits.misplaced)
        & (before.mean((-2, -1)) >= limits.bottom)
    )


def is_smooth(pictures: NDArray[np.uint8], limits: Limits = REAL) -> NDArray[np.bool_]:
    """Tell which pictures (..., H, W) have few pixels that differ from all their neighbours, (...)."""
    alone = np.ones(pictures.shape, np.bool_)
    differs = pictures[..., 1:, :] != pictures[..., :-1, :]
    alone[..., 1:, :] &= differs
    alone[..., :-1, :] &= differs
    differs = pictures[..., 1:] != pictures[..., :-1]
    alone[..., 1:] &= differs
    alone[..., :-1] &= differs
    return np.asarray(alone.mean((-2, -1)) <= limits.speckle)


def floats(
    blobs: Blobs, pictures: NDArray[np.uint8], viewpoint: Viewpoint, limits: Limits = REAL
) -> NDArray[np.bool_]:
    """Tell which cars and people float, or have a height that their distance does not explain.

    The height is judged only where the feet are seen on the ground, for others hide them elsewhere; that of a
    person's head always.

    Args:
        blobs: K cars and people.
        pictures: (B, T, H, W), classes.
        viewpoint: of the camera.
        limits: of what is real.

    Returns:
        (K,).
    """
    height, width = pictures.shape[-2:]
    row = np.minimum(blobs.foot_row + 1, height - 1)
    middle = np.minimum((blobs.foot_left + blobs.foot_right) // 2, width - 1)
    is_cut = blobs.foot_row == height - 1
    under = pictures[blobs.state, blobs.frame, row, middle]
    hangs = is_one_of(under, FLOATING) & ~is_cut
    below = blobs.foot_row + 1 - viewpoint.horizon
    metres = np.where(blobs.semantic == SemanticClass.CAR, CABIN_HEIGHT, PERSON_HEIGHT)
    expected = below * metres / viewpoint.height
    too_tall = blobs.height > expected * limits.tallness + limits.height_slack
    too_short = blobs.height < expected / limits.shortness - limits.height_slack
    on_ground = is_one_of(under, (*GROUND, SemanticClass.VEGETATION)) & ~is_cut
    is_person = (blobs.semantic == SemanticClass.PERSON) & (viewpoint.height < PERSON_HEIGHT)
    has_no_head = is_person & (blobs.top > viewpoint.horizon + limits.head_slack)
    return np.asarray(hangs | has_no_head | (on_ground & (too_tall | too_short)))


def changed_share(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of pixels that change from each frame (B, T, H, W) to the next, (B, T - 1).

    Road, markings and crosswalks count as one, for they sweep past beneath the camera; so do the colours of
    the lights.
    """
    table = np.arange(256, dtype=np.uint8)
    table[list(CARRIAGEWAY)] = SemanticClass.ROAD
    table[list(LIGHTS)] = SemanticClass.LIGHT_RED
    merged = table[pictures]
    return np.asarray((merged[:, 1:] != merged[:, :-1]).mean((2, 3)))


def vanishes(
    blobs: Blobs, pictures: NDArray[np.uint8], step: int, limits: Limits = REAL
) -> NDArray[np.bool_]:
    """Tell which large cars and people have nothing of their class near by in the next (or previous) frame.

    Near by means within the bounding box, widened on each side by its height and 4 px. At 11 m/s and ten
    frames a second nothing moves farther unless it leaves the picture; boxes that reach its sides are not
    judged.

    Args:
        blobs: K cars and people.
        pictures: (B, T, H, W), classes.
        step: 1 for the next frame, -1 for the previous one.
        limits: of what is real.

    Returns:
        (K,).
    """
    frames, height, width = pictures.shape[1:]
    reach = blobs.height + 4
    left, right = blobs.left - reach, blobs.left + blobs.width + reach
    top, bottom = np.maximum(blobs.top - reach, 0), np.minimum(blobs.foot_row + 1 + reach, height)
    other = blobs.frame + step
    is_judged = (blobs.area >= limits.least_lasting) & (left > 0) & (right < width)
    is_judged &= (other >= 0) & (other < frames)
    lost = np.zeros(len(blobs), np.bool_)
    for k in np.flatnonzero(is_judged):
        picture = pictures[blobs.state[k], other[k]]
        lost[k] = not (picture[top[k] : bottom[k], left[k] : right[k]] == blobs.semantic[k]).any()
    return lost


def self_consistency(
    stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint, limits: Limits = REAL
) -> dict[str, NDArray[np.bool_]]:
    """Tell which states could be real, and in what respect; all frames are judged.

    Args:
        stored: (B, T, M, H, W), stored states.
        layout: of the states.
        viewpoint: of the camera that took them, or would have.
        limits: of what is real.

    Returns:
        (B,) for `road_below_horizon`, `smooth`, `nobody_floats`, `frames_agree`, and `realistic`: all four.

    Raises:
        ProbeError: the states are no driving states.
    """
    pictures = class_pictures(stored, layout)
    blobs = find_blobs(stored, layout, None, MOVING, limits.least_blob)
    nobody_floats = np.ones(len(stored), np.bool_)
    nobody_floats[blobs.state[floats(blobs, pictures, viewpoint, limits)]] = False
    frames_agree = np.asarray((changed_share(pictures) <= limits.change).all(axis=1))
    for step in (1, -1):
        frames_agree[blobs.state[vanishes(blobs, pictures, step, limits)]] = False
    checks = {
        "road_below_horizon": is_road_below_horizon(pictures, viewpoint, limits).all(1),
        "smooth": is_smooth(pictures, limits).all(1),
        "nobody_floats": nobody_floats,
        "frames_agree": frames_agree,
    }
    return {**checks, "realistic": np.logical_and.reduce(list(checks.values()))}
