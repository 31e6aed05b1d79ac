"""Pictures that a stage has drawn, as part of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from probes.agent import ProbeError
from probes.report.items import Image
from probes.report.sprites import data_uri


@dataclass(frozen=True)
class Still:
    """A picture."""

    uri: str
    width: int
    """px."""
    height: int


def draw_still(item: Image, directory: Path) -> Still:
    """Embed a picture.

    Raises:
        ProbeError: the file is missing or is no PNG.
    """
    file = directory / item.file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ProbeError(f"{file}: cannot be read: {error.strerror}; run its stage again") from error
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        raise ProbeError(f"{file}: truncated or no picture; run its stage again")
    height, width, _ = picture.shape
    return Still(data_uri(content, "image/png"), width, height)
