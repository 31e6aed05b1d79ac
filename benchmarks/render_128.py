"""Frames per second of the ray caster and of PyBullet, of the same states: 128x128, all modalities.

The states follow each other in one town, as an environment meets them, so that PyBullet has few bodies to
move; both renderers take them in one call. Its best is `getCameraImage` alone, bodies in place, reported too.
"""

from __future__ import annotations

from statistics import median

from benchmarks.row import Row
from benchmarks.timing import median_ratio, rates_in_turns
from benchmarks.towns import drive_through
from drivesim.render.bullet import BulletRenderer
from drivesim.render.camera import Camera
from drivesim.render.raycaster import MODALITIES, RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.loader import load

TARGET = 60.0
STATES = 64
REPEATS = 9


def measure() -> Row:
    """Measure the row."""
    camera, modalities = Camera(), tuple(MODALITIES)
    raycaster = RaycastRenderer(camera, modalities)
    with BulletRenderer(camera, modalities, hardware=False) as bullet:
        scene = SceneBuilder(load("reasonable"), STATES).build(drive_through("reasonable", STATES, seed=1))
        ours, theirs = raycaster.render(scene), bullet.render(scene)

        def cast() -> float:
            for _ in range(20):
                raycaster.render(scene, ours)
            return 20 * STATES

        def draw() -> float:
            bullet.render(scene, theirs)
            return STATES

        def photograph() -> float:
            # The bodies, the ground and the culling stand as the last state has left them.
            for _ in range(STATES):
                bullet._photograph(scene.poses[-1])
            return STATES

        rates = rates_in_turns({"ours": cast, "peer": draw, "image": photograph}, REPEATS)
    raycaster.close()
    ratio = median_ratio(rates["ours"], rates["peer"])
    return Row(
        "render-128",
        "frames/s",
        median(rates["ours"]),
        f"at least {TARGET:.0f} times the peer",
        ratio >= TARGET,
        peer=median(rates["peer"]),
        peer_name="PyBullet TinyRenderer, one ground quad, no shadow, NumPy",
        ratio_peer=ratio,
        more={
            "peer_image_alone": median(rates["image"]),
            "ratio_peer_image_alone": median_ratio(rates["ours"], rates["image"]),
            "prisms": int(scene.prisms.counts[0]),
            "repeats": REPEATS,
        },
    )
