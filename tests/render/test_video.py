"""Colours, panels, and films that are read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.semantics import CLASS_NAMES, PALETTE
from drivesim.render.video import (
    CAPTION_HEIGHT,
    GAP,
    LEGEND_HEIGHT,
    colorize_classes,
    colorize_depth,
    colorize_gray,
    legend,
    tile,
    write_gif,
    write_video,
)


def moving_square(count: int, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    """Draw a white square that moves by two pixels a frame over gray."""
    frames = []
    for i in range(count):
        frame = np.full((height, width, 3), 90, np.uint8)
        frame[10:20, 2 * i : 2 * i + 10] = 255
        frames.append(frame)
    return frames


class Film(NamedTuple):
    """What OpenCV reads of a film."""

    codec: str
    fps: float
    frames: NDArray[np.uint8]
    """(T, H, W, 3) red, green, blue."""


def read_back(path: Path) -> Film:
    """Read a whole film."""
    capture = cv2.VideoCapture(str(path))
    try:
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode()
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        frames: list[NDArray[np.uint8]] = []
        while True:
            is_read, frame = capture.read()
            if not is_read:
                return Film(code, fps, np.array(frames)[..., ::-1])
            frames.append(np.asarray(frame, np.uint8))
    finally:
        capture.release()


def test_a_class_has_the_colour_of_the_palette() -> None:
    ids = np.array([[0, 9], [8, 1]], np.uint8)
    assert colorize_classes(ids)[0, 1].tolist() == PALETTE[9].tolist()
    assert colorize_classes(ids).shape == (2, 2, 3)


def test_depth_grows_darker_on_a_scale_that_does_not_depend_on_the_image() -> None:
    brightness = colorize_depth(np.array([[0.5, 5.0, 40.0, 80.0]], np.float32), far=80.0).sum(axis=-1)[0]
    assert (np.diff(brightness.astype(int)) < 0).all()
    alone = colorize_depth(np.array([[5.0]], np.float32), far=80.0)
    assert alone[0, 0].sum() == brightness[1]


def test_gray_is_repeated_in_three_channels() -> None:
    assert colorize_gray(np.array([[7]], np.uint8)).tolist() == [[[7, 7, 7]]]


def test_a_small_panel_is_enlarged_by_its_nearest_pixels() -> None:
    large, small = np.zeros((8, 8, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)
    small[0, 1] = (10, 200, 30)
    sheet = tile([("", large), ("", small)], columns=2, has_legend=False)
    assert sheet.shape == (CAPTION_HEIGHT + 8, 8 + GAP + 8, 3)
    cell = sheet[CAPTION_HEIGHT:, 8 + GAP :]
    assert (cell[:4, 4:] == (10, 200, 30)).all()
    assert (cell[4:] == 0).all()


def test_panels_fill_rows_and_captions_are_written_above_them() -> None:
    panel = np.full((40, 60, 3), 128, np.uint8)
    sheet = tile([("one", panel), ("two", panel), ("", panel)], columns=2, has_legend=False)
    assert sheet.shape == (2 * (CAPTION_HEIGHT + 40) + GAP, 2 * 60 + GAP, 3)
    assert sheet[:CAPTION_HEIGHT, :60].max() > 200
    assert sheet[CAPTION_HEIGHT + 40 + GAP :, :60][:CAPTION_HEIGHT].max() < 60


def test_a_long_caption_stays_within_its_panel() -> None:
    panel = np.zeros((20, 80, 3), np.uint8)
    sheet = tile([("a caption that is far too long " * 3, panel), ("", panel)], columns=2, has_legend=False)
    assert sheet[:CAPTION_HEIGHT, 80:].max() < 60


def test_the_legend_shows_every_colour_and_wraps() -> None:
    for width in (320, 1600):
        strip = legend(width)
        assert strip.shape[1] == width
        shown = {tuple(pixel) for pixel in strip.reshape(-1, 3).tolist()}
        assert {tuple(colour) for colour in PALETTE.tolist()} <= shown
    assert legend(320).shape[0] > legend(1600).shape[0] == LEGEND_HEIGHT
    assert len(CLASS_NAMES) == len(PALETTE)


def test_no_panel_is_refused() -> None:
    with pytest.raises(ValueError, match="0 panels"):
        tile([], columns=2)


def test_a_film_is_read_back_as_h264_with_its_frames_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "film.mp4"
    frames = moving_square(12)
    write_video(path, iter(frames), fps=10)
    film = read_back(path)
    assert film.codec in ("avc1", "h264")
    assert film.fps == 10
    assert film.frames.shape == (12, 48, 64, 3)
    assert np.abs(film.frames[5].astype(int) - frames[5]).mean() < 4
    assert [p.name for p in path.parent.iterdir()] == ["film.mp4"]


def test_odd_sides_are_continued_by_a_pixel(tmp_path: Path) -> None:
    write_video(tmp_path / "odd.mp4", moving_square(3, height=47, width=63), fps=5)
    assert read_back(tmp_path / "odd.mp4").frames.shape[1:3] == (48, 64)


def test_a_film_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from moving_square(3)
        raise RuntimeError("the world ended")

    with pytest.raises(RuntimeError, match="the world ended"):
        write_video(path, broken(), fps=10)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_frames_and_frames_of_two_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "a.mp4", [], fps=10)
    with pytest.raises(ValueError, match="frame 2"):
        write_video(tmp_path / "b.mp4", [*moving_square(2), *moving_square(1, width=32)], fps=10)
    assert not list(tmp_path.iterdir())


def test_a_gif_keeps_its_size_and_colours(tmp_path: Path) -> None:
    frames = moving_square(8, height=96, width=256)
    write_gif(tmp_path / "whole.gif", frames, fps=10)
    seen = read_back(tmp_path / "whole.gif").frames
    assert seen.shape[1:] == (96, 256, 3)
    assert np.abs(seen[0].astype(int) - frames[0]).max() <= 8


def restless(count: int) -> list[NDArray[np.uint8]]:
    """Draw frames of noise, which no format makes small."""
    noise = np.random.default_rng(0)
    return [noise.integers(0, 255, (96, 256, 3), dtype=np.uint8) for _ in range(count)]


def test_a_gif_is_shrunk_until_it_fits(tmp_path: Path) -> None:
    write_gif(tmp_path / "small.gif", restless(2), fps=10, max_bytes=30_000)
    assert 10_000 < (tmp_path / "small.gif").stat().st_size <= 30_000


def test_a_gif_that_cannot_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        write_gif(tmp_path / "tiny.gif", restless(2), fps=10, max_bytes=100)
    assert not (tmp_path / "tiny.gif").exists()
