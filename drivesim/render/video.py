"""Pictures for people: colours for classes and depth, panels with captions, films and GIFs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import CLASS_NAMES, PALETTE

#: px, heights of a panel's caption and of one row of the legend.
CAPTION_HEIGHT: int = 24
LEGEND_HEIGHT: int = 20
#: px between panels.
GAP: int = 4
#: A GIF is not made narrower than this, px.
LEAST_GIF_WIDTH: int = 96

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.45
_BACKGROUND = (24, 24, 28)
_INK = (240, 240, 240)
#: One palette for the whole film, and no dithering: flat colours stay flat, and the file small.
_GIF_FILTER = "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=none:diff_mode=rectangle"


def colorize_classes(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour classes (H, W) by `PALETTE`: (H, W, 3)."""
    return PALETTE[ids]


def colorize_depth(depth: NDArray[np.float32], far: float) -> NDArray[np.uint8]:
    """Colour depth, near bright and far dark, on a fixed logarithmic scale.

    Args:
        depth: (H, W), m.
        far: m, the end of the scale.

    Returns:
        (H, W, 3).
    """
    share = np.log1p(np.clip(depth, 0.0, far)) / np.log1p(far)
    levels = np.rint(255 * (1 - share)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8)


def colorize_gray(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat gray (H, W) in three channels: (H, W, 3)."""
    return np.repeat(gray[..., None], 3, axis=-1)


def tile(
    panels: Sequence[tuple[str, NDArray[np.uint8]]], columns: int, *, has_legend: bool = True
) -> NDArray[np.uint8]:
    """Lay captioned panels out in rows; all are enlarged, pixel by pixel, into the cell of the largest.

    Args:
        panels: caption and picture (h, w, 3) of each.
        columns: panels a row.
        has_legend: whether the colours of the classes are explained below.

    Returns:
        (H, W, 3).

    Raises:
        ValueError: no panel or no column.
    """
    if not panels or columns < 1:
        raise ValueError(f"{len(panels)} panels in {columns} columns; allowed: at least 1 of both")
    height = max(picture.shape[0] for _, picture in panels)
    width = max(picture.shape[1] for _, picture in panels)
    rows = -(-len(panels) // columns)
    columns = min(columns, len(panels))
    sheet = _blank(rows * (height + CAPTION_HEIGHT + GAP) - GAP, columns * (width + GAP) - GAP)
    for index, (caption, picture) in enumerate(panels):
        top = index // columns * (height + CAPTION_HEIGHT + GAP)
        left = index % columns * (width + GAP)
        _write(sheet[top : top + CAPTION_HEIGHT, left : left + width], caption)
        cell = sheet[top + CAPTION_HEIGHT : top + CAPTION_HEIGHT + height, left : left + width]
        _put_enlarged(cell, picture)
    return np.concatenate([sheet, legend(sheet.shape[1])]) if has_legend else sheet


def legend(width: int) -> NDArray[np.uint8]:
    """Draw a strip that names the colours of the classes, in as many rows as `width` (px) asks for."""
    swatch = LEGEND_HEIGHT - 8
    widths = [_text_width(name, _FONT_SCALE) + swatch + 16 for name in CLASS_NAMES]
    places, x, row = [], 4, 0
    for entry in widths:
        if x + entry > width and x > 4:
            x, row = 4, row + 1
        places.append((x, row * LEGEND_HEIGHT))
        x += entry
    strip = _blank((row + 1) * LEGEND_HEIGHT, width)
    for name, colour, (left, top) in zip(CLASS_NAMES, PALETTE, places, strict=True):
        strip[top + 4 : top + 4 + swatch, left : left + swatch] = colour
        _write(strip[top : top + LEGEND_HEIGHT, left + swatch :], name)
    return strip


def _blank(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), _BACKGROUND, np.uint8)


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, _FONT, scale, 1)[0][0])


def _write(strip: NDArray[np.uint8], text: str) -> None:
    """Write text into a strip (h, w, 3), smaller if it would not fit."""
    room = strip.shape[1] - 8
    scale = _FONT_SCALE * min(1.0, room / max(_text_width(text, _FONT_SCALE), 1))
    drawn = strip.copy()
    cv2.putText(drawn, text, (4, strip.shape[0] // 2 + 5), _FONT, scale, _INK, 1, cv2.LINE_AA)
    strip[:] = drawn


def _put_enlarged(cell: NDArray[np.uint8], picture: NDArray[np.uint8]) -> None:
    """Put a picture into the middle of a cell, as large as it fits, by its nearest pixels."""
    room_y, room_x = cell.shape[:2]
    scale = min(room_y / picture.shape[0], room_x / picture.shape[1])
    height, width = round(picture.shape[0] * scale), round(picture.shape[1] * scale)
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    top, left = (room_y - height) // 2, (room_x - width) // 2
    cell[top : top + height, left : left + width] = picture[rows[:, None], columns]


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float) -> None:
    """Write a film: MP4, H.264, yuv420p; nothing is left at `path` unless it is whole.

    Args:
        path: where, ending in .mp4.
        frames: (H, W, 3) each, of one size; an odd side is continued by one pixel, as H.264 asks for.
        fps: frames per second.

    Raises:
        ValueError: no frames, or not of one size.
    """
    with _appears_whole(path) as unfinished:
        options = ["-crf", "20", "-preset", "medium", "-movflags", "+faststart"]
        _encode(unfinished, map(_even, frames), fps, "libx264", "yuv420p", options)


def write_gif(
    path: Path, frames: Sequence[NDArray[np.uint8]], fps: float, max_bytes: int = 2_000_000
) -> None:
    """Write a GIF, smaller in pixels until it is small enough in bytes.

    Args:
        path: where, ending in .gif.
        frames: (H, W, 3) each, of one size.
        fps: frames per second; GIF counts in hundredths of a second.
        max_bytes: allowed size of the file.

    Raises:
        ValueError: no frames, not of one size, or too many to fit at any legible size.
    """
    width = frames[0].shape[1] if len(frames) else 0
    scale = 1.0
    with _appears_whole(path) as unfinished:
        while True:
            shrunk = (_shrunk(frame, scale) for frame in frames)
            _encode(unfinished, shrunk, fps, "gif", "pal8", ["-filter_complex", _GIF_FILTER])
            size = unfinished.stat().st_size
            if size <= max_bytes:
                return
            scale *= min(0.9, (max_bytes / size) ** 0.5)
            if width * scale < LEAST_GIF_WIDTH:
                raise ValueError(f"{path}: {len(frames)} frames do not fit into {max_bytes} bytes")


def _shrunk(frame: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return frame
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")


@contextmanager
def _appears_whole(path: Path) -> Iterator[Path]:
    """Lend a name beside `path` to write to; move the file there once it is written and synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _encode(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    codec: str,
    pixel_format: str,
    options: list[str],
) -> None:
    """Send frames to ffmpeg."""
    stream = iter(frames)
    first = next(stream, None)
    if first is None:
        raise ValueError("no frames to write")
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (first.shape[1], first.shape[0]),
        fps=fps,
        codec=codec,
        pix_fmt_out=pixel_format,
        macro_block_size=1,
        quality=None,
        output_params=options,
    )
    with closing(writer):
        writer.send(None)
        for number, frame in enumerate(itertools.chain([first], stream)):
            if frame.shape != first.shape:
                raise ValueError(f"frame {number} is {frame.shape}; allowed: {first.shape}, as the first")
            writer.send(np.ascontiguousarray(frame))
