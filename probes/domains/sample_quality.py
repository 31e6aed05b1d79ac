"""Whether samples of a state model are like driving: classes, blobs, who is there, and if it could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import CLASS_NAMES
from probes.domains.class_frequencies import (
    LEAST_SHARE,
    ClassComparison,
    ClassStatistics,
    class_statistics,
    compare_classes,
)
from probes.domains.presence import presence
from probes.domains.realism import self_consistency
from probes.domains.viewpoint import Viewpoint
from probes.states import StateLayout
from probes.statistics import share

Masks = dict[str, NDArray[np.bool_]]


class Looked(NamedTuple):
    """What N driving states show."""

    classes: ClassStatistics
    """Of their newest frames."""
    realism: Masks
    """(N,) each, as `realism.self_consistency` tells them."""
    present: Masks
    """(N,) each, as `presence.presence` tells them."""


def look(stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint) -> Looked:
    """Measure driving states.

    Args:
        stored: (N, T, M, H, W).
        layout: of the states.
        viewpoint: of the camera that took them, or would have.

    Raises:
        ProbeError: the states are no driving states.
    """
    return Looked(
        class_statistics(stored, layout),
        self_consistency(stored, layout, viewpoint),
        presence(stored, layout, viewpoint),
    )


def join(parts: Sequence[Looked]) -> Looked:
    """Put the measures of batches, at least one, together."""
    return Looked(
        ClassStatistics(
            np.concatenate([part.classes.area for part in parts]),
            np.concatenate([part.classes.blobs for part in parts]),
        ),
        _joined([part.realism for part in parts]),
        _joined([part.present for part in parts]),
    )


def compare_samples(samples: Looked, real: Looked, episodes: NDArray[np.integer]) -> dict[str, Any]:
    """Return plain data of how samples compare with real states, and real states among themselves.

    Args:
        samples: at least one.
        real: held-out states of at least two episodes.
        episodes: (R,) of the real states; two halves of them are compared with each other, to show how far
            two sets of real states differ.
    """
    classes = compare_classes(samples.classes, real.classes)
    first, second = halves(episodes)
    return {
        "samples": len(samples.classes),
        "real_states": len(real.classes),
        "least_share": LEAST_SHARE,
        "classes": [one.to_json() for one in classes],
        "classes_within": count_within(classes),
        "real_halves": [
            one.to_json() for one in compare_classes(_part(real.classes, first), _part(real.classes, second))
        ],
        "areas": {
            name: {"samples": float(ours), "real": float(theirs)}
            for name, ours, theirs in zip(
                CLASS_NAMES, samples.classes.area.mean(0), real.classes.area.mean(0), strict=True
            )
        },
        "realism": {"samples": shares(samples.realism), "real": shares(real.realism)},
        "presence": {"samples": shares(samples.present), "real": shares(real.present)},
    }


def count_within(classes: Sequence[ClassComparison]) -> dict[str, Any]:
    """Count the classes whose area and number of blobs are within 25% of the data's, and name the others."""
    outside = [one.name for one in classes if not one.within_25_percent]
    return {"within": len(classes) - len(outside), "of": len(classes), "outside": outside}


def halves(episodes: NDArray[np.integer]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split states (R,) into two by their episodes, every other one."""
    place = np.unique(episodes, return_inverse=True)[1]
    first = place % 2 == 0
    return first, ~first


def shares(masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, dict[str, Any]]:
    """Estimate for each mask (N,) the share that is true."""
    return {name: share(int(mask.sum()), len(mask)).to_json() for name, mask in masks.items()}


def _part(classes: ClassStatistics, chosen: NDArray[np.bool_]) -> ClassStatistics:
    return ClassStatistics(classes.area[chosen], classes.blobs[chosen])


def _joined(parts: Sequence[Masks]) -> Masks:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
