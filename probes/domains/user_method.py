"""Methods of falsification that a user brings as `module:function`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from probes.agent import ProbeError
from probes.domains.driving_falsify import SPACE, Crossing, Method, Starts
from probes.falsify import Floats, Meter, Proposals, placed
from probes.user_function import find_function


def load_user_method(given: str) -> Method:
    """Import `module:function`, which proposes points as those of `probes.falsify.POINT_METHODS` do.

    Args:
        given: the name of a function (dimensions D, seed) -> generator: it yields batches (P, D) of points of
            the unit cube, and is sent the `probes.falsify.Run` of each.

    Raises:
        ProbeError: there is no such function; later, it yields anything else.
    """
    return partial(_by_function, given, find_function(given, "method"))


def _by_function(
    given: str, function: Callable[..., object], crossing: Crossing, seed: int, meter: Meter
) -> Proposals[Starts]:
    del meter  # all its steps are of runs
    made = function(len(SPACE), seed)
    if not isinstance(made, Iterator) or not hasattr(made, "send"):
        raise ProbeError(f"method {given!r}: returned {type(made).__name__}, allowed is a generator")
    return placed(made, lambda batch: crossing.place(seed, checked(given, batch)))  # type: ignore[arg-type]


def checked(given: str, batch: object) -> Floats:
    """Return a batch of points (P, D) that a method has yielded.

    Raises:
        ProbeError: it is anything else.
    """
    points = np.asarray(batch)
    is_right = points.ndim == 2 and points.shape[1] == len(SPACE) and points.dtype.kind == "f"
    if not is_right or not len(points) or not ((points >= 0) & (points <= 1)).all():
        raise ProbeError(
            f"method {given!r}: yielded {points.dtype} {points.shape}, allowed are floats of 0 to 1,"
            f" (P, {len(SPACE)}), P at least 1"
        )
    return points.astype(np.float64)
