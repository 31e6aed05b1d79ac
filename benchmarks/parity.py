"""How far the two renderers agree on random states of every shipped scenario: the worst scenario counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.row import Row
from benchmarks.towns import random_states
from drivesim.envs.vector import make_camera
from drivesim.render.bullet import BulletRenderer
from drivesim.render.parity import Parity, parity
from drivesim.render.raycaster import MODALITIES, RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.loader import load, shipped_names

STATES = 200
MIN_CLASSES = 0.999
MAX_DEPTH_P99 = 0.01
"""m"""
MAX_GRAY = 3.0
"""Of 255."""


def compare(scenario: str, count: int = STATES, seed: int = 7) -> Parity:
    """Draw random states of a scenario with both renderers, all modalities, and compare."""
    loaded = load(scenario)
    camera, modalities = make_camera(loaded), tuple(MODALITIES)
    scene = SceneBuilder(loaded, count).build(random_states(scenario, count, seed))
    raycaster = RaycastRenderer(camera, modalities)
    try:
        with BulletRenderer(camera, modalities, hardware=False) as bullet:
            return parity(raycaster.render(scene), bullet.render(scene))
    finally:
        raycaster.close()


def measure() -> Row:
    """Measure the row."""
    found = {name: compare(name) for name in shipped_names()}
    all_of = [p.everything for p in found.values()]
    classes = min(a.classes for a in all_of)
    depth, gray = max(a.depth_p99 for a in all_of), max(a.gray_mean for a in all_of)
    details: dict[str, Any] = {name: asdict(p) for name, p in found.items()}
    return Row(
        "parity",
        "share of class pixels equal",
        classes,
        f"classes {MIN_CLASSES:.1%}, depth (99th percentile) {MAX_DEPTH_P99} m, mean gray {MAX_GRAY:.0f}",
        classes >= MIN_CLASSES and depth <= MAX_DEPTH_P99 and gray <= MAX_GRAY,
        peer_name="PyBullet TinyRenderer",
        more={
            "depth_p99_m": depth,
            "gray_mean": gray,
            "objects_classes": min(p.objects.classes for p in found.values()),
            "ground_classes": min(p.ground.classes for p in found.values()),
            "states_per_scenario": STATES,
            "scenarios": details,
        },
    )
