"""States as strips of pictures, all frames left to right, that the page's style plays as a film.

One strip serves the film, the frames side by side, and print.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from probes.agent import ProbeError
from probes.report.items import Stacks, Weights
from probes.states import StateLayout

Pixels: TypeAlias = NDArray[np.uint8]

_COLOURS_OF_A_PALETTE = 256
_WEIGHT_COLOURS = "cividis"
"""Made for colour-blind eyes."""
_NOTHING = 1e-30
"""Weights below it are none."""


@dataclass(frozen=True)
class Painter:
    """How a domain colours its states; handed in, for the report knows no domain."""

    paint: Callable[[Pixels, StateLayout], Mapping[str, Pixels]]
    """A stored state (T, M, H, W) to a picture (T, H, W, 3) for each plane's name."""
    legend: tuple[tuple[str, tuple[int, int, int]], ...] = ()
    """Class names and their colours, (R, G, B)."""


@dataclass(frozen=True)
class Strip:
    """The frames of one plane, left to right."""

    name: str
    """Of the plane."""
    uri: str
    frames: int
    width: int
    """px, of one frame."""
    height: int


@dataclass(frozen=True)
class Picture:
    """One state."""

    label: str
    strips: tuple[Strip, ...]


def draw_stacks(item: Stacks, directory: Path, painter: Painter) -> tuple[Picture, ...]:
    """Draw the states of an item.

    Raises:
        ProbeError: the file is missing, or does not hold such states.
    """
    states = _open_states(directory / item.file, item.layout, item.indices)
    return tuple(
        Picture(label, tuple(_planes(np.asarray(states[index]), item, painter)))
        for index, label in zip(item.indices, _labels(item), strict=True)
    )


def draw_weights(item: Weights, directory: Path, painter: Painter) -> tuple[Picture, ...]:
    """Draw the states of an item above their weights, each state's largest weight being brightest.

    Raises:
        ProbeError: a file is missing, or does not hold such states or weights.
    """
    layout = item.layout
    states = _open_states(directory / item.states_file, layout, item.indices)
    shape = (layout.stack, layout.height, layout.width)
    weights = _open(directory / item.weights_file, shape, item.indices)
    return tuple(
        Picture(
            label,
            (
                *_planes(np.asarray(states[index]), item, painter),
                strip("weights", colour_weights(weights[index])),
            ),
        )
        for index, label in zip(item.indices, _labels(item), strict=True)
    )


def strip(name: str, frames: Pixels) -> Strip:
    """Lay frames (T, H, W, 3) side by side as one PNG, without loss."""
    count, height, width, _ = frames.shape
    wide = np.ascontiguousarray(frames.transpose(1, 0, 2, 3)).reshape(height, count * width, 3)
    return Strip(name, data_uri(_png(wide), "image/png"), count, width, height)


def colour_weights(weights: NDArray[Any]) -> Pixels:
    """Colour weights (T, H, W), from none, dark, to the largest of this state, bright: (T, H, W, 3)."""
    positive = np.clip(np.asarray(weights, np.float64), 0, None)
    levels = np.rint(positive / max(float(positive.max()), _NOTHING) * 255).astype(np.uint8)
    table: Pixels = np.asarray(matplotlib.colormaps[_WEIGHT_COLOURS](np.arange(256), bytes=True))  # (256, 4)
    colours: Pixels = table[levels, :3]
    return colours


def data_uri(content: bytes, mime: str) -> str:
    """Return an address that holds its content."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def _planes(state: Pixels, item: Stacks | Weights, painter: Painter) -> Iterator[Strip]:
    for name, frames in painter.paint(state, item.layout).items():
        if not item.planes or name in item.planes:
            yield strip(name, frames)


def _labels(item: Stacks | Weights) -> tuple[str, ...]:
    return item.labels or ("",) * len(item.indices)


def _open_states(file: Path, layout: StateLayout, indices: Iterable[int]) -> NDArray[Any]:
    states = _open(file, layout.stored_shape, indices)
    if states.dtype != np.uint8:
        raise ProbeError(f"{file}: found {states.dtype}; stored states are uint8")
    return states


def _open(file: Path, shape: tuple[int, ...], indices: Iterable[int]) -> NDArray[Any]:
    """Open an array (N, *shape) that has these indices."""
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ProbeError(f"{file}: cannot be read: {error.strerror or error}; run its stage again") from error
    except ValueError as error:
        raise ProbeError(f"{file}: truncated or no .npy array: {error}; run its stage again") from error
    if array.shape[1:] != shape:
        raise ProbeError(f"{file}: found {array.shape}; wanted is (N, {', '.join(map(str, shape))})")
    last = max(indices)
    if last >= len(array):
        raise ProbeError(f"{file}: holds {len(array)} states; index {last} is to be shown")
    return array


def _png(picture: Pixels) -> bytes:
    """Write a picture (H, W, 3), by a palette where its colours are few: a tenth of the bytes."""
    packed = picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)  # (H, W)
    colours, numbers = np.unique(packed, return_inverse=True)
    if len(colours) > _COLOURS_OF_A_PALETTE:
        image = Image.fromarray(picture)
    else:
        image = Image.fromarray(numbers.reshape(packed.shape).astype(np.uint8), mode="L")
        image.putpalette(
            np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.uint8).tobytes()
        )
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
