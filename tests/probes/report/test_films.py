from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.report.films import Reel, draw_film
from probes.report.items import Film
from tests.probes.report.studies import SHIPPED, write_film

FILM = Film("a", "b", "worst.mp4", SHIPPED)


def poster_of(reel: Reel) -> NDArray[np.uint8]:
    """Decode the poster, gray (H, W)."""
    content = base64.b64decode(reel.poster.removeprefix("data:image/jpeg;base64,"))
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def test_a_film_is_embedded_byte_by_byte(tmp_path: Path) -> None:
    write_film(tmp_path / "worst.mp4")

    reel = draw_film(FILM, tmp_path)

    assert (
        base64.b64decode(reel.uri.removeprefix("data:video/mp4;base64,"))
        == (tmp_path / "worst.mp4").read_bytes()
    )
    assert (reel.width, reel.height) == (64, 48)


def test_the_poster_is_a_frame_from_the_middle(tmp_path: Path) -> None:
    write_film(tmp_path / "worst.mp4", frames=12)

    poster = poster_of(draw_film(FILM, tmp_path))

    # In frame 6 the bright square covers columns 24 to 39.
    bright = np.flatnonzero(poster[24] > 140)
    assert abs(int(bright.min()) - 24) <= 2
    assert abs(int(bright.max()) - 39) <= 2


def test_a_large_film_leaves_its_poster_alone(tmp_path: Path) -> None:
    write_film(tmp_path / "worst.mp4")
    size = (tmp_path / "worst.mp4").stat().st_size

    reel = draw_film(FILM, tmp_path, most_bytes=size - 1)

    assert reel.uri == ""
    assert reel.megabytes == pytest.approx(size / 1e6)
    assert draw_film(FILM, tmp_path, most_bytes=size).uri


def test_a_missing_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"worst.mp4: cannot be read: No such file"):
        draw_film(FILM, tmp_path)


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "worst.mp4").write_bytes(b"no film")

    with pytest.raises(ProbeError, match=r"worst.mp4: truncated or no film"):
        draw_film(FILM, tmp_path)
