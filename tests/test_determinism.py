"""The same seeds show the same frames, whatever the batch, the process and the thread."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drivesim.envs.cameras import make_camera
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.raycaster import RaycastRenderer
from drivesim.world.random import uniform
from tests.towns import scenario

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1, 4, 8)


def digests(name: str, seeds: list[int], steps: int, batch: int, threads: int = 1) -> list[str]:
    """Drive every seed's world, `batch` at once, and hash its depth, class and gray frames and its rewards.

    A world's actions are a function of its seed and the step; when an episode ends the next one begins.
    """
    plan = scenario(name)
    renderer = RaycastRenderer(make_camera(plan), ("depth", "semantic", "gray"), threads)
    found: list[str] = []
    for first in range(0, len(seeds), batch):
        worlds = seeds[first : first + batch]
        env = DrivingVectorEnv(len(worlds), plan, "none")
        env.reset(seed=worlds)
        hashes = [hashlib.sha256() for _ in worlds]
        for k in range(steps):
            actions = [min(int(7.0 * uniform(seed, 0, 0, k, 0)), 4) for seed in worlds]
            actions = [1 if action == 0 and k % 2 else action for action in actions]
            rewards = env.step(np.array(actions))[1]
            frames = renderer.render(env.scene())
            for images in (frames.depth, frames.semantic, frames.gray):
                assert images is not None
                for digest, image in zip(hashes, images, strict=True):
                    digest.update(image.tobytes())
            for digest, reward in zip(hashes, rewards, strict=True):
                digest.update(reward.tobytes())
        found += [digest.hexdigest() for digest in hashes]
    renderer.close()
    return found


def in_another_process(name: str, seeds: list[int], steps: int, batch: int) -> list[str]:
    """Compute `digests` in a new interpreter."""
    code = (
        "import json; from tests.test_determinism import digests; "
        f"print(json.dumps(digests({name!r}, {seeds}, {steps}, {batch})))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["mixed_field", "dense_traffic"])
def test_frames_do_not_depend_on_the_batch_or_the_threads(name: str) -> None:
    seeds = [0, 1, 2, 3]
    expected = digests(name, seeds, 60, 4)
    assert len(set(expected)) == len(seeds)
    assert digests(name, seeds, 60, 1) == expected
    assert digests(name, seeds, 60, 2, threads=2) == expected


@pytest.mark.slow
def test_a_thousand_frames_of_twenty_seeds_are_the_same_in_any_batch_and_process() -> None:
    seeds = list(range(20))
    expected = digests("mixed_field", seeds, 1000, BATCHES[-1])
    assert len(set(expected)) == 20
    for batch in BATCHES[:-1]:
        assert digests("mixed_field", seeds, 1000, batch) == expected
    assert in_another_process("mixed_field", seeds, 1000, 5) == expected
