"""The oxygen bar of Seaquest, read off pictures, synthesised or recorded (Sec. 4.4).

The bar is 63 of the emulator's 160 pixels wide: oxygen v shows v light pixels at its left, the rest red.
From 16 downwards the light ones are black half of the time, four decisions in turn. Made 84x84 by area, every
level has its pictures, and a reading is the level whose picture is nearest. How far that one still is tells
how sure the reading is: a bar that a decoder has smeared out is near none.

A low bar alone is no danger: it is also shown while the submarine refills at the surface, and while a wreck
is shown, whatever it was lost by. So it is told too whether the picture shows the yellow submarine under
water; a wreck is black or white.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes import statistics
from probes.domains.atari_frames import SIDE
from probes.domains.seaquest import FULL, OXYGEN, REFILLED, is_diving

LOW = 0.25
"""Share of all oxygen up to which it is low: 16 of 64, from which on the bar blinks."""
READABLE = 0.2
"""Misfit up to which a reading counts.

An edge that is smeared evenly over a share w of the bar misses every level by sqrt(w / 12): this is half the
bar."""
ROWS, COLUMNS = slice(68, 70), slice(26, 59)
"""Where the bar lies, without the column at its left, in which the emulator draws an edge of its own."""
_LEFT, _RIGHT, _WIDTH = 49, 112, 160
"""Ends of the bar, and width of the screen, in the emulator's pixels."""
_LIGHT, _RED, _AROUND = (214, 214, 214), (163, 57, 21), (142, 142, 142)
"""Red, green and blue of the oxygen that is left, of that which is gone, and of what lies around the bar."""
_BLINKS = ((0, 0, 0), (107, 107, 107))
"""What is left of low oxygen when it blinks; and the mean, which a decoder draws that cannot tell when."""
_SUBMARINE = (187, 187, 53)
"""Its red, green and blue; one that is lost is black or white."""
_WATER = slice(22, 66)
"""Rows of pixels from below the surface to the bottom."""
_ALIKE = 60.0
"""Levels, root mean square over the colours, from which on a pixel is nothing of the submarine."""
_SEEN = 5.0
"""Pixels' worth of submarine that count as one: 8 to 16 are seen of one under water, else 0."""


class Bars(NamedTuple):
    """P pictures of the bar."""

    pictures: NDArray[np.float64]
    """(P, 3, W), one row of pixels each, levels 0 to 255."""
    oxygen: NDArray[np.int64]
    """(P,), 0 to `FULL`."""


@cache
def bars() -> Bars:
    """Draw the bar of every oxygen that can be told apart."""
    every, low = np.arange(FULL + 1), np.arange(int(LOW * REFILLED) + 1)
    drawn = [_draw(every, _LIGHT), *(_draw(low, colour) for colour in _BLINKS)]
    return Bars(np.concatenate(drawn), np.concatenate([every, *[low] * len(_BLINKS)]))


def _draw(oxygen: NDArray[np.int64], colour: tuple[int, int, int]) -> NDArray[np.float64]:
    """Draw bars (P, 3, W) of oxygen (P,), what is left in a colour."""
    columns, scale = np.arange(COLUMNS.start, COLUMNS.stop), SIDE / _WIDTH
    left = np.clip((_LEFT + oxygen)[:, None] * scale - columns, 0, 1)  # share of each column (P, W)
    inside = np.broadcast_to(np.clip(_RIGHT * scale - columns, 0, 1), left.shape)
    areas = np.stack([left, inside - left, 1 - inside])
    drawn: NDArray[np.float64] = np.einsum("apw,ac->pcw", areas, np.array([colour, _RED, _AROUND], float))
    return drawn


class Reading(NamedTuple):
    """What the bars of B states show."""

    share: NDArray[np.float64]
    """(B,), of all oxygen, 0 to 1; a full bar reads 63/64."""
    misfit: NDArray[np.float64]
    """(B,), root mean square difference from the nearest bar, in that between light and red."""
    is_diving: NDArray[np.bool_]
    """(B,), whether the submarine is seen under water, and not lost."""

    @property
    def is_read(self) -> NDArray[np.bool_]:
        """(B,), whether it can be read."""
        return self.misfit <= READABLE

    @property
    def is_low(self) -> NDArray[np.bool_]:
        """(B,), whether it can be read and is low."""
        return self.is_read & (self.share <= LOW)

    @property
    def is_danger(self) -> NDArray[np.bool_]:
        """(B,), whether it is low while the submarine is under water."""
        return self.is_low & self.is_diving


