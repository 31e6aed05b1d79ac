from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from probes.agent import ProbeError
from probes.report.items import Image
from probes.report.stills import draw_still
from tests.probes.report.studies import SHIPPED

MAP = Image("a", "b", "map.png", "c", SHIPPED)


def test_a_picture_is_embedded_byte_by_byte(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "map.png"), np.full((30, 40, 3), 200, np.uint8))
    still = draw_still(MAP, tmp_path)
    content = base64.b64decode(still.uri.removeprefix("data:image/png;base64,"))
    assert content == (tmp_path / "map.png").read_bytes()
    assert (still.width, still.height) == (40, 30)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"map\.png: cannot be read: No such file"):
        draw_still(MAP, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG half"])
def test_a_damaged_picture_is_told_of(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(content)
    with pytest.raises(ProbeError, match="truncated or no picture"):
        draw_still(MAP, tmp_path)
