"""How often each class shows in driving states, and whether synthesised ones inflate it.

Compared are areas and numbers of blobs: a model that draws seven times the people pixels that the data hold
would by itself make, or hide, a finding about people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import CLASS_NAMES, NUM_CLASSES
from probes.domains.scenes import class_pictures, find_blobs
from probes.states import StateLayout
from probes.statistics import Estimate

LEAST_SHARE = 0.001
"""Of the real states' pixels, from which a class is compared."""
TOLERANCE = 0.25
"""Up to which a class's frequency may differ from the data's."""
DRAWS = 2000
"""Resamples of a bootstrap."""

_BLOCK = 100


@dataclass(frozen=True)
class ClassStatistics:
    """What B pictures show of K classes."""

    area: NDArray[np.float64]
    """(B, K), each class's share of the picture's pixels."""
    blobs: NDArray[np.int64]
    """(B, K), how many connected pieces of it there are."""

    def __len__(self) -> int:
        return len(self.area)


def class_statistics(
    stored: NDArray[np.uint8], layout: StateLayout, frame: int = -1, min_pixels: int = 1
) -> ClassStatistics:
    """Measure the classes of one frame of each state.

    Args:
        stored: (B, T, M, H, W), stored states.
        layout: of the states.
        frame: which of the T; by default the newest.
        min_pixels: smaller pieces are not counted as blobs, which must then hold for real and synthesised
            states alike; their pixels count as area all the same.

    Raises:
        ProbeError: the states are no driving states.
    """
    pictures = class_pictures(stored, layout)[:, frame]
    counts = [np.bincount(picture.ravel(), minlength=NUM_CLASSES) for picture in pictures]
    area = np.array(counts, np.float64).reshape(-1, NUM_CLASSES) / (layout.height * layout.width)
    blobs = find_blobs(stored, layout, frame, min_pixels=min_pixels)
    numbers = np.zeros((len(pictures), NUM_CLASSES), np.int64)
    np.add.at(numbers, (blobs.state, blobs.semantic), 1)
    return ClassStatistics(area, numbers)


@dataclass(frozen=True)
class ClassComparison:
    """One class in synthesised states, relative to real ones."""

    name: str
    real_share: float
    """Of the real states' pixels."""
    area_ratio: Estimate
    """Synthesised area by real area."""
    blobs_ratio: Estimate
    """Synthesised number of blobs by the real number."""

    @property
    def within_25_percent(self) -> bool:
        """Whether both ratios lie in 0.75 to 1.25."""
        ratios = (self.area_ratio.value, self.blobs_ratio.value)
        return all(abs(ratio - 1) <= TOLERANCE for ratio in ratios)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for a report."""
        return {
            "class": self.name,
            "real_share": self.real_share,
            "area_ratio": self.area_ratio.to_json(),
            "blobs_ratio": self.blobs_ratio.to_json(),
            "within_25_percent": self.within_25_percent,
        }


def _resampled_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the means (DRAWS, K) of resamples of values (B, K)."""
    number = len(values)
    chances = np.full(number, 1 / number)
    draws = [rng.multinomial(number, chances, _BLOCK) @ values for _ in range(DRAWS // _BLOCK)]
    return np.concatenate(draws) / number


def mean_ratios(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], seed: int = 0
) -> list[Estimate]:
    """Estimate ratios of the means of two independent samples, by a bootstrap over both.

    Args:
        numerators: (B, K).
        denominators: (B', K), of means above 0.
        seed: of the resamples.

    Returns:
        K ratios; `n` is B.
    """
    rng = np.random.default_rng(seed)
    values = numerators.mean(0) / denominators.mean(0)
    top, bottom = _resampled_means(numerators, rng), _resampled_means(denominators, rng)
    ratios = np.divide(top, bottom, out=np.full_like(top, np.inf), where=bottom > 0)
    low, high = np.quantile(ratios, [0.025, 0.975], axis=0, method="nearest")
    ends = zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(*three, len(numerators)) for three in ends]


def compare_classes(
    synthesised: ClassStatistics, real: ClassStatistics, least_share: float = LEAST_SHARE, seed: int = 0
) -> list[ClassComparison]:
    """Compare every class above a share of the real states' pixels, in the order of the classes.

    Args:
        synthesised: at least one state, measured as `real`.
        real: at least one state.
        least_share: of the real states' pixels; rarer classes are left out.
        seed: of the bootstrap over states.

    Raises:
        ValueError: one side is empty.
    """
    if not len(synthesised) or not len(real):
        raise ValueError(
            f"found {len(synthesised)} synthesised and {len(real)} real states; allowed: 1 or more"
        )
    shares = real.area.mean(0)
    # A class whose pieces are all below `min_pixels` has no number of blobs to compare with.
    held = np.flatnonzero((shares > least_share) & (real.blobs.sum(0) > 0))
    areas = mean_ratios(synthesised.area[:, held], real.area[:, held], seed)
    made, held_by_data = (side.blobs[:, held].astype(np.float64) for side in (synthesised, real))
    blobs = mean_ratios(made, held_by_data, seed)
    return [
        ClassComparison(CLASS_NAMES[k], float(shares[k]), area, number)
        for k, area, number in zip(held.tolist(), areas, blobs, strict=True)
    ]
