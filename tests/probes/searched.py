"""A search with made-up results, so that what is told of it can be told by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from probes.synthesis.finding import Curve, Finding
from probes.synthesis.manifold import Limits, RealReference, Verdicts
from probes.synthesis.round_trip import Measured
from probes.synthesis.synthesise import Searched
from probes.synthesis.targets import Target
from probes.synthesis.variety import variety
from tests.probes.linear_models import LATENT, LAYOUT

TARGET = Target("T-", "V-", "bad states", 2.0, 1.0, lambda output, _: -output.value)
STEPS, CHAINS, DRAWS, REAL = 3, 2, 2, 101
RAMP = np.arange(REAL, dtype=np.float64)
"""The real states' measures, all alike: their q-quantile is 100 q."""


def singles(*shape: int) -> NDArray[np.float32]:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def made_up() -> Searched:
    """Return two chains of two draws: J 50, 120, 99.5, 120; the second fails two checks, the last one."""
    real = Measured(RAMP, RAMP, RAMP, RAMP, RAMP)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 3, (DRAWS * CHAINS, *LAYOUT.stored_shape)).astype(np.uint8)
    j = np.array([50.0, 120.0, 99.5, 120.0])
    kl, radius = np.array([1.0, 1.0, 2.0, 2.0]), np.array([3.0, 3.0, 4.0, 4.0])
    measured = Measured(kl + 10, radius + 10, j, np.full(4, 0.75), np.full(4, 0.125))
    ok = np.zeros(4, np.bool_)
    failed = {
        name: ok.copy() for name in ("chain_kl", "chain_radius", "picture_kl", "agreement", "output_change")
    }
    failed["agreement"][1] = failed["picture_kl"][1] = failed["chain_kl"][3] = True
    verdicts = Verdicts(
        measured, kl, radius, failed, np.array([50.0, 100.0, 99.0, 100.0]), j > 99, j > 100, 90 / 101
    )
    curve = Curve(*(singles(STEPS, CHAINS) + 10 * row for row in range(5)))
    settings = {"search": {"seed": 5, "chains": CHAINS}, "target": TARGET.to_json()}
    finding = Finding(
        singles(CHAINS, LATENT) * np.float32(1 / 64),
        singles(CHAINS, LATENT) * np.float32(1 / 128),
        kl[::2],
        radius[::2],
        singles(CHAINS * DRAWS, LATENT) * np.float32(1 / 3),
        pictures,
        pictures[::2],
        np.array([[0.0, np.log(3.0)]] * 4, np.float32),
        np.array([-1.0, -2.0, -3.0, -4.0], np.float32),
        j.astype(np.float32),
        j.astype(np.float32) + 1,
        np.array([7.0, 8.0], np.float32),
        np.array([11, 2**62], np.uint64),
        curve,
        "steps",
        settings,
    )
    extreme = rng.integers(0, 3, (9, *LAYOUT.stored_shape)).astype(np.uint8)
    reference = RealReference(real, np.ones(LATENT, np.float32), np.ones(3, np.float32), 0.5, extreme)
    differ = variety(pictures, extreme, LAYOUT)
    return Searched(TARGET, finding, verdicts, reference, Limits(), differ, None)
