"""Scenario files as `probes replay-moments` writes them."""

from __future__ import annotations

from pathlib import Path

CROSSING = """\
schema_version: 1
name: {name}
extends: distracted
ego: {{start_position: 30.0, lateral_offset: 0.0, heading_offset: 0.0, start_speed: 9.0}}
cars: {{count: 0}}
pedestrians: {{count: 0}}
triggers:
- {{position: 40.0, side: right, time_to_collision: 2.5, minimum_distance: 2.0, speed: 1.1}}
sim: {{episode_s: {seconds}}}
"""
"""One person steps off in time to be spared."""


def write_crossing(folder: Path, name: str, seconds: int = 10) -> Path:
    """Write one into a folder."""
    file = folder / f"{name}.yaml"
    file.write_text(CROSSING.format(name=name, seconds=seconds))
    return file