def oxygen_shown(stored: NDArray[np.uint8]) -> Reading:
    """Read the oxygen off the newest frame of stored states (B, T, 3, 84, 84)."""
    strips = stored[:, -1, :, ROWS, COLUMNS].astype(np.float64)  # (B, 3, 2, W)
    known = np.repeat(bars().pictures[:, :, None], strips.shape[2], axis=2).reshape(len(bars().oxygen), -1)
    seen = strips.reshape(len(strips), -1)
    squares = (seen**2).sum(1)[:, None] - 2 * seen @ known.T + (known**2).sum(1)  # (B, P)
    error = np.sqrt(squares.min(1).clip(0) / known.shape[1])
    contrast = np.sqrt(np.mean((np.array(_LIGHT, float) - _RED) ** 2))
    return Reading(bars().oxygen[squares.argmin(1)] / REFILLED, error / contrast, _shows_submarine(stored))


def _shows_submarine(stored: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell whether the newest frames of states (B, T, 3, 84, 84) show the submarine under water."""
    colour = np.array(_SUBMARINE, np.float32)[:, None, None]
    amounts = [  # one by one, for the water of many states is much memory
        np.clip(1 - np.sqrt(np.mean((state[-1, :, _WATER] - colour) ** 2, axis=0)) / _ALIKE, 0, 1).sum()
        for state in stored
    ]
    return np.array(amounts) >= _SEEN


def describe(stored: NDArray[np.uint8]) -> dict[str, Any] | None:
    """Return what the newest frames of states (B, T, 3, 84, 84) show, as plain data; None of no states.

    Shares have Wilson's intervals: `unreadable` of all, the others of those whose bar can be read (None if
    none can). `low` is low oxygen, `danger` low oxygen under water, `diving` being under water. `oxygen` is
    the mean share of all oxygen, `misfit` the mean over all states.
    """
    if not len(stored):
        return None
    reading = oxygen_shown(stored)
    read = int(reading.is_read.sum())

    def share(found: NDArray[np.bool_]) -> dict[str, Any] | None:
        return statistics.share(int((found & reading.is_read).sum()), read).to_json() if read else None

    return {
        "states": len(stored),
        "unreadable": statistics.share(len(stored) - read, len(stored)).to_json(),
        "low": share(reading.is_low),
        "danger": share(reading.is_danger),
        "diving": share(reading.is_diving),
        "oxygen": statistics.mean(reading.share[reading.is_read]).to_json() if read else None,
        "misfit": statistics.mean(reading.misfit).to_json(),
    }


class Remembered(NamedTuple):
    """What the memories of B recorded states hold."""

    share: NDArray[np.float64]
    """(B,), of all oxygen."""
    is_diving: NDArray[np.bool_]
    """(B,), whether the submarine is under water, and not lost."""


def oxygen_remembered(memory: NDArray[np.uint8]) -> Remembered:
    """Read the same out of memories (B, 128)."""
    return Remembered(memory[:, OXYGEN] / REFILLED, is_diving(memory))


def check_reading(stored: NDArray[np.uint8], memory: NDArray[np.uint8]) -> dict[str, Any] | None:
    """Set the readings of recorded states beside their memories (B, 128); None of no states.

    Returns:
        `error`, the mean absolute difference in shares of all oxygen, over the states that can be read (None
        if none can); `low_right` and `danger_right`, the shares of states of which it is told rightly whether
        oxygen is low, and whether that is under water (Wilson).
    """
    if not len(stored):
        return None
    reading, known = oxygen_shown(stored), oxygen_remembered(memory)
    off = np.abs(reading.share - known.share)[reading.is_read]
    is_low = known.share <= LOW
    right = {"low": reading.is_low == is_low, "danger": reading.is_danger == (is_low & known.is_diving)}
    return {
        "error": statistics.mean(off).to_json() if len(off) else None,
        **{f"{name}_right": statistics.share(int(is_so.sum()), len(stored)).to_json()
           for name, is_so in right.items()},
    }  # fmt: skip
