"""The one door to numba: how kernels are compiled, typed for the checker and cached on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
import numba.core.config

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def _cache_directory() -> Path:
    """Name a cache directory after the kernels' sources.

    numba renews a cached kernel when its own file changes, but not when a kernel it calls in another
    file does. A directory per state of all sources closes that gap.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source = path.read_bytes()
        if b"kernel" in source:
            digest.update(source)
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    base = (
        Path(chosen)
        if chosen
        else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "drivesim"
    )
    return base / digest.hexdigest()[:16]


numba.core.config.CACHE_DIR = str(_cache_directory())


def kernel(function: Kernel) -> Kernel:
    """Compile a function to machine code that runs without the interpreter's lock.

    Results are cached on disk. Fast-math stays off, so that a result depends neither on the batch nor
    on how loops were vectorised.

    Args:
        function: a function in numba's subset of Python, taking arrays and scalars.

    Returns:
        The compiled function, with the same signature.
    """
    return cast(Kernel, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
