"""Recorded drives as part of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.report.items import Film
from probes.report.sprites import data_uri

MOST_BYTES = 6_000_000
"""A larger film is named and not embedded."""
_POSTER_QUALITY = 80


@dataclass(frozen=True)
class Reel:
    """A film and a picture from its middle."""

    uri: str
    """Empty if the film is too large to embed."""
    poster: str
    width: int
    """px."""
    height: int
    megabytes: float


def draw_film(item: Film, directory: Path, most_bytes: int = MOST_BYTES) -> Reel:
    """Embed a film, or only a picture of it if it has more than `most_bytes`.

    Raises:
        ProbeError: the file is missing or is no film.
    """
    file = directory / item.file
    try:
        content = file.read_bytes()
        poster = _middle_frame(file)
    except OSError as error:
        raise ProbeError(f"{file}: cannot be read: {error.strerror}; run its stage again") from error
    _, jpeg = cv2.imencode(".jpg", poster, (cv2.IMWRITE_JPEG_QUALITY, _POSTER_QUALITY))
    uri = data_uri(content, "video/mp4") if len(content) <= most_bytes else ""
    height, width, _ = poster.shape
    return Reel(uri, data_uri(jpeg.tobytes(), "image/jpeg"), width, height, len(content) / 1e6)


def _middle_frame(file: Path) -> NDArray[np.uint8]:
    """Return a frame (H, W, 3), blue first."""
    film = cv2.VideoCapture(str(file))
    try:
        film.set(cv2.CAP_PROP_POS_FRAMES, film.get(cv2.CAP_PROP_FRAME_COUNT) // 2)
        is_read, frame = film.read()
    finally:
        film.release()
    if not is_read:
        raise ProbeError(f"{file}: truncated or no film; run its stage again")
    return np.asarray(frame, np.uint8)
